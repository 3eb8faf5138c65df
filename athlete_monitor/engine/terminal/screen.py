"""The coach's screen: a live table of the squad, or one athlete in detail, and the state of the engine."""

from __future__ import annotations

import threading
import time
from itertools import accumulate, compress
from typing import TYPE_CHECKING, Any, Final

import msgspec
from rich.box import HEAVY_HEAD
from rich.cells import cell_len
from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from athlete_monitor.catalogue import FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console, RenderableType

    from athlete_monitor.engine.intake.messages import Rejection
    from athlete_monitor.engine.live import LiveEngine
    from athlete_monitor.engine.sessions.session import Session

REFRESH_S: Final = 0.5
ONE_COLUMN: Final = 76
"""Below this width the figures of one athlete are shown in one column."""
WIDE: Final = 110
"""Columns that a terminal must have for the full headings."""
COLUMNS: Final = (
    ("Athlete", "Athlete", "left", 0), ("Min", "Min", "right", 52), ("HR", "HR", "right", 0),
    ("80 %", "80 %", "right", 60), ("From", "From", "left", 0), ("Zone", "Zn", "center", 0),
    ("TRIMP", "TRIMP", "right", 0), ("kcal", "kcal", "right", 80), ("Load/min", "Ld/m", "right", 80),
    ("Impacts", "Imp", "right", 70), ("Data", "Data", "right", 52), ("Status", "Status", "left", 0),
)  # fmt: skip
"""Heading, short heading, alignment, and the terminal width it needs: a narrow one keeps what a coach acts on."""
ZONE_STYLES: Final = ("dim", "white", "cyan", "green", "yellow", "bold red")
STATUS_STYLES: Final = {"online": "green", "stale": "yellow", "offline": "red"}
SOURCES: Final = {
    "sensor": "strap",
    "model": "model",
    "model_corrected": "model+",
    "held": "held",
    None: "",
}
NOTICES_FOR_S: Final = 60.0
_NOTICES_SHOWN: Final = 3
_REJECTIONS_SHOWN: Final = 5
REJECTED_FOR_S: Final = 30.0
_TITLE_NAME: Final = 32
"""Longest name in a title, so that the text after it is not cut."""


def number(value: float | None, digits: int = 0) -> str:
    """A figure for the screen; a dash if it is not known."""
    return "–" if value is None else f"{value:.{digits}f}"


def squad_table(
    sessions: Iterable[Session], height: int = 1000, width: int = WIDE, rejections: Sequence[Rejection] = ()
) -> Table:
    """One line for each athlete; those that do not fit are counted in the caption.

    Devices that send only invalid messages, and have no session, get a line of their own.

    On a terminal narrower than ``WIDE`` the lines between the columns go and headings are short: 80 columns are enough
    for all of them. Below that, columns are left out.
    """
    narrow = width < WIDE
    table = Table(
        expand=True, header_style="bold", row_styles=("", "on grey7"), box=None if narrow else HEAVY_HEAD,
        padding=(0, 1, 0, 0) if narrow else (0, 1), pad_edge=not narrow,
    )  # fmt: skip
    fits = [width >= least for *_, least in COLUMNS]
    for name, short_name, justify, _ in compress(COLUMNS, fits):
        table.add_column(short_name if narrow else name, justify=justify, no_wrap=name != "Athlete")  # type: ignore[arg-type]
    ordered = sorted(sessions, key=lambda session: (session.athlete_id, session.device_id))
    for each in rejections:
        table.add_row(*compress(_rejected_cells(each), fits))
    shown = ordered[: max(1, height)]
    for session in shown:
        table.add_row(*compress(_cells(session), fits))
    if len(shown) < len(ordered):
        table.caption = f"and {len(ordered) - len(shown)} more: make the window taller, or choose with --players"
    return table


def _not_understood(rejections: Iterable[Rejection], sessions: Iterable[Session]) -> list[Rejection]:
    running = {session.device_id for session in sessions}
    return [each for each in rejections if each.device_id not in running][:_REJECTIONS_SHOWN]


