"""The decision whether a new model is put into service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from athlete_monitor.config import Retraining
    from athlete_monitor.models.manifest import Holdout
    from athlete_monitor.training.gain import Gain


@dataclass(frozen=True)
class Decision:
    """Whether a model goes live, and why, as part of a sentence; ``squad_serves``: the squad's model is as good."""

    deploy: bool
    reason: str
    squad_serves: bool = False


def decide(
    new: Holdout,
    gain: Gain,
    deployed_mae_bpm: float | None,
    settings: Retraining,
    over_squad: Gain | None = None,
) -> Decision:
    """Compare a new model with the athlete's median, the squad's model and the model in service, on held-out rows.

    Args:
        new: figures of the new model.
        gain: its improvement over the athlete's median.
        deployed_mae_bpm: MAE of the model in service on the held-out rows, None if there is none to compare with.
        settings: the thresholds.
        over_squad: how much better it is than a model of the squad that knows neither the athlete nor these rows;
            None where there is none.
    """
    if new.rmse_bpm > settings.max_rmse_threshold:
        return Decision(
            deploy=False, reason=f"RMSE {new.rmse_bpm:.1f} bpm, at most {settings.max_rmse_threshold:g} are allowed"
        )
    if not gain.least_bpm > settings.min_gain_over_median_bpm:
        return Decision(
            deploy=False,
            reason=f"it does not beat the athlete's median by more than {settings.min_gain_over_median_bpm:g} bpm "
            f"and chance: {gain.text}",
        )
    if over_squad is not None and not over_squad.least_bpm > 0.0:
        return Decision(
            deploy=False,
            reason=f"it does not beat the squad's model, which serves instead, by more than chance: {over_squad.text}",
            squad_serves=True,
        )
    if new.coverage_80 is not None and new.coverage_80 < settings.min_coverage:
        return Decision(
            deploy=False,
            reason=f"its 80 % interval covers {new.coverage_80:.0%} of rows that did not make it, "
            f"at least {settings.min_coverage:.0%} are needed",
        )
    if deployed_mae_bpm is not None and new.mae_bpm > deployed_mae_bpm + settings.max_mae_increase_bpm:
        return Decision(
            deploy=False,
            reason=f"MAE {new.mae_bpm:.2f} bpm is worse than {deployed_mae_bpm:.2f} bpm of the model in service "
            f"by more than {settings.max_mae_increase_bpm:g}",
        )
    return Decision(
        deploy=True,
        reason="better than the median" + ("" if deployed_mae_bpm is None else " and not worse than before"),
    )
