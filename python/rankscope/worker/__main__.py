"""The program that `rankscope detect-worker` starts; $RANKSCOPE_SERVER names the server."""

import argparse
import json
import os
import sys
import threading
import time

from rankscope import _http
from rankscope.worker import detector_file, follower

_LOOK_S = 2  # how often new jobs are looked for


def main():
    parser = argparse.ArgumentParser(prog="rankscope detect-worker")
    parser.add_argument("file")
    parser.add_argument("--job_id")
    parser.add_argument("--from", dest="start", choices=("start", "now"), default="start")
    arguments = parser.parse_args()
    try:
        worker = Worker(arguments.file, os.environ["RANKSCOPE_SERVER"], arguments.start == "start")
        return worker.run_one(arguments.job_id) if arguments.job_id else worker.run_all()
    except detector_file.BadFile as error:
        warn(error)
        return 2
    except _http.Refused as error:
        warn(error)
        return 1
    except KeyboardInterrupt:
        return 130


class Worker:
    def __init__(self, path, server, from_start):
        self._server, self._from_start = server, from_start
        self._detectors = detector_file.load(path)
        names = sorted({type(detector).__name__ for detector in self._detectors})
        self._name = f"{os.path.basename(path)}:{'+'.join(names)}"

    def run_one(self, job):
        """Waits for the job and follows it to its end. One that is lost may come back, unless it was so at first."""
        state = self._state(job)
        if state is None:
            warn(f"waiting for job {job}")
            state = self._await(job, (None,))
        while True:
            self._follow(job)
            ended = state != "running"
            state = self._state(job)
            if ended or state in ("finished", "failed", None):
                return 0
            if state == "lost":
                warn(f"job {job} is lost; waiting for it")
                state = self._await(job, ("lost",))

    def run_all(self):
        """Every job that runs, or has run since we began, each in a thread of its own, until it is stopped."""
        while (jobs := self._jobs()) is None:
            time.sleep(_LOOK_S)
        over = {job for job, state in jobs if state != "running"}
        warn(f"following every running job with {self._rules()} rules as {self._name}")
        threads = {}
        while True:
            for job, state in self._jobs() or ():
                if job in threads and threads[job].is_alive() or job in over and state != "running":
                    continue
                threads[job] = threading.Thread(target=self._follow_safely, args=(job,), daemon=True)
                threads[job].start()
                over.add(job)
            time.sleep(_LOOK_S)

    def _await(self, job, states):
        """The first state that is none of these."""
        while (state := self._state(job)) in states:
            time.sleep(_LOOK_S)
        return state

    def _state(self, job):
        """As follower.state, however long the server is away."""
        told = False
        while True:
            try:
                return follower.state(self._server, job)
            except (OSError, _http.Unreachable) as error:
                if not told:
                    warn(error)
                told = True
                time.sleep(_LOOK_S)

    def _jobs(self):
        """(job, state) of each; None: no answer."""
        try:
            with _http.request(self._server, "/api/v1/jobs", timeout=60) as rows:
                return [(row["job_id"], row["state"]) for row in map(json.loads, rows)]
        except (OSError, _http.Unreachable) as error:
            warn(error)
            return None

    def _rules(self):
        return sum(len(detector.rules) for detector in self._detectors)

    def _follow_safely(self, job):
        try:
            self._follow(job)
        except Exception as error:
            warn(f"job {job}: {error}")

    def _follow(self, job):
        warn(f"following job {job} with {self._rules()} rules as {self._name}")
        follower.Follower(self._server, job, self._detectors, self._name, self._from_start, tell, warn).follow()


def tell(job, event):
    """A line on stdout."""
    if event["event"] == "detector_rule":
        return
    rank = f" rank {event['rank']}" if "rank" in event else ""
    print(_shown(f"{event['severity']:<8} {event.get('timestamp', '')} {job}{rank}  {event['msg']}"), flush=True)


def warn(text):
    print(_shown(f"rankscope: {text}"), file=sys.stderr, flush=True)


def _shown(text):
    """One line that steers no terminal."""
    return "".join(" " if character < " " or "\x7f" <= character < "\xa0" else character for character in text)


if __name__ == "__main__":
    sys.exit(main())
