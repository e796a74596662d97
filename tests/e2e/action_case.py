"""Real runs of 4 ranks on which actions are tried."""
import os
import re
import subprocess

from harness import PATIENCE, RANKSCOPE, OneServerCase, Server, lack, torchrun, wait_until

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "paused_training.py")
RULES = """groups:
- name: test
  rules:
  - alert: AskedForHelp
    match: 'somebody please look at this'
    action: pause_job
"""


def launcher():
    try:
        return torchrun(4, SCRIPT)
    except subprocess.CalledProcessError:
        return lack("a Python with torch")


class Run:
    """A job that runs; ended by enough()."""

    def __init__(self, place, server, job, mode, *options, env=None):
        self.place, self.server, self.job = place, server, job
        self.enough_file = f"{place.path}/{job}.enough"
        command = [RANKSCOPE, "run", "--server", server.http, "--job_id", job, "--flush-timeout", "100", *options, "--"]
        self.output = open(f"{place.path}/{job}.out", "w+")
        self.process = subprocess.Popen(command + launcher(), stdout=self.output, stderr=subprocess.STDOUT,
                                        env={**place.env, "MODE": mode, "ENOUGH": self.enough_file, **(env or {})})

    def enough(self):
        open(self.enough_file, "w").close()
        return self.end()

    def end(self):
        code = self.process.wait(PATIENCE)
        self.output.seek(0)
        self.text = self.output.read()
        self.output.close()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        self.output.close()

    def losses(self):
        return re.findall(r"step \d+: loss of rank 0 was \S+", self.text)

    def steps(self):
        """Up to which step rank 0 has said its loss."""
        with open(self.output.name) as file:
            said = re.findall(r"step (\d+): loss", file.read())
        return int(said[-1]) if said else 0

    def await_step(self, step):
        wait_until(lambda: self.steps() >= step or self.process.poll() is not None, f"step {step} of {self.job}")
        wait_until(lambda: self.server.ask("GET", f"/api/v1/jobs/{self.job}")[0] == 200, f"{self.job} at the server")

    def events(self, **fields):
        rows = self.server.rows(f"job:{self.job} stream:event event:action")
        return [row for row in rows if all(row.get(name) == value for name, value in fields.items())]

    def await_events(self, count, **fields):
        return wait_until(lambda: (found := self.events(**fields)) and len(found) >= count and found, f"{count} of {fields}")

    def actions(self):
        return self.server.ask("GET", f"/api/v1/jobs/{self.job}/actions")[1]

    def await_action(self, outcome):
        def there():
            over = self.process.poll() is not None
            actions = self.actions()
            found = [a for a in actions if a["outcome"] == outcome]
            if not found and (actions or over) and all(a["state"] == "done" for a in actions):
                with open(self.output.name) as file:
                    raise AssertionError(f"no action is {outcome}, and none goes on: {actions}\n{file.read()[-3000:]}")
            return found

        return wait_until(there, f"an action that is {outcome}")[0]

    def cli(self, command, *options):
        return self.place.cli(command, "--server", self.server.http, self.job, *options)


class ActionCase(OneServerCase):
    """Runs that end with the test."""

    @classmethod
    def new_server(cls):
        return Server(cls.place, options=("--rules", cls.place.write("rules.yaml", RULES)))

    def start(self, job, mode, *options, env=None):
        run = Run(self.place, self.server, job, mode, *options, env=env)
        self.addCleanup(run.kill)
        return run
