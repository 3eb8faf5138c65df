"""A live engine's team without network, for the tests of this folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.config import load_config
from athlete_monitor.engine.journal.journal import Journal
from athlete_monitor.engine.journal.keeper import JournalSink
from athlete_monitor.engine.team.keeper import TeamKeeper
from athlete_monitor.wire import topics
from tests.engine.kit import START, feed, monitor_of, sample
from tests.helpers import ROOT, wait_until

CONFIG = load_config(ROOT / "jetson_nano_4gb_config.yaml", environ={})


@dataclass
class Sent:
    """What the engine publishes, by topic."""

    messages: dict[str, list[Any]] = field(default_factory=dict)

    def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> bool:
        self.messages.setdefault(topic, []).append(json.loads(payload))
        return True

    @property
    def results(self) -> list[Any]:
        return self.messages.get(topics.TEAM_CONTROL_RESULT, [])

    @property
    def state(self) -> Any:
        return self.messages[topics.TEAM_STATE][-1]


class Box:
    """An engine without network: journal, archive, monitor and team."""

    def __init__(self, path, now_t=START):
        self.now_t = now_t
        self.notices: list[str] = []
        self.journal = Journal(path, lambda: self.now_t, period_s=0.02)
        self.sent = Sent()
        self.archive = Archive(path)
        self.team = TeamKeeper(
            Roster(), self.journal, self.archive, self.sent, self.notices.append,
            assign=self.assign, wall_s=lambda: self.now_t,
        )  # fmt: skip
        sink = JournalSink(self.journal)
        self.monitor, self.told = monitor_of(CONFIG, begin=sink.begin)
        self.monitor.sink._sinks.insert(0, self.team)
        self.monitor.sink.add(sink)
        self.team.resume()
        self.journal.start()

    def assign(self, device, athlete):
        self.monitor.assign(device, athlete)

    def command(self, **message):
        self.team.receive(json.dumps({"id": f"c{len(self.sent.results)}-{self.now_t}", **message}).encode())
        self.team.tick()
        return self.sent.results[-1]

    def run(self, seconds, since=0.0, devices=("001",), **rest):
        """Devices that move at 5 m/s, ten times a second."""
        for index in range(round(since * 10), round((since + seconds) * 10)):
            t = index / 10
            if index % 10 == 0:
                self.team.tick()
            feed(self.monitor, [sample(t, d, int(d), seq=index, speed_mps=5.0, acc_z=9.8, **rest) for d in devices])
        self.now_t = START + since + seconds
        self.team.tick()

    def stop(self):
        self.team.stop()
        self.journal.stop()

    def written(self, condition):
        wait_until(lambda: condition(self.archive), what="the archive")
