"""Each command that README.md and docs/*.md show is one that the program takes: run as written, none is refused as wrong."""
import os
import pathlib
import re
import subprocess
import unittest

from harness import PATIENCE, RANKSCOPE, ServerCase

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Those that stay, train, or wait for a job that runs: they have tests of their own.
STAY = ("serve", "run", "detect-worker", "spool", "verify-fix", "…")
REFUSED = "query 'job:j | stats mean(loss)'"  # it is shown what is said of it
FOLLOWS = re.compile(r" -f\b")
# What stands for something in the pages, longest first: here it is there.
STANDS_FOR = (("PATH…", "logs/J"), ("test FILE…", "test tests.yaml"), ("FILE…", "rules.yaml"), ("import rules.yaml", "import foreign.yaml"), ("import FILE", "import foreign.yaml"), ("--notify FILE", "--notify notify.yaml"), ("--project P", "--project p"), ("--config FILE", "--config notify.yaml"), ("FILE.py", "detectors.py"), ("j-20250405", "J"), ("HOST:PORT", "SERVER"),
              ("CHANNEL", "chat"), ("JOB", "J"), ("NEW", "J"), ("OLD", "J"), ("DIR", "."), ("WHY", "w"), ("ID", "i-0"), ("D", "d"), ("N", "1"))


def commands(page):
    """(line number, command) of the blocks and the code spans of a page."""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        block = re.match(r"    (?:\$ |\w+\$ |build/release/bin/)?(rankscope .*)", line)
        spans = [block[1]] if block else re.findall(r"`(rankscope [^`]*)`", line)
        for span in spans:
            yield number, span.replace(r"\|", "|")


def as_typed(command):
    """Without what may be left out, and with the last of what may be chosen."""
    command = re.sub(r"'[^']*'", lambda quoted: quoted[0].replace("|", "\0").replace("[", "\1").replace("]", "\2"), command)
    command = re.sub(r"\[[^\[\]]*\]", "", command.split(" # ")[0])
    command = re.sub(r"(?<!\S)\S+\|(?=\S)", "", command).split(" | ")[0]
    for stands, what in STANDS_FOR:
        command = re.sub(rf"(?<![\w-]){re.escape(stands)}(?!\w)", what, command)
    return command.replace("\0", "|").replace("\1", "[").replace("\2", "]")


class DocCommandsTest(ServerCase):
    def setUp(self):
        super().setUp()
        lines = [{"timestamp": 1773200000 + step, "rank": 0, "step": step, "loss": 2, "msg": "out of memory"} for step in range(9)]
        self.server.ingest("J", lines)
        for folder in ("logs/J", "runs/a"):
            os.makedirs(f"{self.place.path}/{folder}")
            self.place.write(f"{folder}/rank_0.log", "step: 1 loss: 2\n")
        for node in (0, 1):
            self.place.write(f"node{node}.log", "step: 1 loss: 2\n")
        self.place.write("rules.yaml", "groups: [{name: g, rules: [{alert: Mine, match: lost the link}]}]\n")
        self.place.write("foreign.yaml", "groups: [{name: g, rules: [{alert: Hot, expr: 'gpu_temp > 85', for: 5m}]}]\n")
        shown = re.search(r"^```yaml\n(tests:.*?)^```", (ROOT / "docs/rules.md").read_text(), re.MULTILINE | re.DOTALL)
        self.place.write("tests.yaml", shown[1])
        self.place.write("notify.yaml", "route: {receiver: chat}\nreceivers: [{name: chat, webhook: {url: 'http://127.0.0.1:1/'}}]\n")

    def shell(self, command):
        env = {**self.place.env, "RANKSCOPE_SERVER": self.server.http, "PATH": os.path.dirname(RANKSCOPE) + ":" + os.environ["PATH"]}
        command = command.replace("SERVER", self.server.http)
        return subprocess.run(["sh", "-c", command], cwd=self.place.path, env=env, capture_output=True, text=True, timeout=PATIENCE)

    def test_no_command_is_refused_as_wrong(self):
        seen = set()
        for page in PAGES:
            for number, command in commands(page):
                typed = as_typed(command).strip()
                words = typed.split()
                named = all(re.fullmatch("[a-z-]+", word) for word in words)  # and not shown as it is to be typed
                if len(words) < 2 or named and f"`{command}" in page.read_text() or words[1] in STAY or FOLLOWS.search(typed) or REFUSED in typed or typed in seen:
                    continue
                seen.add(typed)
                with self.subTest(where=f"{page.name}:{number}", command=typed):
                    done = self.shell(typed)
                    self.assertNotEqual(done.returncode, 2, done.stderr)
        self.assertGreater(len(seen), 50)


if __name__ == "__main__":
    unittest.main()
