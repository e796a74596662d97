"""One job on two nodes: two `rankscope run` in two network namespaces, their clocks 2 s apart."""
import json
import subprocess
import unittest
from datetime import datetime

from harness import PATIENCE, RANKSCOPE, OneServerCase, Server, torchrun
from two_nodes import ADDRESSES, HOSTS, TwoNodes, need_namespaces

TURNS = 24
# The ranks take turns, so that the true order of what they print is known.
SCRIPT = f"""
import datetime, os, time
import torch, torch.distributed as dist
torch.set_num_threads(1)
dist.init_process_group("gloo", timeout=datetime.timedelta(minutes=5))
rank = dist.get_rank()
for turn in range({TURNS}):
    dist.barrier()
    if turn % dist.get_world_size() == rank:
        print("turn", turn, time.time())
        time.sleep(0.25)
dist.barrier()
dist.destroy_process_group()
"""


class NodeServer(Server):
    """The server on node 0, where both nodes reach it."""

    def __init__(self, place, nodes):
        self.nodes = nodes
        super().__init__(place, host=ADDRESSES[0])

    def command(self):
        return self.nodes.command(0, *super().command(), "--insecure")


class NodesTest(OneServerCase):
    @classmethod
    def new_server(cls):
        need_namespaces()
        cls.nodes = TwoNodes()
        cls.addClassCleanup(cls.nodes.remove)
        return NodeServer(cls.place, cls.nodes)

    def launch(self, commands, environments=({}, {})):
        """`rankscope run` on each node at the same time; what each returned and said."""
        runs = []
        for node, command in enumerate(commands):
            env = {**self.place.env, "XDG_STATE_HOME": f"{self.place.path}/state-{node}", "GLOO_SOCKET_IFNAME": "eth0",
                   "RANKSCOPE_SERVER": self.server.http, **environments[node]}
            run = self.nodes.command(node, RANKSCOPE, "run", "--flush-timeout", "100", "--", *command)
            runs.append(subprocess.Popen(run, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return [(*run.communicate(timeout=PATIENCE), run.returncode) for run in runs]

    def ask(self, *arguments):
        done = subprocess.run(self.nodes.command(0, RANKSCOPE, *arguments, "--server", self.server.http), text=True,
                              capture_output=True, env=self.place.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def jobs(self):
        return [json.loads(line) for line in self.ask("jobs", "-o", "json").splitlines()]

    def test_torchrun_on_two_nodes_is_one_job_merged_by_true_time(self):
        script = self.place.write("train.py", SCRIPT)
        port = "29533"
        launches = [[*torchrun(2, script)[:-3], "--nnodes", "2", "--node_rank", str(node), "--master_addr", ADDRESSES[0],
                     "--master_port", port, script] for node in (0, 1)]
        ended = self.launch(launches, ({}, TwoNodes.clock(2)))
        self.assertEqual([code for _, _, code in ended], [0, 0], ended)

        job = f"j-{ADDRESSES[0]}-{port}"
        self.assertEqual([j["job_id"] for j in self.jobs() if j["job_id"].startswith(job)], [job])
        shown = json.loads(self.ask("jobs", "show", job, "-o", "json"))
        self.assertEqual((shown["state"], shown["ranks_seen"], shown["ranks_expected"]), ("finished", 4, 4))
        places = [(r["rank"], r["node_rank"], r["local_rank"], r["host"]) for r in shown["ranks"]]
        self.assertEqual(places, [(0, 0, 0, HOSTS[0]), (1, 0, 1, HOSTS[0]), (2, 1, 0, HOSTS[1]), (3, 1, 1, HOSTS[1])])

        records = [json.loads(line) for line in self.ask("logs", "--job_id", job, "-o", "json").splitlines()]
        lines = [r for r in records if r.get("msg", "").startswith("turn ")]
        turns = [int(r["msg"].split()[1]) for r in lines]
        self.assertEqual(sorted(turns), list(range(TURNS)))
        # Two seconds are eight turns; a second is left for a busy machine.
        self.assertFalse([turn for place, turn in enumerate(turns) if abs(place - turn) > 3], turns)
        ahead = [float(r["msg"].split()[2]) - datetime.fromisoformat(r["timestamp"][:26] + "+00:00").timestamp()
                 for r in lines if r["node_rank"] == 1]
        self.assertTrue(all(seconds > 1 for seconds in ahead), ahead)

    def test_relaunch_is_a_new_job_on_all_nodes(self):
        def launch(command):
            options = ["--nnodes=2", f"--master_addr={ADDRESSES[0]}", "--master_port=29544"]
            self.launch([["sh", "-c", command, "sh", *options, f"--node_rank={node}"] for node in (0, 1)])

        launch("exit 3")
        launch("exit 0")
        job = f"j-{ADDRESSES[0]}-29544"
        states = {j["job_id"]: j["state"] for j in self.jobs() if j["job_id"].startswith(job)}
        self.assertEqual(states, {job: "failed", job + ".2": "finished"})
        for name in states:
            records = [json.loads(line) for line in self.ask("logs", "--job_id", name, "-o", "json").splitlines()]
            starts = [(r["node_rank"], r["host"]) for r in records if r.get("event") == "job_start"]
            self.assertEqual(sorted(starts), [(0, HOSTS[0]), (1, HOSTS[1])])

    def test_without_a_server_the_command_says_what_to_do_and_runs(self):
        done = self.place.cli("run", "--", "sh", "-c", "echo trained", "sh", "--nnodes=2", "--node_rank=1",
                              "--master_addr=head", "--master_port=29555")
        self.assertEqual((done.returncode, done.stdout), (0, "trained\n"))
        self.assertIn("on node head: rankscope token create; rankscope serve --http head:7070", done.stderr)
        self.assertIn("RANKSCOPE_SERVER=head:7070", done.stderr)


if __name__ == "__main__":
    unittest.main()
