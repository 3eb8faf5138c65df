"""Prove that every pinned package has a binary wheel for each board and Python that the system supports.

For every target this reads the pins that hold there, asks pip to resolve them for that platform (wheels only, nothing
is installed) and reads the requirements of what pip found: each must be pinned too, at a version that it allows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
# PyTorch's metadata pins its own CUDA packages; they come and go with its build, so they are left to it.
LEFT_TO_TORCH = ("nvidia-", "cuda-", "triton")


@dataclass(frozen=True)
class Target:
    """A board or machine: its requirement file, Python, processor and the newest glibc that its wheels may ask for."""

    name: str
    file: str
    python: str
    machine: str
    glibc_minor: int

    def environment(self) -> dict[str, str]:
        """What the markers of requirements are judged by on this machine."""
        return {
            "extra": "",
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }

    def pip_options(self) -> list[str]:
        """The tags that pip accepts for this machine."""
        platforms = [f"manylinux_2_{minor}_{self.machine}" for minor in range(5, self.glibc_minor + 1)]
        platforms += [f"manylinux2014_{self.machine}", f"linux_{self.machine}", "any"]
        abis = [f"cp{self.python.replace('.', '')}", "abi3", "none"]
        return [
            *(f"--platform={platform}" for platform in platforms),
            *(f"--abi={abi}" for abi in abis),
            f"--python-version={self.python}",
            "--implementation=cp",
        ]


TARGETS = (
    Target("nano", "requirements-jetson-nano.txt", "3.10", "aarch64", 27),
    Target("orin", "requirements.txt", "3.10", "aarch64", 35),
    Target("light-3.10", "requirements-light.txt", "3.10", "x86_64", 31),
    Target("light-3.13", "requirements-light.txt", "3.13", "x86_64", 31),
    Target("x86-64-3.10", "requirements.txt", "3.10", "x86_64", 31),
    Target("x86-64-3.11", "requirements.txt", "3.11", "x86_64", 31),
    Target("x86-64-3.12", "requirements.txt", "3.12", "x86_64", 31),
    Target("x86-64-3.13", "requirements.txt", "3.13", "x86_64", 31),
)


def pins(target: Target) -> dict[str, str]:
    """Name and version of every package that the file pins on this target."""
    lines = (ROOT / target.file).read_text().splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    environment = target.environment()
    held = [r for r in requirements if r.marker is None or r.marker.evaluate(environment)]
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in held}


def resolve(target: Target, pinned: dict[str, str]) -> list[dict[str, Any]]:
    """What pip would install there: the metadata of one wheel for each pin.

    Raises:
        RuntimeError: pip finds no wheel; its own words are the text.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
        command += ["--only-binary=:all:", f"--target={folder}", f"--report={report}", *target.pip_options()]
        command += [f"{name}=={version}" for name, version in pinned.items()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(next(line for line in done.stderr.splitlines() if line.startswith("ERROR")))
        found: list[dict[str, Any]] = json.loads(report.read_text())["install"]
    return found


def gaps(target: Target, pinned: dict[str, str], found: list[dict[str, Any]]) -> list[str]:
    """Requirements of the found wheels that no pin answers, one sentence each."""
    environment = target.environment()
    problems = []
    for package in found:
        for text in package["metadata"].get("requires_dist", []):
            need = Requirement(text)
            name = canonicalize_name(need.name)
            if name.startswith(LEFT_TO_TORCH) or (need.marker and not need.marker.evaluate(environment)):
                continue
            if name not in pinned:
                problems.append(f"{package['metadata']['name']} needs {text}, which is not pinned")
            elif not need.specifier.contains(pinned[name], prereleases=True):
                problems.append(f"{package['metadata']['name']} needs {text}, but {pinned[name]} is pinned")
    return problems


def check(target: Target) -> bool:
    """Print one line for the target, and one for each problem; true when there is none."""
    pinned = pins(target)
    try:
        problems = gaps(target, pinned, resolve(target, pinned))
    except RuntimeError as error:
        problems = [str(error)]
    verdict = "not complete" if problems else "complete"
    print(f"{target.name:12} {target.file:30} {len(pinned):3} packages  glibc <= 2.{target.glibc_minor}  {verdict}")
    for problem in problems:
        print(f"    {problem}")
    return not problems


def main() -> int:
    """Check the named targets, or all; 1 when one is not complete."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(target.name for target in TARGETS)}; all by default")
    names = parser.parse_args().targets
    unknown = set(names) - {target.name for target in TARGETS}
    if unknown:
        parser.error(f"unknown target {', '.join(sorted(unknown))}")
    results = [check(target) for target in TARGETS if not names or target.name in names]
    return 0 if all(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
