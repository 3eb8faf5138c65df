"""What the documents ask a user to type works, and what they show is up to date."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.deploy.checkout import make_checkout, user_environment
from tests.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MARKED = re.compile(r"#.*(on the board|on the box|from your computer)")
UNTIL_INTERRUPTED = re.compile(r"#.*until Ctrl\+C")
RUN_ELSEWHERE = {
    "python3 jetson_deploy.py demo": "test_demo.py, smaller",
    "python3 jetson_deploy.py test": "CI itself",
}
PAGES = ("README.md", "docs/migration.md", "docs/analysis.md")


def commands(page: str) -> list[str]:
    """Every line of every block of shell commands in the page."""
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def runnable(page: str) -> list[str]:
    """The commands that need no board, no root and no other machine."""
    return [command for command in commands(page) if not MARKED.search(command) and command not in RUN_ELSEWHERE]


@pytest.mark.parametrize("page", PAGES)
def test_a_command_that_needs_root_or_the_board_is_marked(page: str) -> None:
    privileged = re.compile(r"\b(sudo|nvpmodel|systemctl|jetson_clocks|rsync|wget)\b")
    assert [command for command in commands(page) if privileged.search(command) and not MARKED.search(command)] == []


@pytest.mark.integration
@pytest.mark.campaign
@pytest.mark.timeout(1100)
def test_every_command_of_every_page_works_in_a_fresh_clone(tmp_path: Path) -> None:
    checkout, done = make_checkout(tmp_path / "clone"), set[str]()
    for page in PAGES:
        with Shell(checkout) as shell:
            for command in runnable(page):
                if command not in done:
                    shell.run(command)
                    done.add(command)


class Shell:
    """A user's terminals in a checkout: commands one after the other, and those that run until Ctrl+C beside them."""

    def __init__(self, checkout: Path) -> None:
        self._checkout = checkout
        self._background: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Shell:  # noqa: PYI034 - Self is not in the oldest supported typing module
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        for process in self._background:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            if kind is None:
                assert process.returncode == 0, out + err
                assert "Traceback" not in out + err

    def run(self, command: str) -> None:
        if UNTIL_INTERRUPTED.search(command):
            self._background.append(self._start(f"exec {command}"))
            time.sleep(5)
            return
        start = time.monotonic()
        process = self._start(command)
        out, err = process.communicate(timeout=180)
        assert process.returncode == 0, f"{command}\n{out}\n{err}"
        assert "Traceback" not in err, f"{command}\n{err}"
        sys.stdout.write(f"{time.monotonic() - start:5.1f} s  {command}\n")

    def _start(self, command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-c", command],
            cwd=self._checkout,
            env=user_environment(self._checkout),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def test_the_page_of_settings_is_up_to_date() -> None:
    script = ROOT / "docs" / "make_configuration.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md", "docs/design.md", "docs/configuration.md"])
def test_every_link_to_a_file_leads_to_one(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    missing = [link for link in links if not ((ROOT / page).parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", ["README.md", "docs/migration.md"])
def test_every_key_that_the_page_names_is_a_setting(page: str) -> None:
    from athlete_monitor.config import Config

    text = (ROOT / page).read_text(encoding="utf-8")
    sections = "|".join(Config.model_fields)
    for section, key in re.findall(rf"`({sections})\.(?!yaml|py)([a-z_]+)[`:]", text):
        kind = Config.model_fields[section].annotation
        assert kind is not None
        assert key in kind.model_fields, f"{section}.{key}"
