"""``athlete-monitor``: every program as a subcommand, for installations without a checkout.

``athlete-monitor live --no-ui`` is ``main.py --no-ui``. The script replaces this process, so that signals, exit codes
and the list of running programs are the same.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final, NoReturn

from athlete_monitor import __version__
from athlete_monitor.project import PROJECT
from athlete_monitor.system.files import replace_file

SCRIPTS: Final = {
    "live": ("main.py", "monitor a squad live, or replay files"),
    "publish": ("publisher.py", "stream a simulated squad or recordings"),
    "train": ("sup_ml_rf_training.py", "train the heart-rate models"),
    "models": ("dynamic_model_loader.py", "show the models in service"),
    "deploy": ("jetson_deploy.py", "set up, check, import, services, demonstration"),
    "dashboard": ("dashboard.py", "serve the coach's screen"),
    "report": ("report.py", "reports and exports after the session"),
    "control": ("control.py", "periods, markers and other commands from a terminal"),
    "bridge": ("bridge.py", "straps, phones and foreign streams"),
    "league": ("league.py", "many squads on a cluster, an engine for each"),
}
"""Each subcommand with its script and its purpose."""

NESTED: Final = frozenset(("deploy", "control", "bridge", "league"))
"""Subcommands that have subcommands of their own."""
SHELLS: Final = ("bash", "zsh", "fish")
WRONG: Final = 2

_BASH: Final = """\
_athlete_monitor() {
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    mapfile -t COMPREPLY < <(athlete-monitor complete "${words[@]}" 2>/dev/null)
    [ "${#COMPREPLY[@]}" -gt 0 ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _athlete_monitor athlete-monitor
"""
_ZSH: Final = f"autoload -U +X bashcompinit && bashcompinit\n{_BASH}".replace(
    'mapfile -t COMPREPLY < <(athlete-monitor complete "${words[@]}" 2>/dev/null)',
    'COMPREPLY=($(athlete-monitor complete "${words[@]}" 2>/dev/null))',
)
_FISH: Final = """\
complete -c athlete-monitor -a '(athlete-monitor complete (commandline -opc)[2..-1] (commandline -ct))'
"""


def main() -> int:
    """Run a subcommand; return the exit code if the process is not replaced by the script."""
    words = sys.argv[1:]
    if words[:1] in (["--version"], ["-V"]):
        return _print(f"athlete-monitor {__version__}")
    if not words or words[0] in {"--help", "-h", "help"}:
        return _print(usage())
    if words[0] == "completion":
        return _completion(words[1:])
    if words[0] == "complete":
        return _print("\n".join(candidates(words[1:])))
    if words[0] not in known():
        sys.stderr.write(f"athlete-monitor: {words[0]!r} is not a command; allowed: {', '.join(known())}, completion\n")
        return WRONG
    return _become(PROJECT / SCRIPTS[words[0]][0], words[1:])


def _become(script: Path, words: list[str]) -> NoReturn:
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, str(script), *words])  # noqa: S606 - no shell is wanted


def known() -> list[str]:
    """Return the subcommands whose scripts exist."""
    return [name for name, (script, _) in SCRIPTS.items() if (PROJECT / script).is_file()]


def usage() -> str:
    """Return the help text."""
    rows = [f"  {name:<11} {SCRIPTS[name][1]}" for name in known()]
    rows += [f"  {'completion':<11} print the completion of a shell: {', '.join(SHELLS)}"]
    return "\n".join(
        [
            "usage: athlete-monitor COMMAND [options]",
            "",
            *rows,
            "",
            "athlete-monitor COMMAND --help explains a command.",
        ]
    )


def candidates(words: list[str]) -> list[str]:
    """Return completions of the last word of a command line; empty if it is a file or a value.

    Example:
        >>> candidates(["tr"])
        ['train']
    """
    *before, last = words or [""]
    if not before:
        return [name for name in [*known(), "completion"] if name.startswith(last)]
    if before == ["completion"]:
        return [shell for shell in SHELLS if shell.startswith(last)]
    if before[0] not in known():
        return []
    return (
        [word for word in _offered(before) if word.startswith(last)]
        if last[:1] in {"", "-"} or len(before) == 1
        else []
    )


def _offered(before: list[str]) -> list[str]:
    """Return the options and subcommands of a program from its help; cached in a file, since that takes a second."""
    nested = before[1] if len(before) > 1 and before[0] in NESTED and not before[1].startswith("-") else ""
    key = f"{__version__} {before[0]} {nested}".strip()
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "athlete-monitor" / "completion.json"
    try:
        known_words: dict[str, list[str]] = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known_words = {}
    if key not in known_words:
        known_words[key] = _from_help([SCRIPTS[before[0]][0], *([nested] if nested else [])])
        _keep(cache, known_words)
    return known_words[key]


def _from_help(command: list[str]) -> list[str]:
    words = [sys.executable, str(PROJECT / command[0]), *command[1:], "--help"]
    text = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30).stdout  # noqa: S603 - ours
    options = re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)
    commands = re.findall(r"^    ([a-z][a-z-]+)(?:  |$)", text, re.MULTILINE)
    return sorted({*options, *commands})


def _keep(cache: Path, words: dict[str, list[str]]) -> None:
    try:
        replace_file(cache, json.dumps(words).encode(), sync=False)
    except OSError:
        return  # the help is read again next time


def _completion(words: list[str]) -> int:
    texts = dict(zip(SHELLS, (_BASH, _ZSH, _FISH), strict=True))
    if len(words) != 1 or words[0] not in texts:
        sys.stderr.write(f"athlete-monitor completion: give one of {', '.join(SHELLS)}\n")
        return WRONG
    return _print(texts[words[0]].rstrip("\n"))


def _print(text: str) -> int:
    sys.stdout.write(f"{text}\n")
    return 0
