"""``demo``: the main job on real recordings and a small simulated squad, from sessions to live metrics.

Two real people's recordings and some simulated athletes become training sessions, a model is trained for each, and then
later recordings are streamed over MQTT into the live engine. All files are in a folder of their own.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from athlete_monitor.config import load_config
from athlete_monitor.deploy.children import Children
from athlete_monitor.deploy.demo_summary import latest_summary, print_models, print_sessions
from athlete_monitor.deploy.excerpt import write_excerpt
from athlete_monitor.deploy.listening import wait_for_engine
from athlete_monitor.deploy.metrics_printer import MetricsPrinter
from athlete_monitor.deploy.ports import free_port
from athlete_monitor.deploy.scripts import script_command
from athlete_monitor.errors import MonitorError
from athlete_monitor.project import DEFAULT_CONFIG, PROJECT
from athlete_monitor.wire.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.config import Config

EXAMPLES: Final = PROJECT / "examples"
SESSION_MINUTES: Final = 30
READY_S: Final = 60.0
IDLE_S: Final = 60
LINES_EVERY_S: Final = 5.0
POLL_S: Final = 0.2
ROSTER: Final = """\
athletes:
  - {id: 11, device: "011", name: "Recorded: smart shirt", sex: male, age: 19, weight_kg: 77, height_cm: 172}
  - {id: 12, device: "012", name: "Recorded: runner"}
"""
RECORDED: Final = (11, 12)


@dataclass(frozen=True)
class Demo:
    """The settings of a demonstration."""

    root: Path
    simulated: tuple[int, ...]
    minutes: float
    speed: float
    base: Path = DEFAULT_CONFIG

    @property
    def config_file(self) -> Path:
        """The demonstration's own configuration."""
        return self.root / "config.yaml"

    def command(self, name: str, *options: str) -> list[str]:
        """Return the command of a script with the demonstration's configuration."""
        return script_command(name, self.config_file, self.root, options)

    @property
    def simulated_list(self) -> str:
        """The simulated athletes as an argument of the publisher."""
        return f"[{','.join(map(str, self.simulated))}]"


def demo(players: int, minutes: float, speed: float, root: Path | None, base: Path = DEFAULT_CONFIG) -> int:
    """Run the whole system as a demonstration; it ends by itself with a summary.

    Raises:
        MonitorError: a part failed; the text names it and the file with its output.
    """
    start = time.monotonic()
    show = Demo(_folder(root), _simulated(players), minutes, speed, base)
    print(f"Demonstration in {show.root}; nothing else is touched.\n", flush=True)
    config = _prepare(show)
    with Children(show.root / "logs") as children:
        _learn(show, config, children)
        _stream(show, config, children)
    complete = print_sessions(config, [*RECORDED, *show.simulated])
    print(f"\nTook {time.monotonic() - start:.0f} s. Outputs, models and sessions are in {show.root}", flush=True)
    return 0 if complete else 1


def _folder(root: Path | None) -> Path:
    if root is None:
        return Path(tempfile.mkdtemp(prefix="athlete-monitor-demo-"))
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MonitorError(f"--root {root}: cannot be created ({error.strerror})") from error
    if not os.access(root, os.W_OK | os.X_OK):
        raise MonitorError(f"--root {root}: this user may not write there")
    if any(root.iterdir()) and not (root / "config.yaml").exists():
        raise MonitorError(f"--root {root}: holds other files; give the demonstration a folder of its own")
    return root.resolve()


def _simulated(players: int) -> tuple[int, ...]:
    free = (number for number in range(1, players + len(RECORDED) + 1) if number not in RECORDED)
    return tuple(number for number, _ in zip(free, range(players), strict=False))


def _prepare(show: Demo) -> Config:
    load_config(show.base)  # its own messages report any mistake in it
    settings = yaml.safe_load(show.base.read_text(encoding="utf-8"))
    settings["mqtt"] |= {"broker": "embedded", "port": free_port()}
    settings["dashboard"] |= {"port": free_port()}
    settings["engine"] |= {"idle_s": IDLE_S, "stats_interval_s": 5, "heart_rate_source": "by_mode"}  # models in use
    settings["model_loading"]["cache_size"] = len(show.simulated) + len(RECORDED)
    settings["athletes"]["max_players"] = max(*RECORDED, *show.simulated)
    show.config_file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    (show.root / "athletes.yaml").write_text(ROSTER, encoding="utf-8")
    config = load_config(show.config_file, show.root)
    shutil.copytree(EXAMPLES / "train", config.paths.data_root, dirs_exist_ok=True)
    return config


def _learn(show: Demo, config: Config, children: Children) -> None:
    print(f"1. Sessions: two recorded people, {len(show.simulated)} simulated athletes play twice", flush=True)
    for hours_ago in (4, 2):
        options = ["--players", show.simulated_list, "--mode", "game", "--duration", str(SESSION_MINUTES)]
        options += ["--start", format_timestamp(time.time() - hours_ago * 3600)]
        children.run(
            f"sessions-{hours_ago}-h-ago", show.command("publisher.py", *options, "--offline", "--speed", "max")
        )
    print("2. Training: one model for each athlete, evaluated on held-out data", flush=True)
    children.run("training", show.command("sup_ml_rf_training.py"), accepted=(0, 3))
    print_models(config, [*RECORDED, *show.simulated])


def _stream(show: Demo, config: Config, children: Children) -> None:
    files = [write_excerpt(file, show.root / "stream", show.minutes) for file in sorted(EXAMPLES.glob("stream/*/*"))]
    wait_s = show.minutes * 60 / show.speed
    print(f"\n3. Live: the later sessions, {show.speed:g} times faster than real time ({wait_s:.0f} s)\n", flush=True)
    on_terminal = sys.stdout.isatty()
    options = [] if on_terminal else ["--no-ui"]
    engine = children.start("engine", show.command("main.py", *options), shown=on_terminal)
    wait_for_engine(config.mqtt, READY_S, lambda: engine.poll() is None)
    children.start("screen", show.command("dashboard.py"))
    print(f"The coach's screen, in a browser: http://127.0.0.1:{config.dashboard.port}\n", flush=True)
    with nullcontext() if on_terminal else MetricsPrinter(config.mqtt, LINES_EVERY_S):
        _play(show, children, files)
        _await_summaries(config, [*RECORDED, *show.simulated])
    children.stop("engine")


def _play(show: Demo, children: Children, files: Sequence[Path]) -> None:
    speed = ["--speed", f"{show.speed:g}"]
    game = ["--players", show.simulated_list, "--mode", "game", "--duration", f"{show.minutes:g}", *speed]
    children.start("replay", show.command("publisher.py", "--replay", *map(str, files), *speed))
    children.start("game", show.command("publisher.py", *game))
    children.wait("replay", None)
    children.wait("game", None)


def _await_summaries(config: Config, athletes: Sequence[int]) -> None:
    """Give the engine time to end the sessions; remaining ones end when it stops."""
    deadline = time.monotonic() + IDLE_S
    while time.monotonic() < deadline:
        if all(latest_summary(config.paths.prediction_outputs, athlete) for athlete in athletes):
            return
        time.sleep(POLL_S)
