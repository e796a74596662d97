"""The two stories that `make demo` tells, by its own scripts: what the diagnosis says of them."""
import json
import os
import subprocess
import sys
import unittest

from harness import RANKSCOPE, PlaceCase

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools")
GENEROUS_S = 600


def diagnose(*arguments):
    done = subprocess.run([RANKSCOPE, "diagnose", *arguments, "-o", "json"], capture_output=True, text=True)
    assert done.returncode == 3, done
    return json.loads(done.stdout)


class StoriesTest(PlaceCase):
    def setUp(self):
        super().setUp()
        self.folder = os.path.join(self.place.path, "logs")

    def test_a_run_that_ends_without_a_word_was_ended_by_one_extreme_sample(self):
        done = subprocess.run([os.path.join(TOOLS, "demo_oom.sh"), self.folder], timeout=GENEROUS_S, capture_output=True,
                              text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done)
        verdict = diagnose(self.folder)
        told = json.dumps(verdict, indent=1)
        self.assertEqual((verdict["class"], verdict["subclass"]), ("cuda_oom", "one extreme sample"), told)
        self.assertEqual((verdict["culprits"], verdict["culprit"]["step"]), ([3], 1197), told)
        self.assertEqual(verdict["root_line"], "CUDA out of memory. Tried to allocate 4.2 GiB")
        figures = verdict["figures"]
        self.assertIn("asked for 4.20 GiB", figures)
        self.assertIn("the batch in flight: Input image size [3, 8192, 4096], 128.00 times the usual size", figures)
        self.assertIn("the file named beside it: images/part-00047/0095.png", figures)

    def test_a_job_that_slowed_for_hours_was_slowed_by_one_port(self):
        subprocess.run([sys.executable, os.path.join(TOOLS, "demo_slow_job.py"), self.folder], check=True)
        topology = os.path.join(self.folder, "topology.yaml")
        verdict = diagnose(os.path.join(self.folder, "ranks.jsonl"), os.path.join(self.folder, "switches.jsonl"),
                           "--topology", topology)
        told = json.dumps(verdict, indent=1)
        self.assertEqual((verdict["class"], verdict["subclass"]), ("network_degraded", "port"), told)
        self.assertEqual(sorted(verdict["culprits"]), list(range(160, 176)))
        self.assertEqual(verdict["root_line"], "NCCL timeout: unhandled system error")
        slowdown = verdict["slowdown"]
        element = slowdown["element"]
        self.assertEqual((element["kind"], element["name"], element["hits"]), ("port", "leaf-2/3", 16))
        self.assertLess(element["log10_chance"], -15)
        for value, expected in ((slowdown["before"], 80_000), (slowdown["worst"], 30_000), (slowdown["after"], 75_000)):
            self.assertAlmostEqual(value, expected, delta=0.02 * expected)
        self.assertEqual((slowdown["unit"], slowdown["recovered_step"]), ("tokens/s", 5000))
        order = slowdown["order"]
        self.assertEqual([one["rank"] for one in order][:16], verdict["culprits"])
        self.assertEqual(len(order), 256)
        self.assertEqual(order, sorted(order, key=lambda one: one["step"]))
        link = slowdown["links"][0]
        self.assertEqual((link["device"], link["port"], link["counter"]), ("leaf-2", "3", "port_xmit_discards"))

    def send(self, server, name, **parameters):
        """Stores what lies in the file; how many records."""
        with open(os.path.join(self.folder, name), "rb") as file:
            status, (answer,) = server.ask("POST", "/api/v1/ingest/jsonline", file.read(), **parameters)
        self.assertEqual(status, 200, answer)
        return answer["records"]

    def test_of_a_stored_job_the_projects_counters_tell_the_port(self):
        subprocess.run([sys.executable, os.path.join(TOOLS, "demo_slow_job.py"), self.folder], check=True)
        server = self.serve()
        self.send(server, "ranks.jsonl", job_id="j-20260405")
        ports = self.send(server, "switches.jsonl")
        self.assertEqual([row["n"] for row in server.rows("port:* | stats count() as n")], [ports])
        verdict = diagnose("--server", server.http, "--job_id", "j-20260405", "--topology",
                           os.path.join(self.folder, "topology.yaml"))
        told = json.dumps(verdict, indent=1)
        self.assertEqual((verdict["class"], verdict["subclass"]), ("network_degraded", "port"), told)
        self.assertEqual(sorted(verdict["culprits"]), list(range(160, 176)), told)
        link = verdict["slowdown"]["links"][0]
        self.assertEqual((link["device"], link["port"], link["counter"]), ("leaf-2", "3", "port_xmit_discards"), told)
        cited = [one for one in verdict["evidence"] if one.get("file") == "project default"]
        self.assertIn('"switch":"leaf-2"', "".join(one["msg"] for one in cited), told)

    def test_counters_of_another_time_tell_nothing_of_a_job(self):
        subprocess.run([sys.executable, os.path.join(TOOLS, "demo_slow_job.py"), self.folder], check=True)
        server = self.serve()
        self.send(server, "ranks.jsonl", job_id="j-20260405")
        server.ingest(None, [{"timestamp": f"2026-04-06T{hour:02}:00:00Z", "switch": "leaf-0", "port": port,
                              "port_xmit_discards": hour * 1000 * (port == 1)} for hour in range(9) for port in range(8)])
        verdict = diagnose("--server", server.http, "--job_id", "j-20260405", "--topology",
                           os.path.join(self.folder, "topology.yaml"))
        self.assertEqual(verdict["slowdown"]["links"], [], verdict)

    def test_a_topology_that_cannot_be_read_is_named(self):
        subprocess.run([sys.executable, os.path.join(TOOLS, "demo_slow_job.py"), self.folder], check=True)
        topology = os.path.join(self.folder, "topology.yaml")
        with open(topology, "a") as file:
            file.write("gpu-99: {swich: leaf-1}\n")
        server = self.serve()
        server.ingest("j", [{"rank": 0, "step": 1, "loss": 2}])
        for whose in ([self.folder], ["--server", server.http, "--job_id", "j"]):
            done = self.place.cli("diagnose", *whose, "--topology", topology)
            self.assertEqual(done.returncode, 2)
            self.assertTrue(done.stderr.startswith(f"rankscope: {topology}:33:"), done.stderr)
            self.assertIn("swich", done.stderr)
            missing = self.place.cli("diagnose", *whose, "--topology", topology + ".gone")
            self.assertEqual((missing.returncode, missing.stderr.count("\n")), (2, 1), missing.stderr)
            self.assertIn(topology + ".gone", missing.stderr)


if __name__ == "__main__":
    unittest.main()
