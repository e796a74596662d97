"""The server's side is ill: the training starts all the same, and one line says what is the matter."""
import socket
import unittest

from harness import Place


class IllServerTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)

    def test_server_that_never_answers_does_not_hold_the_command(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            address = "127.0.0.1:%d" % mute.getsockname()[1]
            done = self.place.cli("run", "--server", address, "--flush-timeout", "0", "--", "sh", "-c",
                                  "echo trained; exit 3", "sh", "--rdzv-id=j")
        self.assertEqual((done.returncode, done.stdout), (3, "trained\n"))
        self.assertIn("no answer from the server at " + address, done.stderr)


if __name__ == "__main__":
    unittest.main()
