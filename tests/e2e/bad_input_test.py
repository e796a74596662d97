"""Wrong input gets one line that names the thing and what to do."""
import glob
import os
import shutil
import tempfile
import unittest

from harness import Place, Server


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.server = Server(cls.place)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.place.remove()

    def fails(self, words, *arguments):
        done = self.place.cli(*arguments)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_unknown_job(self):
        self.fails(['no job "nope"'], "logs", "--server", self.server.http, "--job_id", "nope")

    def test_no_server_there(self):
        self.fails(["127.0.0.1:1", "rankscope serve"], "jobs", "--server", "127.0.0.1:1")

    def test_port_in_use(self):
        self.fails([self.server.http.split(":")[1], "--http"], "serve", "--data-dir", self.place.path + "/other", "--http",
                   self.server.http, "--grpc", "127.0.0.1:0")

    def test_data_directory_in_use(self):
        self.fails(["--data-dir"], "serve", "--data-dir", self.place.path + "/server", "--http", "127.0.0.1:0")

    def test_grpc_port_in_use(self):
        self.fails([self.server.grpc.split(":")[1], "--grpc"], "serve", "--data-dir", self.place.path + "/other",
                   "--http", "127.0.0.1:0", "--grpc", self.server.grpc)

    def test_advertised_address_without_a_port(self):
        self.fails(["--grpc-advertise", "nonsense"], "serve", "--data-dir", self.place.path + "/other", "--http",
                   "127.0.0.1:0", "--grpc-advertise", "nonsense")

    def serve(self, words, data):
        self.fails(words, "serve", "--data-dir", data, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")

    def test_data_directory_that_is_none(self):
        file = self.place.write("file", "")
        self.serve([file + "/LOCK", "Not a directory"], file)
        self.serve([file + "/below", "Not a directory"], file + "/below")

    def test_data_directory_that_may_not_be_read(self):
        data = self.place.path + "/forbidden"
        os.makedirs(data + "/journal")
        os.chmod(data, 0)
        try:
            os.listdir(data)
        except PermissionError:
            self.serve([data, "Permission denied"], data)
        else:
            self.skipTest("this user may read everything")
        finally:
            os.chmod(data, 0o700)

    def stopped_server(self):
        """The data directory of a server that held a job."""
        data = tempfile.mkdtemp(dir=self.place.path)
        shutil.rmtree(data)
        self.server.stop()
        shutil.copytree(self.place.path + "/server", data)
        self.server.start()
        return data

    def damage(self, path, at, bytes_):
        with open(path, "r+b") as file:
            file.seek(at)
            file.write(bytes_)

    def test_catalog_that_is_no_database(self):
        data = self.stopped_server()
        (path,) = glob.glob(data + "/**/catalog.sqlite", recursive=True)
        self.damage(path, 0, b"X" * 100)
        self.serve([path, "damaged", "move it away"], data)

    def test_not_loopback(self):
        self.fails(["0.0.0.0", "rankscope token create", "--insecure"], "serve", "--data-dir", self.place.path + "/x", "--http", "0.0.0.0:0")

    def test_a_mistyped_command_names_the_nearest(self):
        for typed, nearest in (("qurey job:j", "query"), ("jobs shwo", "show"), ("token crate", "create"), ("spool puhs", "push")):
            self.fails([f'no command "{typed.removesuffix(" job:j")}"', f"(nearest: {nearest})"], *typed.split())
        self.fails(['no command "zzzzzzzz"', "--help"], "zzzzzzzz")

    def test_bad_rank_set(self):
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "j", "--", "true")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.fails(["7-3", "0-7"], "logs", "--server", self.server.http, "--job_id", "j", "--rank", "7-3")


if __name__ == "__main__":
    unittest.main()
