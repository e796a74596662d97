"""What the server says of jobs that are over, and what they teach: diagnoses made by themselves, insights, differences,
checks of a fix, suggested rules."""
import json
import os
import signal
import subprocess
import unittest

from harness import RANKSCOPE, ServerCase, wait_until

RANKS = 2
# A training that prints as many do; rank 1 may run out of memory after a step.
TRAIN = """
import os, sys, time
oom_after, batch_size, steps, slow_from = (int(word) for word in sys.argv[1:5])
rank = int(os.environ["RANK"])
for step in range(1, steps + 1):
    time.sleep(0.02)
    print({"loss": round(2 / step, 4), "step": step, "tokens_per_sec": (400.0 if step >= slow_from else 1000.0) + rank}, flush=True)
    if step == 5:
        print("Saving model checkpoint to out/checkpoint-5", flush=True)
    if os.path.exists(sys.argv[0] + ".stop"):
        break
    if step == oom_after and rank == 1:
        raise RuntimeError("CUDA out of memory. Tried to allocate 4.20 GiB (GPU 1; 79.15 GiB total capacity)")
print("done", flush=True)  # rank 0 does not wait for the other
"""
LAUNCH = 'for r in 0 1; do RANK=$r LOCAL_RANK=$r WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 python3 "$@" & pids="$pids $!"; done; ' \
         'for p in $pids; do wait $p || code=$?; done; exit ${code:-0}'


