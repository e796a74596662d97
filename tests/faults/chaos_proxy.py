"""A TCP proxy that misbehaves by seed: `with ChaosProxy(target, Cut(seed)) as proxy: … proxy.address`.

A profile makes one Pump per direction of each connection; the pump is asked about every piece of bytes. It counts what it
did, so that a test can refuse to pass when nothing happened.
"""
import collections
import random
import socket
import struct
import threading
import time

UP, DOWN = "up", "down"  # agent to server, server to agent


class ConnectionCut(Exception):
    """Ends the connection; what was to be sent before is in args[0]."""


class Profile:
    """Passes everything on. `counts` says what was done; the proxy adds connections and bytes."""

    def __init__(self, seed=0):
        self.seed, self.counts, self.lock = seed, collections.Counter(), threading.Lock()

    def count(self, what, amount=1):
        with self.lock:
            self.counts[what] += amount

    def random_of(self, connection, direction):
        return random.Random(f"{self.seed} {connection} {direction}")

    def pump(self, connection, direction):
        """A function from bytes to an iterable of bytes to send, one send(2) each."""
        return lambda piece: (piece,)


class Cut(Profile):
    """Ends each connection, by RST or FIN, in the middle of what a random direction sends, `cuts` times in all."""

    def __init__(self, seed, cuts, after=(1, 60_000)):
        super().__init__(seed)
        self.cuts, self.after = cuts, after

    def pump(self, connection, direction):
        chance = random.Random(f"{self.seed} {connection}")
        victim, left, self_rst = chance.choice((UP, UP, DOWN)), chance.randint(*self.after), chance.random() < 0.5
        if victim == DOWN:
            left = left % 400 + 1  # the answers are small
        if direction != victim or connection >= self.cuts:
            return lambda piece: (piece,)

        def treat(piece):
            nonlocal left
            if len(piece) < left:
                left -= len(piece)
                return (piece,)
            self.count("cuts")
            self.count("resets" if self_rst else "closes")
            raise ConnectionCut(piece[:left], self_rst)
        return treat


class Delay(Profile):
    """Holds every piece for up to `most` seconds."""

    def __init__(self, seed, most):
        super().__init__(seed)
        self.most = most

    def pump(self, connection, direction):
        chance = self.random_of(connection, direction)

        def treat(piece):
            time.sleep(chance.random() * self.most)
            self.count("delays")
            return (piece,)
        return treat


class Trickle(Profile):
    """One byte a segment, the first `most` bytes of each direction."""

    def __init__(self, seed, most):
        super().__init__(seed)
        self.most = most

    def pump(self, connection, direction):
        left = self.most

        def treat(piece):
            nonlocal left
            single, left = piece[:left], max(0, left - len(piece))
            self.count("single_bytes", len(single))
            return [bytes((b,)) for b in single] + ([piece[len(single):]] if len(piece) > len(single) else [])
        return treat


class Throttle(Profile):
    """So many bytes a second and direction."""

    def __init__(self, seed, rate):
        super().__init__(seed)
        self.rate = rate

    def pump(self, connection, direction):
        def treat(piece):
            for begin in range(0, len(piece), 4096):
                part = piece[begin:begin + 4096]
                time.sleep(len(part) / self.rate)
                self.count("throttled_bytes", len(part))
                yield part
        return treat


class HalfOpen(Profile):
    """After some bytes each of the first `times` connections swallows one direction for ever, and says nothing."""

    def __init__(self, seed, times, direction, after=20_000):
        super().__init__(seed)
        self.times, self.direction, self.after = times, direction, after

    def pump(self, connection, direction):
        left = self.after

        def treat(piece):
            nonlocal left
            if direction != self.direction or connection >= self.times:
                return (piece,)
            left -= len(piece)
            if left > 0:
                return (piece,)
            self.count("swallowed_bytes", len(piece))
            return ()
        return treat


class Flip(Profile):
    """Flips `flips` single bits at random places of both directions, time and again in one connection: some bits mean
    nothing (a ping's, a window's), and the connection lives on."""

    SPACING = {UP: 60_000, DOWN: 1_200}  # bytes between two flips, at most

    def __init__(self, seed, flips):
        super().__init__(seed)
        self.flips = flips

    def pump(self, connection, direction):
        chance = self.random_of(connection, direction)
        place = chance.randint(1, self.SPACING[direction])

        def treat(piece):
            nonlocal place
            piece = bytearray(piece)
            while place < len(piece) and self.counts["flips"] < self.flips:
                piece[place] ^= 1 << chance.randrange(8)
                self.count("flips")
                self.count("flips_" + direction)
                place += chance.randint(1, self.SPACING[direction])
            place = max(0, place - len(piece))
            return (bytes(piece),)
        return treat


class ChaosProxy:
    def __init__(self, target, profile):
        self.host, port = target.rsplit(":", 1)
        self.port, self.profile = int(port), profile
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.listener.close()

    @property
    def counts(self):
        return self.profile.counts

    def accept(self):
        connection = 0
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection((self.host, self.port))
            except OSError:
                near.close()  # the server is away
                continue
            self.profile.count("connections")
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, target, direction in ((near, far, UP), (far, near, DOWN)):
                treat = self.profile.pump(connection, direction)
                threading.Thread(target=self.carry, args=(source, target, direction, treat), daemon=True).start()
            connection += 1

    def carry(self, source, target, direction, treat):
        try:
            while piece := source.recv(65536):
                self.profile.count(direction + "_bytes", len(piece))
                for part in treat(piece):
                    target.sendall(part)
        except ConnectionCut as cut:
            rest, reset = cut.args
            try:
                target.sendall(rest)
            except OSError:
                pass
            if reset:
                for end in (source, target):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
