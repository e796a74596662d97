"""Two machines on one: network namespaces joined by a cable, each with a host name, one with a clock of its own."""
import os
import shutil
import signal
import subprocess

from harness import lack, refuse

ADDRESSES = ("10.213.0.1", "10.213.0.2")
HOSTS = ("node-a", "node-b")


def need_namespaces():
    """Ends the test where two nodes cannot be made."""
    for tool, package in (("ip", "iproute2"), ("unshare", "util-linux")):
        if not shutil.which(tool):
            lack(f"{tool} (Debian: {package})")
    if os.geteuid() != 0:
        lack("root's right to make network namespaces")
    made = subprocess.run(["unshare", "--net", "--uts", "--mount", "true"], capture_output=True, text=True)
    if made.returncode != 0:
        refuse(made)


class TwoNodes:
    def __init__(self):
        self.names = [f"rankscope-{os.getpid()}-{node}" for node in (0, 1)]
        for name in self.names:
            self._ip("netns", "add", name)
        self._ip("link", "add", "eth0", "netns", self.names[0], "type", "veth", "peer", "name", "eth0",
                 "netns", self.names[1])
        for node, name in enumerate(self.names):
            self._ip("-n", name, "address", "add", ADDRESSES[node] + "/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                self._ip("-n", name, "link", "set", device, "up")

    def remove(self):
        """What still runs on the nodes ends with them."""
        for name in self.names:
            for pid in subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split():
                os.kill(int(pid), signal.SIGKILL)
            self._ip("netns", "delete", name)

    def command(self, node, *command):
        """The command line that runs a command on a node."""
        inside = ["sh", "-c", f'hostname {HOSTS[node]}; exec "$@"', "sh", *command]
        return ["ip", "netns", "exec", self.names[node], "unshare", "--uts", *inside]

    @staticmethod
    def clock(seconds):
        """The environment of processes whose clock is so many seconds off."""
        return {"LD_PRELOAD": os.environ["SHIFTED_CLOCK"], "SHIFTED_CLOCK_S": str(seconds)}

    @staticmethod
    def _ip(*arguments):
        subprocess.run(["ip", *arguments], check=True)
