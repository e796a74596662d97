"""Wrong input gets one line that names the thing and what to do."""
import glob
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

from harness import RANKSCOPE, OneServerCase, refuse


class BadInputTest(OneServerCase):
    def fails(self, words, *arguments):
        done = self.place.cli(*arguments)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        return done

    def test_unknown_job(self):
        self.fails(['no job "nope"', "`rankscope jobs` lists them"], "logs", "--server", self.server.http, "--job_id", "nope")
        self.fails(['no job "nope"'], "jobs", "set", "nope", "--log_interval_steps", "5", "--server", self.server.http)

    def test_what_answers_and_is_no_rankscope_server(self):
        class Foreign(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_error(404)

            def log_message(self, *_):
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Foreign) as foreign:
            threading.Thread(target=foreign.serve_forever, daemon=True).start()
            address = "127.0.0.1:%d" % foreign.server_port
            self.fails([address, "not the HTTP address of a Rankscope server", "404"], "jobs", "--server", address)
            foreign.shutdown()
        self.fails([self.server.grpc, "is it the gRPC port?"], "jobs", "--server", self.server.grpc)

    def test_streams_and_times_of_logs_are_named_by_their_options(self):
        self.place.cli("run", "--server", self.server.http, "--job_id", "words", "--", "true")
        logs = ("logs", "--server", self.server.http, "--job_id", "words")
        self.fails(["--stream", '"nope"', "stdout"], *logs, "--stream", "stdout,nope")
        self.fails(["--since", '"10x"'], *logs, "--since", "10x")
        self.fails(["--until", '"10x"'], *logs, "--until", "10x")
        self.fails(['--until "20m" lies before --since "10m"'], *logs, "--since", "10m", "--until", "20m")
        self.fails(['"300000d"', "292 years"], *logs, "--since", "300000d")

    def test_several_labels_behind_one_option(self):
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "labels", "--label", "a=1", "b=2", "--label", "c=3",
                              "--", "sh", "-c", "echo hi", "x=y")
        self.assertEqual((done.returncode, done.stdout), (0, "hi\n"), done.stderr)
        job = json.loads(self.place.cli("jobs", "show", "labels", "-o", "json", "--server", self.server.http).stdout)
        labels = {name: value for name, value in job["configuration"].items() if name.startswith("label")}
        self.assertEqual(sorted(labels.values()), ["1", "2", "3"])

    def test_project_that_is_no_name_starts_nothing(self):
        for given, env in ((("--project", "../p"), {}), ((), {"RANKSCOPE_PROJECT": "../p"})):
            done = self.place.cli("run", *given, "--", "echo", "trained", env=env)
            self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1), done.stderr)
            self.assertIn('project "../p"', done.stderr)

    def test_relative_data_home_is_ignored(self):
        folder = tempfile.mkdtemp(dir=self.place.path)
        home = {"XDG_DATA_HOME": "here", "HOME": folder + "/home"}
        self.assertIn(folder + "/home/.local/share/rankscope", self.place.cli("doctor", env=home, folder=folder).stdout)

    def test_pause_for_more_than_a_week(self):
        self.fails(["--for", "at most 168h"], "pause", "--server", self.server.http, "nope", "--for", "200h")
        self.fails(['no job "nope"'], "pause", "--server", self.server.http, "nope", "--for", "168h")

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
        self.serve([file + "/LOCK", "Not a directory", "name a folder", "--data-dir"], file)
        self.serve([file + "/below", "Not a directory", "--data-dir"], file + "/below")
        self.fails(["--data-dir", "want a folder"], "serve", "--data-dir=", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")

    def test_data_directory_that_may_not_be_read(self):
        data = self.place.path + "/forbidden"
        os.makedirs(data, mode=0)
        # Root may read everything, unless that right is taken from it.
        unprivileged = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        tried = subprocess.run([*unprivileged, "ls", data], capture_output=True, text=True)
        if tried.returncode == 0 or "Permission denied" not in tried.stderr:
            refuse(tried)
        done = subprocess.run([*unprivileged, RANKSCOPE, "serve", "--data-dir", data, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"],
                              env=self.place.env, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (1, "", 1), done.stderr)
        self.assertIn(data, done.stderr)
        self.assertIn("Permission denied", done.stderr)

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

    def test_a_wrong_command_line_is_one_line(self):
        for typed, said in (("logs", ["logs: --job_id is required", "`rankscope logs --help`"]),
                            ("logs --job-id j", ["no option --job-id", "(nearest: --job_id)"]),
                            ("jobs show j --srever=x", ["no option --srever", "(nearest: --server)"]),
                            ("logs --job_id j --limit many", ['--limit: "many" is no number']), ("jobs -o csv", ["csv", "{text,json}"]),
                            ("serve --lost-after 99999999999", ['--lost-after: "99999999999" is no number, or too large']),
                            ("serve --gpu-hour-price nan", ["--gpu-hour-price: want a number from 0"]),
                            ("serve --detect maybe", ["--detect: maybe not in {on,off}"]),
                            ("pause j --for 300000d", ["--for: want a duration from 1s to 292 years"]),
                            ("run torchrun --nproc_per_node 2 t.py", ["no option --nproc_per_node", "after --"]),
                            ("logs --job_id j -e a b", ['"b" is one argument too many;']), ("show j k", ['"k" is one argument too many;']),
                            ("logs j", ['"j" is one argument too many (a job is named by --job_id j)']),
                            ("run", ["run: command is required"]), ("run --", ["run: command is required"]),
                            ("spool", ["spool: a command is required"]), ("", ["a command is required"])):
            done = self.fails(said, *typed.split())
            self.assertEqual(done.returncode, 2)

    def test_what_an_option_takes_is_said_in_its_own_words(self):
        self.assertRegex(self.place.cli("serve", "--help").stdout, r"\n  --detect \{on,off\}=on ")

    def test_what_is_no_label_or_no_address_starts_nothing(self):
        for wrong, env in ((("--label", "novalue"), {}), (("--label", "=x"), {}), (("--server", "https://head:7070"), {}),
                           ((), {"RANKSCOPE_SERVER": "head"})):
            done = self.place.cli("run", *wrong, "--", "echo", "trained", env=env)
            self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1), done.stderr)

    def test_names_that_are_no_text_stop_a_command_only_where_they_are_ours(self):
        bad = b"bad\xff"
        def run(arguments, env):
            done = subprocess.run([RANKSCOPE, "run", "--flush-timeout", "0", "--server", self.server.http, *arguments, "--",
                                   "echo", "trained"], env={**self.place.env, **env}, capture_output=True)
            return done.returncode, done.stdout, done.stderr
        for arguments, env in (([b"--token", bad], {}), ([], {"SLURM_JOB_ID": bad})):
            self.assertEqual(run(arguments, env)[:2], (0, b"trained\n"), (arguments, env))
        for arguments, env in (([b"--job_id", bad], {}), ([], {"RANKSCOPE_PROJECT": bad})):
            code, out, said = run(arguments, env)
            self.assertEqual((code, out, len(said.splitlines())), (2, b"", 1), said)
        done = subprocess.run([RANKSCOPE, "doctor", "--server", self.server.http, "-o", "json"], capture_output=True,
                              env={**self.place.env, "XDG_STATE_HOME": self.place.path.encode() + b"/" + bad})
        self.assertIn("checks", json.loads(done.stdout), done.stderr)

    def test_bad_rank_set(self):
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "j", "--", "true")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.fails(["7-3", "0-7"], "logs", "--server", self.server.http, "--job_id", "j", "--rank", "7-3")
        self.fails(["--rank", '"!"', "0-7"], "logs", "--server", self.server.http, "--job_id", "j", "--rank", "!")
        self.fails(["--rank", '"-2"', "0-7"], "logs", "--server", self.server.http, "--job_id", "j", "--rank", "-2")


if __name__ == "__main__":
    unittest.main()
