"""The model card: one HTML page with its drawings inside; it loads no other files."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.training.athlete import HeldOutCurve
    from athlete_monitor.training.outcome import TrainingOutcome

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 14, 34
MEASURED, PREDICTED, SHADE = "#1b1b1b", "#c2410c", "#fde6d8"
GRID_LINES: Final = 4

STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;max-width:780px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2.2rem 0 .3rem;border-top:1px solid #ddd;padding-top:1.2rem}
h3{font-size:.95rem;margin:1rem 0 .2rem}table{border-collapse:collapse;margin:.4rem 0}
td,th{padding:.15rem .8rem .15rem 0;text-align:left;font-variant-numeric:tabular-nums}
td.n,th.n{text-align:right}.muted{color:#666}.bad{color:#b00020}svg{display:block;max-width:100%;height:auto}
svg text{font:11px system-ui,sans-serif;fill:#555}
"""


def render(report: Mapping[str, Any], outcomes: Mapping[str, TrainingOutcome]) -> str:
    """Return the page for a report (``report.write_report``'s document) and the outcomes by athlete id."""
    entries = report["athletes"]
    sections = "".join(_section(entry, outcomes[str(entry["athlete_id"])]) for entry in entries)
    head = f"<title>Model card {escape(report['started'])}</title><style>{STYLE}</style>"
    intro = (
        f"<h1>Heart-rate models</h1><p class=muted>Trained {escape(report['started'])}, {report['seconds']:.0f} s. "
        "Each model is evaluated on held-out rows. Errors are in beats per minute (bpm). "
        "None of this is a diagnosis.</p>"
    )
    body = f"<body>{intro}{_overview(entries)}{sections}</body>"
    view = '<meta charset=utf-8><meta name=viewport content="width=device-width">'
    return f"<!doctype html><html lang=en>{view}{head}{body}</html>\n"


def _overview(entries: Sequence[Mapping[str, Any]]) -> str:
    rows = "".join(_overview_row(entry) for entry in entries)
    titles = ("MAE", "Median", "Last value", "Ridge", "80 % covers")
    columns = "".join(f"<th class=n>{title}</th>" for title in titles)
    return f"<table><tr><th>Athlete</th><th>Status</th>{columns}</tr>{rows}</table>"


def _overview_row(entry: Mapping[str, Any]) -> str:
    holdout = entry.get("holdout")
    values = [None] * 5
    if holdout:
        base = holdout["baselines"]
        values = [holdout["mae_bpm"], base.get("median"), base.get("last_value"), base.get("ridge"), None]
    cells = "".join(f"<td class=n>{_number(value)}</td>" for value in values[:4])
    covers = holdout["coverage_80"] if holdout else None
    share = "" if covers is None else f"{covers:.0%}"
    return f"<tr><td>{_who(entry)}</td><td>{escape(_words(entry['status']))}</td>{cells}<td class=n>{share}</td></tr>"


def _section(entry: Mapping[str, Any], outcome: TrainingOutcome) -> str:
    tone = "" if outcome.succeeded else " class=bad"
    notes = "".join(f"<li>{escape(note)}</li>" for note in entry["notes"])
    text = f"<h2>{_who(entry)}</h2><p{tone}>{escape(_words(entry['status']))}: {escape(entry['message'])}</p>"
    text += f"<ul class=muted>{notes}</ul>" if notes else ""
    if outcome.trained is None:
        return text
    interval = entry["residual_quantiles"]
    curve = outcome.trained.curve
    drawings = f"<h3>Predicted and measured over the held-out rows</h3>{_overlay(curve, interval)}"
    drawings += f"<h3>Residuals (measured − predicted)</h3>{_residuals(curve)}"
    return text + _figures(entry) + drawings + f"<h3>Importance of the features</h3>{_importance(entry['importance'])}"


def _figures(entry: Mapping[str, Any]) -> str:
    holdout, interval = entry["holdout"], entry["residual_quantiles"]
    pairs = [
        ("MAE", f"{holdout['mae_bpm']:.2f} bpm"),
        ("RMSE", f"{holdout['rmse_bpm']:.2f} bpm"),
        ("Bias", f"{holdout['bias_bpm']:+.2f} bpm"),
        ("R²", _number(holdout["r2"])),
        ("Correlation", _number(holdout["correlation"])),
        *((f"MAE of {_words(name)}", f"{_number(value)} bpm") for name, value in holdout["baselines"].items() if value),
        ("80 % interval", f"{interval['q10']:+.1f} to {interval['q90']:+.1f} bpm"),
        ("Held out", f"{_words(holdout['kind'])}, {holdout['rows']} rows"),
        ("Channels", ", ".join(entry["groups"])),
        ("Sessions", str(sum(session["rows"] > 0 for session in entry["sessions"]))),
    ]
    return "<table>" + "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in pairs) + "</table>"


