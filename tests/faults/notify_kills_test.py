"""kill -9 of a notifier between any two of its states: nothing is lost, no state is told with two contents, and who was
told that something fires is told of its end.

Each round tells one story of two incidents on two channels; its process is killed before the N-th of the calls by
which it changes its file or talks to a channel, N by seed, and started again, until it gets through."""
import json
import os
import random
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
from channel_servers import DRIVER, HttpChannel  # noqa: E402
from harness import PATIENCE, PlaceCase  # noqa: E402

KILLS = int(os.environ.get("RANKSCOPE_KILLS", "60"))
# What is taken together: two messages, as more in one go would wait for a digest.
STORY = [[("a", 1, "firing"), ("b", 1, "firing")], [("a", 2, "resolved"), ("b", 2, "superseded")]]
STATES = [state for step in STORY for state in step]


class NotifyKillsTest(PlaceCase):
    def setUp(self):
        super().setUp()
        self.channels = {name: HttpChannel() for name in ("one", "two")}
        for channel in self.channels.values():
            self.addCleanup(channel.stop)
        receivers = "".join(f"- {{name: {name}, webhook: {{url: 'http://{channel.address}'}}}}\n"
                            for name, channel in self.channels.items())
        self.config = self.place.write("notify.yaml", f"receivers:\n{receivers}route:\n  receiver: one\n  group_wait: 0s\n"
                                       "  group_interval: 0s\n  routes: [{continue: true}, {receiver: two}]\n")

    def run_once(self, log, kill_at, wait):
        """Tells the story from its beginning, as its teller does after a crash; whether the process got through."""
        env = {**self.place.env, "RANKSCOPE_KILL_AT": str(kill_at), "no_proxy": "127.0.0.1"}
        told = "".join(json.dumps({"take": [dict(zip(("incident", "version", "kind"), each)) for each in step]}) + "\n" + wait
                       for step in STORY)
        done = subprocess.run([DRIVER, self.config, log], input=told, capture_output=True, text=True, env=env,
                              timeout=PATIENCE)
        self.assertIn(done.returncode, (0, -9), done.stderr)
        return done.returncode == 0

    def check(self, round_number, complete):
        """What each channel was told; `complete`: of every state, as the teller waited for each."""
        for name, channel in self.channels.items():
            bodies, states, order = {}, {}, []
            for message in channel.received:
                known = bodies.setdefault(message.delivery(), message.body)
                self.assertEqual(known, message.body, "one delivery id, one content")
                if known is message.body:
                    order.append(message)
            for message in order:
                for alert in message.json()["alerts"]:
                    told = (alert["rankscope"]["incident"], alert["rankscope"]["version"])
                    self.assertNotIn(told, states, f"round {round_number}, {name}: told in two messages")
                    states[told] = alert["status"]
            expected = {(incident, version): "firing" if kind == "firing" else "resolved" for incident, version, kind in STATES}
            where = f"round {round_number}, {name}"
            if complete:
                self.assertEqual(list(states.items()), list(expected.items()), where)
            for incident in ("a", "b"):
                told = [(key, state) for key, state in states.items() if key[0] == incident]
                self.assertEqual(told, [(key, expected[key]) for key, _ in told], where)
                if told:
                    self.assertEqual(told[-1], ((incident, 2), "resolved"), where + ": told that it fires, and no end")

    def test_kill_between_any_two_states(self):
        seed = int(os.environ.get("RANKSCOPE_SEED", "1"))
        rng = random.Random(seed)
        kills = rounds = 0
        while kills < KILLS:
            rounds += 1
            log = f"{self.place.path}/{rounds}.db"
            for channel in self.channels.values():
                channel.received.clear()
            wait = rng.choice(('{"wait": true}\n', ""))
            while not self.run_once(log, rng.randint(1, 120) if rng.random() < 0.9 else 0, wait):
                kills += 1
            self.check(rounds, complete=wait != "")
        print(f"seed {seed}: {kills} kills in {rounds} rounds", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
