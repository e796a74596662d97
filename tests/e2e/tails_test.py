"""A thousand open tails: no thread each, every line to everyone, and who has left is noticed. Readers that pause."""
import json
import os
import resource
import socket
import subprocess
import unittest
import urllib.parse
import urllib.request

from harness import PATIENCE, RANKSCOPE, ServerCase, wait_until

TAILS, LINES = 1000, 50


def unchunked(raw):
    """The content of an HTTP body that came in chunks, as far as it has come: their borders may be anywhere in a line."""
    content = b""
    while b"\r\n" in raw:
        size, _, rest = raw.partition(b"\r\n")
        content += rest[: int(size, 16)]
        raw = rest[int(size, 16) + 2 :]
    return content


class TailsTest(ServerCase):
    def setUp(self):
        super().setUp()  # before the limit is raised: the server raises its own
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))

    def keep(self, client):
        self.addCleanup(client.close)
        return client

    def proc(self, folder):
        return len(os.listdir(f"/proc/{self.server.process.pid}/{folder}"))

    def open_tail(self, query, last=0):
        host, port = self.server.http.split(":")
        client = self.keep(socket.create_connection((host, int(port)), timeout=PATIENCE))
        client.sendall(f"GET /api/v1/tail?last={last}&query={urllib.parse.quote(query)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        got = self.read_until(client, b"\r\n\r\n", piece=1)  # and nothing of what follows
        self.assertIn(b"200 OK", got)
        return client

    def read_until(self, client, wanted, piece=65536):
        got = b""
        while wanted not in got:
            bytes_read = client.recv(piece)
            self.assertTrue(bytes_read, "the server ended a tail")
            got += bytes_read
        return got

    def print_lines(self, job):
        script = self.place.write("p.py", f"for i in range({LINES}): print('item', i)\n")
        done = self.place.cli("run", "--server", self.server.http, "--job_id", job, "--", "/usr/bin/python3", script)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_thousand_tails(self):
        before = self.proc("fd")
        tails = [self.open_tail("job:watched stream:stdout") for _ in range(TAILS)]
        self.assertGreaterEqual(self.proc("fd"), before + TAILS)
        self.print_lines("other")
        self.print_lines("watched")
        for tail in tails:
            got = self.read_until(tail, b'"item %d"' % (LINES - 1))
            self.assertEqual([line for line in range(LINES) if b'"item %d"' % line not in got], [])
            self.assertNotIn(b"other", got)
        self.assertLessEqual(self.proc("task"), 40)
        for tail in tails[: TAILS // 2]:
            tail.close()
        wait_until(lambda: self.proc("fd") <= before + TAILS // 2 + 8, "the server to notice who has left")
        self.print_lines("watched")
        self.read_until(tails[-1], b'"item %d"' % (LINES - 1))

    def tailed(self, client, last_word):
        """The items that the tail sends, in its order, until one has the word."""
        raw, lines = b"", [b""]
        while not any(last_word in line for line in lines[:-1]):  # what follows the last newline is no whole line yet
            got = client.recv(65536)
            self.assertTrue(got, "the server ended a tail")
            raw += got
            lines = unchunked(raw).split(b"\n")
        return [json.loads(line)["msg"] for line in lines[:-1] if line.startswith(b"{")]

    def test_lines_of_another_run_on_the_same_node_are_not_taken_for_history(self):
        def run(word):
            done = self.place.cli("run", "--server", self.server.http, "--job_id", "j", "--", "sh", "-c",
                                  f"for i in 1 2 3 4 5; do echo {word} $i; done")
            self.assertEqual(done.returncode, 0, done.stderr)

        run("first")
        tail = self.open_tail("job:j stream:stdout", last=100)
        self.assertEqual(self.tailed(tail, b"first 5"), [f"first {i}" for i in range(1, 6)])
        run("second")
        self.assertEqual(self.tailed(tail, b"second 5"), [f"second {i}" for i in range(1, 6)])

    def test_tail_opened_amid_lines_has_each_of_them_once(self):
        script = self.place.write("stream.py", "import os, time\ni = 0\nwhile not os.path.exists('%s/stop'):\n"
                                  "    print('item', i, flush=True); i += 1; time.sleep(0.0005)\n"
                                  "print('end')\n" % self.place.path)
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", "amid", "--flush-timeout", "100",
                                "--", "/usr/bin/python3", script], env=self.place.env, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        self.read_until(self.open_tail("job:amid stream:stdout", last=1), b"item 100")
        tails = [self.open_tail("job:amid stream:stdout", last=20) for _ in range(100)]
        open(self.place.path + "/stop", "w").close()
        self.assertEqual(run.wait(PATIENCE), 0)
        for tail in tails:
            items = [int(line.split()[1]) for line in self.tailed(tail, b'"end"')[:-1]]
            self.assertEqual(items, list(range(items[0], items[0] + len(items))))

    def test_readers_that_pause_keep_nobody_from_starting_a_run(self):
        script = self.place.write("flood.py", "for i in range(80000): print('item', i, 'x' * 100)\n")
        self.place.cli("run", "--server", self.server.http, "--job_id", "flood", "--", "/usr/bin/python3", script)
        host, port = self.server.http.split(":")
        clients = []
        for _ in range(70):  # more than there are threads
            client = self.keep(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((host, int(port)))
            client.sendall(b"GET /api/v1/query?query=job:flood HTTP/1.1\r\nHost: x\r\n\r\n")
            clients.append(client)
        self.read_until(clients[0], b"item")
        for path, body, word in (("/healthz", None, "status"), ("/api/v1/server", None, "grpc"),
                                 ("/api/v1/launches", b'{"key": "k", "member": "m"}', "job_id")):
            with urllib.request.urlopen(f"http://{self.server.http}{path}", body, timeout=PATIENCE) as answer:
                self.assertIn(word, json.load(answer))


if __name__ == "__main__":
    unittest.main()
