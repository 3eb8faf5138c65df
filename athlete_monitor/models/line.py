"""A straight line through clipped features, in arithmetic that gives every row the same bits on every machine.

A sum of floating-point numbers depends on the order in which a library adds them up: on the number of rows, on their
alignment in memory, on the processor. So the features are rounded to whole multiples of a step, the weights too, and
both are multiplied and added as whole numbers in float64, where every sum below 2^53 is exact whatever the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import Float32Array, FloatArray

RANGE: Final = 64.0
"""Standardised features are clipped to the range of the training data, and to ± this."""

_FEATURE_STEP: Final = 2.0**-20
_LARGEST_SUM: Final = 2.0**53


@dataclass(frozen=True)
class LineModel:
    """``intercept + sum(weight * clip((x - mean) * scale, low, high))``; arrays [F], weights in bpm.

    >>> import numpy as np
    >>> line = LineModel(np.array([2.0]), np.array([0.5]), np.array([-1.0]), np.array([1.0]), np.array([10.0]), 120.0)
    >>> line.predict(np.array([[2.0], [3.0], [50.0]], np.float32)).tolist()
    [120.0, 125.0, 130.0]
    """

    mean: FloatArray
    scale: FloatArray
    low: FloatArray
    high: FloatArray
    weight: FloatArray
    intercept: float

    @property
    def n_features_in_(self) -> int:
        """Columns of X."""
        return len(self.mean)

    def predict(self, X: Float32Array) -> FloatArray:
        """Heart rates, bpm, [n], of rows float32 [n, F], in float64."""
        standard = np.clip((X.astype(np.float64) - self.mean) * self.scale, self.low, self.high)
        answer: FloatArray = standard @ self.weight + self.intercept
        return answer


def fit_line(X: Float32Array, y: FloatArray, weight: FloatArray, penalty: float) -> LineModel:
    """Fit a ridge regression to standardised features; ``penalty`` is that of a thousand rows.

    Beyond the range of the training data the line is flat instead of rising to impossible heart rates. These are the
    numbers of scikit-learn's ``StandardScaler`` and ``Ridge``, in a third of the time and without loading it.
    """
    standard, total = X.astype(np.float64), float(weight.sum())
    mean = weight @ standard / total
    standard -= mean
    scale = _scale(weight @ np.square(standard) / total, mean, len(y))
    standard /= scale
    low, high = (np.clip(edge, -RANGE, RANGE) for edge in (standard.min(axis=0), standard.max(axis=0)))
    middle = float(weight @ y / total)
    weighted = standard * weight[:, None]
    products = weighted.T @ standard
    products[np.diag_indices_from(products)] += penalty * len(y) / 1000.0
    slopes: FloatArray = np.linalg.solve(products, weighted.T @ (y - middle)).astype(np.float64)
    return LineModel(mean, 1.0 / scale, low, high, slopes, middle)


def _scale(variance: FloatArray, mean: FloatArray, rows: int) -> FloatArray:
    """Standard deviations [F]; 1 for features that vary by rounding only."""
    rounding = float(np.finfo(np.float64).eps) * rows
    constant = variance <= rounding * variance + np.square(rounding * mean)
    return np.where(constant, 1.0, np.sqrt(variance))


@dataclass(frozen=True)
class WholeLine:
    """A line as the runtimes compute it: float32 arrays [F], and weights that are whole numbers, float64 [F].

    ``sum(round(clip((x - mean) * scale, low, high)) * weight) * unit`` with ``scale``, ``low`` and ``high`` in steps;
    the intercept is ``start``.
    """

    mean: Float32Array
    scale: Float32Array
    low: Float32Array
    high: Float32Array
    weight: FloatArray
    unit: float
    start: float


def whole(line: LineModel, share: float = 1.0) -> WholeLine:
    """Round a line, multiplied by ``share``, to whole numbers, as finely as exact sums allow."""
    weight = line.weight * share
    finest = _LARGEST_SUM / 4.0 / (RANGE / _FEATURE_STEP) / max(float(np.abs(weight).sum()), 1e-9)
    weight_step = 2.0 ** -min(int(np.floor(np.log2(finest))), 40)
    low, high = np.ceil(line.low / _FEATURE_STEP), np.floor(line.high / _FEATURE_STEP)
    return WholeLine(
        line.mean.astype(np.float32),
        (line.scale / _FEATURE_STEP).astype(np.float32),
        low.astype(np.float32),
        np.maximum(low, high).astype(np.float32),
        np.round(weight / weight_step),
        _FEATURE_STEP * weight_step,
        line.intercept * share,
    )


def onnx_nodes(line: WholeLine, rows: str, output: str) -> tuple[list[Any], list[Any]]:
    """ONNX nodes and constants that compute the line, float32 [n, 1], of the tensor named ``rows``, float32 [n, F]."""
    from onnx import TensorProto, helper, numpy_helper

    constants = [
        numpy_helper.from_array(value, f"line_{name}")
        for name, value in (
            ("mean", line.mean[None]),
            ("scale", line.scale[None]),
            ("low", line.low[None]),
            ("high", line.high[None]),
            ("weight", line.weight[:, None]),
            ("unit", np.array(line.unit)),
            ("start", np.array(line.start)),
        )
    ]
    steps = [
        ("Sub", [rows, "line_mean"], "line_away"),
        ("Mul", ["line_away", "line_scale"], "line_steps"),
        ("Max", ["line_steps", "line_low"], "line_above"),
        ("Min", ["line_above", "line_high"], "line_within"),
        ("Round", ["line_within"], "line_rounded"),
    ]
    nodes = [helper.make_node(kind, inputs, [out]) for kind, inputs, out in steps]
    nodes.append(helper.make_node("Cast", ["line_rounded"], ["line_whole"], to=TensorProto.DOUBLE))
    sums = [
        ("MatMul", ["line_whole", "line_weight"], "line_sum"),
        ("Mul", ["line_sum", "line_unit"], "line_bpm"),
        ("Add", ["line_bpm", "line_start"], "line_double"),
    ]
    nodes += [helper.make_node(kind, inputs, [out]) for kind, inputs, out in sums]
    nodes.append(helper.make_node("Cast", ["line_double"], [output], to=TensorProto.FLOAT))
    return nodes, constants