def _overlay(curve: HeldOutCurve, interval: Mapping[str, float]) -> str:
    x = curve.seconds / 60.0
    low, high = curve.predicted + interval["q10"], curve.predicted + interval["q90"]
    plot = _Plot(x, np.concatenate([curve.measured, low, high]))
    band = plot.area(x, low, high, SHADE)
    lines = plot.dots(x, curve.measured, MEASURED) + plot.line(x, curve.predicted, PREDICTED)
    legend = plot.legend((("measured", MEASURED), ("predicted, with 80 % interval", PREDICTED)))
    return plot.finish(band + lines + legend, "min", "bpm")


def _residuals(curve: HeldOutCurve) -> str:
    x = curve.seconds / 60.0
    residual = curve.measured - curve.predicted
    plot = _Plot(x, np.append(residual, 0.0))
    zero = plot.line(np.array([x[0], x[-1]]), np.zeros(2), "#999")
    return plot.finish(zero + plot.dots(x, residual, PREDICTED), "min", "bpm")


def _importance(shares: Mapping[str, float]) -> str:
    height, widest = 18, max(shares.values(), default=1.0) or 1.0
    bars = "".join(
        f'<text x="250" y="{i * height + 13}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="258" y="{i * height + 4}" width="{share / widest * 400:.1f}" height="11" fill="{PREDICTED}"/>'
        f'<text x="{262 + share / widest * 400:.1f}" y="{i * height + 13}">{share:.0%}</text>'
        for i, (name, share) in enumerate(shares.items())
    )
    return f'<svg viewBox="0 0 {WIDTH} {len(shares) * height + 6}" role="img">{bars}</svg>'


class _Plot:
    """A drawing area that fits the data."""

    def __init__(self, x: FloatArray, y: FloatArray) -> None:
        self._x = float(x.min()), max(float(x.max()), float(x.min()) + 1e-6)
        low, high = float(y.min()), float(y.max())
        margin = max(0.05 * (high - low), 1.0)
        self._y = low - margin, high + margin

    def _across(self, x: FloatArray) -> FloatArray:
        share: FloatArray = (x - self._x[0]) / (self._x[1] - self._x[0])
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def _up(self, y: FloatArray) -> FloatArray:
        share: FloatArray = (y - self._y[0]) / (self._y[1] - self._y[0])
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def _points(self, x: FloatArray, y: FloatArray) -> str:
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(self._across(x), self._up(y), strict=True))

    def line(self, x: FloatArray, y: FloatArray, colour: str) -> str:
        return f'<polyline points="{self._points(x, y)}" fill="none" stroke="{colour}" stroke-width="1.4"/>'

    def area(self, x: FloatArray, low: FloatArray, high: FloatArray, colour: str) -> str:
        outline = self._points(np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]]))
        return f'<polygon points="{outline}" fill="{colour}"/>'

    def dots(self, x: FloatArray, y: FloatArray, colour: str) -> str:
        marks = "".join(
            f"M{a:.1f} {b:.1f}h0" for a, b in zip(self._across(x).tolist(), self._up(y).tolist(), strict=True)
        )
        return f'<path d="{marks}" stroke="{colour}" stroke-width="2" stroke-linecap="round" fill="none"/>'

    def legend(self, entries: Sequence[tuple[str, str]]) -> str:
        return "".join(
            f'<text x="{LEFT + 8 + 90 * i}" y="{TOP + 4}" style="fill:{colour}">{escape(text)}</text>'
            for i, (text, colour) in enumerate(entries)
        )

    def finish(self, inside: str, x_unit: str, y_unit: str) -> str:
        return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{self._grid(x_unit, y_unit)}{inside}</svg>'

    def _grid(self, x_unit: str, y_unit: str) -> str:
        parts = []
        for value in _ticks(*self._y):
            y = float(self._up(np.array([value]))[0])
            parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#eee"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        for value in _ticks(*self._x):
            x = float(self._across(np.array([value]))[0])
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{value:g}</text>')
        parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" text-anchor="end">{x_unit}</text>')
        return "".join(parts) + f'<text x="4" y="{TOP}">{y_unit}</text>'


def _ticks(low: float, high: float) -> list[float]:
    """Round values between the ends, about ``GRID_LINES`` of them."""
    rough = (high - low) / GRID_LINES
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(power * min((1, 2, 5, 10), key=lambda factor: abs(factor * power - rough)))
    return [round(i * step, 6) for i in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _who(entry: Mapping[str, Any]) -> str:
    return "Default model" if entry["athlete_id"] == "default" else f"Athlete {entry['athlete_id']}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
