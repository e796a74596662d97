"""Detectors inside the training process: what conditions see and when, and what reaches the server."""
import json
import os
import subprocess
import sys
import unittest

from harness import RANKSCOPE, OneServerCase, PlaceCase

PACKAGE = os.path.abspath(os.path.join(os.path.dirname(RANKSCOPE), "../lib/rankscope/python"))
sys.path.insert(0, PACKAGE)
from rankscope import monitor  # noqa: E402
from rankscope._history import History  # noqa: E402
from rankscope._watch import Watch  # noqa: E402

# The example of the detectors' issue, as it stands.
EXAMPLE = '''
from swift.monitor import AnomalyDetector, DetectionRule     # also: from rankscope.monitor import ...
class CustomOOMDetector(AnomalyDetector):
    def __init__(self):
        super().__init__()
        self.add_rule(DetectionRule(name="cuda_oom_detect", pattern=r".*CUDA out of memory.*", severity="CRITICAL", action="pause_job"))
        self.add_rule(DetectionRule(name="loss_explode", condition=lambda logs: len(logs) > 5 and all(l["loss"] > 1e3 for l in logs[-5:]), severity="WARNING", action="notify_only"))
trainer.register_monitor(CustomOOMDetector())
'''
TRAINER = "import rankscope\ntrainer = rankscope.Monitor()\n"
RANK_3 = {"RANK": "3", "LOCAL_RANK": "3", "WORLD_SIZE": "8"}


class Conditions:
    """A rule over a history, step by step: what it says, as (step, whether it holds)."""

    def __init__(self, condition):
        self.history, self.calls, self.turns = History(), 0, []
        self.condition = condition
        self.watch = Watch(monitor.DetectionRule("r", condition=self.count))

    def count(self, logs):
        self.calls += 1
        return self.condition(logs)

    def log(self, step=None, **fields):
        if self.history.add(fields, step):
            self.judge()
        return self

    def close(self):
        if self.history.complete():
            self.judge()
        return self.turns

    def judge(self):
        turn = self.watch.judge(list(self.history.records), self.history.take_touched())
        if turn:
            self.turns.append((turn.record.get("step"), type(turn.error).__name__ if turn.error else turn.active))


class ConditionsTest(unittest.TestCase):
    def test_one_turn_begins_an_episode_and_one_ends_it(self):
        run = Conditions(lambda logs: logs[-1]["loss"] > 10)
        for step, loss in enumerate([1, 11, 12, 2, 3, 13], 1):
            run.log(step, loss=loss)
        self.assertEqual(run.close(), [(2, True), (4, False), (6, True)])

    def test_calls_of_one_step_are_one_record(self):
        seen = []
        run = Conditions(lambda logs: seen.append([dict(record) for record in logs]))
        run.log(1, loss=2).log(1, lr=3).log(loss=4).log(2, loss=5).close()
        self.assertEqual(seen, [[{"step": 1, "loss": 4, "lr": 3}], [{"step": 1, "loss": 4, "lr": 3}, {"step": 2, "loss": 5}]])

    def test_a_condition_is_asked_once_a_step(self):
        run = Conditions(lambda logs: False)
        for step in range(1, 8):
            run.log(step, loss=1).log(step, lr=2)
        run.close()
        self.assertEqual(run.calls, 7)

    def test_records_without_the_field_are_left_out(self):
        run = Conditions(lambda logs: all(record["eval_loss"] > 5 for record in logs[-2:]) and len(logs) > 1)
        for step in range(1, 31):
            run.log(step, loss=1, **({"eval_loss": step} if step % 10 == 0 else {}))
        self.assertEqual(run.close(), [(20, True)])
        self.assertLessEqual(run.calls, 4, "not asked at steps that cannot change its mind")

    def test_a_condition_without_any_record_to_see_is_not_asked(self):
        run = Conditions(lambda logs: logs[-1]["never"] > 1)
        self.assertEqual(run.log(1, loss=1).log(2, loss=2).close(), [])
        self.assertEqual(run.calls, 1)

    def test_fields_may_be_asked_for_without_fear(self):
        run = Conditions(lambda logs: "loss" not in logs[-1] and logs[-1].get("lr", 1) == 1)
        self.assertEqual(run.log(1, loss=1).log(2, other=1).close(), [(2, True)])

    def test_what_a_condition_raises_is_told_once_and_it_goes_on(self):
        run = Conditions(lambda logs: logs[-1]["loss"] > 10 or 1 / logs[-1]["loss"] < 0)
        for step, loss in enumerate([0, 0, 11, 1], 1):
            run.log(step, loss=loss)
        self.assertEqual(run.close(), [(1, "ZeroDivisionError"), (3, True), (4, False)])

    def test_not_even_an_exit_leaves_a_condition(self):
        self.assertEqual(Conditions(lambda logs: sys.exit(1)).log(1, loss=1).close(), [(1, "SystemExit")])

    def test_the_last_thousand_steps_are_shown(self):
        lengths = []
        run = Conditions(lambda logs: lengths.append((len(logs), logs[0]["step"])))
        for step in range(1, 1003):
            run.log(step, loss=1)
        run.close()
        self.assertEqual(lengths[-2:], [(1000, 2), (1000, 3)])

    def test_late_values_join_their_step(self):
        run = Conditions(lambda logs: sum(record["eval_loss"] for record in logs) > 5)
        run.log(1, loss=1).log(2, loss=1).log(3, loss=1).log(2, eval_loss=6)
        self.assertEqual(run.turns, [(2, True)])
        self.assertEqual([record["step"] for record in run.history.records], [1, 2])

    def test_a_run_that_goes_back_forgets_what_came_after(self):
        run = Conditions(lambda logs: False)
        for step in [*range(1, 10), *range(5, 8)]:
            run.log(step, loss=100 * len(run.history.records) + step)
        run.close()
        self.assertEqual([record["step"] for record in run.history.records], [1, 2, 3, 4, 5, 6, 7])

    def test_without_steps_each_call_is_a_record(self):
        run = Conditions(lambda logs: len(logs) == 3 and "step" not in logs[-1])
        self.assertEqual(run.log(loss=1).log(loss=1).log(loss=1).close(), [(None, True)])

    def test_a_result_that_is_no_truth_is_an_exception(self):
        class Neither:
            def __bool__(self):
                raise ValueError("ambiguous")

        self.assertEqual(Conditions(lambda logs: Neither()).log(1, loss=1).close(), [(1, "ValueError")])


