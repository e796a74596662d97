"""A server that other machines can reach wants tokens; each opens one project, for one role."""
import json
import os
import subprocess
import unittest
import urllib.error
import urllib.request

from harness import RANKSCOPE, OneServerCase, Server, children, proc, wait_until

EVERYWHERE = "0.0.0.0"


class AccessTest(OneServerCase):
    @classmethod
    def new_server(cls):
        cls.writer, cls.viewer = cls.create("llm", "writer"), cls.create("llm", "viewer")
        cls.operator, cls.stranger = cls.create("llm", "operator"), cls.create("vision", "viewer")
        server = Server(cls.place, EVERYWHERE)
        cls.http = "127.0.0.1:" + server.http.split(":")[1]
        return server

    @classmethod
    def create(cls, project, role):
        done = cls.place.cli("token", "create", "--data-dir", cls.place.path + "/server", "--project", project, "--role", role)
        assert done.returncode == 0 and len(done.stdout.splitlines()) == 1, done
        return done.stdout.strip()

    def run_job(self, job, token, *options):
        return self.place.cli("run", "--server", self.http, "--job_id", job, *options, "--", "sh", "-c",
                              "echo hello; exit 3", env={"RANKSCOPE_TOKEN": token})

    def lines(self, job, token):
        done = self.place.cli("logs", "--server", self.http, "--job_id", job, "--stream", "stdout", "-o", "json",
                              env={"RANKSCOPE_TOKEN": token})
        return done, [json.loads(line) for line in done.stdout.splitlines()]

    def refused(self, done, *words):
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_other_addresses_are_not_served_without_tokens(self):
        for flag, other in (("--http", "--grpc"), ("--grpc", "--http")):
            done = self.place.cli("serve", "--data-dir", self.place.path + "/bare", flag, EVERYWHERE + ":0", other, "127.0.0.1:0")
            self.refused(done, EVERYWHERE, "rankscope token create", "--insecure")

    def test_insecure_lets_everybody_in(self):
        server = self.serve("--insecure", place=self.new_place(), host=EVERYWHERE)
        self.assertEqual(self.place.cli("jobs", "--server", server.http).returncode, 0)

    def test_writer_sends_and_viewer_reads_their_project(self):
        done = self.run_job("whole", self.writer)
        self.assertEqual((done.returncode, done.stdout), (3, "hello\n"), done.stderr)
        done, lines = self.lines("whole", self.viewer)
        self.assertEqual([(line["project"], line["msg"]) for line in lines], [("llm", "hello")], done.stderr)
        self.assertTrue(os.path.isdir(self.place.path + "/server/projects/llm/journal"))
        self.refused(self.lines("whole", self.writer)[0], "writer of project llm", "may not read")
        self.refused(self.lines("whole", "")[0], "$RANKSCOPE_TOKEN")
        self.refused(self.lines("whole", self.viewer[:-1] + "?")[0], "mistyped")

    def test_relaunch_with_a_writers_token_is_a_new_job(self):
        writer, viewer = self.create("again", "writer"), self.create("again", "viewer")
        for code in (3, 0):
            done = self.place.cli("run", "--server", self.http, "--", "sh", "-c", f"exit {code}", "sh", "--rdzv-id=again",
                                  env={"RANKSCOPE_TOKEN": writer})
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (code, 2 if code else 1), done.stderr)
        jobs = self.place.cli("jobs", "--server", self.http, "-o", "json", env={"RANKSCOPE_TOKEN": viewer})
        states = {job["job_id"]: job["state"] for job in map(json.loads, jobs.stdout.splitlines())}
        self.assertEqual(states, {"again": "failed", "again.2": "finished"})
        request = urllib.request.Request(f"http://{self.http}/api/v1/launches", b'{"key": "again", "member": "node 0"}',
                                         {"Authorization": "Bearer " + viewer})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        self.assertEqual(refused.exception.code, 403)
        refused.exception.close()

    def test_other_projects_see_nothing(self):
        self.run_job("private", self.writer)
        done, lines = self.lines("private", self.stranger)
        self.assertEqual(lines, [])
        self.assertNotEqual(done.returncode, 0)
        asked = self.place.cli("jobs", "--server", self.http, "--project", "llm", env={"RANKSCOPE_TOKEN": self.stranger})
        self.refused(asked, "vision", "not for project llm")
        self.assertEqual(asked.returncode, 1)

    def test_viewer_cannot_change_jobs(self):
        self.run_job("ended", self.writer)
        change = ("jobs", "set", "ended", "--log_interval_steps", "2", "--server", self.http)
        self.refused(self.place.cli(*change, env={"RANKSCOPE_TOKEN": self.viewer}), "may not change jobs")
        self.refused(self.place.cli(*change, env={"RANKSCOPE_TOKEN": self.operator}), "not running")
        decide = ("findings", "confirm", "f-1", "--server", self.http)
        self.refused(self.place.cli(*decide, env={"RANKSCOPE_TOKEN": self.viewer}), "may not change jobs")
        self.refused(self.place.cli(*decide, env={"RANKSCOPE_TOKEN": self.operator}), "no finding")

    def test_only_operators_pin_and_delete(self):
        self.assertEqual(self.run_job("mine", self.writer).returncode, 3)
        wait_until(lambda: self.lines("mine", self.viewer)[1], "the lines")
        wait_until(lambda: not self.place.run_directories(), "the agent to have shipped everything")
        asked = (("pin", "mine"), ("unpin", "mine"), ("jobs", "delete", "mine"))
        for token in (self.writer, self.viewer, self.stranger):
            for command in asked:
                done = self.place.cli(*command, "--server", self.http, "--project", "llm", env={"RANKSCOPE_TOKEN": token})
                self.refused(done, "token")
        for command in asked:
            done = self.place.cli(*command, "--server", self.http, env={"RANKSCOPE_TOKEN": self.operator})
            self.assertEqual(done.returncode, 0, done.stderr)
        done, _ = self.lines("mine", self.viewer)
        self.refused(done, 'no job "mine"')

    def test_status_codes(self):
        for token, path, code in (("", "/api/v1/jobs", 401), (self.writer, "/api/v1/jobs", 403), (self.viewer, "/api/v1/jobs", 200),
                                  (self.viewer, "/api/v1/jobs?project=default", 403), ("", "/healthz", 200),
                                  ("", "/api/v1/server", 200), ("", "/api/v1/tail?query=job:whole", 401)):
            request = urllib.request.Request(f"http://{self.http}{path}", headers={"Authorization": "Bearer " + token})
            try:
                with urllib.request.urlopen(request) as answer:
                    got = answer.status
            except urllib.error.HTTPError as error:
                got = error.code
                self.assertIn("error", json.load(error))
                error.close()
            self.assertEqual(got, code, (path, code))

    def test_refused_run_trains_all_the_same_and_says_why(self):
        for token, words in (("", "$RANKSCOPE_TOKEN"), (self.viewer, "may not send records")):
            done = self.run_job("refused", token)
            self.assertEqual((done.returncode, done.stdout), (3, "hello\n"))
            self.assertIn(words, done.stderr)

    def test_refused_run_says_so_while_it_runs(self):
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.http, "--job_id", "long", "--", "cat"], stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               env={**self.place.env, "RANKSCOPE_TOKEN": self.viewer})
        said = []
        while "may not send records" not in "".join(said[-1:]):
            said.append(run.stderr.readline())
            self.assertTrue(said[-1], said)
        self.assertIn("Nothing is sent", said[-1])
        run.stdin.close()  # only now does the command end
        self.assertEqual(run.wait(), 0)
        run.stderr.close()

    def test_refused_records_are_sent_later_with_another_token(self):
        done = self.run_job("later", self.viewer)
        kept = done.stderr.split("kept in ")[1].split(". ")[0]
        self.assertIn(f"Send them with: rankscope spool push {kept}\n", done.stderr)
        done = self.place.cli("spool", "push", kept, env={"RANKSCOPE_TOKEN": self.writer})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([line["msg"] for line in self.lines("later", self.viewer)[1]], ["hello"])

    def test_doctor_tries_the_token(self):
        for token, state, words in ((self.writer, "ok", "sends, and does not read"), (self.viewer, "ok", "reads, and does not send"),
                                    (self.operator, "ok", "sends and reads"), ("", "error", "$RANKSCOPE_TOKEN"),
                                    (self.writer[:-1] + "?", "error", "mistyped")):
            done = self.place.cli("doctor", "--server", self.http, "-o", "json", env={"RANKSCOPE_TOKEN": token})
            [check] = [check for check in json.loads(done.stdout)["checks"] if check["name"] == "token"]
            self.assertEqual(check["state"], state)
            self.assertIn(words, check["text"])
        jobs = self.place.cli("jobs", "--server", self.http, "-o", "json", env={"RANKSCOPE_TOKEN": self.operator})
        self.assertNotIn('"doctor"', jobs.stdout)

    def test_revoked_token_ends_the_stream_that_it_opened(self):
        token = self.create("llm", "writer")
        script = self.place.write("slow.py", "import time\nfor i in range(10**6): print('item', i, flush=True); time.sleep(0.02)\n")
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.http, "--job_id", "revoked", "--flush-timeout", "100", "--",
                                "/usr/bin/python3", script], env={**self.place.env, "RANKSCOPE_TOKEN": token},
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: self.lines("revoked", self.viewer)[1], "the first lines")
        done = self.place.cli("token", "revoke", token.split("_")[2], "--data-dir", self.place.path + "/server")
        self.assertEqual(done.returncode, 0, done.stderr)
        agents = lambda: [pid for pid in children(run.pid) if "\0agent\0" in proc(pid, "cmdline")]
        wait_until(lambda: not agents(), "the agent's end")
        run.terminate()
        self.assertIn("is unknown here or was revoked", run.communicate()[1])

    def test_secret_stays_out_of_process_titles_and_of_what_is_stored(self):
        waiting = "until [ -e " + self.place.path + "/go ]; do sleep 0.02; done; echo $RANKSCOPE_TOKEN"
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.http, "--job_id", "secret", "--flush-timeout", "100",
                                "--token", self.writer, "--", "sh", "-c", waiting], env=self.place.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.writer not in proc(run.pid, "cmdline"), "the title to be clean")
        for name in self.place.run_directories():
            self.assertEqual(os.stat(f"{self.place.path}/state/rankscope/runs/{name}").st_mode & 0o077, 0)
        open(self.place.path + "/go", "w").close()
        self.assertEqual(run.wait(), 0)
        done, lines = self.lines("secret", self.viewer)
        self.assertIn("REDACTED", lines[0]["msg"])
        found = subprocess.run(["grep", "-rl", self.writer.split("_")[3], self.place.path + "/server"], capture_output=True)
        self.assertEqual((found.returncode, found.stdout), (1, b""))


if __name__ == "__main__":
    unittest.main()