def _rejected_cells(rejection: Rejection) -> list[RenderableType]:
    name = _cut(f"  ? {rejection.device_id}: {rejection.reason}")
    return [name, *[""] * (len(COLUMNS) - 2), Text("not understood", "red")]


def _figures_of(session: Session) -> dict[str, Any]:
    return {} if session.latest is None else msgspec.structs.asdict(session.latest)


def _cells(session: Session) -> list[RenderableType]:
    figures = _figures_of(session)
    zone = figures.get("heart_rate_zone")
    style = ZONE_STYLES[zone] if zone is not None else "dim"
    status = Text(session.status, STATUS_STYLES[session.status])
    live = "" if session.status == "online" else "dim"
    now = figures if session.status != "offline" else {}
    return [
        _cut(f"{session.athlete_id:>3} {session.wearer.name}"),
        Text(number(figures.get("elapsed_s", 0.0) / 60), live),
        Text(number(now.get("heart_rate_bpm")), live or f"bold {style}"),
        Text(_interval(now), "dim"),
        Text(SOURCES[now.get("heart_rate_source")], live),
        Text("–" if zone is None or not now else str(zone), live or style),
        Text(number(figures.get("trimp"), 1), live),
        Text(number(figures.get("energy_kcal")), live),
        Text(number(figures.get("player_load_per_min"), 1), live),
        _impacts(figures),
        _quality(figures),
        status,
    ]


def _cut(name: str) -> Text:
    """A name that is shortened, on one line, if the table is wider than the terminal."""
    return Text(name, no_wrap=True, overflow="ellipsis")


def _interval(figures: Mapping[str, Any]) -> str:
    low, high = figures.get("heart_rate_low_bpm"), figures.get("heart_rate_high_bpm")
    return "" if low is None or high is None else f"{low:.0f}–{high:.0f}"


def _impacts(figures: Mapping[str, Any]) -> Text:
    bands = figures.get("impacts")
    if bands is None:
        return Text("–")
    alerts = figures.get("impact_alerts") or 0
    text = str(sum(bands.values()))
    return Text(f"{text} ({alerts}!)", "bold red") if alerts else Text(text)


def _quality(figures: Mapping[str, Any]) -> Text:
    percent = (figures.get("quality") or {}).get("percent")
    if percent is None:
        return Text("–")
    return Text(f"{percent:.0f} %", "green" if percent >= 98 else "yellow" if percent >= 90 else "red")


LEFT: Final = (
    "heart_rate_bpm", "strap_heart_rate_bpm", "model_heart_rate_bpm", "hr_excess_bpm", "heart_rate_reserve_percent",
    "stress_percent", "hrv_rmssd_ms", "vo2max_ml_kg_min",
)  # fmt: skip
RIGHT: Final = (
    "trimp", "trimp_edwards", "energy_kcal", "player_load", "distance_m", "high_speed_running_m", "sprints", "acwr",
)  # fmt: skip
"""Figures of the view of one athlete; labels, units and decimals come from the catalogue."""


def detail_view(session: Session, width: int = WIDE) -> Panel:
    """Everything about one athlete; on a terminal narrower than ``ONE_COLUMN``, one figure below the other."""
    figures = _figures_of(session)
    if width < ONE_COLUMN:
        body = _lines(figures, (*LEFT, *RIGHT))
    else:
        body = Table.grid(expand=True, padding=(0, 2))
        body.add_row(_lines(figures, LEFT), _lines(figures, RIGHT))
    name = session.wearer.name
    name = name if len(name) <= _TITLE_NAME else f"{name[: _TITLE_NAME - 1]}…"
    who = f"athlete {session.athlete_id} · device {session.device_id} · {session.status}"
    narrow = cell_len(f"{name} · {who}") > width - 6
    title = escape(name) if narrow else f"{escape(name)} · {who}"
    top = [Text(who, "dim")] if narrow else []
    below: list[RenderableType] = [body, Text(), _zone_bar(figures, width), _errors(figures)]
    return Panel(Group(*top, _headline(figures), Text(), *below), title=title)


