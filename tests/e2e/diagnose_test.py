"""Real data-parallel runs on gloo with one fault each, diagnosed from their files alone."""
import json
import os
import subprocess
import unittest

from harness import RANKSCOPE, PlaceCase, ServerCase, torchrun

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "faulty_training.py")
RANKS, CULPRIT = 3, 1
GENEROUS_S = 300


def diagnose(*paths):
    done = subprocess.run([RANKSCOPE, "diagnose", *paths, "-o", "json"], capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


STORED = """
import os, torch, torch.distributed as dist
dist.init_process_group("gloo")
for step in range(1, 7):
    dist.all_reduce(torch.ones(2))
    print({"loss": 2 / step, "step": step}, flush=True)
    if step == 4 and dist.get_rank() == 1:
        FAULT
dist.barrier()
dist.destroy_process_group()
"""


class StoredJobTest(ServerCase):
    def test_a_job_that_the_server_has_is_diagnosed_as_its_files_would_be(self):
        for job, fault, expected in (("healthy", "pass", ("none", None, None)),
                                     ("raises", "raise KeyError('pixel_values')",
                                      ("python_exception_one_rank", 1, "KeyError: 'pixel_values'")),
                                     ("killed", "os.kill(os.getpid(), 9)", ("host_oom_killed", 1, "rank 1 ended: SIGKILL"))):
            script = self.place.write(job + ".py", STORED.replace("FAULT", fault))
            self.place.cli("run", "--server", self.server.http, "--job_id", job, "--", *torchrun(RANKS, script))
            done = self.place.cli("diagnose", "--server", self.server.http, "--job_id", job, "-o", "json")
            verdict = json.loads(done.stdout)
            culprit = verdict["culprit"] and verdict["culprit"]["rank"]
            self.assertEqual((verdict["class"], culprit, verdict["root_line"]), expected, done.stdout)
            self.assertEqual(done.returncode, 0 if job == "healthy" else 3)
        missing = self.place.cli("diagnose", "--server", self.server.http, "--job_id", "nobody")
        self.assertEqual((missing.returncode, missing.stderr), (2, 'rankscope: no job "nobody"\n'))


class DiagnoseTest(PlaceCase):
    def train(self, fault):
        """Runs it; returns the folder of one file per rank and the launcher's own log."""
        ranks = os.path.join(self.place.path, "ranks")
        os.makedirs(ranks)
        launcher = os.path.join(self.place.path, "launcher.log")
        # Only then is a collective to time out; of shapes that differ before the launcher ends who waits in it.
        timeouts = {"missing_collective": "20", "skipped": "20", "shapes": "8"}
        with open(launcher, "wb") as log:
            subprocess.run(torchrun(RANKS, SCRIPT), stdout=log, stderr=log, timeout=GENEROUS_S,
                           env={**os.environ, "FAULT": fault, "CULPRIT": str(CULPRIT), "RANK_LOGS": ranks,
                                "GLOO_TIMEOUT": timeouts.get(fault, "300"), "OMP_NUM_THREADS": "1"})
        return ranks, launcher

    def check(self, fault, classes, *, launcher=True):
        ranks, log = self.train(fault)
        code, verdict, errors = diagnose(*([ranks, log] if launcher else [ranks]))
        told = json.dumps(verdict, indent=1) + errors
        self.assertEqual(code, 3, told)
        self.assertIn(verdict["class"], classes, told)
        self.assertIsNotNone(verdict["culprit"], told)
        self.assertEqual(verdict["culprit"]["rank"], CULPRIT, told)
        return verdict

    def test_what_comes_by_a_pipe_is_read(self):
        log = "".join(f"[rank{step % 2}]: {{'loss': 2.0, 'step': {step // 2}}}\n" for step in range(2, 40))
        done = subprocess.run([RANKSCOPE, "diagnose", "-", "-o", "json"], capture_output=True, text=True,
                              input=log + "[rank1]: KeyError: 'pixel_values'\n")
        verdict = json.loads(done.stdout)
        self.assertEqual((done.returncode, verdict["culprits"], verdict["evidence"][0]["file"]), (3, [1], "-"), done)

    def test_an_exception_on_one_rank(self):
        verdict = self.check("exception", ["python_exception_one_rank"])
        self.assertEqual(verdict["root_line"], "KeyError: 'pixel_values'")
        self.assertEqual(verdict["culprit"]["step"], 4)
        self.assertEqual([e["role"] for e in verdict["evidence"]][0], "root")

    def test_an_exception_is_found_without_the_launchers_words(self):
        self.check("exception", ["python_exception_one_rank"], launcher=False)

    def test_a_rank_that_leaves_by_itself(self):
        self.check("exit", ["python_exception_one_rank"])

    def test_a_rank_killed(self):
        verdict = self.check("sigkill", ["host_oom_killed"])
        self.assertEqual(verdict["subclass"], "sigkill_unexplained")
        self.assertLess(verdict["confidence"], 0.6)

    def test_a_segmentation_fault(self):
        self.check("segfault", ["segfault_sigsegv"])

    def test_a_rank_that_does_not_come(self):
        self.check("missing_collective", ["gloo_error"])

    def test_a_rank_that_leaves_a_collective_out(self):
        self.check("skipped", ["collective_mismatch_hang"])

    def test_shapes_that_differ(self):
        self.check("shapes", ["collective_mismatch_hang"])

    def test_a_loss_that_is_no_number(self):
        self.check("nan", ["nan_or_inf_loss"])

    def test_a_full_disk_at_the_checkpoint(self):
        self.check("disk_full", ["checkpoint_save_failed"])

    def test_a_killed_data_loader_worker(self):
        self.check("worker_killed", ["dataloader_worker_killed"])

    def test_a_healthy_run(self):
        ranks, log = self.train("none")
        code, verdict, errors = diagnose(ranks, log)
        self.assertEqual((code, verdict["class"], verdict["healthy"], verdict["culprit"]), (0, "none", True, None), errors)

    def test_what_cannot_be_read(self):
        code, verdict, errors = diagnose(os.path.join(self.place.path, "absent"))
        self.assertEqual((code, verdict), (2, None))
        self.assertIn("absent", errors)

    def test_a_folder_without_a_word_is_not_called_healthy(self):
        folder = os.path.join(self.place.path, "ranks")
        os.makedirs(folder)
        for name in ("rank_0.log", "weights.bin"):
            open(os.path.join(folder, name), "w").close()
        code, verdict, errors = diagnose(folder)
        self.assertEqual((code, verdict), (2, None), errors)
        self.assertIn(f"rankscope: {folder}: no line of a log", errors)


if __name__ == "__main__":
    unittest.main()
