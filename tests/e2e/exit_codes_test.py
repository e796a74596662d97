"""docs/exit-codes.md holds: a mistake of the command line, what is not there, and what was done end alike in every command."""
import os
import unittest

from harness import OneServerCase

# What is done, though there is nothing to show.
DONE = ["jobs", "jobs show j", "logs --job_id j --grep nobody", "query job:j", "query job:nobody", "series loss --job_id j",
        "patterns --job_id j", "findings --job_id j", "incidents --job_id j", "insights", "diff j j", "rules stats",
        "rules lint rules.yaml", "detect logs", "diagnose logs", "import logs"]
# Nothing of that name, or nobody who answers.
NOT_THERE = ["logs --job_id nobody", "jobs show nobody", "jobs delete nobody", "jobs set nobody --log_interval_steps 3",
             "show nobody", "pin nobody", "unpin nobody", "series loss --job_id nobody", "series nothing --job_id j",
             "patterns --job_id nobody", "findings --job_id nobody", "findings confirm nothing", "incidents --job_id nobody",
             "incidents show nothing", "incidents ack nothing", "rules suggest --job_id nobody", "rules suggest --incident nothing",
             "rules test tests.yaml --job_id nobody", "detect --job_id nobody", "diff nobody j", "diff j nobody",
             "verify-fix nobody --against j", "verify-fix j --against nobody", "pause nobody", "resume nobody", "stop nobody",
             "dump-stacks nobody", "set nobody --level DEBUG", "silence end nothing", "token revoke nothing",
             "jobs --server 127.0.0.1:1", "import logs --server 127.0.0.1:1", "doctor --server 127.0.0.1:1"]
# A wrong command line, and paths that are not there, cannot be read or have nothing to read in them.
WRONG = ["", "nonsense", "logs", "logs --job_id j --nonsense", "logs --job_id j --rank x", "logs --job_id j --since x",
         "jobs --server nonsense", "run --server nonsense -- true", "query job:j|", "query job:[", "series loss --where x:[",
         "patterns --where level:[", "findings --state x", "incidents --state x", "detect", "diagnose", "rules lint",
         "rules suggest", "token create --role x", "silence add --matcher job=j --for x --note n", "serve --http x",
         *(f"{command} {path}" for command in ("detect", "diagnose", "import") for path in ("nothing", "empty")),
         *(f"{command} {path}" for command in ("rules lint", "rules test", "rules import") for path in ("nothing", "broken.yaml")),
         "detect logs --rules nothing", "detect-worker nothing", "diagnose logs --topology nothing",
         "diagnose --job_id nobody", "notify test c --config nothing", "notify test c --config broken.yaml", "spool push nothing",
         "spool push empty", "store verify nothing", "store stats empty",
         *(f"serve --data-dir d --http 127.0.0.1:0 --grpc 127.0.0.1:0 {option} {path}"
           for option in ("--rules", "--notify", "--topology") for path in ("nothing", "broken.yaml"))]


class ExitCodesTest(OneServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.ingest("j", [{"timestamp": 1773200000 + step, "rank": 0, "step": step, "loss": 2} for step in range(3)])
        os.mkdir(cls.place.path + "/logs")
        os.mkdir(cls.place.path + "/empty")
        cls.place.write("logs/rank_0.log", "step: 1 loss: 2\n")
        cls.place.write("broken.yaml", "x: [\n")
        cls.place.write("rules.yaml", "groups: [{name: g, rules: [{alert: Mine, match: lost the link}]}]\n")
        cls.place.write("tests.yaml", "tests: []\n")

    def check(self, commands, code, lines):
        for command in commands:
            with self.subTest(command=command):
                done = self.place.cli(*command.split(), env={"RANKSCOPE_SERVER": self.server.http}, folder=self.place.path)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                if lines and not command.startswith("doctor"):
                    self.assertEqual((done.stderr.count("\n"), done.stderr[:11]), (1, "rankscope: "), done.stderr)

    def test_what_is_done_ends_with_0_though_nothing_is_found(self):
        self.check(DONE, 0, lines=False)

    def test_what_is_not_there_ends_with_1_and_one_line(self):
        self.check(NOT_THERE, 1, lines=True)

    def test_what_is_wrong_or_cannot_be_read_ends_with_2_and_one_line(self):
        self.check(WRONG, 2, lines=True)


if __name__ == "__main__":
    unittest.main()
