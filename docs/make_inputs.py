"""Write docs/inputs.md from the table of channels and the table of keys.

python docs/make_inputs.py [--check]      --check writes nothing and fails where the page is not up to date
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from athlete_monitor.channels import ALIASES, BY_NAME, LOOSE_NAMES, TABLE, Channel
from athlete_monitor.wire import keys, topics
from athlete_monitor.wire.codec import MAX_PAYLOAD_BYTES
from athlete_monitor.wire.session_files import EXTRA_COLUMNS, GAME_COLUMNS, TRAINING_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "inputs.md"
PUBLISHER: Final = ROOT / "examples" / "publish_samples.py"
SETTINGS: Final = {"acc": "`sensors.acc_unit`: m/s² or g", "gyro": "`sensors.gyro_unit`: rad/s or deg/s"}

SHELL: Final = """\
mosquitto_pub -h 127.0.0.1 -p 1883 -q 1 -t player/007/sensor/data \\
  -m '{"device_id": "007", "timestamp": "2026-01-01 10:00:00.250", "heart_rate_bpm": 121, "speed_mps": 3.4}'
"""
BATCH: Final = """\
{"device_id": "007", "seq": 500, "battery_percent": 81, "samples": [
  {"timestamp": 1767261600.00, "acc_x": 0.1, "acc_y": 0.2, "acc_z": 9.8},
  {"timestamp": 1767261600.01, "acc_x": 0.1, "acc_y": 0.3, "acc_z": 9.7, "rr_intervals_ms": [497, 501]}]}
"""
END: Final = '{"device_id": "007", "timestamp": 1767261660.5, "event": "end"}\n'


def page() -> str:
    """Return the whole page."""
    return f"""\
# What the engine takes

Written by `docs/make_inputs.py` from the tables that decoder, session files and importers use (`channels.py`,
`wire/keys.py`). One message is one JSON object, or an object with a list of samples. What the engine publishes is in
[outputs.md](outputs.md).

## Topics

| topic | what |
|---|---|
| `{topics.sensor_data("{device_id}")}` | samples of one device; `device_id` in the message must be the same |
| `{topics.SENSOR_FILTERS[1]}` | samples of any device, which `device_id` names |

With `mqtt.topic_prefix: club/` every topic of the box begins with it: `club/{topics.sensor_data("007")}`.
A MAC address may be the device id, in topic and message; its colons are dropped: `AA:BB:CC:00:11:22` is `AABBCC001122`.

## A publisher

In Python, with `paho-mqtt` (`examples/publish_samples.py`):

```python
{_program()}
```

From a shell:

```sh
{SHELL.strip()}
```

## Keys of a message

{_table(("key", "allowed", "meaning"), map(_key_row, keys.of("message", "sample")))}
| `samples` | list of objects | a batch, see below |

A timestamp without a zone is local time of the box. A device that cannot keep time zones should send `Z`, an offset
(`+05:30` too), or epoch seconds. Epoch milliseconds are refused with a reason that says so. A clock that is off by
more than a minute is followed, so its samples miss the periods of the others; the engine says so once. Only a clock
that is more than a year ahead of the box is not: its samples are dated by the box's clock, and the engine says so.

Samples that share a timestamp are spread evenly up to the next one, so that a clock of whole seconds, or one time for
a whole packet, is enough; what has the same `seq` is a duplicate.

## Channels

All are optional. `null` and a missing key mean "not measured". A value beyond its limits refuses the sample.

{_table(("key", "unit", "limits", "meaning"), map(_channel_row, TABLE))}

## The athlete and the session

Profile, once a message:

{_table(("key", "allowed", "meaning"), map(_key_row, keys.of("profile")))}

Tags; in a batch a sample without tags takes those of the message:

{_table(("key", "allowed", "meaning"), map(_key_row, keys.of("tag")))}

## Batches

For devices at 50 to 200 Hz. `samples` holds objects with the keys of a sample: `timestamp`, `seq`, channels,
`rr_intervals_ms` and tags. `device_id`, `athlete_id`, profile and the state of the sensor
({_named(channel.name for channel in TABLE if channel.health)}) are given once, beside it; other channels beside
`samples` are not used. With `seq` of the first sample beside `samples` the others are numbered from it.

```json
{BATCH.strip()}
```

## The end of a session

A session ends by itself after `engine.idle_s` without a sample. A device can end it at once:

```json
{END.strip()}
```

## Other spellings

A key that can mean nothing else is taken for ours:

{_table(("key", "other spellings"), _alias_rows())}

`speed` without its unit could be km/h and is not used. Keys that are not ours are ignored.

## What is refused

A payload that is not JSON, has a wrong type, NaN or Infinity, a value out of range, more than
{MAX_PAYLOAD_BYTES // 1024} KiB, or a device id that does not match the topic is dropped as a whole, counted by its
reason, and logged at most once a second for a device. In a batch only the samples that are not valid are dropped. A
heartbeat interval out of range is dropped by itself.

## Session files

CSV in UTF-8, a line each sample, in `athlete_training_data/player_{{id}}/TR{{n}}_A{{id}}_D{{device}}_{{time}}.csv` and
`athlete_game_data/player_{{id}}/GM{{n}}_...csv`. An empty cell means "not measured". Timestamps are local time with its
offset (`2026-10-25 02:50:00.000+01:00`); files without an offset are read as local time, and the hour that comes twice
in autumn by what is before and after it. Units are those of the channels above.

- every file: {_named(TRAINING_COLUMNS)}
- games: {_named(GAME_COLUMNS)}
- where the session has them: {_named(EXTRA_COLUMNS)}

`source` is `simulated` in sessions that the simulator has made. A file that was edited by hand is read as far as it
goes; what is left out is counted and named by its line.

## Tables of other systems

A column is a channel by its name or another spelling, with a unit in brackets where it is not the one above:
`acc_x [g]`, `speed (km/h)`. These short names are columns too: {_loose()}.

{_table(("channel", "units"), map(_unit_row, _with_units()))}
"""


def _program() -> str:
    """The example publisher without its docstring."""
    _, _, program = PUBLISHER.read_text(encoding="utf-8").partition("\n\n")
    return program.strip()


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _key_row(key: keys.Key) -> tuple[str, ...]:
    return f"`{key.name}`", key.allowed, key.meaning


def _channel_row(channel: Channel) -> tuple[str, ...]:
    low, high = (f"{limit:.6g}" for limit in channel.limits)
    unit = channel.unit or "–"
    setting = SETTINGS.get(channel.vector or "")
    return f"`{channel.name}`", f"{unit} ({setting})" if setting else unit, f"{low} to {high}", channel.meaning


def _with_units() -> list[Channel]:
    """One channel of each vector, and all others."""
    return [channel for channel in TABLE if channel.axis in {None, "x"} and len(channel.units) > 1]


def _unit_row(channel: Channel) -> tuple[str, ...]:
    return f"`{channel.name}`", ", ".join(channel.units)


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _alias_rows() -> Iterator[tuple[str, str]]:
    known = {**ALIASES, **{alias: key.name for key in keys.KEYS for alias in key.aliases}}
    for name in dict.fromkeys(known.values()):
        yield f"`{name}`", _named(sorted(alias for alias in known if known[alias] == name))


def _loose() -> str:
    return ", ".join(f"`{name}`" for name in LOOSE_NAMES if name not in ALIASES and name not in BY_NAME)


def main() -> int:
    """Write the page, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    text = page()
    if parser.parse_args().check:
        fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        print(f"{PAGE}: {'up to date' if fresh else 'not up to date: run python docs/make_inputs.py'}")
        return 0 if fresh else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
