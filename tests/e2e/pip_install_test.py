"""What `pip install ./python` makes of a copy of the sources: a package that records, like the one beside `rankscope`."""
import os
import shutil
import subprocess
import sys
import unittest

from harness import RANKSCOPE, ServerCase, lack, wait_until

SOURCES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = """
import rankscope
print(rankscope.__file__, rankscope.init(job_id="installed"))
rankscope.log({"loss": 0.5}, step=7)
"""


class PipInstallTest(ServerCase):
    def install(self):
        """Without the network. Where the package lies now."""
        if subprocess.run([sys.executable, "-c", "import setuptools, wheel, pip"], capture_output=True).returncode:
            lack("pip, setuptools and wheel: `pip install ./python` is not tried")
        for part in ("python", "src"):  # a copy: pip builds beside its sources
            shutil.copytree(os.path.join(SOURCES, part), f"{self.place.path}/sources/{part}")
        site = self.place.path + "/site"
        done = subprocess.run([sys.executable, "-m", "pip", "install", "--no-index", "--no-build-isolation", "--no-deps",
                               "--target", site, self.place.path + "/sources/python"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return site

    def test_the_installed_package_records(self):
        site = self.install()
        env = {**self.place.env, "RANKSCOPE_SERVER": self.server.http, "PYTHONPATH": site,
               "PATH": os.path.dirname(RANKSCOPE) + ":" + os.environ["PATH"]}
        done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True)
        self.assertEqual((done.stdout, done.returncode), (f"{site}/rankscope/__init__.py True\n", 0), done.stderr)
        wait_until(lambda: not self.place.run_directories(), "the agent to have shipped everything")
        records = self.place.logs(self.server.http, "installed")
        self.assertEqual([(r["step"], r["loss"]) for r in records if r["stream"] == "metric"], [(7, 0.5)])


if __name__ == "__main__":
    unittest.main()