class RulesTest(unittest.TestCase):
    def test_bad_arguments_are_named_with_their_rule(self):
        for arguments, words in ((dict(name=""), "name: want a text"), (dict(), "rule r: want either a pattern or a condition"),
                                 (dict(pattern="x", condition=len), "want either"), (dict(pattern=3), "rule r: pattern"),
                                 (dict(condition="x > 1"), "rule r: condition: want a function"),
                                 (dict(pattern="x", severity="BAD"), "severity: want one of INFO, WARNING, CRITICAL, found 'BAD'"),
                                 (dict(pattern="x", action="reboot"), "action: want one of notify_only"),
                                 (dict(pattern="x", class_="Not A Name"), "class_")):
            with self.assertRaisesRegex(ValueError, words):
                monitor.DetectionRule(**{"name": "r", **arguments})
        self.assertEqual(monitor.DetectionRule("r", pattern="x", severity="critical").severity, "CRITICAL")

    def test_two_rules_of_one_name_are_refused(self):
        detector = monitor.AnomalyDetector()
        detector.add_rule(monitor.DetectionRule("r", pattern="x"))
        with self.assertRaisesRegex(ValueError, "rule r: AnomalyDetector has one of this name"):
            detector.add_rule(monitor.DetectionRule("r", pattern="y"))
        with self.assertRaisesRegex(ValueError, "want a DetectionRule"):
            detector.add_rule(lambda logs: True)
        with self.assertRaisesRegex(ValueError, "scope: want rank or job, found 'node'"):
            monitor.AnomalyDetector(scope="node")
        with self.assertRaisesRegex(ValueError, "want an AnomalyDetector"):
            monitor.Monitor().register_monitor(object())


