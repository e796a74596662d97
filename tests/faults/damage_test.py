"""Bytes of the server's files are flipped, zeroed and cut off: it starts, serves everything else, and names each place."""
import glob
import os
import random
import re
import shutil
import signal
import unittest

from faults import Job, LoggingServer, PlaceCase

SEED = int(os.environ.get("RANKSCOPE_SEED", 1))
MUTATIONS = int(os.environ.get("RANKSCOPE_DAMAGES", 6))


def mutate(path, chance):
    """Damages the middle of a file. Returns what was done."""
    size = os.path.getsize(path)
    place, kind = chance.randrange(size // 8, size * 7 // 8), chance.choice(("flip", "zero", "cut"))
    with open(path, "r+b") as file:
        file.seek(place)
        if kind == "flip":
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes((byte ^ (1 << chance.randrange(8)),)))
        elif kind == "zero":
            file.write(bytes(min(300, size - place)))
        else:
            file.truncate(place)
    return f"{kind} at {place} of {size} in {os.path.basename(path)}"


class DamageTest(PlaceCase):
    def damaged(self, pattern, number):
        server = self.serve(kind=LoggingServer)
        job = Job(self.place, server.http, ranks=3, lines=4000, pause=0.001)
        self.assertEqual(job.finish(), 0)
        lines = job.ranks * job.lines
        server.stop(number)
        sound = self.place.path + "/sound"
        shutil.copytree(server.data, sound)
        for i in range(MUTATIONS):
            shutil.rmtree(server.data)
            shutil.copytree(sound, server.data)
            chance = random.Random(f"{SEED} {pattern} {i}")
            files = [f for f in glob.glob(server.data + pattern, recursive=True) if os.path.getsize(f) > 1000]
            path = chance.choice(sorted(files))
            did, said = mutate(path, chance), len(server.stderr())
            server.start()
            lost, doubled, disorder, changed = job.ledger(server.http, codes=(0, 1))
            whole = self.place.cli("logs", "--server", server.http, "--job_id", job.job, "--stream", "stdout")
            server.stop(number)
            sentences = server.stderr()[said:].splitlines()
            named = any(os.path.basename(path) in s and re.search(r"byte|block|footer", s) for s in sentences)
            with self.subTest(did):
                self.assertEqual((doubled, disorder, changed), (0, 0, 0))
                self.assertLess(lost, lines, "everything else is served")
                self.assertTrue(named or lost == 0, sentences)
                if any(re.search(r"block \d+", s) for s in sentences):  # met while reading: said to who reads
                    self.assertEqual((whole.returncode, len(whole.stderr.splitlines())), (1, 1))
                    self.assertRegex(whole.stderr, r"the answer is not whole: .*block \d+")
                self.assertLess(len(sentences), 6, sentences)
            print(did, "lost", lost, "of", lines, sentences[:1], flush=True)

    def test_journal(self):
        self.damaged("/**/*.journal", signal.SIGKILL)

    def test_segments(self):
        self.damaged("/**/*.segment", signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
