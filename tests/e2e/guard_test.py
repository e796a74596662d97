"""rankscope.guard(): what is extreme, what is left of a batch, and how a data loader's workers tell it."""
import importlib.util
import json
import math
import os
import subprocess
import sys
import unittest
import warnings

from harness import RANKSCOPE, OneServerCase
from monitor_test import RANK_3
import rankscope
from rankscope import _batch, _guard

HAS_TORCH = importlib.util.find_spec("torch") is not None

LOADER = """
import os, random, sys, torch, rankscope
from torch.utils.data import DataLoader

class Data(torch.utils.data.Dataset):
    def __len__(self): return 40
    def __getitem__(self, i):
        rankscope.log({"loss": 1e9}, step=i)  # a worker stays inert for what is not rare
        return {"id": 1000 + i, "input_ids": torch.ones(9000 if i in (7, 21, 22, 23) else 10 + i, dtype=torch.long)}

def collate(samples):
    samples = rankscope.guard(samples, policy=os.environ["POLICY"], limits={"sequence_length": 8192})
    return samples and [sample["id"] for sample in samples]

if __name__ == "__main__":
    kept = []
    context = os.environ["CONTEXT"]
    workers = dict(num_workers=2, multiprocessing_context=context) if context else {}
    try:
        for step, batch in enumerate(DataLoader(Data(), batch_size=4, collate_fn=collate, **workers), 1):
            rankscope.log({"loss": 1.0}, step=step)
            kept += batch or []
    except rankscope.ExtremeSample as error:
        print("refused:", str(error).replace("\\n", " ")[-120:])
    print("kept", len(kept))
"""


@unittest.skipUnless(HAS_TORCH, "no torch")
class BatchTest(unittest.TestCase):
    def guarded(self, batch, limits, ids=None):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            left = rankscope.guard(batch, ids=ids, policy="skip", limits=limits)
        self.said = [str(warning.message) for warning in caught]
        return left

    def test_a_dict_of_tensors(self):
        import torch

        mask = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0]])
        batch = {"input_ids": torch.arange(12).reshape(3, 4), "attention_mask": mask, "labels": [7, 8, 9], "names": ("a", "b", "c"),
                 "temperature": 0.5, "scale": torch.tensor(2.0)}
        left = self.guarded(batch, {"sequence_length": 3})
        self.assertEqual(left["input_ids"].tolist(), [[0, 1, 2, 3], [8, 9, 10, 11]])
        self.assertEqual((left["labels"], left["names"], left["temperature"], left["scale"].item()), ([7, 9], ("a", "c"), 0.5, 2.0))
        self.assertEqual(len(batch["input_ids"]), 3, "the batch that was given is as it was")
        self.assertIn("sample 1 skipped: sequence_length 4, above 3", self.said[0])
        self.assertIsNone(self.guarded(batch, {"sequence_length": 0}))
        self.assertIs(self.guarded(batch, {"sequence_length": 4}), batch)

    def test_a_list_of_samples(self):
        batch = [{"id": "a", "input_ids": [1] * 5}, {"id": "b", "input_ids": [1] * 50}, {"id": "c"}]
        self.assertEqual(self.guarded(batch, {"sequence_length": 9}), [batch[0], batch[2]])
        self.assertIn("sample b skipped", self.said[0])
        self.assertIsNone(self.guarded(batch[1:2], {"sequence_length": 9}))

    def test_tuples_of_tensors_and_lists_of_tensors(self):
        import collections

        import torch

        images, labels = torch.zeros(2, 3, 8, 8), torch.tensor([4, 5])
        self.assertIs(self.guarded([images, labels], {"elements": 193}).__class__, list)
        self.assertIsNone(self.guarded((images, labels), {"elements": 100}))
        pair = collections.namedtuple("Pair", "x y")(images, labels)
        self.assertEqual(_batch.select(pair, [1]).y.tolist(), [5])
        ragged = [torch.zeros(3), torch.zeros(30), torch.zeros(4)]
        self.assertEqual([len(one) for one in self.guarded(ragged, {"elements": 9}, ids=["p", "q", "r"])], [3, 4])
        self.assertIn("sample q skipped", self.said[0])
        samples = [(torch.zeros(3), 1), (torch.zeros(30), 2)]
        self.assertEqual(self.guarded(samples, {"elements": 9}), samples[:1])
        self.assertEqual(self.guarded(torch.zeros(4, 10), {"elements": 10}).shape, (4, 10))

    def test_images_and_sounds(self):
        import torch

        class Picture:
            size = (1920, 1080)

        self.assertEqual(_batch.sizes({"pixel_values": torch.zeros(2, 3, 32, 64)}), {"image_size": [2048, 2048]})
        samples = [{"image": Picture(), "audio": {"array": [0.0] * 16000, "sampling_rate": 16000}},
                   {"images": [torch.zeros(3, 10, 10), torch.zeros(20, 20, 3)]}, {"image": "a path"}]
        self.assertEqual(_batch.sizes(samples), {"image_size": [1920 * 1080, 500, None], "audio_length": [16000, None, None]})
        self.assertEqual(self.guarded(samples, {"image_size": 1e6}), samples[1:])
        self.assertEqual(_batch.sizes({"input_features": torch.zeros(2, 80, 3000)}), {"audio_length": [3000, 3000]})

    def test_too_small_is_extreme_where_a_least_size_is_given(self):
        batch = [{"input_ids": []}, {"input_ids": [1, 2]}]
        self.assertEqual(self.guarded(batch, {"sequence_length": (1, 100)}), batch[1:])
        self.assertIn("sequence_length 0, below 1", self.said[0])

    def test_what_is_no_batch_comes_back(self):
        for thing in (None, 3, "text", {}, [], object()):
            self.assertIs(rankscope.guard(thing, policy="skip", limits={"elements": 0}), thing)

    def test_wrong_arguments_are_named(self):
        batch = [{"input_ids": [1]}]
        for arguments, words in ((dict(policy="drop"), "policy: want one of warn, skip, raise, found 'drop'"),
                                 (dict(limits={"length": 3}), "limits: want of sequence_length, .* found 'length'"),
                                 (dict(limits={"image_size": "big"}), "image_size: want a number or"),
                                 (dict(limits={"image_size": True}), "image_size: want a number or"),
                                 (dict(limits={"image_size": float("nan")}), "image_size: want a number or"),
                                 (dict(limits={"image_size": (9, 3)}), r"image_size: want a number or .*found \(9, 3\)"),
                                 (dict(limits=7), "limits: want {feature: most} or .*found 7"),
                                 (dict(ids=7), "ids: want 1, one a sample, found 7"),
                                 (dict(ids=[1, 2]), "ids: want 1, one a sample, found 2")):
            with self.assertRaisesRegex(ValueError, words):
                rankscope.guard(batch, **arguments)


