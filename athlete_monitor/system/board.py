"""The board: model, release, power mode, memory, temperatures. The only reader of these files in the project.

Every function takes the root of the file system, so that recorded trees of other boards can be read. A missing file
gives None or an empty value, never a guess. Only the standard library is used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_SYSTEM: Final = Path("/")

JETPACK: Final = {
    "32.7.1": "4.6.1",
    "32.7.2": "4.6.2",
    "32.7.3": "4.6.3",
    "32.7.4": "4.6.4",
    "32.7.5": "4.6.5",
    "32.7.6": "4.6.6",
    "35.1": "5.0.2",
    "35.2.1": "5.1",
    "35.3.1": "5.1.1",
    "35.4.1": "5.1.2",
    "35.5.0": "5.1.3",
    "35.6.0": "5.1.4",
    "36.3.0": "6.0",
    "36.4.0": "6.1",
    "36.4.3": "6.2",
    "36.4.4": "6.2.1",
}
"""JetPack version of each Linux-for-Tegra release, as NVIDIA's archive lists them."""

NO_HEAT: Final = re.compile(r"pmic", re.IGNORECASE)
"""Zones that report a constant: the power controller of a Jetson (PMIC-Die) always reports 50 or 100 °C."""

PLAUSIBLE_C: Final = (-40.0, 150.0)
"""A zone whose sensor is switched off reports -256 °C; others report 0 K or the largest number of their register."""

THROTTLE: Final = re.compile(r"cpu|gpu|throttle|balanced|devfreq|emc", re.IGNORECASE)


@dataclass(frozen=True)
class Memory:
    """Memory and swap of the machine, MB."""

    total_mb: int
    available_mb: int
    swap_mb: int


@dataclass(frozen=True)
class PowerMode:
    """The power mode of a Jetson: its number and its name in ``nvpmodel.conf``."""

    number: int
    name: str | None


@dataclass(frozen=True)
class Board:
    """A machine as its own files describe it; None where they hold no value."""

    model: str | None
    l4t: str | None
    power_mode: PowerMode | None
    memory: Memory | None
    temperatures_c: dict[str, float]
    throttled_by: tuple[str, ...]
    over_current_events: int | None

    @property
    def is_jetson(self) -> bool:
        """Whether this is an NVIDIA Jetson."""
        return self.l4t is not None or "jetson" in (self.model or "").lower()

    @property
    def is_nano(self) -> bool:
        """Whether this is the first Jetson Nano, not an Orin Nano."""
        return self.is_jetson and "nano" in (self.model or "").lower() and "orin" not in (self.model or "").lower()

    @property
    def jetpack(self) -> str | None:
        """The JetPack version of the installed release, where it is known."""
        return JETPACK.get(self.l4t or "")

    @property
    def hottest_c(self) -> float | None:
        """The highest temperature, °C."""
        return max(self.temperatures_c.values(), default=None)


def read_board(root: Path) -> Board:
    """Read the machine whose file system begins at ``root``."""
    return Board(
        model=read_model(root),
        l4t=read_l4t(root),
        power_mode=read_power_mode(root),
        memory=read_memory(root),
        temperatures_c=read_temperatures(root),
        throttled_by=tuple(read_throttling(root)),
        over_current_events=read_over_current_events(root),
    )


def read_model(root: Path) -> str | None:
    """Return the board's name from the device tree, or the product name of a PC."""
    return _text(root / "proc/device-tree/model") or _text(root / "sys/class/dmi/id/product_name")


def read_l4t(root: Path) -> str | None:
    """Return the Linux-for-Tegra release, such as ``32.7.6``."""
    found = re.match(r"# R(\d+) \(release\), REVISION: ([\d.]+)", _text(root / "etc/nv_tegra_release") or "")
    return f"{found[1]}.{found[2]}" if found else None


def read_power_mode(root: Path) -> PowerMode | None:
    """Return the mode that ``nvpmodel`` last set."""
    status = re.search(r"pmode:(\d{1,6})\b", _text(root / "var/lib/nvpmodel/status") or "")
    if status is None:
        return None
    number = int(status[1])
    name = re.search(rf"<\s*POWER_MODEL ID={number} NAME=(\S+)\s*>", _text(root / "etc/nvpmodel.conf") or "")
    return PowerMode(number, name[1] if name else None)


def read_memory(root: Path) -> Memory | None:
    """Return memory and swap from ``/proc/meminfo``."""
    kb = dict(re.findall(r"^(\w+):\s+(\d{1,15}) kB", _text(root / "proc/meminfo") or "", re.MULTILINE))
    try:
        return Memory(*(int(kb[name]) // 1024 for name in ("MemTotal", "MemAvailable", "SwapTotal")))
    except KeyError:
        return None


def hottest_c(root: Path = FILE_SYSTEM) -> float | None:
    """Return the temperature of the hottest zone, °C; None where the board has no sensor.

    Example:
        >>> hottest_c(Path("tests/deploy/boards/nano"))  # PMIC-Die reports 100 °C there, as on every Nano
        72.5
    """
    return max(read_temperatures(root).values(), default=None)


def read_temperatures(root: Path = FILE_SYSTEM) -> dict[str, float]:
    """Return °C of each thermal zone that measures one, by the zone's name; a second zone of a name gets its number."""
    zones: dict[str, float] = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*"), key=_zone_number):
        name, reading = _text(zone / "type") or zone.name, _number(zone / "temp")
        if reading is not None and _is_heat(name, reading / 1000):
            zones[f"{name} {_zone_number(zone)}" if name in zones else name] = reading / 1000
    return zones


def _zone_number(zone: Path) -> int:
    digits = zone.name.removeprefix("thermal_zone")
    return int(digits) if digits.isdecimal() else 0


def _is_heat(name: str, reading_c: float) -> bool:
    low, high = PLAUSIBLE_C
    return not NO_HEAT.search(name) and low < reading_c < high


def read_throttling(root: Path) -> Iterator[str]:
    """Yield the cooling devices, except fans, that slow the board down at this moment."""
    for device in sorted((root / "sys/class/thermal").glob("cooling_device*")):
        name, state = _text(device / "type"), _number(device / "cur_state")
        if name and state and state > 0 and "fan" not in name and THROTTLE.search(name):
            yield name


def read_over_current_events(root: Path) -> int | None:
    """Return how often the board slowed down for lack of current since it started; Orin only."""
    counts = [_number(file) for file in (root / "sys/class/hwmon").glob("hwmon*/oc*_event_cnt")]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip("\x00 \n") or None
    except OSError:
        return None


def _number(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text and re.fullmatch(r"-?\d{1,15}", text) else None
