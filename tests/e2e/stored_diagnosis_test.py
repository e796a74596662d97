"""What the diagnosis of a stored job tells that its files alone would not: recorded batches, samples of GPUs and hosts."""
import json
import unittest

from harness import ServerCase, wait_until

RANKS, CULPRIT, STEPS = 4, 3, 40
# Ranks that record what they train on; one gets a picture 600 times as large as the others' and runs out of memory.
TRAIN = """
import os, time, rankscope
rank = int(os.environ["RANK"])
for step in range(1, %(steps)d + 1):
    extreme = rank == %(culprit)d and step == %(steps)d
    names = [f"images/{rank}/{step}.png", f"images/{rank}/{step + 1}.png"]
    if extreme:
        names[0] = "images/part-00047/0095.png"
    rankscope.log_batch(names, [[3, 8192, 4096] if extreme else [3, 224, 224], [3, 224, 224]], [500, 500], step=step)
    if extreme:
        while len([name for name in os.listdir(".") if name.startswith("done.")]) < 3:  # the others
            time.sleep(0.05)
        raise RuntimeError("CUDA out of memory. Tried to allocate 4.20 GiB.")
    rankscope.log({"loss": 2 / step, "gpu_memory_gib": 60 + rank / 10}, step=step)
    if step == 30 and rank == 0:
        print("Saved checkpoint to out/checkpoint-30", flush=True)
rankscope.close()
open(f"done.{rank}", "w").close()
""" % {"steps": STEPS, "culprit": CULPRIT}
LAUNCH = 'cd "$1"; for r in 0 1 2 3; do ' \
         'RANK=$r LOCAL_RANK=$r WORLD_SIZE=4 LOCAL_WORLD_SIZE=4 python3 "$0" & pids="$pids $!"; done; ' \
         'for p in $pids; do wait $p || code=$?; done; exit ${code:-0}'


class StoredDiagnosisTest(ServerCase):
    def diagnose(self, job):
        done = self.place.cli("diagnose", "--server", self.server.http, "--job_id", job, "-o", "json")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_the_recorded_batch_in_flight_is_told_with_its_file(self):
        script = self.place.write("train.py", TRAIN)
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "oom", "--", "sh", "-c", LAUNCH, script,
                              self.place.path)
        self.assertEqual(done.returncode, 1, done.stderr)
        wait_until(lambda: self.server.rows(f"job:oom stream:batch rank:{CULPRIT} step:{STEPS}"), "the last batch")
        verdict = self.diagnose("oom")
        told = json.dumps(verdict, indent=1)
        self.assertEqual((verdict["class"], verdict["subclass"]), ("cuda_oom", "one extreme sample"), told)
        self.assertEqual((verdict["culprits"], verdict["culprit"]["step"]), ([CULPRIT], STEPS - 1), told)
        figures = verdict["figures"]
        self.assertIn(f"the batch in flight of step {STEPS}: samples images/part-00047/0095.png, "
                      f"images/{CULPRIT}/{STEPS + 1}.png, 1.00 times the usual", figures)
        self.assertIn("its largest shape: [3, 8192, 4096], 668.73 times the usual", figures)
        self.assertTrue(any(figure.startswith("memory went from 60.30 to 60.30 GiB in ") for figure in figures), told)
        self.assertIn("that of 3 other ranks from 60.10 to 60.10 GiB", figures)
        self.assertIn(f"go on from checkpoint out/checkpoint-30; {STEPS - 30} steps are lost", verdict["restart"])

    def test_a_gpu_that_throttled_itself_is_told_with_its_rank(self):
        def time(minute):
            return f"2026-04-01T{minute // 60:02}:{minute % 60:02}:00Z"

        place = {"node_rank": 0, "host": "n0"}
        records = [{**place, "timestamp": time(0), "rank": rank, "local_rank": rank, "stream": "event", "event": "rank_gpu",
                    "msg": f"rank {rank} has GPU-{rank}"} for rank in range(4)]
        for minute in range(60):
            for number in range(4):
                throttled = number == 2 and minute >= 22
                records.append({**place, "timestamp": time(minute), "rank": number, "local_rank": number, "stream": "metric",
                                "step": minute * 10, "loss": 2, "throughput_tokens_per_sec": 40_000 if minute >= 24 else 80_000})
                records.append({**place, "timestamp": time(minute), "stream": "gpu", "gpu_index": number,
                                "gpu_uuid": f"GPU-{number}", "sm_clock_mhz": 960 if throttled else 1980,
                                "temperature_c": 91 if throttled else 62,
                                "throttle_reasons": "hw_thermal_slowdown" if throttled else "sw_power_cap"})
        self.server.ingest("hot", records)
        verdict = self.diagnose("hot")
        told = json.dumps(verdict, indent=1)
        self.assertEqual((verdict["class"], verdict["subclass"]), ("thermal_or_power_throttle", "thermal"), told)
        self.assertEqual(verdict["culprits"], [2], told)
        self.assertIn("GPU 2 of n0 (rank 2) throttles itself (hw_thermal_slowdown) since 2026-04-01T00:22:00Z: 960 MHz "
                      "instead of 1980, 91 °C (the others 62)", verdict["figures"])

    def test_power_caps_of_a_healthy_job_are_no_failure(self):
        self.server.ingest("capped", [record for second in range(50) for record in (
            {"timestamp": f"2026-04-01T00:00:{second:02}Z", "rank": 0, "stream": "metric", "step": second, "loss": 2},
            {"timestamp": f"2026-04-01T00:00:{second:02}Z", "node_rank": 0, "stream": "gpu", "gpu_uuid": "GPU-0",
             "sm_clock_mhz": 1900, "throttle_reasons": "sw_power_cap"})])
        done = self.place.cli("diagnose", "--server", self.server.http, "--job_id", "capped", "-o", "json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["class"]), (0, "none"), done.stdout)


if __name__ == "__main__":
    unittest.main()
