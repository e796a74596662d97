"""Servers are named as people name machines: by a host's name, or by an IPv6 address in brackets."""
import os
import socket
import subprocess
import unittest

from harness import PlaceCase


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


class AddressesTest(PlaceCase):
    def serve_a_run(self, host, *options, asked=None):
        server = self.serve(*options, host=host)
        address = (asked or host) + ":" + server.http.rpartition(":")[2]
        done = self.place.cli("run", "--server", address, "--job_id", "j", "--", "sh", "-c", "echo trained")
        self.assertEqual((done.returncode, done.stdout), (0, "trained\n"), done.stderr)
        self.assertEqual([r["msg"] for r in self.place.logs(address, "j", "--stream", "stdout")], ["trained"])

    def test_server_of_all_addresses_is_reached_by_each(self):
        self.serve_a_run("0.0.0.0", "--insecure", asked="127.0.0.2")

    def test_agents_come_in_where_people_do_unless_told_otherwise(self):
        host = "127." + ".".join(str(os.getpid() >> shift & 127 | 1) for shift in (14, 7, 0))  # 7071 is taken nowhere there
        server = self.serve(host=host)
        server.stop()
        command = server.command()
        del command[command.index("--grpc"):command.index("--grpc") + 2]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self.place.env) as process:
            line = process.stdout.readline()
            process.terminate()
        self.assertIn(f" grpc={host}:7071 ", line)

    def test_name_of_this_machine(self):
        self.serve_a_run(socket.gethostname(), "--insecure")

    def test_the_hint_asks_the_server_that_was_named(self):
        server = self.serve()
        named = self.place.cli("run", "--server", server.http, "--job_id", "j", "--", "true")
        self.assertIn(f"(rankscope logs --server {server.http} --job_id j -f)", named.stderr)
        known = self.place.cli("run", "--job_id", "k", "--", "true", env={"RANKSCOPE_SERVER": server.http})
        self.assertIn("(rankscope logs --job_id k -f)", known.stderr)
        self.assertNotIn("rankscope show", named.stderr + known.stderr)
        failed = self.place.cli("run", "--server", server.http, "--job_id", "j 2", "--", "false")
        self.assertTrue(failed.stderr.endswith(f": rankscope show --server {server.http} 'j 2'\n"), failed.stderr)

    def test_address_out_of_a_browser_is_one_at_every_door(self):
        server = self.serve()
        for address in (f"http://{server.http}/", f"http://{server.http}"):
            run = self.place.cli("run", "--server", address, "--job_id", "j", "--", "echo", "trained")
            self.assertEqual((run.returncode, run.stdout), (0, "trained\n"), run.stderr)
            for command in (["jobs"], ["doctor"], ["query", "job:j trained"], ["show", "j"]):
                done = self.place.cli(*command, "--server", address)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                known = self.place.cli(*command, env={"RANKSCOPE_SERVER": address})
                self.assertEqual(known.returncode, 0, known.stdout + known.stderr)
        self.assertEqual({row["rows"] for row in server.rows("job:j stream:stdout | stats count() as rows")}, {2})

    def test_https_is_refused_in_one_line_that_says_what_is_wanted(self):
        for before, after in ((["jobs"], []), (["run"], ["--", "true"]), (["doctor"], [])):
            done = self.place.cli(*before, "--server", "https://h:1", *after)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
            self.assertIn('"https://h:1" is not HOST:PORT', done.stderr)

    @unittest.skipUnless(has_ipv6(), "this machine has no ::1")
    def test_ipv6_loopback_in_brackets(self):
        self.serve_a_run("[::1]")

    def test_what_is_no_address_is_named(self):
        for address, word in (("no-such-host.invalid:0", "no-such-host.invalid"), ("::1:7070", '"::1:7070"'), (":7070", '":7070"')):
            done = self.place.cli("serve", "--data-dir", self.place.path + "/d", "--http", address, "--grpc", "127.0.0.1:0", "--insecure")
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    unittest.main()
