"""``check``: what this machine has, what it lacks, and how to fix it. It works before anything is installed."""

from __future__ import annotations

import grp
import os
import platform
import secrets
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.deploy import bootstrap, probes
from athlete_monitor.deploy.findings import Finding, report
from athlete_monitor.errors import ConfigError, MonitorError
from athlete_monitor.project import home_of
from athlete_monitor.system.board import Board, read_board
from athlete_monitor.system.clock import EARLIEST_S, is_synchronised
from athlete_monitor.system.flock import has_locks, has_record_locks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.config import Config, Mqtt
    from athlete_monitor.deploy.findings import Level

LEAST_FREE_GB: Final = 2.0
LEAST_WRITE_MB_S: Final = 10.0
LEAST_MEMORY_MB: Final = 1500
COMFORT_MEMORY_MB: Final = 6000
HOT_C: Final = 70.0
CRITICAL_C: Final = 80.0
LOG_IN_S: Final = 5.0
GROUPS: Final = {"video": "the GPU", "dialout": "sensors on a serial port"}
SETUP: Final = "python3 jetson_deploy.py setup"
REINSTALL: Final = ".venv/bin/pip install --force-reinstall --no-deps"


@dataclass(frozen=True)
class Requirements:
    """The requirements of the configuration on this machine; its defaults are used before it can be read."""

    folder: Path
    broker_host: str = "127.0.0.1"
    broker_port: int = 1883
    broker_mode: str = "auto"
    device: str = "cpu"
    mqtt: Mqtt | None = None
    config: Config | None = None


def check(config: Path, root: Path | None, filesystem: Path = Path("/"), *, secure: bool = False) -> int:
    """Print the report of this machine; 1 when something must be fixed.

    Args:
        config: the configuration file.
        root: folder of its relative paths.
        filesystem: root of the board's own files.
        secure: report the broker's access rights instead.
    """
    if secure:
        from athlete_monitor.deploy.secure_check import secure_findings

        return report(list(secure_findings(config, root)))
    return report(list(findings(config, root, filesystem)))


def findings(config: Path, root: Path | None, filesystem: Path) -> Iterator[Finding]:
    """Yield what was found, part by part; ``filesystem`` is the root of the board's own files."""
    board = read_board(filesystem)
    wanted, trouble = _wanted(config, root)
    yield from system_findings(board)
    if trouble:
        yield trouble
    yield from package_findings(board, wanted)
    yield broker_finding(wanted)
    if wanted.config is not None:
        yield from _certificates(wanted.config, home_of(config, root))
    yield from disk_findings(wanted.folder)
    yield from memory_findings(board)
    yield clock_finding()
    yield from heat_findings(board)
    if board.is_jetson:
        yield power_finding(board)
        yield from group_findings()


def _wanted(config: Path, root: Path | None) -> tuple[Requirements, Finding | None]:
    folder = probes.existing_parent(home_of(config, root))
    try:
        from athlete_monitor.config import load_config
    except ImportError:
        return Requirements(folder), None
    try:
        tree = load_config(config, root)
    except ConfigError as error:
        there = config.is_file()
        remedy = f"python3 jetson_deploy.py validate {config}" if there else "--config FILE with an existing file"
        return Requirements(folder), Finding("configuration", "fail", str(error).splitlines()[0], remedy)
    mqtt = tree.mqtt
    return Requirements(folder, mqtt.host, mqtt.port, mqtt.broker, tree.model_loading.device, mqtt, tree), None


def system_findings(board: Board) -> Iterator[Finding]:
    """Yield the kind of machine: Python, processor, C library, board."""
    python = platform.python_version()
    supported = (3, 10) <= sys.version_info[:2] < (3, 14)
    remedy = "" if supported else "install Python 3.10 to 3.13"
    yield Finding("Python", "ok" if supported else "fail", f"{python} ({sys.executable})", remedy)
    machine = platform.machine()
    known = machine in {"x86_64", "aarch64"}
    yield Finding("processor", "ok" if known else "warn", machine, "" if known else "packages may have to be compiled")
    glibc = ".".join(str(part) for part in bootstrap.glibc_version())
    yield Finding("C library", "ok" if glibc else "warn", f"glibc {glibc}" if glibc else "not glibc")
    yield Finding("board", "ok", board.model or "no name")
    if board.is_jetson:
        release = f"L4T {board.l4t or '?'}, JetPack {board.jetpack or 'not known for this release'}"
        yield Finding("JetPack", "ok" if board.l4t else "warn", release)


