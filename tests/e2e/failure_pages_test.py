"""What docs/failures/ says of Rankscope holds: its commands are commands, the lines that it shows are judged as it says."""
import json
import pathlib
import re
import shlex
import unittest

from harness import PlaceCase

DOCS = pathlib.Path(__file__).parents[2] / "docs"
PAGES = sorted(path for path in (DOCS / "failures").glob("*.md") if path.name != "README.md")
TRAINING = ("loss", "gradient_norm", "loss_scale", "gpu_memory_gib", "gpu_memory_usage", "throughput_tokens_per_sec",
            "step_time_s", "data_time_s", "compute_time_s", "sequence_length")
# Their pages show a few reports of a course that takes many.
COURSES = ("data_loading_bottleneck", "loss_spike_or_divergence", "straggler", "throughput_decay")
ELSEWHERE = ("diagnose", "doctor")  # of the machine, or with tests of their own
STANDS_FOR = {"R": "1", "N": "0", "rank:R": "rank:1"}  # J is the name of the job here


def shown_lines(page):
    return re.search(r"^```\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)[1]


def commands(page):
    for line in page.read_text().splitlines():
        if line.startswith("    rankscope "):
            words = shlex.split(line, comments=True)[1:]
            if words[0] not in ELSEWHERE:
                yield [STANDS_FOR.get(word, word) for word in words]


def records():
    """A job that has printed what the pages show, with every metric that there is by its true name."""
    yield {"rank": 1, "stream": "metric", "step": 8, **dict.fromkeys(TRAINING, 1)}
    for stream, text in zip(("host", "gpu"), (DOCS / "samples.md").read_text().split("\n| field of stream ")[1:]):
        rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
        yield {"node_rank": 0, "stream": stream, **dict.fromkeys(re.findall(r"`(\w+)`", " ".join(rows)), 1)}
    for line in "".join(map(shown_lines, PAGES)).splitlines():
        yield {"rank": 1, "stream": "stderr", "msg": line}


def named_rules(page):
    return set(re.findall(r"`([A-Z]\w+)`", page.read_text().rpartition("\nRules: ")[2]))


class FailurePagesTest(PlaceCase):
    def test_each_command_is_one_that_the_program_takes(self):
        server = self.serve()
        server.ingest("J", [{"timestamp": 1773200000 + second, **record} for second, record in enumerate(records())])
        for page in PAGES:
            for words in commands(page):
                with self.subTest(page=page.name, command=words):
                    done = self.place.cli(*words, env={"RANKSCOPE_SERVER": server.http})
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertIn(done.stderr, ("", "rankscope: nothing found\n"))

    def test_a_page_names_every_rule_that_fires_on_its_lines(self):
        fired_somewhere = 0
        for page in PAGES:
            with self.subTest(page=page.name):
                done = self.place.cli("detect", "-o", "json", self.place.write(page.stem + ".log", shown_lines(page)))
                findings = [json.loads(line) for line in done.stdout.splitlines()]
                alarms = {finding["rule"] for finding in findings if finding["severity"] != "INFO"}
                self.assertEqual(alarms - named_rules(page), set(), done.stderr)
                fired_somewhere += bool(alarms)
        self.assertGreater(fired_somewhere, 15)

    def test_the_lines_of_a_page_are_of_its_class(self):
        for page in PAGES:
            if page.stem in COURSES:
                continue
            with self.subTest(page=page.name):
                log = self.place.write("shown_" + page.stem + ".log", shown_lines(page))
                verdict = json.loads(self.place.cli("diagnose", "-o", "json", log).stdout)
                self.assertEqual(verdict["class"], page.stem, verdict["summary"])
                self.assertIn(f"| `{verdict['subclass']}`", page.read_text().replace(", `", "| `"))
                self.assertEqual(verdict["advice"][0]["doc"], f"docs/failures/{page.name}")


if __name__ == "__main__":
    unittest.main()
