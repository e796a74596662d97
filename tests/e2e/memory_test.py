"""What a server took into memory it gives back."""
import json
import random
import subprocess
import unittest

from harness import RANKSCOPE, PlaceCase, wait_until


class MemoryTest(PlaceCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve("--lost-after", "86400")  # a lost job is diagnosed: what that has read stays decoded

    def megabytes(self, name):
        with open(f"/proc/{self.server.process.pid}/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith(name + ":"))

    def check_that_memory_of_records_goes_back(self):
        text = random.Random(5)
        body = "".join(json.dumps({"msg": f"{text.getrandbits(2000):x}"}) + "\n" for _ in range(80_000))
        status, (answer,) = self.server.ask("POST", "/api/v1/ingest/jsonline", body.encode(), job_id="memory")
        self.assertEqual((status, answer["records"]), (200, 80_000))
        wait_until(lambda: self.megabytes("VmRSS") < self.megabytes("VmHWM") - 20, "memory to go back")

    def test_memory_of_records_goes_back_once_there_is_nothing_to_do(self):
        self.check_that_memory_of_records_goes_back()

    def test_memory_goes_back_though_an_agent_is_there(self):
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--", "sleep", "3600"], env=self.place.env,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(run.wait)
        self.addCleanup(run.terminate)
        wait_until(lambda: self.place.cli("jobs", "--server", self.server.http).stdout.count("running"), "the job")
        self.check_that_memory_of_records_goes_back()


if __name__ == "__main__":
    unittest.main()