def _lines(figures: Mapping[str, Any], keys: Iterable[str]) -> Table:
    grid = Table.grid(padding=(0, 2))
    reasons = msgspec.json.decode(figures.get("reasons") or b"{}")
    for key in keys:
        figure, value = FIGURES[key], figures.get(key)
        shown = Text(f"– {reasons.get(key, '')}", "dim") if value is None else Text(figure.show(value))
        grid.add_row(Text(figure.label, "bold"), shown)
    return grid


def _headline(figures: Mapping[str, Any]) -> Text:
    zone = figures.get("heart_rate_zone")
    style = ZONE_STYLES[zone] if zone is not None else "dim"
    heart_rate = number(figures.get("heart_rate_bpm"))
    source, interval = SOURCES[figures.get("heart_rate_source")], _interval(figures)
    details = f" bpm  {source}" + (f", 80 % within {interval}" if interval else "")
    return Text.assemble((heart_rate, f"bold {style}"), details, f"   zone {'–' if zone is None else zone}")


def _zone_bar(figures: Mapping[str, Any], width: int = WIDE) -> Text:
    seconds = list((figures.get("time_in_zones_s") or {}).values())
    total = sum(seconds)
    if not total:
        return Text("no time in zones yet", "dim")
    bar = Text("Zones ")
    for zone, spent in enumerate(seconds):
        bar.append("█" * round(min(40, width - 10) * spent / total), ZONE_STYLES[zone])
    minutes = "  ".join(f"{zone}: {spent / 60:.1f}" for zone, spent in enumerate(seconds))
    return bar.append(f"\nmin in 0–5  {minutes}")


def _errors(figures: Mapping[str, Any]) -> Text:
    error, quality = figures.get("model_error"), figures.get("quality") or {}
    model = f"model {figures.get('model_id') or 'none'}"
    details = f", live error {error['mae_bpm']} bpm over {error['readings']} readings" if error else ""
    counts = ", ".join(
        f"{quality.get(name, 0)} {name}" for name in ("received", "lost", "late", "duplicate", "invalid")
    )
    return Text(f"{model}{details}\nData {number(quality.get('percent'), 1)} %: {counts}", "dim")


def engine_lines(
    stats: Mapping[str, Any],
    connected: bool,  # noqa: FBT001 - a fact, shown
    notices: list[str],
    width: int = WIDE,
) -> Text:
    """The state of the engine, on one line, and the last notices.

    If the line is wider than the terminal, its words are shortened, and then its last figures are left out.
    """
    broker = ("connected", "green") if connected else ("no broker", "bold red")
    details = _full_line(stats)
    if cell_len(broker[0] + details) > width:
        details = _short_line(stats, width - cell_len(broker[0]))
    return Text("\n").join([Text.assemble(broker, details), *(Text(text, "yellow") for text in notices)])


def _full_line(stats: Mapping[str, Any]) -> str:
    heat = stats.get("temperature_c")
    return (
        f"   {number(stats.get('messages_per_s'))} messages/s   lag p50 {number(stats.get('lag_p50_ms'), 1)} "
        f"p99 {number(stats.get('lag_p99_ms'), 1)} ms   cache hits {number(stats.get('cache_hit_percent'))} %   "
        f"CPU {number(stats.get('cpu_percent'))} %   memory {number(stats.get('memory_mb'))} MB"
        + ("" if heat is None else f"   {number(heat)} °C")
    )


def _short_line(stats: Mapping[str, Any], width: int) -> str:
    heat = stats.get("temperature_c")
    parts = [
        f"  {number(stats.get('messages_per_s'))} msg/s",
        f"  lag {number(stats.get('lag_p50_ms'))}/{number(stats.get('lag_p99_ms'))} ms",
        f"  CPU {number(stats.get('cpu_percent'))} %",
        f"  {number(stats.get('memory_mb'))} MB",
        *([] if heat is None else [f"  {number(heat)} °C"]),
        f"  cache {number(stats.get('cache_hit_percent'))} %",
    ]
    ends = accumulate(map(cell_len, parts))
    return "".join(part for part, end in zip(parts, ends, strict=True) if end <= width)


