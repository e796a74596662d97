"""What the tests of notifications share: servers that stand for the channels, and the program around the notifier."""
import http.server
import json
import os
import socketserver
import subprocess
import threading
import time

from harness import PATIENCE, wait_until

DRIVER = os.environ["NOTIFY_DRIVER"]


class Received:
    def __init__(self, handler, body):
        self.path, self.headers, self.body, self.at = handler.path, dict(handler.headers.items()), body, time.monotonic()

    def json(self):
        return json.loads(self.body)

    def delivery(self):
        return self.headers.get("X-Rankscope-Delivery")


class HttpChannel:
    """A server on loopback. `answers` are (status, headers, body), one a request; after the last: `usual`."""

    def __init__(self, usual=(200, {}, b"ok"), answers=()):
        self.received, self.answers, self.usual, self.lock = [], list(answers), usual, threading.Lock()
        channel = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with channel.lock:
                    channel.received.append(Received(self, body))
                    answer = channel.answers.pop(0) if channel.answers else channel.usual
                if callable(answer):
                    answer = answer()
                status, headers, text = answer
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    pass  # the other end gave up waiting

            def log_message(self, *_):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass  # the other end was killed

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def wait(self, count):
        wait_until(lambda: len(self.received) >= count, f"{count} messages, has {len(self.received)}")
        return self.received

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class MailServer:
    """An SMTP server on loopback that keeps (sender, recipients, data). `answers`: to RCPT, then b"250 ok"."""

    def __init__(self, answers=()):
        self.mails, self.answers = [], list(answers)
        channel = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, text):
                self.wfile.write(text + b"\r\n")

            def handle(self):
                sender, recipients = None, []
                self.say(b"220 test")
                for line in self.rfile:
                    word = line.strip().upper()
                    if word.startswith(b"MAIL FROM:"):
                        sender = line.strip()[10:].split()[0].decode()
                        self.say(b"250 ok")
                    elif word.startswith(b"RCPT TO:"):
                        recipients.append(line.strip()[8:].decode())
                        self.say(channel.answers.pop(0) if channel.answers else b"250 ok")
                    elif word == b"DATA":
                        self.say(b"354 go on")
                        data = b""
                        for text in self.rfile:
                            if text == b".\r\n":
                                break
                            data += text[1:] if text.startswith(b".") else text
                        channel.mails.append((sender, recipients, data))
                        self.say(b"250 ok")
                    elif word == b"QUIT":
                        self.say(b"221 bye")
                        return
                    else:
                        self.say(b"250 ok")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Driver:
    """notify_driver: a notifier in a process of its own."""

    def __init__(self, config, log, env):
        self.process = subprocess.Popen([DRIVER, config, log], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=env)

    def ask(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def take(self, incident="i-1", version=1, kind="firing", **fields):
        answer = self.ask(take={"incident": incident, "version": version, "kind": kind, **fields})
        assert answer == "taken", answer

    def channels(self):
        return json.loads(self.ask(channels=True))

    def finish(self):
        """What it warned of; it has told everything by then."""
        _, errors = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, errors
        return errors

    def kill(self):
        self.process.kill()
        self.process.communicate()