class LearnedTest(unittest.TestCase):
    def setUp(self):
        _guard._learned.clear()
        self.addCleanup(_guard._learned.clear)

    def length(self, length):
        """Whether a sample of that length is kept."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return rankscope.guard([{"input_ids": range(length) and [0] * length}], policy="skip") is not None

    def test_nothing_is_extreme_before_enough_is_known(self):
        self.assertTrue(all(self.length(100) for _ in range(63)))
        self.assertTrue(self.length(100_000))

    def test_a_size_far_above_the_usual_ones_is(self):
        for number in range(300):
            self.assertTrue(self.length(200 + number % 100), number)
        self.assertTrue(self.length(480), "less than twice the median")
        self.assertFalse(self.length(30_000))
        self.assertTrue(self.length(2), "small ones harm nobody")

    def test_wide_distributions_are_left_alone(self):
        import random

        chance = random.Random(3)
        kept = [self.length(int(math.exp(chance.gauss(6, 1)))) for _ in range(5000)]
        self.assertGreaterEqual(sum(kept), 4998)

    def test_a_lasting_shift_is_learned(self):
        for _ in range(200):
            self.length(100)
        shifted = [self.length(400) for _ in range(1000)]
        self.assertFalse(shifted[0])
        self.assertTrue(all(shifted[600:]))


@unittest.skipUnless(HAS_TORCH, "no torch")
class LoaderTest(OneServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.script = cls.place.write("loader.py", LOADER)

    def load(self, context, policy, launcher=RANK_3):
        job = f"{context or 'main'}-{policy}" + ("" if launcher else "-plain")
        done = self.place.cli("run", "--server", self.server.http, "--job_id", job, "--", sys.executable, self.script,
                              env={**launcher, "CONTEXT": context, "POLICY": policy})
        self.assertEqual(done.returncode, 0, done.stderr)
        records = self.place.logs(self.server.http, job)
        if context:
            self.assertFalse([record for record in records if record.get("loss_max", 0) > 1e6], "workers log no metrics")
        return done, [record for record in records if record.get("event") == "detector_finding"]

    def check(self, found, policy, rank=3):
        begun = [one for one in found if one["active"]]
        self.assertEqual(sorted(one for event in begun for one in json.loads(event["sample_ids"])), [1007, 1021, 1022, 1023])
        for event in begun:
            self.assertEqual((event["class"], event["rule"], event["detector"], event["policy"], event["rank"], event["value"],
                              event["threshold"], event["action"]),
                             ("extreme_sample", "extreme_sequence_length", "guard", policy, rank, 9000, 8192, "notify_only"))
            self.assertEqual(json.loads(event["evidence"])[0]["value"], 9000)
        self.assertTrue([one for one in found if not one["active"]], "the episode ends with a batch that is fine")

    def test_workers_and_the_main_loop_intercept_and_tell(self):
        for context in ("", "fork", "spawn"):
            with self.subTest(context=context):
                done, found = self.load(context, "skip")
                self.assertIn("kept 36", done.stdout)
                self.check(found, "skip")

    def test_workers_of_a_plain_command_are_of_its_rank_0(self):
        for context in ("fork", "spawn"):
            with self.subTest(context=context):
                done, found = self.load(context, "skip", launcher={})
                self.check(found, "skip", rank=0)

    def test_a_warning_lets_the_sample_pass(self):
        done, found = self.load("fork", "warn")
        self.assertIn("kept 40", done.stdout)
        self.check(found, "warn")

    def test_an_exception_names_the_sample_and_reaches_the_loop(self):
        done, found = self.load("fork", "raise")
        self.assertIn("refused: ", done.stdout)
        self.assertIn("sample 1007 refused: sequence_length 9000, above 8192", done.stdout)
        self.assertEqual(json.loads(found[0]["sample_ids"]), [1007])

    def test_rings_of_workers_are_removed(self):
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", "rings", "--flush-timeout", "100", "--",
                                sys.executable, self.script], env={**self.place.env, **RANK_3, "CONTEXT": "fork", "POLICY": "warn"},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertEqual(run.wait(), 0)
        self.assertFalse([name for name in os.listdir("/dev/shm") if name.startswith(f"rankscope-{run.pid}-")])

    def test_without_an_agent_it_is_a_python_warning(self):
        package = os.path.join(os.path.dirname(RANKSCOPE), "../lib/rankscope/python")
        done = subprocess.run([sys.executable, self.script], capture_output=True, text=True,
                              env={**self.place.env, "PYTHONPATH": package, "CONTEXT": "", "POLICY": "skip"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("rankscope.guard: sample 1007 skipped: sequence_length 9000, above 8192", done.stderr)


if __name__ == "__main__":
    unittest.main()
