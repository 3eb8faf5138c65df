"""The part of ``status`` on the live engine: its figures in a few lines, each with its subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SILENT: Final = frozenset({"schema_version", "uptime_s", "steps", "broker_connected"})
"""Figures that are only in ``--json``, or that are in the first line."""


class _Figures:
    """The figures of one message, and which of them have been reported."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values, self._reported = values, set(SILENT)

    def get(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        """Return a figure, None if the engine does not know it."""
        self._reported.add(name)
        return self._values.get(name)

    def text(self, name: str, digits: int = 0) -> str:
        """Return a figure as text; a dash if the engine does not know it."""
        return _text(self.get(name), digits)

    def rest(self) -> dict[str, Any]:
        """Return the figures that have not been reported: an engine of another version may publish more."""
        return {name: value for name, value in self._values.items() if name not in self._reported}


def engine_report(engine: Mapping[str, Any], process: str | None = None) -> list[str]:
    """Return the lines on the result of ``listening.engine_state``; the first begins with ``Engine:``.

    ``process`` is the one that holds the engine's lock on this machine, if any.
    """
    if process is not None and ("reason" in engine or _state(engine["status"]) == "offline"):
        why = engine.get("reason", "the broker says that it is offline")
        return [f"Engine: {process} runs, but is not connected to its broker ({why}): no device is monitored"]
    if "reason" in engine:
        return [f"Engine: {engine['reason']}"]
    stats = engine["stats"]
    if not isinstance(stats, dict):
        silent = "" if _state(engine["status"]) == "offline" else ", but it has published no figures"
        return [f"Engine: {_state(engine['status'])}{silent}"]
    figures = _Figures(stats)
    lines = [f"  - {subject}: {describe(figures)}" for subject, describe in SUBJECTS.items()]
    rest = ", ".join(f"{name} {value}" for name, value in figures.rest().items())
    return [_headline(engine["status"], stats), *lines, *([f"  - also: {rest}"] if rest else [])]


def _headline(status: object, stats: Mapping[str, Any]) -> str:
    uptime_s = stats.get("uptime_s")
    since = f" for {_duration(uptime_s)}" if isinstance(uptime_s, (int, float)) else ""
    return f"Engine: {_state(status)}{since}"


def _text(value: object, digits: int = 0) -> str:
    if isinstance(value, (int, float)):
        return f"{value:,.{digits}f}"
    return "–" if value is None else str(value)


def _state(status: object) -> str:
    return str(status.get("status", status)) if isinstance(status, dict) else str(status)


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _throughput(figures: _Figures) -> str:
    rates = f"{figures.text('messages_per_s')} messages/s, {figures.text('samples_per_s')} samples/s"
    made = f"{figures.text('outputs')} outputs, {figures.text('events')} events"
    return f"{rates}; since its start {figures.text('messages')} messages, {figures.text('samples')} samples, {made}"


def _lag(figures: _Figures) -> str:
    return f"median {figures.text('lag_p50_ms', 1)} ms, 99 % within {figures.text('lag_p99_ms', 1)} ms"


def _devices(figures: _Figures) -> str:
    now = ", ".join(f"{figures.text(name)} {name}" for name in ("online", "stale", "offline"))
    return f"{now}; {figures.text('sessions_started')} sessions begun, {figures.text('sessions_ended')} ended"


def _quality(figures: _Figures) -> str:
    why, whose = _listed(figures.get("invalid_reasons")), _listed(figures.get("overflowed_topics"))
    return _problems(
        (figures.get("lost"), "lost"),
        (figures.get("late"), "late"),
        (figures.get("duplicate"), "duplicate"),
        (figures.get("clock_steps"), "steps of a device's clock"),
        (figures.get("invalid"), f"invalid{why}"),
        (figures.get("overflowed"), f"dropped, faster than used{whose}"),
        (figures.get("refused_topics"), "on refused topics"),
        (figures.get("refused_devices"), "of refused devices"),
        (figures.get("filtered"), "of devices not monitored"),
    )


def _listed(details: object) -> str:
    """Name the details in brackets: reasons with their counts, or topics."""
    if isinstance(details, dict):
        details = [f"{count} {reason}" for reason, count in details.items()]
    return f" ({', '.join(map(str, details))})" if isinstance(details, list) and details else ""


def _models(figures: _Figures) -> str:
    used = f"{figures.text('models_cached')} loaded, {figures.text('cache_hit_percent', 1)} % cache hits"
    waiting = figures.get("athletes_waiting")
    if waiting:
        used += f", {waiting} athletes beyond model_loading.cache_size use the squad's model"
    return f"{used}, predictions at {figures.text('prediction_rate_hz', 1)} Hz"


def _machine(figures: _Figures) -> str:
    memory = f"{figures.text('memory_mb')} MB ({figures.text('memory_used_percent')} % of the machine's memory is used)"
    heat = "no temperature sensor" if figures.get("temperature_c") is None else f"{figures.text('temperature_c')} °C"
    return f"CPU {figures.text('cpu_percent')} %, {memory}, {heat}"


def _faults(figures: _Figures) -> str:
    return _problems(
        (figures.get("broker_connected") is False, "no connection to the broker"),
        (figures.get("unsent"), "messages not sent"),
        (figures.get("files_failing"), "output files cannot be written"),
        (figures.get("journal_failing"), "the journal cannot be written"),
        (figures.get("journal_lost"), "records of the journal lost"),
    )


def _problems(*counted: tuple[Any, str]) -> str:
    """Name what is not zero: a count with its words, or only the words."""
    found = [words if count is True else f"{_text(count)} {words}" for count, words in counted if count]
    return ", ".join(found) or "none"


SUBJECTS: Final[dict[str, Callable[[_Figures], str]]] = {
    "throughput": _throughput,
    "lag": _lag,
    "devices": _devices,
    "data problems": _quality,
    "models": _models,
    "machine": _machine,
    "faults": _faults,
}