class MonitorTest(OneServerCase):
    def run_script(self, job, text, env=RANK_3, options=()):
        script = self.place.write(job + ".py", text)
        done = self.place.cli("run", "--server", self.server.http, "--job_id", job, *options, "--", sys.executable, script,
                              env={"RANKSCOPE_SWIFT_MONITOR": "1", **env})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done, self.place.logs(self.server.http, job)

    def events(self, records, name):
        return [record for record in records if record.get("event") == name]

    def test_the_example_runs_as_it_stands(self):
        _, records = self.run_script("example", TRAINER + EXAMPLE + '''
for step in range(1, 31):
    rankscope.log({"loss": 2000.0 + step if 10 <= step < 20 else 2.0, "lr": 1e-5}, step=step)
''')
        rules = {rule["rule"]: rule for rule in self.events(records, "detector_rule")}
        self.assertEqual(sorted(rules), ["cuda_oom_detect", "loss_explode"])
        oom = rules["cuda_oom_detect"]
        self.assertEqual((oom["pattern"], oom["severity"], oom["action"], oom["detector"], oom["rank"]),
                         (".*CUDA out of memory.*", "CRITICAL", "pause_job", "CustomOOMDetector", 3))
        self.assertNotIn("pattern", rules["loss_explode"])
        found = self.events(records, "detector_finding")
        self.assertEqual([(one["step"], one["active"], one["rule"], one["rank"]) for one in found],
                         [(14, 1, "loss_explode", 3), (20, 0, "loss_explode", 3)])
        evidence = json.loads(found[0]["evidence"])
        self.assertEqual([one["step"] for one in evidence], [10, 11, 12, 13, 14])
        self.assertEqual((evidence[0]["lr"], evidence[0]["learning_rate"]), (1e-5, 1e-5), "both names")
        self.assertIn("loss 2014", found[0]["msg"])

    def test_an_exception_is_told_once_and_the_training_goes_on(self):
        done, records = self.run_script("raises", TRAINER + '''
from rankscope.monitor import AnomalyDetector, DetectionRule
detector = AnomalyDetector()
detector.add_rule(DetectionRule("broken", condition=lambda logs: logs[-1]["loss"].no_such_thing))
detector.add_rule(DetectionRule("nan", condition=lambda logs: logs[-1]["loss"] != logs[-1]["loss"]))
trainer.register_monitor(detector)
for step in range(1, 6):
    rankscope.log({"loss": float("nan") if step == 3 else 1.0}, step=step)
print("done")
''')
        self.assertIn("done", done.stdout)
        (error,) = self.events(records, "detector_error")
        self.assertEqual((error["rule"], error["level"], error["step"], error["rank"]), ("broken", "warning", 1, 3))
        self.assertIn("AttributeError: 'float' object has no attribute 'no_such_thing' at step 1", error["msg"])
        self.assertIn('"loss": 1.0', error["msg"])
        found = self.events(records, "detector_finding")
        self.assertEqual([(one["rule"], one["step"], one["active"]) for one in found], [("nan", 3, 1), ("nan", 4, 0)])
        self.assertEqual(json.loads(found[0]["evidence"])[-1]["loss"], "NaN", "evidence is JSON")

    def test_a_full_ring_delays_findings_and_loses_none(self):
        _, records = self.run_script("full", TRAINER + '''
from rankscope.monitor import AnomalyDetector, DetectionRule
detector = AnomalyDetector()
detector.add_rule(DetectionRule("odd", condition=lambda logs: logs[-1]["step"] % 2 == 1))
trainer.register_monitor(detector)
from rankscope import _native
while _native.record("event", None, '{"event":"filler","msg":"%s"}' % ("x" * 1000)) == 0: pass
for step in range(1, 101):
    rankscope.log({"loss": 1.0}, step=step)
import time
end = time.monotonic() + 200
while _native.record("event", None, '{"event":"room"}') != 0 and time.monotonic() < end: time.sleep(0.01)
rankscope.log({"loss": 1.0}, step=101)
''')
        found = self.events(records, "detector_finding")
        self.assertEqual([one["step"] for one in found], list(range(1, 102)))
        self.assertEqual([one["active"] for one in found], [step % 2 for step in range(1, 102)])

    def test_a_rule_takes_the_place_of_one_of_its_name(self):
        _, records = self.run_script("replace", TRAINER + '''
from rankscope.monitor import AnomalyDetector, DetectionRule
def detector(limit):
    made = AnomalyDetector()
    made.add_rule(DetectionRule("high", condition=lambda logs: logs[-1]["loss"] > limit))
    return made
trainer.register_monitor(detector(1))
for step in range(1, 4): rankscope.log({"loss": 2.0}, step=step)
trainer.register_monitor(detector(3))
for step in range(4, 8): rankscope.log({"loss": float(step)}, step=step)
''')
        self.assertEqual([one["active"] for one in self.events(records, "detector_finding")], [1, 0, 1])

    def test_tensors_and_what_hooks_measure_are_judged(self):
        try:
            subprocess.run([sys.executable, "-c", "import torch"], check=True, capture_output=True)
        except subprocess.CalledProcessError:
            self.skipTest("no torch")
        _, records = self.run_script("tensors", TRAINER + '''
import torch
from rankscope.hooks.step import Step
from rankscope.monitor import AnomalyDetector, DetectionRule
detector = AnomalyDetector()
detector.add_rule(DetectionRule("own", condition=lambda logs: logs[-1]["extra"] > 2))
detector.add_rule(DetectionRule("hook", condition=lambda logs: logs[-1]["loss"] == 3.0 and logs[-1]["tokens"] == 8))
trainer.register_monitor(detector)
step = Step()
for number in range(1, 5):
    step.waited_for_data()
    step.add_batch({"input_ids": torch.zeros(2, 4, dtype=torch.long)})
    step.add_loss(torch.tensor(float(number)))
    step.end(number)
    rankscope.log({"extra": torch.tensor(float(number))}, step=number)
''')
        found = [(one["rule"], one["step"], one["active"]) for one in self.events(records, "detector_finding")]
        self.assertEqual(found, [("own", 3, 1), ("hook", 3, 1), ("hook", 4, 0)])

    def test_nothing_happens_where_nobody_listens(self):
        script = self.place.write("alone.py", TRAINER + '''
from rankscope.monitor import AnomalyDetector, DetectionRule
import sys
detector = AnomalyDetector()
detector.add_rule(DetectionRule("r", condition=lambda logs: sys.exit("asked")))
trainer.register_monitor(detector)
for step in range(1, 4): rankscope.log({"loss": 2.0}, step=step)
print("done")
''')
        done = subprocess.run([sys.executable, script], env={**self.place.env, "PYTHONPATH": PACKAGE}, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, "done\n"), done.stderr)


