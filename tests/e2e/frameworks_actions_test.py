"""Trainers of the frameworks are paused, resumed and ended, unmodified. $RANKSCOPE_FRAMEWORKS as in frameworks_test.py."""
import json
import os
import subprocess
import unittest

from frameworks_test import ACCELERATE, LIGHTNING, PYTHON, SWIFT, SWIFT_MODEL, TRAINER
from harness import PATIENCE, RANKSCOPE, OneServerCase, port_to_come_back_to, torchrun, wait_until

RANKS = 2
# Steps of a tenth of a second, and no end of them.
ENDLESS = "import time\nget = Data.__getitem__\nData.__getitem__ = lambda self, i: (time.sleep(0.05), get(self, i))[1]\nData.__len__ = lambda self: 1 << 20\n"

# It was told to stop long ago, and does once there is a checkpoint of the stop that Rankscope was asked for.
STOPPING = """
import glob
class Stopping(lightning.Callback):
    def on_train_batch_end(self, trainer, *_):
        trainer.should_stop = True
        if glob.glob(os.environ["OUT"] + "/rankscope-step=*.ckpt"):
            trainer.fit_loop.epoch_loop.min_steps = None
"""


@unittest.skipUnless(PYTHON, "$RANKSCOPE_FRAMEWORKS names no Python with the frameworks")
class FrameworksActionsTest(OneServerCase):
    def start(self, job, text):
        head, data, rest = text.partition("    def __len__")
        body, _, main = rest.partition('torch.long)}\n')
        script = self.place.write(f"train_{job}.py", head + data + body + "torch.long)}\n" + ENDLESS + main.replace("max_steps=12", "max_steps=100000")
                                  .replace("devices=4", f"devices={RANKS}"))
        return self.start_command(job, torchrun(RANKS, script, PYTHON))

    def start_command(self, job, command, env=()):
        self.out = f"{self.place.path}/{job}"
        with open(f"{self.out}.log", "w") as log:
            process = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", job, "--allow-pause", "--flush-timeout", "100",
                                        "--log_interval_steps", "1", "--", *command],
                                       stdout=log, stderr=subprocess.STDOUT, env={**self.place.env, "OUT": self.out, **dict(env)})
        self.addCleanup(lambda: process.poll() is None and (process.terminate(), process.wait(PATIENCE)))
        self.await_step(job, process, 2)
        return process

    def said(self):
        with open(f"{self.out}.log") as log:
            return log.read()[-3000:]

    def await_step(self, job, process, step):
        def there():
            status, answer = self.server.ask("GET", f"/api/v1/jobs/{job}")
            return process.poll() is not None or (status == 200 and (answer[0].get("last_step") or 0) >= step)

        wait_until(there, f"step {step} of {job}")
        self.assertIsNone(process.poll(), self.said())

    def act(self, job, command, code=0):
        done = self.place.cli(command, "--server", self.server.http, job, "-o", "json")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout.splitlines()[0])

    def pause_and_resume(self, job, process):
        paused = self.act(job, "pause")
        self.assertEqual([(r["rank"], r["outcome"]) for r in paused["ranks"]], [(rank, "held") for rank in range(RANKS)])
        self.assertEqual(len({r["step"] for r in paused["ranks"]}), 1)
        self.act(job, "resume")
        self.await_step(job, process, paused["step"] + 2)
        return paused

    def stop_saves(self, job, process):
        self.assertIn("then they save and end", self.pause_and_resume(job, process)["summary"])
        stopped = self.act(job, "stop")
        self.assertEqual(stopped["summary"], f"all ranks save and end at step {stopped['step']}")
        self.assertEqual(process.wait(PATIENCE), 0, self.said())
        return stopped["step"]

    def test_a_trainer_is_paused_and_ended_with_its_checkpoint(self):
        step = self.stop_saves("trainer", self.start("trainer", TRAINER))
        self.assertTrue(os.path.exists(f"{self.out}/checkpoint-{step}/trainer_state.json"), os.listdir(self.out))

    def test_a_lightning_trainer_is_paused_and_ended_with_a_checkpoint(self):
        text = LIGHTNING.replace("lightning.Trainer(", "lightning.Trainer(default_root_dir=os.environ['OUT'], ")
        step = self.stop_saves("paused", self.start("paused", text))  # a lightning.py would be imported
        self.assertTrue(os.path.exists(f"{self.out}/rankscope-step={step}.ckpt"), os.listdir(self.out))

    def test_a_lightning_trainer_that_was_to_stop_already_saves_its_checkpoint(self):
        text = LIGHTNING.replace("lightning.Trainer(", "lightning.Trainer(default_root_dir=os.environ['OUT'], min_epochs=0, min_steps=99999, callbacks=[Stopping()], ")
        process = self.start("stopping", text.replace("lightning.Trainer(", STOPPING + "lightning.Trainer(", 1))
        step = self.act("stopping", "stop")["step"]
        self.assertEqual(process.wait(PATIENCE), 0, open(f"{self.out}.log").read()[-3000:])
        self.assertEqual([name for name in os.listdir(self.out) if name.endswith(".ckpt")], [f"rankscope-step={step}.ckpt"])

    def test_a_run_of_swift_is_paused_and_ended_with_its_checkpoint(self):
        subprocess.run([PYTHON, self.place.write("model.py", SWIFT_MODEL), self.place.path], check=True, capture_output=True)
        options = SWIFT.format(self.place.path).replace("--max_steps 6", "--max_steps 100000").partition(" --external_plugins")[0]
        process = self.start_command("swift", ["swift", *options.split(), "--add_version", "false"], env={
            "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "NPROC_PER_NODE": str(RANKS),
            "MASTER_PORT": str(port_to_come_back_to()), "PATH": os.path.dirname(PYTHON) + ":" + os.environ["PATH"]})
        step = self.stop_saves("swift", process)
        self.assertTrue(os.path.exists(f"{self.out}/checkpoint-{step}/trainer_state.json"), os.listdir(self.out))

    def test_a_loop_on_accelerate_is_paused_but_does_not_ask_whether_to_end(self):
        process = self.start("accelerate", ACCELERATE)
        self.assertIn("then they go on: ranks 0-1 do not ask", self.pause_and_resume("accelerate", process)["summary"])
        self.assertIn("ranks 0-1 do not ask whether to end", self.act("accelerate", "stop", code=1)["summary"])


if __name__ == "__main__":
    unittest.main()
