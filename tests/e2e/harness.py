"""What the end-to-end tests share: the built program, a server on free ports, and waiting for an event."""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from ports import port_to_come_back_to

RANKSCOPE = os.environ["RANKSCOPE"]
PATIENCE = 300  # seconds; a limit for a broken build, never a measure


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        began = time.monotonic()
        value = condition()
        if value:
            return value
        time.sleep(max(0.02, 2 * (time.monotonic() - began)))  # a look that starts a program is dear under a sanitizer
    raise AssertionError(f"waited {PATIENCE} s for {what}")


def zstd(data):
    """The bytes under zstd, by the library that the program uses; Python's own comes with 3.14."""
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_compressBound.restype = library.ZSTD_compress.restype = ctypes.c_size_t
    library.ZSTD_compressBound.argtypes = [ctypes.c_size_t]
    library.ZSTD_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    room = library.ZSTD_compressBound(len(data))
    packed = ctypes.create_string_buffer(room)
    size = library.ZSTD_compress(packed, room, data, len(data), 3)
    return packed.raw[:size]


def proc(pid, name):
    """The text of /proc/PID/NAME; "" once the process is gone."""
    try:
        with open(f"/proc/{pid}/{name}") as file:
            return file.read()
    except OSError:
        return ""


def children(pid):
    return [int(child) for child in proc(pid, f"task/{pid}/children").split()]


def ended(pid):
    """Whether the process is gone, its locks with it; a zombie is, once its last thread has ended."""
    stat = proc(pid, "stat")
    if not stat:
        return True
    try:
        return stat.rpartition(")")[2].split()[0] in "ZX" and len(os.listdir(f"/proc/{pid}/task")) == 1
    except FileNotFoundError:
        return True


def lack(what):
    """Ends a test for want of a tool or a right: it is left out, but fails where everything is to be there (.ci/run)."""
    if os.environ.get("RANKSCOPE_ALL_TESTS") == "1":
        raise AssertionError(f"lacking {what}, and $RANKSCOPE_ALL_TESTS allows no test to be left out")
    raise unittest.SkipTest(f"lacking {what}")


def refuse(tried):
    """Ends a test where the kernel or the container forbids what it needs, as `tried`, a finished process, has shown."""
    raise unittest.SkipTest(f"this machine forbids `{' '.join(tried.args)}`: {tried.stderr.strip()}")


def mount_small_disk(folder, mib):
    """A disk of its own at the folder, which is made."""
    if os.geteuid() != 0:
        lack("root's right to mount a small disk")
    os.mkdir(folder)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        refuse(mounted)


