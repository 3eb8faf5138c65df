"""Small measurements of this machine, with only the standard library: broker, disk, clock, packages."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Final

from athlete_monitor.system.files import sync_to_disk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CONNECT: Final = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00"
"""MQTT 3.1.1: connect with a clean session, no user and an id of the broker's choice."""

REFUSALS: Final = {4: "wants a user and a password", 5: "wants a user and a password"}
NOBODY: Final = "nothing listens there"
UNREACHABLE: Final = "not reachable"
_SHARED_LIBRARY: Final = re.compile(r"\.so[.,\d]")
WRITE_BYTES: Final = 16 * 1024 * 1024


def ask_broker(host: str, port: int, timeout_s: float = 2.0) -> str:
    """Return ``answers``, or in a few words why the broker cannot be used."""
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.sendall(CONNECT)
            reply = connection.recv(4)
    except ConnectionRefusedError:
        return NOBODY
    except ConnectionResetError:
        return "the server there is not a broker"
    except OSError as error:
        return f"{UNREACHABLE} ({error.strerror or error})"
    if len(reply) < len(CONNECT[:4]) or reply[0] != 0x20:
        return "the server there is not a broker"
    return "answers" if reply[3] == 0 else REFUSALS.get(reply[3], f"refuses (code {reply[3]})")


def write_speed_mb_s(folder: Path) -> float:
    """Return the speed of a synchronised write of 16 MB to the folder's disk, MB/s.

    Raises:
        OSError: the folder cannot be written or is full.
    """
    block = os.urandom(WRITE_BYTES)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".write-speed-") as file:
        start = time.perf_counter()
        file.write(block)
        file.flush()
        sync_to_disk(file.fileno())
        return WRITE_BYTES / 1e6 / (time.perf_counter() - start)


def free_gb(folder: Path) -> float:
    """Return the free space on the disk of the folder, GB."""
    return shutil.disk_usage(folder).free / 1e9


def existing_parent(folder: Path) -> Path:
    """Return the folder, or the closest parent that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder


def installed(names: Sequence[str]) -> dict[str, str | None]:
    """Return the installed version of each package, None if it is missing; a suffix such as ``+cpu`` is removed."""
    return {name: _version(name) for name in names}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name).split("+")[0]
    except metadata.PackageNotFoundError:
        return None


IMPORTS: Final[Mapping[str, str]] = {
    "ahrs": "ahrs",
    "amqtt": "amqtt",
    "argon2-cffi": "argon2",
    "bleak": "bleak",
    "cachetools": "cachetools",
    "cryptography": "cryptography",
    "dbus-fast": "dbus_fast",
    "defusedxml": "defusedxml",
    "fastapi": "fastapi",
    "hummingbird-ml": "hummingbird.ml",
    "imufusion": "imufusion",
    "jinja2": "jinja2",
    "joblib": "joblib",
    "matplotlib": "matplotlib",
    "msgspec": "msgspec",
    "numpy": "numpy",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "openpyxl": "openpyxl",
    "orjson": "orjson",
    "paho-mqtt": "paho.mqtt.client",
    "pandas": "pandas",
    "prometheus-client": "prometheus_client",
    "psutil": "psutil",
    "pydantic": "pydantic",
    "pyyaml": "yaml",
    "rich": "rich",
    "ruamel.yaml": "ruamel.yaml",
    "scikit-learn": "sklearn",
    "scipy": "scipy",
    "segno": "segno",
    "skl2onnx": "skl2onnx",
    "torch": "torch",
    "typst": "typst",
    "uvicorn": "uvicorn",
    "websockets": "websockets",
    "zeroconf": "zeroconf",
}
"""Every direct dependency and the module that it is for."""


def compiled(names: Sequence[str]) -> list[str]:
    """Return the packages that have compiled parts.

    Only these have to be imported to know that they run on this machine. Importing all others too takes half as long
    again, mostly in hummingbird-ml and skl2onnx, which consist of Python; ``incomplete`` looks at their files.
    """
    return [name for name in names if _SHARED_LIBRARY.search(_record(name))]


def incomplete(names: Sequence[str]) -> dict[str, str]:
    """Return the packages with a file that is missing or has another size than installed, and that file."""
    found: dict[str, str] = {}
    for name in names:
        folder = str(metadata.distribution(name).locate_file(""))
        rows = (row for row in csv.reader(_record(name).splitlines()) if len(row) == 3 and row[2])
        wrong = (file for file, _, size in rows if _size(f"{folder}/{file}") != int(size))
        if file := next(wrong, None):
            found[name] = file
    return found


def _record(name: str) -> str:
    """Return the list of files of an installed package: a line ``path,hash,size`` for each."""
    return metadata.distribution(name).read_text("RECORD") or ""


def _size(file: str) -> int | None:
    try:
        return os.stat(file).st_size  # noqa: PTH116 - of thousands of files
    except OSError:
        return None


TRY_IMPORTS: Final = """
import importlib, json, sys
failures = {}
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except Exception as error:
        failures[name] = f"{type(error).__name__}: {error}"
cuda = None
if "torch" in sys.modules:
    import torch
    cuda = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
print(json.dumps({"failures": failures, "cuda": cuda}))
"""


@dataclass(frozen=True)
class ImportReport:
    """The modules that could not be imported, each with the reason, and the CUDA device that torch sees.

    ``cuda`` is empty if torch sees none, and None if there is no torch.
    """

    failures: dict[str, str]
    cuda: str | None


def try_imports(modules: Sequence[str], timeout_s: float = 180) -> ImportReport:
    """Import the modules in a process of its own: a crash there is a finding here."""
    command = [sys.executable, "-W", "ignore", "-c", TRY_IMPORTS, json.dumps(list(modules))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return ImportReport(
            {"all together": f"not finished after {timeout_s:g} s; the machine is busy or swapping"}, None
        )
    try:
        said = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        return ImportReport({"all together": f"the process ended with code {done.returncode}"}, None)
    return ImportReport(said["failures"], said["cuda"])
