"""Whether a new model goes live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from athlete_monitor.config import Retraining
    from athlete_monitor.models.manifest import Holdout


@dataclass(frozen=True)
class Decision:
    """Whether a model goes live, and why, as part of a sentence."""

    deploy: bool
    reason: str


def decide(new: Holdout, deployed_mae_bpm: float | None, settings: Retraining) -> Decision:
    """Compare a new model with the athlete's median and with the model in service, on the same held-out rows.

    Args:
        new: figures of the new model.
        deployed_mae_bpm: MAE of the model in service on the held-out rows, None where there is none to compare with.
        settings: the thresholds.
    """
    if new.rmse_bpm > settings.max_rmse_threshold:
        return Decision(
            deploy=False, reason=f"RMSE {new.rmse_bpm:.1f} bpm, at most {settings.max_rmse_threshold:g} are allowed"
        )
    median = new.baselines["median"]
    if median is not None and not median - new.mae_bpm > settings.min_gain_over_median_bpm:
        return Decision(
            deploy=False,
            reason=f"MAE {new.mae_bpm:.2f} bpm does not beat the median's {median:.2f} bpm "
            f"by more than {settings.min_gain_over_median_bpm:g}",
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