class Place:
    """A scratch folder that holds the data and the run directories of one test."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="rankscope-e2e-")
        self.env = {**os.environ, "XDG_STATE_HOME": self.path + "/state", "XDG_DATA_HOME": self.path + "/data"}
        for name in ("RANKSCOPE_SERVER", "RANK", "LOCAL_RANK", "WORLD_SIZE", "PYTHONUNBUFFERED"):
            self.env.pop(name, None)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)

    def write(self, name, text):
        """The whole text at once: a server that reads the file again when it changes sees no half of it."""
        path = os.path.join(self.path, name)
        with open(path + ".new", "w") as file:
            file.write(text)
        os.replace(path + ".new", path)
        return path

    def cli(self, *arguments, env=None, patience=PATIENCE, folder=None):
        if arguments[:1] == ("run",) and "--flush-timeout" not in arguments:  # the usual 2 s are few under a sanitizer
            arguments = ("run", "--flush-timeout", "100", *arguments[1:])
        return subprocess.run([RANKSCOPE, *arguments], capture_output=True, text=True, errors="replace",
                              env={**self.env, **(env or {})}, timeout=patience, cwd=folder)

    def run_directories(self):
        try:
            return os.listdir(self.path + "/state/rankscope/runs")
        except FileNotFoundError:
            return []

    def logs(self, server, job, *arguments, codes=(0,)):
        done = self.cli("logs", "--server", server, "--job_id", job, "-o", "json", *arguments)
        assert done.returncode in codes, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


class Server:
    """`rankscope serve`, restartable on the same ports and data."""

    stderr_to = None  # the test's own

    def __init__(self, place, host="127.0.0.1", options=(), data=None):
        self.place, self.options, self.data = place, options, data or place.path + "/server"
        self.http, self.grpc = f"{host}:{port_to_come_back_to()}", f"{host}:{port_to_come_back_to()}"
        self.start()

    def command(self):
        return [RANKSCOPE, "serve", "--data-dir", self.data, "--http", self.http, "--grpc", self.grpc,
                *self.options]

    def start(self):
        self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=self.stderr_to, text=True,
                                        env=self.place.env)
        line = self.process.stdout.readline()
        assert line.startswith("rankscope: serving"), line + self.stderr()
        words = dict(word.split("=", 1) for word in line.split()[2:])
        self.http, self.grpc = words["http"], words["grpc"]

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return code

    def end(self):
        """Where it has not ended yet."""
        assert self.process.poll() is not None or self.stop() == 0, "the server did not end well"

    def stderr(self):
        return ""

    def ask(self, method, path, body=None, headers=None, **parameters):
        """(status, the answer's lines as JSON)."""
        url = f"http://{self.http}{path}?" + urllib.parse.urlencode(parameters)
        request = urllib.request.Request(url, body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, [json.loads(line) for line in answer]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, [json.loads(line) for line in error]

    def ingest(self, job, records, **parameters):
        """Stores the records (as JSON) in one request; its answer. No job: they are the project's."""
        body = "".join(json.dumps(record) + "\n" for record in records).encode()
        if job is not None:
            parameters["job_id"] = job
        status, (answer,) = self.ask("POST", "/api/v1/ingest/jsonline", body, **parameters)
        assert status == 200, answer
        return answer

    def rows(self, query, **parameters):
        status, rows = self.ask("GET", "/api/v1/query", query=query, **parameters)
        assert status == 200 and not any("error" in row or "_partial" in row for row in rows), rows[-1:]
        return rows


class LoggingServer(Server):
    """Its stderr goes to a file."""

    def start(self):
        with open(self.place.path + "/server.stderr", "a") as self.stderr_to:
            super().start()

    def stderr(self):
        with open(self.place.path + "/server.stderr") as file:
            return file.read()


class Case(unittest.TestCase):
    """A test whose places are removed and whose servers are ended, well, when it ends."""

    def new_place(self):
        place = Place()
        self.addCleanup(place.remove)
        return place

    def serve(self, *options, place=None, kind=Server, **more):
        server = kind(place or self.place, options=options, **more)
        self.addCleanup(server.end)
        return server


class PlaceCase(Case):
    """Each test has a place of its own."""

    def setUp(self):
        self.place = self.new_place()


class ServerCase(PlaceCase):
    """Each test has a place and a server of its own."""

    def setUp(self):
        super().setUp()
        self.server = self.serve()


class OneServerCase(Case):
    """All tests of the class have one place and one server."""

    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.addClassCleanup(cls.place.remove)
        cls.server = cls.new_server()
        cls.addClassCleanup(cls.server.end)

    @classmethod
    def new_server(cls):
        return Server(cls.place)


def torchrun(ranks, script, python=os.environ.get("TORCH_PYTHON", sys.executable)):
    """The command line of a real launch; $TORCH_PYTHON names a Python with another torch than Debian's. torch 1.13 on
    Python 3.11 fails with the launcher's own defaults; a mapping for a rank that is not there avoids that."""
    version = subprocess.run([python, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True,
                             check=True).stdout
    old = ["--redirects", "9:0", "--tee", "9:0"] if version.startswith("1.") else []
    return [python, "-m", "torch.distributed.run", *old, "--nproc_per_node", str(ranks), "--master_port",
            str(port_to_come_back_to()), script]
