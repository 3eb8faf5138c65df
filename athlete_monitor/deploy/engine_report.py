"""What ``status`` says of the live engine: its figures in a few lines, each with its subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SILENT: Final = frozenset({"schema_version", "uptime_s", "steps", "broker_connected"})
"""Figures that ``--json`` alone tells, or that stand in the first line."""


class _Figures:
    """The figures of one message, and which of them have been told."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values, self._told = values, set(SILENT)

    def get(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        """Return a figure, None where the engine does not know it."""
        self._told.add(name)
        return self._values.get(name)

    def text(self, name: str, digits: int = 0) -> str:
        """Return a figure as text; a dash where the engine does not know it."""
        return _text(self.get(name), digits)

    def rest(self) -> dict[str, Any]:
        """Return what has not been told: an engine of another version says more."""
        return {name: value for name, value in self._values.items() if name not in self._told}


def engine_report(engine: Mapping[str, Any]) -> list[str]:
    """Return the lines on what ``listening.engine_state`` has found; the first begins with ``Engine:``."""
    if "reason" in engine:
        return [f"Engine: {engine['reason']}"]
    stats = engine["stats"]
    if not isinstance(stats, dict):
        silent = "" if _state(engine["status"]) == "offline" else ", but it has told no figures"
        return [f"Engine: {_state(engine['status'])}{silent}"]
    figures = _Figures(stats)
    lines = [f"  - {subject}: {tell(figures)}" for subject, tell in SUBJECTS.items()]
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


def _throughput(told: _Figures) -> str:
    rates = f"{told.text('messages_per_s')} messages/s, {told.text('samples_per_s')} samples/s"
    made = f"{told.text('outputs')} outputs, {told.text('events')} events"
    return f"{rates}; since its start {told.text('messages')} messages, {told.text('samples')} samples, {made}"


def _lag(told: _Figures) -> str:
    return f"median {told.text('lag_p50_ms', 1)} ms, 99 % within {told.text('lag_p99_ms', 1)} ms"


def _devices(told: _Figures) -> str:
    now = ", ".join(f"{told.text(name)} {name}" for name in ("online", "stale", "offline"))
    return f"{now}; {told.text('sessions_started')} sessions begun, {told.text('sessions_ended')} ended"


def _quality(told: _Figures) -> str:
    why, whose = _listed(told.get("invalid_reasons")), _listed(told.get("overflowed_topics"))
    return _problems(
        (told.get("lost"), "lost"),
        (told.get("late"), "late"),
        (told.get("duplicate"), "duplicate"),
        (told.get("clock_steps"), "steps of a device's clock"),
        (told.get("invalid"), f"invalid{why}"),
        (told.get("overflowed"), f"dropped, faster than used{whose}"),
        (told.get("refused_topics"), "on refused topics"),
        (told.get("refused_devices"), "of refused devices"),
        (told.get("filtered"), "of devices not watched"),
    )


def _listed(details: object) -> str:
    """Name the details in brackets: reasons with their counts, or topics."""
    if isinstance(details, dict):
        details = [f"{count} {reason}" for reason, count in details.items()]
    return f" ({', '.join(map(str, details))})" if isinstance(details, list) and details else ""


def _models(told: _Figures) -> str:
    used = f"{told.text('models_cached')} loaded, {told.text('cache_hit_percent', 1)} % cache hits"
    return f"{used}, predictions at {told.text('prediction_rate_hz', 1)} Hz"


def _machine(told: _Figures) -> str:
    memory = f"{told.text('memory_mb')} MB ({told.text('memory_used_percent')} % of the machine's memory is used)"
    heat = "no temperature sensor" if told.get("temperature_c") is None else f"{told.text('temperature_c')} °C"
    return f"CPU {told.text('cpu_percent')} %, {memory}, {heat}"


def _faults(told: _Figures) -> str:
    return _problems(
        (told.get("broker_connected") is False, "no connection to the broker"),
        (told.get("unsent"), "messages not sent"),
        (told.get("files_failing"), "output files cannot be written"),
        (told.get("journal_failing"), "the journal cannot be written"),
        (told.get("journal_lost"), "records of the journal lost"),
    )


def _problems(*counted: tuple[Any, str]) -> str:
    """Name what is not nothing: a count with its words, or the words alone."""
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
