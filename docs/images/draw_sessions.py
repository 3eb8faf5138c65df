"""Draws ``training_session.png`` and ``match.png``: one simulated session of one athlete each.

    python docs/images/draw_sessions.py [--athlete 7] [--seed 1]

Needs matplotlib (requirements-dev.txt).
"""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from athlete_monitor.arrays import ACC, GRAVITY_MPS2, HEART_RATE, SPEED, X, Y
from athlete_monitor.sim.plan import PITCH_LENGTH_M, PITCH_WIDTH_M
from athlete_monitor.sim.session import SimulatedSession
from athlete_monitor.sim.squad import SimulatedSquad
from athlete_monitor.sim.traits import Traits, traits_of

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray

FOLDER: Final = Path(__file__).resolve().parent
SHADES: Final = ("#dce9f5", "#f8e3cf", "#e2efdc")
INK: Final = "#1f4e79"
RED: Final = "#b03a2e"


def simulate(traits: Traits, session: SimulatedSession) -> tuple[FloatArray, IntArray]:
    """Return the session's values [samples, channels] and phases [samples]."""
    blocks = list(SimulatedSquad([traits], session).blocks())
    return np.concatenate([b.values[0] for b in blocks]), np.concatenate([b.phase for b in blocks])


def draw(path: Path, traits: Traits, session: SimulatedSession, title: str) -> None:
    """Draw a session: acceleration, speed and heart rate with the phases, twenty seconds close up, the ways walked."""
    values, phase = simulate(traits, session)
    minutes = np.arange(len(values)) / session.rate_hz / 60.0
    figure = plt.figure(figsize=(11, 8.2), layout="constrained")
    grid = figure.add_gridspec(4, 2, height_ratios=(1, 1, 1.3, 1.5))
    axes = [figure.add_subplot(grid[row, :]) for row in range(3)]
    _over_time(axes, minutes, values, traits)
    for axis in axes:
        _shade(axis, minutes, phase, session)
    _close_up(figure.add_subplot(grid[3, 0]), values, session)
    _ways(figure.add_subplot(grid[3, 1]), values, session)
    figure.suptitle(f"{title}: athlete {traits.athlete_id}, {traits.position.lower()}, {_body(traits)}")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _body(traits: Traits) -> str:
    return f"{traits.age_years:.0f} years, heart {traits.hr_rest_bpm:.0f} to {traits.hr_max_bpm:.0f} bpm"


def _over_time(axes: list[Any], minutes: FloatArray, values: FloatArray, traits: Traits) -> None:
    length = np.linalg.norm(values[:, ACC], axis=1) / GRAVITY_MPS2
    axes[0].plot(minutes, length, color=INK, linewidth=0.2)
    axes[0].set_ylabel("acceleration, g")
    axes[1].plot(minutes, values[:, SPEED], color=INK, linewidth=0.3)
    axes[1].set_ylabel("speed, m/s")
    axes[2].plot(minutes, values[:, HEART_RATE], color=RED, linewidth=0.9)
    axes[2].axhline(traits.hr_max_bpm, color="grey", linewidth=0.7, linestyle=":")
    axes[2].set_ylabel("heart rate, bpm")
    axes[2].set_xlabel("minutes")


def _shade(axis: Any, minutes: FloatArray, phase: IntArray, session: SimulatedSession) -> None:  # noqa: ANN401 - an axes object
    edges = [0, *(np.flatnonzero(np.diff(phase)) + 1).tolist(), len(phase)]
    named: set[str] = set()
    for begin, end in pairwise(edges):
        name = session.phases[phase[begin]]
        label = None if name in named else name.replace("_", " ")
        named.add(name)
        axis.axvspan(minutes[begin], minutes[end - 1], color=SHADES[phase[begin]], linewidth=0, label=label)
    axis.set_xlim(0, minutes[-1])
    if axis.get_xlabel():
        axis.legend(loc="lower right", fontsize=8, ncols=3)


def _close_up(axis: Any, values: FloatArray, session: SimulatedSession) -> None:  # noqa: ANN401 - an axes object
    """The hardest twenty seconds in vertical acceleration, with the speed."""
    span = 20 * session.rate_hz
    effort = np.convolve(values[:, SPEED], np.ones(span), mode="valid")
    begin = int(np.argmax(effort))
    seconds = np.arange(span) / session.rate_hz
    axis.plot(seconds, values[begin : begin + span, ACC], linewidth=0.7, label=["forward", "left", "up"])
    axis.set_ylabel("acceleration, m/s²")
    axis.set_xlabel(f"seconds, from minute {begin / session.rate_hz / 60:.1f}")
    axis.legend(loc="upper right", fontsize=8, ncols=3)
    other = axis.twinx()
    other.plot(seconds, values[begin : begin + span, SPEED], color="black", linewidth=1.2)
    other.set_ylabel("speed, m/s (black)")


def _ways(axis: Any, values: FloatArray, session: SimulatedSession) -> None:  # noqa: ANN401 - an axes object
    axis.plot(values[:, X], values[:, Y], color=INK, linewidth=0.2)
    axis.plot([0, PITCH_LENGTH_M, PITCH_LENGTH_M, 0, 0], [0, 0, PITCH_WIDTH_M, PITCH_WIDTH_M, 0], color="green")
    kilometres = values[:, SPEED].sum() / session.rate_hz / 1000.0
    axis.set_aspect("equal")
    axis.set_title(f"{kilometres:.1f} km on the pitch", fontsize=9)


def main() -> None:
    """Draw both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--athlete", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    traits = traits_of(args.athlete)
    draw(
        FOLDER / "training_session.png",
        traits,
        SimulatedSession("training", args.seed, 10, 3600.0),
        "Training, one hour",
    )
    draw(FOLDER / "match.png", traits, SimulatedSession("game", args.seed), "Match")


if __name__ == "__main__":
    main()
