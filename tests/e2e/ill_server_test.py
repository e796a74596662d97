"""The server's side is ill: the training starts all the same, and one line says what is the matter."""
import json
import os
import signal
import socket
import unittest

from harness import PlaceCase, ended, wait_until


class IllServerTest(PlaceCase):
    def test_server_that_never_answers_does_not_hold_the_command(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            address = "127.0.0.1:%d" % mute.getsockname()[1]
            done = self.place.cli("run", "--server", address, "--flush-timeout", "0", "--", "sh", "-c",
                                  "echo trained; exit 3", "sh", "--rdzv-id=j")
        self.assertEqual((done.returncode, done.stdout), (3, "trained\n"))
        self.assertIn("no answer from the server at " + address, done.stderr)

    def runs_unrecorded(self, env, *words):
        done = self.place.cli("run", "--", "sh", "-c", "echo trained; exit 3", env=env)
        self.assertEqual((done.returncode, done.stdout), (3, "trained\n"), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in (*words, "nothing of it is recorded"):
            self.assertIn(word, done.stderr)

    def test_data_directory_that_cannot_be_written(self):
        self.runs_unrecorded({"XDG_DATA_HOME": self.place.write("file", "") + "/data"}, "file/data")

    def test_state_directory_that_cannot_be_written(self):
        server = self.serve()
        self.runs_unrecorded({"XDG_STATE_HOME": self.place.write("file", "") + "/state", "RANKSCOPE_SERVER": server.http}, "file/state")

    def test_local_server_that_does_not_start(self):
        os.makedirs(self.place.path + "/data/rankscope")
        self.place.write("data/rankscope/projects", "this is no folder")
        self.runs_unrecorded({}, "did not start", "data/rankscope/projects", "Not a directory", "server.log")

    def test_local_data_of_somebody_else(self):
        os.makedirs(self.place.path + "/data/rankscope/server.log")  # root, as whom tests may run, opens every file
        self.runs_unrecorded({}, "cannot open", "data/rankscope/server.log")

    def test_wrong_arguments_are_still_refused(self):
        done = self.place.cli("run", "--label", "novalue", "--", "echo", "trained")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("novalue", done.stderr)

    def test_file_of_a_killed_local_server_misleads_nobody(self):
        self.assertEqual(self.place.cli("run", "--job_id", "a", "--", "true").returncode, 0)
        path = self.place.path + "/data/rankscope/server.json"
        with open(path) as file:
            killed = json.load(file)
        os.kill(killed["pid"], signal.SIGKILL)
        wait_until(lambda: ended(killed["pid"]), "the server's end")
        with open(path, "w") as file:  # as if the pid were another process's by now
            json.dump({**killed, "pid": os.getpid()}, file)
        self.assertIn("a", self.place.cli("jobs").stdout)
        with open(path) as file:
            last = json.load(file)["pid"]
        os.kill(last, signal.SIGTERM)
        wait_until(lambda: ended(last), "the server's end")


if __name__ == "__main__":
    unittest.main()
