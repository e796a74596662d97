"""Wrong input gets one line that names the thing and what to do."""
import unittest

from harness import Place, Server


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.server = Server(cls.place)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.place.remove()

    def fails(self, words, *arguments):
        done = self.place.cli(*arguments)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_unknown_job(self):
        self.fails(['no job "nope"'], "logs", "--server", self.server.http, "--job_id", "nope")

    def test_no_server_there(self):
        self.fails(["127.0.0.1:1", "rankscope serve"], "jobs", "--server", "127.0.0.1:1")

    def test_port_in_use(self):
        self.fails([self.server.http.split(":")[1], "--http"], "serve", "--data-dir", self.place.path + "/other", "--http",
                   self.server.http, "--grpc", "127.0.0.1:0")

    def test_data_directory_in_use(self):
        self.fails(["--data-dir"], "serve", "--data-dir", self.place.path + "/server", "--http", "127.0.0.1:0")

    def test_not_loopback(self):
        self.fails(["0.0.0.0", "rankscope token create", "--insecure"], "serve", "--data-dir", self.place.path + "/x", "--http", "0.0.0.0:0")

    def test_bad_rank_set(self):
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "j", "--", "true")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.fails(["7-3", "0-7"], "logs", "--server", self.server.http, "--job_id", "j", "--rank", "7-3")


if __name__ == "__main__":
    unittest.main()
