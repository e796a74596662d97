"""`rankscope detect-worker`: detectors of a file over a job's stream. What it says is stored once, whatever is killed."""
import functools
import os
import random
import signal
import subprocess
import sys
import unittest

from harness import RANKSCOPE, ServerCase, ended, wait_until
from monitor_test import EXAMPLE, RANK_3
from rankscope.monitor import AnomalyDetector, DetectionRule
from rankscope.worker.judge import JobJudge
from rankscope.worker.sender import Sender

KILLS = int(os.environ.get("RANKSCOPE_KILLS", "12"))

# The loss is high in every second ten of steps. Before step 45 it waits for a file, where one is named.
TRAIN = """
import os, sys, time, rankscope
for step in range(1, int(sys.argv[1]) + 1):
    while step == 45 and sys.argv[3:] and not os.path.exists(sys.argv[3]): time.sleep(0.01)
    rankscope.log({"loss": 2000.0 if step // 10 % 2 else 2.0}, step=step)
    time.sleep(float(sys.argv[2]))
"""
STEPS = 200
TURNS = [(step, int(step // 10 % 2)) for step in range(10, STEPS + 1, 10)]

DETECTOR = """
from rankscope.monitor import AnomalyDetector, DetectionRule
class HighLoss(AnomalyDetector):
    def __init__(self):
        super().__init__()
        self.add_rule(DetectionRule("high_loss", condition=lambda logs: logs[-1]["loss"] > 1e3))
        self.add_rule(DetectionRule("oom", pattern="CUDA out of memory", severity="CRITICAL", action="pause_job"))
"""


def record(rank, step, stream="metric", attempt=0, **fields):
    time = f"2026-11-26T10:{step // 60:02}:{step % 60:02}.{rank:09}Z"
    return {"timestamp": time, "job_id": "j", "rank": rank, "attempt": attempt, "stream": stream, "step": step, **fields}


class JudgeTest(unittest.TestCase):
    def judge(self, condition, scope="rank"):
        detector = AnomalyDetector(scope)
        detector.add_rule(DetectionRule("r", condition=condition))
        return JobJudge([detector])

    def turns(self, judge, rows):
        events = [event for number, row in enumerate(rows, 1) for event in judge.take({"seq": number, **row})]
        return [(event.get("rank"), event["step"], event["active"]) for event in events + judge.close()]

    def test_each_rank_has_its_own_history(self):
        judge = self.judge(lambda logs: len(logs) == 2 and sum(row["loss"] for row in logs) > 10)
        rows = [record(rank, step, loss=6 if rank == 1 else 1) for step in (1, 2) for rank in (0, 1)]
        self.assertEqual(self.turns(judge, rows), [(1, 2, 1)])

    def test_each_rank_has_an_instance_of_its_own_whatever_its_conditions_are(self):
        class Counter(AnomalyDetector):
            def __init__(self):
                super().__init__()
                self.steps = 0
                self.add_rule(DetectionRule("lambda", condition=lambda logs: self.add() == 2))
                self.add_rule(DetectionRule("method", condition=self.is_second))

            def add(self):
                self.steps += 1
                return self.steps

            def is_second(self, logs):
                return self.steps == 2

        rows = [record(rank, step, loss=1) for step in (1, 2) for rank in (0, 1, 2)]
        expected = [(rank, 2, 1) for rank in (0, 1, 2) for _ in ("lambda", "method")]
        self.assertEqual(sorted(self.turns(JobJudge([Counter()]), rows)), expected)

    def test_a_condition_is_its_instances_however_it_holds_it(self):
        outside = []

        class Counter(AnomalyDetector):
            def __init__(self):
                super().__init__()
                self.steps = {}
                count = self.count

                def through_another(logs):
                    return further(logs)

                def further(logs, once_more=True):  # calls itself, and is called by one that was made before
                    return further(logs, False) if once_more else self.count("nested") == 2

                conditions = {"nested": through_another,
                              "method": lambda logs: count("method") == 2,
                              "partial": functools.partial(self.is_second, "partial"),
                              "partial of a lambda": functools.partial(lambda name, logs: self.count(name) == 2, "lambda"),
                              "partial by name": functools.partial(lambda logs, by: by.count("name") == 2, by=self),
                              "default": lambda logs, me=self: me.count("default") == 2,
                              "default by name": lambda logs, *, me=self: me.count("default by name") == 2,
                              "outside": lambda logs: outside.append(self.count("outside")) or self.steps["outside"] == 2}
                for name, condition in conditions.items():
                    self.add_rule(DetectionRule(name, condition=condition))

            def count(self, name):
                self.steps[name] = self.steps.get(name, 0) + 1
                return self.steps[name]

            def is_second(self, name, logs):
                return self.count(name) == 2

        rows = [record(rank, step, loss=1) for step in (1, 2) for rank in (0, 1, 2)]
        expected = [(rank, 2, 1) for rank in (0, 1, 2) for _ in range(8)]
        self.assertEqual(sorted(self.turns(JobJudge([Counter()]), rows)), expected)
        self.assertEqual(outside, [1, 1, 1, 2, 2, 2], "what is not the detector's stays what it is")

    def test_a_detector_of_the_job_sees_all_ranks(self):
        seen = []
        judge = self.judge(lambda logs: seen.append([(row["step"], row["rank"]) for row in logs]) or len(logs) > 4, "job")
        rows = [record(rank, step, loss=1) for step in (1, 2, 3) for rank in (2, 0, 1)]
        self.assertEqual(self.turns(judge, rows), [(None, 2, 1)])
        self.assertEqual(seen, [sorted((step, rank) for step in steps for rank in (0, 1, 2)) for steps in ([1], [1, 2], [1, 2, 3])],
                         "asked when every rank is past the step")

    def test_a_silent_rank_does_not_hold_up_the_job(self):
        judge = self.judge(lambda logs: logs[-1]["step"] >= 3, "job")
        rows = [record(1, 1, loss=1)] + [record(0, step, loss=1) for step in range(1, 9)]
        self.assertEqual(self.turns(judge, rows)[:1], [(None, 3, 1)])

    def test_a_row_that_comes_twice_changes_nothing(self):
        judge = self.judge(lambda logs: sum(row["loss"] for row in logs) > 3.5)
        rows = [record(0, step, loss=1, seq=step) for step in (1, 2, 1, 2, 3, 2, 3)]
        self.assertEqual(self.turns(judge, rows), [])

    def test_rows_from_before_its_start_are_none_of_its(self):
        detector = AnomalyDetector()
        detector.add_rule(DetectionRule("r", condition=lambda logs: len(logs) > 1))
        judge = JobJudge([detector], since=record(0, 2)["timestamp"])
        self.assertEqual(self.turns(judge, [record(0, step, loss=1) for step in (1, 2, 3)]), [(0, 3, 1)])

    def test_what_is_measured_counts_more_than_what_is_printed(self):
        judge = self.judge(lambda logs: logs[-1]["loss"] == 5.25 and logs[-1]["eval"] == 1)
        rows = [record(0, 1, loss=5.25), record(0, 1, "stdout", loss=5.3, eval=1), record(0, 2, loss=5.25),
                record(0, 3, loss=1), record(0, 2, "stdout", loss=5.3, eval=1)]
        self.assertEqual(self.turns(judge, rows), [(0, 1, 1)], "and a printed line that is late does not turn back the run")
        printed = self.judge(lambda logs: logs[-1]["loss"] > 5)
        self.assertEqual(self.turns(printed, [record(0, 1, "stdout", loss=5.3), record(0, 2, "stdout", loss=1)]),
                         [(0, 1, 1), (0, 2, 0)])

    def test_an_exception_is_told_once_whatever_the_rank(self):
        judge = self.judge(lambda logs: logs[-1]["loss"].nothing)
        rows = [record(rank, step, loss=1) for step in (1, 2, 3) for rank in (0, 1)]
        events = [event for number, row in enumerate(rows) for event in judge.take({"seq": number, **row})]
        self.assertEqual([(event["event"], event["step"], event.get("rank")) for event in events], 2 * [("detector_error", 1, None)])
        sender = Sender("nowhere:1", "j", "w")
        sender._post = lambda body: None
        self.assertEqual(len(sender.send(events)), 1)

    def test_a_detector_of_the_job_goes_back_with_its_ranks(self):
        judge = self.judge(lambda logs: logs[-1]["loss"] > 9, "job")
        rows = [record(rank, step, loss=1) for step in range(1, 21) for rank in (0, 1)]
        again = [{**record(rank, step + 30, loss=10 if step == 12 else 2), "step": step}
                 for step in range(8, 16) for rank in (0, 1)]  # from a checkpoint, at later times
        self.assertEqual(self.turns(judge, rows + again), [(None, 12, 1), (None, 13, 0)])

    def test_attempts_are_judged_apart(self):
        judge = self.judge(lambda logs: len(logs) > 2)
        rows = [record(0, 1, loss=1), record(0, 2, loss=1), record(0, 3, attempt=1, loss=1), record(0, 4, attempt=1, loss=1)]
        self.assertEqual(self.turns(judge, rows), [])


class DetectWorkerTest(ServerCase):
    def setUp(self):
        super().setUp()
        self.train = self.place.write("train.py", TRAIN)
        self.file = self.place.write("detectors.py", DETECTOR)

    def start_job(self, job, steps=STEPS, pause=0.0, awaits=()):
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", job, "--flush-timeout", "100",
                                "--log_interval_steps", "1", "--", sys.executable, self.train, str(steps), str(pause), *awaits],
                               env={**self.place.env, **RANK_3}, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: run.poll() is None and run.kill())
        return run

    def start_worker(self, *arguments):
        """The process; its stderr goes to a file."""
        with open(self.place.path + "/worker.err", "a") as errors:
            worker = subprocess.Popen([RANKSCOPE, "detect-worker", "--server", self.server.http, *arguments], stderr=errors,
                                      stdout=subprocess.DEVNULL, env={**self.place.env, "RANKSCOPE_PYTHON": sys.executable})
        self.addCleanup(lambda: worker.poll() is None and worker.kill())
        return worker

    def work(self, *arguments):
        return self.place.cli("detect-worker", "--server", self.server.http, *arguments, env={"RANKSCOPE_PYTHON": sys.executable})

    def said(self):
        with open(self.place.path + "/worker.err") as file:
            return file.read()

    def events(self, job, name="detector_finding"):
        return self.server.rows(f"job:{job} event:{name}")

    def turns(self, job):
        return [(event["step"], event["active"]) for event in self.events(job)]

    def test_an_ended_job_is_judged_once(self):
        self.assertEqual(self.start_job("j").wait(), 0)
        file = self.place.write("example.py", EXAMPLE)
        first, second = self.work(file, "--job_id", "j"), self.work(file, "--job_id", "j")
        self.assertEqual((first.returncode, second.returncode), (0, 0), first.stderr + second.stderr)
        self.assertEqual(first.stdout.count("loss_explode holds at step"), 10, first.stdout)
        self.assertEqual(second.stdout, "")
        found = self.events("j")
        self.assertEqual([(one["step"], one["active"]) for one in found],
                         [(step + (4 if active else 0), active) for step, active in TURNS])
        self.assertEqual((found[0]["rank"], found[0]["detector"], found[0]["worker"]),
                         (3, "CustomOOMDetector", "example.py:CustomOOMDetector"))
        rules = self.events("j", "detector_rule")
        self.assertEqual([(rule["rule"], rule.get("pattern")) for rule in rules],
                         [("cuda_oom_detect", ".*CUDA out of memory.*"), ("loss_explode", None)])

    def test_killed_workers_lose_and_double_nothing(self):
        run = self.start_job("j", pause=0.05)
        chance = random.Random(7)
        kills = 0
        while run.poll() is None or kills < KILLS:
            worker = self.start_worker(self.file, "--job_id", "j")
            try:
                worker.wait(chance.uniform(0.05, 0.9))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            kills += 1
        self.assertEqual(run.returncode, 0)
        last = self.work(self.file, "--job_id", "j")
        self.assertEqual(last.returncode, 0, last.stderr)
        self.assertEqual(self.turns("j"), TURNS)
        self.assertEqual(len(self.events("j", "detector_rule")), 2)
        self.assertEqual(self.events("j", "duplicate_rank"), [], "what is said about a rank does not come from a second one")

    def test_two_workers_at_once_say_everything_once(self):
        run = self.start_job("j", pause=0.02)
        workers = [self.start_worker(self.file, "--job_id", "j") for _ in range(2)]
        self.assertEqual([run.wait()] + [worker.wait() for worker in workers], [0, 0, 0])
        self.assertEqual(self.turns("j"), TURNS)
        self.assertEqual(len(self.events("j", "detector_rule")), 2)

    def test_a_worker_that_comes_late_goes_on_from_its_first_start(self):
        run = self.start_job("j", pause=0.02, awaits=[self.place.path + "/go"])
        wait_until(lambda: self.server.rows("job:j step:>=40 | limit 1"), "step 40")
        worker = self.start_worker(self.file, "--job_id", "j", "--from", "now")
        wait_until(lambda: "following job j" in self.said(), "the worker")
        self.place.write("go", "")
        wait_until(lambda: len(self.turns("j")) >= 2, "its first findings")
        worker.kill()
        worker.wait()
        self.assertEqual(run.wait(), 0)
        last = self.work(self.file, "--job_id", "j", "--from", "now")
        self.assertEqual(last.returncode, 0, last.stderr)
        turns = self.turns("j")  # the first, where the loss is high already when it comes
        self.assertGreaterEqual(turns[0][0], 40)
        self.assertEqual(turns[1:], [turn for turn in TURNS if turn[0] > turns[0][0]])

    def test_a_server_that_is_killed_costs_no_finding(self):
        run = self.start_job("j", pause=0.02)
        worker = self.start_worker(self.file, "--job_id", "j")
        for number in (2, 6):
            wait_until(lambda: len(self.turns("j")) >= number, f"{number} findings")
            self.server.stop(signal.SIGKILL)
            self.server.start()
        self.assertEqual(run.wait(), 0)
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(self.turns("j"), TURNS)

    def test_every_running_job_is_followed(self):
        worker = self.start_worker(self.file)
        wait_until(lambda: "following every running job" in self.said(), "the worker")
        runs = [self.start_job(job, 60, 0.05) for job in ("a", "b")]
        for job in ("a", "b"):
            wait_until(lambda: len(self.turns(job)) == 6, f"the findings of {job}")
        self.assertEqual([run.wait() for run in runs], [0, 0])
        worker.send_signal(signal.SIGINT)
        wait_until(lambda: ended(worker.pid), "the worker's end")
        self.assertNotIn("Traceback", self.said())

    def test_a_job_that_ends_before_the_worker_looks_again_is_judged(self):
        self.assertEqual(self.start_job("before", 30).wait(), 0)
        self.start_worker(self.file)
        wait_until(lambda: "following every running job" in self.said(), "the worker")
        self.assertEqual(self.start_job("short", 30).wait(), 0)
        wait_until(lambda: self.turns("short") == [turn for turn in TURNS if turn[0] <= 30], "the findings of the short job")
        self.assertEqual(self.turns("before"), [])

    def test_it_waits_for_a_job_that_is_not_there_yet(self):
        worker = self.start_worker(self.file, "--job_id", "later")
        wait_until(lambda: "waiting for job later" in self.said(), "its word")
        self.assertEqual(self.start_job("later", 30).wait(), 0)
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(self.turns("later"), [turn for turn in TURNS if turn[0] <= 30])

    def test_a_deleted_job_is_not_made_anew(self):
        self.server.ingest("gone", [record(0, step, loss=1) | {"job_id": "gone"} for step in range(1, 9)])
        worker = self.start_worker(self.file, "--job_id", "gone")
        wait_until(lambda: self.events("gone", "detector_rule"), "its rules")
        deleted = self.place.cli("jobs", "delete", "gone", "--force", "--server", self.server.http)
        self.assertEqual(deleted.returncode, 0, deleted.stderr)
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(self.server.ask("GET", "/api/v1/jobs")[1], [])

    def test_what_is_wrong_with_a_file_is_one_line(self):
        for text, words in (("x = (1,\n", r"bad.py:1: '\(' was never closed"), ("\nundefined\n", "bad.py:2: NameError: name 'undefined'"),
                            ("", "bad.py: defines no AnomalyDetector"), ("raise SystemExit(3)", "bad.py:1: SystemExit: 3"),
                            ("detectors = [3]", "bad.py: int is no AnomalyDetector"),
                            (DETECTOR + "HighLoss.scope = 'node'\n", "HighLoss: scope: want rank or job, found 'node'"),
                            (DETECTOR + "class Odd(AnomalyDetector):\n    def __init__(self, limit): pass\n", "Odd: cannot be made for each rank"),
                            (DETECTOR + "DetectionRule('r', pattern='x', severity='LOUD')\n", "bad.py:8: ValueError: rule r: severity")):
            done = self.work(self.place.write("bad.py", text), "--job_id", "j")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertRegex(done.stderr, words)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("none.py: No such file", self.work(self.place.path + "/none.py").stderr)

    def test_detectors_of_a_list_are_taken_as_they_are(self):
        self.server.ingest("j", [record(rank, step, loss=rank * step) for step in range(1, 6) for rank in (0, 1)])
        file = self.place.write("listed.py", """
from rankscope.monitor import AnomalyDetector, DetectionRule
class Above(AnomalyDetector):
    def __init__(self, name, limit):
        super().__init__()
        self.asked = 0
        self.add_rule(DetectionRule(name, condition=self.look))
        self.limit = limit
    def look(self, logs):
        self.asked += 1
        return self.asked == len(logs) and logs[-1]["loss"] > self.limit
class Job(AnomalyDetector):
    scope = "job"
detectors = [Above("above_2", 2), Above("above_4", 4), Job()]
detectors[2].add_rule(DetectionRule("spread", condition=lambda logs: max(l["loss"] for l in logs) > 3 and {l["rank"] for l in logs} == {0, 1}))
""")
        worker = self.start_worker(file, "--job_id", "j")
        # A job that nobody ends is running until it is lost; its last step is not complete until then.
        wait_until(lambda: len(self.events("j")) >= 2, "findings")
        found = {event["rule"]: (event.get("rank"), event["step"]) for event in self.events("j")}
        self.assertEqual(found, {"above_2": (1, 3), "spread": (None, 4)})
        worker.kill()
        worker.wait()


if __name__ == "__main__":
    unittest.main()