class KnowledgeTest(ServerCase):
    def setUp(self):
        super().setUp()
        self.script = self.place.write("train.py", TRAIN)

    def ask(self, *arguments):
        return self.place.cli(*arguments, env={"RANKSCOPE_SERVER": self.server.http})

    def train(self, job, oom_after=0, batch_size=8, steps=20, slow_from=1000000):
        return self.ask("run", "--label", "model=tiny", "--label", f"batch={batch_size}", "--job_id", job, "--", "sh", "-c",
                        LAUNCH, "sh", self.script, str(oom_after), str(batch_size), str(steps), str(slow_from)).returncode

    def diagnoses(self, job):
        return [record for record in self.server.rows(f'job_id:"{job}" stream:event')
                if record.get("event") == "diagnosis"]

    def insights(self, jobs):
        def answer():
            found = self.server.ask("GET", "/api/v1/insights")[1][0]
            return found["jobs"] == jobs and found
        return wait_until(answer, f"what {jobs} jobs teach")

    def test_a_job_that_ends_by_itself_with_a_loss_that_is_nan_has_failed(self):
        lines = [f"step: {step} loss: {'nan' if step > 20 else 2 / step}" for step in range(1, 41)]
        script = self.place.write("nan.py", f"import time\nfor line in {lines!r}: print(line, flush=True); time.sleep(0.02)\n")
        self.assertEqual(self.ask("run", "--job_id", "nan", "--", "env", "RANK=0", "LOCAL_RANK=0", "WORLD_SIZE=1", "python3",
                                  script).returncode, 0)
        self.assertEqual(self.insights(1)["failed"], 1)
        wait_until(lambda: "nan_or_inf_loss" in self.ask("show", "nan").stdout, "the diagnosis on the job's page")
        fixed = self.ask("verify-fix", "nan", "--against", "nan", "-o", "json")
        self.assertNotIn("gone", fixed.stdout, fixed.stderr)

    def test_a_job_that_fails_is_diagnosed_by_itself_and_once(self):
        self.assertEqual(self.train("broken", oom_after=10), 1)
        told = wait_until(lambda: self.diagnoses("broken"), "the diagnosis")
        self.assertEqual([(one["class"], one["rank"], one["level"]) for one in told], [("cuda_oom", 1, "error")])
        self.insights(1)
        self.server.stop(signal.SIGKILL)
        self.server.start()
        self.assertEqual(self.train("fine"), 0)
        self.insights(2)  # by now it has looked around
        self.assertEqual(len(self.diagnoses("broken")), 1)
        self.assertEqual(self.diagnoses("fine"), [])

    def test_a_dump_of_stacks_does_not_make_a_job_that_goes_on_a_hung_one(self):
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", "lively", "--", "sh", "-c",
                                LAUNCH, "sh", self.script, "0", "8", "1000000", "1000000"], env=self.place.env,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(run.wait)
        self.addCleanup(self.place.write, "train.py.stop", "")  # before: the ranks end, and with them the run
        wait_until(lambda: self.server.rows("job:lively step:5"), "some steps")
        self.assertEqual(self.ask("dump-stacks", "lively").returncode, 0)
        for rank in (0, 1):
            dumped = wait_until(lambda: [row["at"] for row in self.server.rows(
                f"job:lively stream:stack rank:{rank} | stats max(timestamp) as at") if "at" in row], "the stacks")
            wait_until(lambda: self.server.rows(f"job:lively rank:{rank} step:>0 _time:[{dumped[0]},2100-01-01T00:00:00Z]"),
                       "a step after them")
        verdict = json.loads(self.ask("diagnose", "--job_id", "lively", "-o", "json").stdout)
        self.assertEqual(verdict["class"], "none", verdict)

    def test_jobs_teach_what_fails_and_where_and_what_time_was_lost(self):
        self.train("broken", oom_after=10)
        self.train("fine")
        found = self.insights(2)
        self.assertEqual([(one["class"], one["failed"]) for one in found["failures"]], [("cuda_oom", 1)])
        self.assertEqual([(one["model"], one["jobs"], one["failed"]) for one in found["by_model"]], [("tiny", 2, 1)])
        self.assertEqual([(one["jobs"], one["failed"]) for one in found["by_node"]], [(2, 1)])
        self.assertTrue(0 < found["effective_training_time_ratio"] < 1, found)
        self.assertGreater(found["mean_time_between_failures"]["rank_hours"], 0)
        shown = self.ask("insights")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertRegex(shown.stdout, r"^2 jobs, 1 failed, [\d.e-]{1,9} rank-hours; .* effective training time: [\d.]{1,4} %\n")
        self.assertIn("cuda_oom", shown.stdout)

    def test_imported_jobs_count_healthy_ones_too(self):
        for job, end in (("fine", ""), ("broken", "Traceback (most recent call last):\n  File \"train.py\", line 9, in <module>\n"
                                                  "    x = table[key]\nKeyError: 'label_7'\n")):
            folder = os.path.join(self.place.path, job)
            os.makedirs(folder)
            for rank in range(RANKS):
                lines = [f"2026-11-01 {minute // 60:02}:{minute % 60:02}:00 step: {minute} loss: {3 - minute / 100}\n"
                         for minute in range(61)]
                self.place.write(f"{job}/rank_{rank}.log", "".join(lines) + (end if rank == 1 else ""))
            self.assertEqual(self.ask("import", folder).returncode, 0)
        found = self.insights(2)
        self.assertEqual([(one["class"], one["failed"]) for one in found["failures"]], [("python_exception_one_rank", 1)])
        for told, hours in ((found, 2), (found["mean_time_between_failures"], 2)):
            self.assertAlmostEqual(told["hours"], hours, delta=0.001)
            self.assertAlmostEqual(told["rank_hours"], hours * RANKS, delta=0.001)
        self.assertAlmostEqual(found["effective_training_time_ratio"], 1, delta=0.02)

    def test_a_second_failure_names_the_first(self):
        self.train("first", oom_after=10)
        self.insights(1)
        self.train("second", oom_after=12)
        verdict = json.loads(self.ask("diagnose", "--job_id", "second", "-o", "json").stdout)
        similar = verdict["similar"]
        self.assertEqual([(one["job_id"], one["class"]) for one in similar], [("first", "cuda_oom")], verdict)
        self.assertGreater(similar[0]["score"], 0.7)
        self.assertIn("job first", self.ask("diagnose", "--job_id", "second").stdout)

    def test_a_fix_is_verified_against_the_old_job(self):
        self.train("old", oom_after=10)
        self.train("fixed", batch_size=4)
        self.train("again", oom_after=10)
        self.train("short", steps=3, oom_after=0)
        gone = self.ask("verify-fix", "fixed", "--against", "old", "-o", "json")
        self.assertEqual((gone.returncode, json.loads(gone.stdout)["state"]), (0, "gone"), gone.stdout + gone.stderr)
        self.assertEqual(json.loads(gone.stdout)["throughput"]["now"], 1000)
        back = self.ask("verify-fix", "again", "--against", "old")
        self.assertEqual(back.returncode, 3, back.stdout + back.stderr)
        self.assertIn("back: cuda_oom again", back.stdout)
        short = self.ask("verify-fix", "short", "--against", "old")
        self.assertEqual(short.returncode, 4, short.stdout + short.stderr)
        self.assertIn("not_reached: it ended well at step 3, the old job failed at step 10", short.stdout)
        healthy = self.ask("verify-fix", "old", "--against", "fixed")
        self.assertEqual((healthy.returncode, healthy.stderr),
                         (2, 'rankscope: job "fixed" is healthy: there is nothing to verify\n'))
        diff = json.loads(self.ask("diff", "fixed", "old", "-o", "json").stdout)
        changed = {one["name"]: (one["before"], one["now"]) for one in diff["settings"]}
        self.assertEqual(changed.pop("label.batch"), ("8", "4"))
        self.assertEqual(list(changed), ["command"], "what each launch has anew is no change")
        self.assertIn("loss", [one["name"] for one in diff["metrics"]])
        self.assertIn("label.batch", self.ask("diff", "fixed", "old").stdout)
        self.assertTrue(self.ask("diff", "again", "old").stdout.startswith("No setting and no node that is known differs"))
        nobody = self.ask("diff", "fixed", "nobody")
        self.assertEqual(nobody.returncode, 1)
        self.assertIn("nobody", nobody.stderr)

    def test_a_job_that_ended_well_after_it_became_slow_is_no_healthy_one(self):
        self.assertEqual(self.train("slow", steps=150, slow_from=75), 0)
        wait_until(lambda: self.diagnoses("slow"), "the diagnosis")
        self.assertEqual(self.insights(1)["failed"], 1)
        self.train("mended", steps=150)
        fixed = self.ask("verify-fix", "mended", "--against", "slow")
        self.assertEqual((fixed.returncode, fixed.stderr), (0, ""), fixed.stdout)
        self.assertIn("tokens/s a rank: 1000 now; the old job: 1000 usually, 400 at its end", fixed.stdout)
        self.train("broken", oom_after=10)
        wait_until(lambda: self.diagnoses("broken"), "the diagnosis")
        for job in ("slow", "broken"):  # the slow one is none that ended well
            rule = f"{self.place.path}/{job}.yaml"
            made = self.ask("rules", "suggest", "--job_id", job, "--rule_file", rule, "--test_file", rule + ".tests")
            self.assertIn("of 1 stored job that ended well, it fires in 0", made.stdout, made.stderr)

    def test_a_rule_is_suggested_that_fires_on_that_job_and_on_no_healthy_one(self):
        self.train("broken", oom_after=10)
        self.train("fine")
        rule, tests = self.place.path + "/mine.yaml", self.place.path + "/mine_tests.yaml"
        made = self.ask("rules", "suggest", "--job_id", "broken", "--rule_file", rule, "--test_file", tests)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn("in job broken it fires 1 time\n", made.stdout)
        self.assertIn("of 1 stored job that ended well, it fires in 0", made.stdout)
        self.assertEqual(self.ask("rules", "test", tests).returncode, 0)
        self.assertEqual(self.ask("rules", "lint", rule).returncode, 0)
        again = self.ask("rules", "suggest", "--job_id", "broken", "--rule_file", rule, "--test_file", tests)
        self.assertEqual((again.returncode, again.stderr),
                         (2, f"rankscope: {rule}: is there already, and stays as it is\n"))
        nothing = self.ask("rules", "suggest", "--job_id", "fine", "--rule_file", rule + "2")
        self.assertEqual(nothing.returncode, 2)
        self.assertFalse(os.path.exists(rule + "2"))

    def test_a_deleted_job_teaches_nothing(self):
        self.train("broken", oom_after=10)
        self.insights(1)
        self.assertEqual(self.ask("jobs", "delete", "broken").returncode, 0)
        self.assertEqual(self.insights(0)["failures"], [])


if __name__ == "__main__":
    unittest.main()
