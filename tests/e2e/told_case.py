"""What the tests of a server that tells people share: its notification file, its channels, and jobs made of events."""
import json
import signal
import time

from channel_servers import HttpChannel
from harness import PlaceCase, wait_until


def event(name, **fields):
    return {"timestamp": time.time_ns(), "stream": "event", "event": name, "node_rank": 0, **fields}


def alerts(channel):
    """All that the channel was told, in order: (kind, job, incident, version, summary). After a kill a message may come
    again, the same under the same id."""
    told, bodies = [], {}
    for message in list(channel.received):
        known = bodies.setdefault(message.delivery(), message.body)
        assert known == message.body, "one delivery id, one content"
        if known is message.body:
            told += [(alert["rankscope"]["kind"], alert["labels"]["job"], alert["rankscope"]["incident"],
                      alert["rankscope"]["version"], alert["annotations"]["summary"]) for alert in message.json()["alerts"]]
    return told


class ToldCase(PlaceCase):
    def setUp(self):
        super().setUp()
        self.place.env["no_proxy"] = "127.0.0.1"
        self.channel = self.new_channel()
        self.file = self.write({"hook": self.channel})
        self.server = None

    def new_channel(self, *arguments, **options):
        channel = HttpChannel(*arguments, **options)
        self.addCleanup(channel.stop)
        return channel

    def write(self, channels, name="notify.yaml", **route):
        """A file by which each channel is told everything at once."""
        first = next(iter(channels))
        config = {"external_url": "https://host",
                  "receivers": [{"name": each, "webhook": {"url": f"http://{channels[each].address}"}} for each in channels],
                  "route": {"receiver": first, "group_wait": "0s", "group_interval": "0s",
                            "routes": [{"receiver": each, "continue": True} for each in channels], **route}}
        return self.place.write(name, json.dumps(config))

    def start(self, *options, notify=True):
        given = ["--notify", self.file] if notify else []
        self.server = self.serve(*given, *options)
        return self.server

    def restart(self, number=signal.SIGTERM):
        self.server.stop(number)
        self.server.start()

    def begin(self, job, run="r1"):
        self.server.ingest(job, [event("job_start", run=run, member="node 0", world_size=2),
                                 *(event("rank_start", run=run, rank=rank, pid=10 + rank) for rank in (0, 1))])

    def end(self, job, run="r1", well=True):
        bad = {"exit_code": 0} if well else {"signal": "SIGKILL"}
        self.server.ingest(job, [event("rank_exit", rank=1, pid=11, **bad), event("rank_exit", rank=0, pid=10, exit_code=0 if well else 1),
                                 event("node_end", run=run, exit_code=0 if well else 1)])

    def told(self, count, channel=None):
        channel = channel or self.channel
        return wait_until(lambda: len(alerts(channel)) >= count and alerts(channel), f"{count} words, has {alerts(channel)}")
