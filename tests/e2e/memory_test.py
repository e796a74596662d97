"""What a server took into memory it gives back."""
import json
import random
import unittest

from harness import Place, Server, wait_until


class MemoryTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)
        self.server = Server(self.place)
        self.addCleanup(self.server.stop)

    def megabytes(self, name):
        with open(f"/proc/{self.server.process.pid}/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith(name + ":"))

    def test_memory_of_records_goes_back_once_nobody_asks_for_anything(self):
        text = random.Random(5)
        body = "".join(json.dumps({"msg": f"{text.getrandbits(2000):x}"}) + "\n" for _ in range(80_000))
        status, (answer,) = self.server.ask("POST", "/api/v1/ingest/jsonline", body.encode(), job_id="memory")
        self.assertEqual((status, answer["records"]), (200, 80_000))
        peak = self.megabytes("VmHWM")
        wait_until(lambda: self.megabytes("VmRSS") < peak - 20, "memory to go back")


if __name__ == "__main__":
    unittest.main()