def package_findings(board: Board, wanted: Requirements) -> Iterator[Finding]:
    """Yield whether the pinned packages are installed, at the pinned version, and can be imported."""
    light = bootstrap.is_light()
    file = bootstrap.own_requirements(development=False, light=light)[0]
    pins = bootstrap.pins(bootstrap.pinned_text(file, light=light))
    have = probes.installed(list(pins))
    missing = [name for name, version in have.items() if version is None]
    if missing:
        text = f"{len(missing)} of {len(pins)} not installed ({', '.join(missing[:3])}, ...)"
        yield Finding("packages", "fail", text, SETUP)
        return
    other = [f"{name} {have[name]} instead of {pins[name]}" for name in pins if have[name] != pins[name]]
    yield Finding(
        "packages", "warn" if other else "ok", ", ".join(other[:3]) or f"{len(pins)} as pinned in {file.name}"
    )
    direct = [name for name in probes.IMPORTS if name in pins]
    compiled = probes.compiled(direct)
    for name, part in probes.incomplete([name for name in direct if name not in compiled]).items():
        yield Finding("package", "fail", f"{name}: {part} is damaged", f"{REINSTALL} {name}=={pins[name]}")
    imports = probes.try_imports([probes.IMPORTS[name] for name in compiled])
    for module, why in imports.failures.items():
        yield Finding("import", "fail", f"{module}: {why}", SETUP)
    yield cuda_finding(imports.cuda, board, wanted)


def cuda_finding(cuda: str | None, board: Board, wanted: Requirements) -> Finding:
    """Check whether torch sees a GPU, if the configuration and the board require one."""
    if cuda:
        return Finding("CUDA", "ok", cuda)
    if wanted.device == "cuda":
        remedy = "set model_loading.device: cpu" if board.is_nano else "install NVIDIA's torch build for this JetPack"
        return Finding("CUDA", "warn", "torch sees none; models run on the CPU", remedy)
    return Finding("CUDA", "ok", "torch sees none; none is needed")


def broker_finding(wanted: Requirements) -> Finding:
    """Check whether the configured broker answers, and lets the engine log in."""
    place = f"{wanted.broker_host}:{wanted.broker_port}"
    answer = probes.ask_broker(wanted.broker_host, wanted.broker_port)
    is_here = wanted.broker_host in {"localhost", "::1"} or wanted.broker_host.startswith("127.")
    if answer == probes.NOBODY and wanted.broker_mode != "external" and is_here:
        return Finding("broker", "ok", f"{place}: {answer}; main.py will host one")
    if answer == probes.NOBODY or answer.startswith(probes.UNREACHABLE):
        return Finding("broker", "fail", f"{place}: {answer}", "sudo systemctl start mosquitto")
    refusal = _refusal(wanted.mqtt, answer)
    if refusal is None:
        return Finding("broker", "ok", f"{place} answers")
    return Finding("broker", "fail", refusal, "see the section mqtt of the configuration")


def _certificates(config: Config, home: Path) -> Iterator[Finding]:
    try:
        from athlete_monitor.deploy.certificate_check import certificate_findings

        yield from certificate_findings(config, home, datetime.now(timezone.utc))
    except ImportError:
        return  # reported as a missing package


def _refusal(mqtt: Mqtt | None, answer: str) -> str | None:
    """Return why the engine could not log in; None if it could, or if that cannot be tried before the installation."""
    if mqtt is None:
        return None if answer == "answers" or "password" in answer else answer
    from athlete_monitor.wire.mqtt import MqttLink

    link = MqttLink(mqtt, f"check-{secrets.token_hex(4)}")
    try:
        link.start(timeout_s=LOG_IN_S)
    except MonitorError as error:
        return str(error)
    link.stop()
    return None


