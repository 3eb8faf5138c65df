"""The output of ``import``: what was read, written and refused, for people and as JSON."""

from __future__ import annotations

import dataclasses
import sys
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping
    from datetime import tzinfo

    from rich.console import Console

    from athlete_monitor.recordings.figures import RecordingFigures
    from athlete_monitor.recordings.import_results import ImportedSession, ImportResults

SOME_FAILED: Final = 3
_NARROW: Final = 70
_MOST_SHOWN: Final = 12


class Output:
    """The output for the user.

    Args:
        args: the command line.
        console: the console to write to.
    """

    def __init__(self, args: argparse.Namespace, console: Console) -> None:
        self._args = args
        self._console = console
        self._silent = args.json or args.quiet

    @contextmanager
    def progress(self) -> Iterator[Callable[[str, int, int], None]]:
        """Show a bar on a terminal while files are read."""
        if self._silent or not self._console.is_terminal:
            yield lambda _label, _place, _of: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (BarColumn(bar_width=20), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task("", total=None)

            def on_file(label: str, place: int, of: int) -> None:
                bar.update(task, completed=place, total=of, description=label[-max(self._console.width - 40, 8) :])

            yield on_file

    def session(self, done: ImportedSession) -> None:
        """Show a session that was imported."""
        if self._silent:
            return
        if self._args.dry_run:
            self.understood(done)
            return
        for note in done.figures.notes:
            self.line(f"note: {done.figures.label}: {note}")
        if done.known:
            self.line(f"note: {done.figures.label}: {already(done)}")
        elif done.path is not None:
            self.line(f"{'figures' if done.figures.summary else 'session'}: {done.path}")

    def understood(self, done: ImportedSession) -> None:
        """Show how a recording was read, before anything is written."""
        for text in lines_of(done):
            self.line(text)

    def line(self, text: str) -> None:
        """Write one line; characters that the terminal cannot show become escapes, control characters too."""
        print(shown(text), flush=True)

    def end(self, report: ImportResults, place: str) -> int:
        """Show the table and what failed; return the exit code."""
        code = exit_code(report)
        if self._args.json:
            self.line(orjson.dumps(as_json(report, code)).decode())
            return code
        if report.done and not self._silent and not self._args.dry_run:
            self._table(report)
        for cause in report.failed:
            print(shown(cause), file=sys.stderr)
        if self._args.dry_run and not self._silent:
            for other in report.others:
                self.line(f"passed over: {other}")
        self.line(
            last_line(report, dry_run=self._args.dry_run)
            + (f"; next: python3 jetson_deploy.py run{place}" if code == 0 and not self._args.dry_run else "")
        )
        return code

    def _table(self, report: ImportResults) -> None:
        rows = [cells_of(done) for done in report.done]
        if self._console.width < _NARROW:
            for row in rows:
                self.line(" ".join(row[:3]))
                self.line("  " + " ".join(cell for cell in row[3:] if cell))
            return
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for name, right in (
            ("athlete", False),
            ("start", False),
            ("", False),
            ("duration", True),
            ("distance", True),
            ("heart rate", True),
        ):
            table.add_column(name, justify="right" if right else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        with self._console.capture() as capture:
            self._console.print(table)
        for text in capture.get().splitlines():
            self.line(text.rstrip())


def shown(text: str) -> str:
    r"""Return a text that every terminal can show, in one line.

    >>> shown("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    safe = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    encoding = sys.stdout.encoding or "ascii"
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def already(done: ImportedSession) -> str:
    """Return as what a session is already imported, and how its content differs."""
    differs = f", which {done.differs} and is kept" if done.differs else ""
    return f"already imported as {done.path}{differs}"


def exit_code(report: ImportResults) -> int:
    """Return 0 on success, 3 if some files failed, 1 if there was nothing to import."""
    if report.failed:
        return SOME_FAILED
    return 0 if report.done else 1


def last_line(report: ImportResults, *, dry_run: bool) -> str:
    """Return the counts in one line."""
    lost = sum(bool(done.problem) for done in report.done)
    new = sum(not (done.known or done.figures.summary or done.problem) for done in report.done)
    known = sum(done.known for done in report.done)
    figures = len(report.done) - new - known - lost
    verb = "would be imported" if dry_run else "imported"
    parts = [f"{new} {'session' if new == 1 else 'sessions'} {verb}"]
    parts += [f"figures of {figures} {'athlete' if figures == 1 else 'athletes'} kept"] if figures else []
    changed = sum(bool(done.differs) for done in report.done)
    parts += [f"{known} already imported{f' ({changed} with other content)' if changed else ''}"] if known else []
    parts += [f"{lost} without a known athlete"] if lost else []
    parts += [f"{report.archived} in the archive"] if report.archived else []
    parts += [f"{len(report.failed)} failed"] if report.failed else []
    parts += [
        f"{count} {'file' if count == 1 else 'files'} {_singular(why, count)}"
        for why, count in report.passed_over.items()
        if count > 0
    ]
    parts += [f"{report.links} links not followed"] if report.links else []
    return ", ".join(parts)


def _singular(why: str, count: int) -> str:
    return (
        {"are not recordings": "is not a recording", "hold no recording": "holds no recording"}.get(why, why)
        if count == 1
        else why
    )


def cells_of(done: ImportedSession) -> tuple[str, ...]:
    """Return a row of the table: athlete, start, mode, duration, distance, heart rate."""
    figures = done.figures
    rate = (
        ""
        if figures.heart_rate_mean_bpm is None
        else f"{figures.heart_rate_mean_bpm:.0f} (max {figures.heart_rate_max_bpm:.0f})"
    )
    distance = "" if figures.distance_m is None else f"{figures.distance_m:,.0f} m"
    return (
        str(done.athlete_id or "?"),
        _start(figures),
        "match" if done.mode == "game" else done.mode,
        "" if figures.summary else _duration(figures.duration_s),
        distance,
        rate,
    )


def _start(figures: RecordingFigures) -> str:
    if figures.start_t is None:
        return ""
    zone: tzinfo | None = None if figures.offset_s is None else timezone(timedelta(seconds=figures.offset_s))
    return datetime.fromtimestamp(figures.start_t, zone).strftime("%Y-%m-%d %H:%M")


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def lines_of(done: ImportedSession) -> list[str]:
    """Return how a recording was read, for a dry run."""
    figures = done.figures
    nobody = f"no athlete: {done.problem}" if done.problem else f"a new athlete, {figures.who}"
    owner = f"athlete {done.athlete_id}" if done.athlete_id is not None else nobody
    lines = [f"{figures.label}", f"  format: {figures.kind}; {owner}; {'match' if done.mode == 'game' else done.mode}"]
    if figures.summary:
        lines += [f"  start: {_start(figures)}"] if figures.start_t is not None else []
        lines += [f"  figures: {_row(row)}" for row in figures.summary[:_MOST_SHOWN]]
    elif figures.start_t is not None:
        rate = f", {figures.rate_hz:.3g} rows a second" if figures.rate_hz else ""
        lines.append(
            f"  start: {_start(figures)}, duration {_duration(figures.duration_s)}, {figures.rows:,} rows{rate}"
        )
    lines += [f"  {text}" for text in figures.understood]
    lines += [f"  {name}: {low:.6g} to {high:.6g}" for name, (low, high) in figures.channels.items()]
    lines += [f"  beat intervals: {figures.beats:,}"] if figures.beats else []
    if figures.distance_m is not None:
        lines.append(f"  distance: {figures.distance_m:,.0f} m by {figures.distance_from}")
    lines += (
        [f"  by the device: {', '.join(f'{name} {value:,.1f}' for name, value in figures.totals.items())}"]
        if figures.totals
        else []
    )
    lines += [f"  {already(done)}"] if done.known else []
    return [*lines, *(f"  note: {note}" for note in figures.notes)]


def _row(row: Mapping[str, object]) -> str:
    """Return the first figures of a row.

    >>> _row({"Date": "2026-05-04", "Distance": 8.25, "Avg HR": 151.0})
    'Date 2026-05-04, Distance 8.25, Avg HR 151'
    """
    cells = [f"{name} {value:,.6g}" if isinstance(value, float) else f"{name} {value}" for name, value in row.items()]
    more = f" and {len(cells) - _MOST_SHOWN} more" if len(cells) > _MOST_SHOWN else ""
    return ", ".join(cells[:_MOST_SHOWN]) + more


def as_json(report: ImportResults, code: int) -> dict[str, object]:
    """Return the report as JSON."""
    sessions = [
        {
            **dataclasses.asdict(done.figures),
            "athlete_id": done.athlete_id,
            "mode": done.mode,
            "path": str(done.path) if done.path else None,
            "already_imported": done.known,
            "differs": done.differs or None,
            "problem": done.problem or None,
        }
        for done in report.done
    ]
    return {
        "sessions": sessions,
        "failed": report.failed,
        "passed_over": dict(report.passed_over),
        "links_not_followed": report.links,
        "archived": report.archived,
        "exit_code": code,
    }