class SwiftMonitorTest(PlaceCase):
    """swift.monitor, with no swift, with one, and with one that has a monitor of its own."""

    def install_swift(self, **modules):
        """A package on the path of the scripts; its __init__ counts as expensive to import."""
        os.mkdir(self.place.path + "/swift")
        self.place.write("swift/__init__.py", "print('swift is imported')\nown = 1\n")
        for name, text in modules.items():
            self.place.write(f"swift/{name}.py", text)

    def python(self, text, **env):
        path = os.pathsep.join([PACKAGE, self.place.path])
        return subprocess.run([sys.executable, "-c", text], env={**self.place.env, "PYTHONPATH": path, **env}, capture_output=True, text=True)

    def check(self, text, stdout):
        done = self.python("import rankscope.swift_monitor\n" + text)
        self.assertEqual((done.returncode, done.stdout), (0, stdout), done.stderr)
        return done.stderr

    def test_without_a_swift(self):
        self.check("from swift.monitor import AnomalyDetector, DetectionRule\nimport rankscope.monitor, swift.monitor\n"
                   "print(AnomalyDetector is rankscope.monitor.AnomalyDetector is swift.monitor.AnomalyDetector)", "True\n")
        done = self.python("import rankscope.swift_monitor, swift.llm")
        self.assertIn("No module named 'swift.llm'", done.stderr)

    def test_an_installed_swift_is_imported_by_nobody_but_the_user(self):
        self.install_swift(llm="deep = 2\n")
        self.check("print('ready')\nfrom swift.llm import deep\nimport swift\nprint(swift.own, deep)", "ready\nswift is imported\n1 2\n")
        said = self.check("from swift.monitor import DetectionRule\nimport swift.llm\nprint(swift.own, swift.monitor.DetectionRule is DetectionRule)",
                          "swift is imported\n1 True\n")
        self.assertEqual(said, "")

    def test_a_monitor_of_its_own_is_not_hidden(self):
        self.install_swift(monitor="mine = 3\n")
        said = self.check("from swift.monitor import mine\nimport importlib, swift.monitor\nprint(mine)\nimportlib.reload(swift.monitor)",
                          "swift is imported\n3\n")
        self.assertRegex(said, r"^rankscope: swift\.monitor is the installed one \(.*monitor\.py\); rankscope's is rankscope\.monitor\n$")

    def test_it_is_opt_in(self):
        done = self.python("import rankscope, swift.monitor")
        self.assertIn("No module named 'swift'", done.stderr)
        server = self.serve()
        for value, code in (("1", 0), ("", 1)):
            script = self.place.write("opt.py", "import swift.monitor\n")
            run = self.place.cli("run", "--server", server.http, "--", sys.executable, script, env={"RANKSCOPE_SWIFT_MONITOR": value, **RANK_3})
            self.assertEqual(run.returncode, code, run.stderr)


class RegisterMonitorTest(PlaceCase):
    """The method that a Trainer gets; with the real one in frameworks_test."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.place.path + "/transformers")
        self.place.write("transformers/__init__.py", "")

    def python(self, trainer, text):
        self.place.write("transformers/trainer.py", trainer)
        path = os.pathsep.join([PACKAGE, self.place.path])
        done = subprocess.run([sys.executable, "-c", text], env={**self.place.env, "PYTHONPATH": path}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_it_comes_whichever_is_imported_first(self):
        text = "print(hasattr(Trainer, 'register_monitor'))"
        for order in (("from transformers.trainer import Trainer", "import rankscope.monitor"),
                      ("import rankscope.monitor", "from transformers.trainer import Trainer")):
            self.assertEqual(self.python("class Trainer: pass\n", "\n".join([*order, text])), "True\n")

    def test_one_that_is_there_stays(self):
        own = "class Trainer:\n    def register_monitor(self): return 'own'\n"
        text = "import rankscope.monitor\nfrom transformers.trainer import Trainer\nprint(Trainer().register_monitor())"
        self.assertEqual(self.python(own, text), "own\n")


if __name__ == "__main__":
    unittest.main()