def disk_findings(folder: Path) -> Iterator[Finding]:
    """Yield free space and write speed of the disk that holds the data."""
    free = probes.free_gb(folder)
    enough = free >= LEAST_FREE_GB
    remedy = "" if enough else "move old sessions away, or give --root a larger disk"
    yield Finding("disk space", "ok" if enough else "fail", f"{free:.1f} GB free", remedy)
    try:
        speed = probes.write_speed_mb_s(folder)
    except OSError as error:
        yield Finding("disk speed", "fail", f"{folder}: {error.strerror}", "give this user the folder, or --root DIR")
        return
    yield lock_finding(folder)
    fast = speed >= LEAST_WRITE_MB_S
    yield Finding(
        "disk speed", "ok" if fast else "warn", f"{speed:.0f} MB/s", "" if fast else "use an A1/A2 card or an SSD"
    )


def lock_finding(folder: Path) -> Finding:
    """Try a lock on the disk that holds the data; network and memory-card file systems may have none."""
    with tempfile.TemporaryFile(dir=folder) as file:
        is_locking = has_locks(file.fileno())
    if not has_record_locks(folder):
        text = "not supported by the file system: there is no archive, because SQLite needs them"
        return Finding("locks", "warn", text, "keep the data on a local disk")
    if is_locking:
        return Finding("locks", "ok", "supported by the file system")
    text = "not supported by the file system; the locks only cover programs of this machine"
    return Finding("locks", "warn", text, "keep the data on a local disk if several machines use it")


def memory_findings(board: Board) -> Iterator[Finding]:
    """Yield memory and swap."""
    memory = board.memory
    if memory is None:
        yield Finding("memory", "warn", "not known")
        return
    enough = memory.total_mb >= LEAST_MEMORY_MB
    text = f"{memory.total_mb} MB, {memory.available_mb} MB free"
    yield Finding("memory", "ok" if enough else "fail", text, "" if enough else "2 GB are needed, better 4 GB")
    needed = memory.total_mb < COMFORT_MEMORY_MB and memory.swap_mb == 0
    remedy = "docs/migration.md, Swap" if needed else ""
    yield Finding("swap", "warn" if needed else "ok", f"{memory.swap_mb} MB", remedy)


def clock_finding() -> Finding:
    """Report whether the clock is synchronised over the network: samples carry their own times."""
    if time.time() < EARLIEST_S:
        text = f"says {datetime.now(timezone.utc):%Y-%m-%d}: sessions would get wrong dates, certificates would fail"
        return Finding("clock", "fail", text, "sudo timedatectl set-ntp true, or a battery for the board's clock")
    synchronised = is_synchronised()
    if synchronised:
        return Finding("clock", "ok", "synchronised")
    text = "not known to be synchronised" if synchronised is None else "not synchronised"
    return Finding("clock", "warn", text, "sudo timedatectl set-ntp true")


def heat_findings(board: Board) -> Iterator[Finding]:
    """Yield temperature and throttling."""
    hottest = board.hottest_c
    if hottest is None:
        yield Finding("temperature", "ok", "no sensor")
    else:
        level: Level = "fail" if hottest >= CRITICAL_C else "warn" if hottest >= HOT_C else "ok"
        yield Finding("temperature", level, f"{hottest:.0f} °C", "" if level == "ok" else "docs/migration.md, Cooling")
    if board.throttled_by and board.is_jetson:
        yield Finding("throttling", "warn", ", ".join(board.throttled_by), "docs/migration.md, Cooling")
    if board.over_current_events:
        text = f"{board.over_current_events} over-current events"
        yield Finding("power supply", "warn", text, "use the supply that came with the board")


def power_finding(board: Board) -> Finding:
    """Report the power mode; the first one is full power on every supported Jetson."""
    mode = board.power_mode
    if mode is None:
        return Finding("power mode", "warn", "not known", "sudo nvpmodel -m 0")
    text = f"{mode.number} ({mode.name or 'no name'})"
    return (
        Finding("power mode", "ok", text)
        if mode.number == 0
        else Finding("power mode", "warn", text, "sudo nvpmodel -m 0")
    )


def group_findings() -> Iterator[Finding]:
    """Yield whether the user is in the groups for a Jetson's devices."""
    mine = {_group_name(gid) for gid in {*os.getgroups(), os.getgid()}}
    for group, purpose in GROUPS.items():
        member = group in mine or os.geteuid() == 0
        remedy = "" if member else f"sudo usermod -aG {group} $USER, for {purpose}"
        yield Finding(f"group {group}", "ok" if member else "warn", "yes" if member else "no", remedy)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
