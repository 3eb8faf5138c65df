"""Write the table of docs/scale.md from measured figures.

python docs/make_scale.py [--check]      --check writes nothing and fails if the page is not up to date
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "scale.md"
BEGIN: Final = "<!-- made by docs/make_scale.py -->"
END: Final = "<!-- end -->"

SQUADS: Final = (1, 10, 100, 1_000, 10_000)
ATHLETES: Final = 30
RATE_HZ: Final = 10.0
SESSIONS_A_WEEK: Final = 5
SESSION_H: Final = 2.0
SQUADS_PER_SHARD: Final = 8
NODE_CORES: Final = 16
NODE_MB: Final = 64_000
BUSY: Final = 0.6
"""Share of a node that is planned: the rest takes the shards of one that is lost."""


@dataclass(frozen=True)
class Measured:
    """A measured figure: its value, what it is, and the command that gave it."""

    value: float
    what: str
    command: str


ENGINE: Final = "python benchmarks/engine.py --seconds 30 --runtime onnx"
LEAGUE: Final = "python benchmarks/league.py --cost"
FIGURES: Final = {
    "engine_cpu": Measured(6.8, "% of a core, engine of 30 athletes at 10 Hz", ENGINE),
    "large_cpu": Measured(64.0, "% of a core, engine of 500 athletes at 10 Hz", f"{ENGINE} --athletes 500"),
    "engine_mb": Measured(35.8, "MB, engine in a shard", LEAGUE),
    "shard_mb": Measured(91.7, "MB, actor and template of a shard", LEAGUE),
    "shard_cpu": Measured(1.6, "% of a core, actor and template of a shard", LEAGUE),
    "disk_kb_s": Measured(123.0, "kB/s of disk writes, 30 athletes", ENGINE),
    "archive_mb_h": Measured(11.5, "MB of archive for an hour, 30 athletes", "python benchmarks/report.py"),
    "recording_mb_h": Measured(107.5, "MB of session files for an hour, 30 athletes", "python benchmarks/recording.py"),
    "sample_bytes": Measured(300.0, "bytes of a message with one sample", LEAGUE),
    "batch_bytes": Measured(2262.0, "bytes of a message with ten samples", LEAGUE),
    "metrics_bytes": Measured(5820.0, "bytes of a message with an athlete's figures", LEAGUE),
    "state_bytes": Measured(443.0, "bytes of league/state for a squad", LEAGUE),
    "broker_messages": Measured(38_000.0, "messages/s through one Mosquitto on one core: assumed", ""),
}
OVERHEAD_BYTES: Final = 60
"""Topic, MQTT header and the share of TCP/IP of a message."""


def value(name: str) -> float:
    """Return a measured figure."""
    return FIGURES[name].value


def rows() -> list[tuple[str, ...]]:
    """Return the table: one row for each number of squads."""
    return [_row(count) for count in SQUADS]


def _row(squads: int) -> tuple[str, ...]:
    shards = math.ceil(squads / SQUADS_PER_SHARD)
    cores = (squads * value("engine_cpu") + shards * value("shard_cpu")) / 100.0
    memory_mb = squads * value("engine_mb") + shards * value("shard_mb")
    nodes = max(math.ceil(cores / NODE_CORES / BUSY), math.ceil(memory_mb / NODE_MB / BUSY))
    single = squads * ATHLETES * RATE_HZ
    batches = single / 10.0
    mbit = 8e-6 * single * (value("sample_bytes") + OVERHEAD_BYTES)
    mbit_batches = 8e-6 * batches * (value("batch_bytes") + OVERHEAD_BYTES)
    out = 8e-6 * squads * ATHLETES * (value("metrics_bytes") + OVERHEAD_BYTES)
    hours = SESSIONS_A_WEEK * SESSION_H * 52
    year_tb = squads * hours * (value("archive_mb_h") + value("recording_mb_h")) / 1e6
    return (
        f"{squads:,}",
        f"{squads * ATHLETES:,}",
        f"{single:,.0f}",
        _number(cores),
        _number(memory_mb / 1000.0),
        f"{nodes:,}",
        f"{shards:,}",
        f"{_number(mbit)} / {_number(mbit_batches)}",
        _number(out),
        f"{_brokers(single, squads)} / {_brokers(batches, squads)}",
        _number(squads * value("disk_kb_s") / 1000.0),
        _number(year_tb),
        _number(squads * value("state_bytes") / 1000.0),
    )


def _brokers(messages_s: float, squads: int) -> int:
    """Return how many brokers it takes: each sample comes in and goes out, each second's figures too."""
    through = 2.0 * (messages_s + squads * ATHLETES)
    return math.ceil(through / value("broker_messages") / BUSY)


def _number(found: float) -> str:
    """Return a number with two digits that count.

    >>> _number(0.0931), _number(9.31), _number(931.2)
    ('0.093', '9.3', '931')
    """
    if found >= 100:
        return f"{found:,.0f}"
    return f"{found:.2g}" if found < 10 else f"{found:.0f}"


HEAD: Final = (
    "squads", "athletes", "samples/s", "cores", "memory, GB", f"nodes of {NODE_CORES} cores", "shards",
    "Mbit/s in, single / batches", "Mbit/s out", "brokers, single / batches", "disk writes, MB/s", "TB a year",
    "league/state, kB",
)  # fmt: skip


def _by(command: str) -> str:
    return f"`{command}`" if command else "not measured here"


def block() -> str:
    """Return the part of the page that is made here."""
    lines = ["| measured | | by |", "|---|---|---|"]
    lines += [f"| {each.value:,g} | {each.what} | {_by(each.command)} |" for each in FIGURES.values()]
    lines += ["", f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    lines += [f"| {' | '.join(row)} |" for row in rows()]
    return "\n".join(lines)


def page() -> str:
    """Return the whole page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{block()}\n\n{END}{after}"


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    text = page()
    if not options.check:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if text == PAGE.read_text(encoding="utf-8"):
        return 0
    print(f"{PAGE}: is not up to date; run: python docs/make_scale.py")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