class TerminalScreen:
    """Draws the squad in a thread of its own.

    Args:
        engine: the engine that is shown.
        console: the console to draw on.
        device_id: one device in detail; None for the squad.
    """

    def __init__(self, engine: LiveEngine, console: Console, device_id: str | None = None) -> None:
        self._engine, self._console, self._device_id = engine, console, device_id
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)

    def start(self) -> None:
        """Start drawing."""
        self._thread.start()

    def stop(self) -> None:
        """Stop drawing and leave the last picture."""
        self._stopping.set()
        self._thread.join()

    def render(self) -> RenderableType:
        """The present picture."""
        engine = self._engine
        sessions = list(engine.monitor.book.view)
        notices = engine.notices.since(NOTICES_FOR_S)[-_NOTICES_SHOWN:]
        below = engine_lines(engine.stats.latest, engine.link.connected, notices, self._console.width)
        return Group(self._body(sessions), below)

    def _body(self, sessions: list[Session]) -> RenderableType:
        chosen = [session for session in sessions if session.device_id == self._device_id]
        if chosen:
            return detail_view(chosen[0], self._console.width)
        recent = self._engine.monitor.intake.not_understood(time.monotonic() - REJECTED_FOR_S)
        rejections = _not_understood(recent, sessions)
        if not sessions and not rejections:
            whom = f"device {self._device_id}" if self._device_id else "the first athlete"
            return Panel(Text(f"Waiting for {whom} …", "dim"))
        return squad_table(sessions, self._console.height - 10, self._console.width, rejections)

    def _run(self) -> None:
        with Live(console=self._console, auto_refresh=False, transient=False) as live:
            while not self._stopping.wait(REFRESH_S):
                live.update(self.render(), refresh=True)


SUMMARY_COLUMNS: Final = (
    ("Athlete", "left", 0), ("Min", "right", 0), ("HR", "right", 0), ("Max", "right", 0), ("TRIMP", "right", 0),
    ("Load", "left", 72), ("kcal", "right", 56), ("m", "right", 48), ("Error", "right", 80), ("Data", "right", 56),
)  # fmt: skip
"""Heading, alignment, and the terminal width that the column needs."""


def summary_table(summaries: Iterable[Mapping[str, Any]], width: int = WIDE) -> Table:
    """One line for each ended session; columns are left out on a narrow terminal, and only a long name is cut."""
    fits = [width >= least for *_, least in SUMMARY_COLUMNS]
    caption = "Error: mean absolute difference of model and strap, bpm" if fits[8] else None
    table = Table(
        header_style="bold", title="Sessions", title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False,
        caption=caption, caption_justify="left",
    )  # fmt: skip
    for name, justify, _ in compress(SUMMARY_COLUMNS, fits):
        table.add_column(name, justify=justify, no_wrap=name != "Athlete")  # type: ignore[arg-type]
    for summary in summaries:
        table.add_row(*compress(_summary_cells(summary), fits))
    return table


def _summary_cells(summary: Mapping[str, Any]) -> list[RenderableType]:
    error = summary["model_error"]
    return [
        _cut(f"{summary['athlete_id']} {summary['name']}"),
        number(summary["duration_s"] / 60, 1),
        number(summary["heart_rate_mean_bpm"]),
        number(summary["heart_rate_highest_bpm"]),
        number(summary["trimp"], 1),
        (summary["training_load_zone"] or "–").replace("_", " "),
        number(summary["energy_kcal"]),
        number(summary["distance_m"]),
        number(error["mae_bpm"] if error else None, 1),
        f"{number(summary['quality']['percent'], 1)} %",
    ]
