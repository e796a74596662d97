"""A thousand open tails: no thread each, every line to everyone, and who has left is noticed."""
import os
import resource
import socket
import unittest
import urllib.parse

from harness import Place, Server, wait_until

TAILS, LINES = 1000, 50


class TailsTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.server = Server(self.place)  # before the limit is raised: the server raises its own
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
        self.clients = []

    def tearDown(self):
        for client in self.clients:
            client.close()
        self.assertEqual(self.server.stop(), 0)
        self.place.remove()

    def proc(self, folder):
        return len(os.listdir(f"/proc/{self.server.process.pid}/{folder}"))

    def open_tail(self, query):
        host, port = self.server.http.split(":")
        client = socket.create_connection((host, int(port)), timeout=120)
        self.clients.append(client)
        client.sendall(f"GET /api/v1/tail?query={urllib.parse.quote(query)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        got = self.read_until(client, b"\r\n\r\n")
        self.assertIn(b"200 OK", got)
        return client

    def read_until(self, client, wanted):
        got = b""
        while wanted not in got:
            piece = client.recv(65536)
            self.assertTrue(piece, "the server ended a tail")
            got += piece
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


if __name__ == "__main__":
    unittest.main()
