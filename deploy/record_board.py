"""Copy the files by which a board is recognised into a folder, so that a test can read this board later."""

from __future__ import annotations

import argparse
from pathlib import Path

PATTERNS = (
    "proc/device-tree/model",
    "proc/meminfo",
    "etc/nv_tegra_release",
    "etc/nvpmodel.conf",
    "var/lib/nvpmodel/status",
    "sys/class/thermal/thermal_zone*/type",
    "sys/class/thermal/thermal_zone*/temp",
    "sys/class/thermal/cooling_device*/type",
    "sys/class/thermal/cooling_device*/*_state",
    "sys/class/hwmon/hwmon*/oc*_event_cnt",
)


def record(source: Path, target: Path) -> int:
    """Copy what can be read below ``source`` to ``target``; return how many files."""
    copied = 0
    for file in (file for pattern in PATTERNS for file in source.glob(pattern)):
        try:
            content = file.read_bytes()
        except OSError:
            continue
        (target / file.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
        (target / file.relative_to(source)).write_bytes(content)
        copied += 1
    return copied


def main() -> int:
    """Record this machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files go")
    parser.add_argument("--source", type=Path, default=Path("/"), help="root of the file system to read (/)")
    args = parser.parse_args()
    print(f"{record(args.source, args.folder)} files in {args.folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
