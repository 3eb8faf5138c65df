"""Change one rule at a time of the team, the archive, the athletes and the reports, and see whether a test notices.

Not in the daily run: each mutation runs the tests of its package in a copy of the tree. A mutation whose text is no
longer in its file is an error, so that the list follows the code.

python tests/mutations/rules.py                         # prints the survivors, exit code 1 if there is one
python tests/mutations/rules.py team/ --log noticed.txt  # one part; again, it skips what the file lists as noticed
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import shutil
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
TESTS: Final = {
    "team/book": ("tests/engine/team",),
    "team/": ("tests/team",),
    "archive/": ("tests/archive", "tests/report/test_report.py"),
    "athletes/": ("tests/athletes",),
    "report/season": ("tests/report/test_season.py", "tests/report/test_pages.py"),
    "report/export/": ("tests/report/test_export.py", "tests/report/test_export_cells.py"),
    "report/worn": ("tests/report/test_worn.py", "tests/report/test_report.py"),
    "report/": (
        "tests/report/test_sentences.py", "tests/report/test_heat_map.py", "tests/report/test_worn.py",
        "tests/report/test_report.py", "tests/report/test_pages.py",
    ),
    "dashboard/": ("tests/dashboard/test_live.py", "tests/dashboard/test_curves.py"),
}  # fmt: skip
"""Tests by the beginning of a file's path; the first that fits."""
LIBRARIES: Final = ("numpy", "pandas", "pydantic", "msgspec", "pypdf", "typst", "openpyxl")
"""Imported once; pytest and its plugins must be imported in each process, because they rewrite what they import."""

ERROR: Final = 99
"""Exit code of a copy whose tests could not be run."""

MUTATIONS: Final = (
    ("team/alarms.py", "(t - raised_t >= at_most_every_s)", "(t - raised_t > at_most_every_s)"),
    ("team/alarms.py", "yes & (held_s >= for_s)", "yes & (held_s > for_s)"),
    ("team/alarms.py", "no & (free_s >= reset_s)", "no & (free_s > reset_s)"),
    ("team/alarms.py", "0.0 <= step_s <= LONGEST_STEP_S", "0.0 <= step_s < LONGEST_STEP_S"),
    ("team/alarms.py", "if until > t}", "if until >= t}"),
    ("team/alarms.py", "raised_t = np.where(rises, t, raised_t)", "raised_t = np.where(rises | falls, t, raised_t)"),
    ("team/alarms.py", "np.where(applies, met, FALSE)", "np.where(applies, met, UNKNOWN)"),
    ("team/alarms.py", "max(1.0, scope.amount / 100.0 * total)", "scope.amount / 100.0 * total"),
    ("team/alarms.py", "if sure + unsure >= needed", "if sure + unsure > needed"),
    ("team/alarms.py", "rises[index, 0] &= athlete is not None", "rises[index, 0] &= athlete is None"),
    ("team/alarms.py", "squad.athletes != athlete", "squad.athletes == athlete"),
    ("team/alarms.py", "(TRUE, 0.0, 0.0, 1.0, raised_t)", "(TRUE, 0.0, 0.0, 0.0, raised_t)"),
    ("team/alarms.py", 'condition.sessions if condition.base == "own_mean" else 0', "condition.sessions"),
    ("team/alarms.py", "            if rule.name in old:", "            if rule.name not in old and False:"),
    ("team/state.py", "if stamp[0] < before), default)", "if stamp[0] <= before), default)"),
    ("team/state.py", "del values[:-KEPT_VALUES]", "del values[:-1]"),
    ("team/state.py", "values.sort(key=_stamp)", "values.sort(key=_stamp, reverse=True)"),
    ("team/state.py", "return replace(period, end_t=period.start_t)", "return period"),
    ("team/state.py", "if period.start_t >= command.at:", "if period.start_t > command.at:"),
    ("team/state.py", "if end is not None and end <= start:", "if end is not None and end < start:"),
    ("team/state.py", "draft.deleted_t = min(draft.deleted_t, command.at)", "draft.deleted_t = command.at"),
    ("team/state.py", "return (period.start_t < at, period.end_t is None,", "return (period.start_t < at, True,"),
    ("team/state.py", "if len(things) >= MOST:", "if len(things) > MOST:"),
    ("team/state.py", "(period.automatic or not automatic_only)", "(period.automatic and automatic_only)"),
    ("team/pitch.py", "key=_RANK.__getitem__", "key=lambda state: -_RANK[state]"),
    ("team/pitch.py", "if stint.start_t < t]", "if stint.start_t <= t]"),
    ("team/pitch.py", "if merged and merged[-1].state == state:", "if merged and merged[-1].state != state:"),
    ("team/pitch.py", '[command.at, command.id] = "off"', '[command.at, command.id] = "unavailable"'),
    ("team/records.py", "t < self.end_t)", "t <= self.end_t)"),
    ("team/book.py", "silent_s > (FORGOTTEN_S if is_open else self._gap_s)", "silent_s > self._gap_s"),
    ("team/book.py", "running.state.session.start_t - self._gap_s <= t", "running.state.session.start_t <= t"),
    ("team/book.py", "if command.at < now_t - PAST_S:", "if command.at < now_t - 2 * PAST_S:"),
    ("team/book.py", "AFTERWARDS_S if command.do in _AFTERWARDS else 0.0", "AFTERWARDS_S"),
    ("team/book.py", "self._results.popitem(last=False)", "self._results.popitem(last=True)"),
    ("team/book.py", "return present if present in names else", "return"),
    ("team/book.py", "running.last_t = max(running.last_t, t)", "running.last_t = t"),
    ("archive/parts.py", "STEP_S: Final = 2.0", "STEP_S: Final = 20.0"),
    ("archive/parts.py", "return self.total / self.count", "return self.total / max(1, self.count - 1)"),
    ("archive/parts.py", 'self.highest if how == "maximum" else self.lowest', "self.highest"),
    ("archive/parts.py", "if joined and first <= joined[-1][1]:", "if joined and first < joined[-1][0]:"),
    ("archive/parts.py", "last[name] - (first.get(name) or 0.0)", "last[name]"),
    ("archive/parts.py", "max(a + offset, begin)", "max(a, begin)"),
    ("archive/parts.py", "60.0 * value / each.scale / duration_s", "value / each.scale / duration_s"),
    ("archive/parts.py", "is_end=last >= end", "is_end=False"),
    ("archive/parts.py", "known[-1] if known else None", "known[0] if known else None"),
    ("archive/parts.py", "100.0 * (received or 0.0) / expected", "100.0 * (lost or 0.0) / expected"),
    ("archive/reader.py", "(table[:, 0] >= span[0]) & (table[:, 0] < span[1])",
     "(table[:, 0] > span[0]) & (table[:, 0] < span[1])"),
    ("archive/reader.py", "(table[:, 0] >= span[0]) & (table[:, 0] < span[1])",
     "(table[:, 0] >= span[0]) & (table[:, 0] <= span[1])"),
    ("archive/reader.py", "np.append(np.diff(table[:, 0]) > 0.0, True)", "np.append(True, np.diff(table[:, 0]) > 0.0)"),
    ("archive/reader.py", '"start_t < ?": to_t', '"start_t <= ?": to_t'),
    ("archive/columns.py", "SOURCES.index(value)", "SOURCES.index(value) + 1"),
    ("archive/columns.py", '"highest" if figure.part == "maximum" else "lowest"', '"lowest"'),
    ("athletes/limits.py", "if entry.since <= day)", "if entry.since < day)"),
    ("athletes/limits.py", 'known.get("threshold_bpm", lt2)', 'known.get("threshold_bpm")'),
    ("athletes/limits.py", "share * fastest / 100.0", "share * fastest"),
    ("athletes/limits.py", 'known.pop("speed_bands_percent", None)', "pass"),
    ("athletes/limits.py", "self.lt1_bpm >= self.lt2_bpm", "self.lt1_bpm > self.lt2_bpm"),
    ("athletes/limits.py", "if len(lower) in {2, 4} else lower", "if len(lower) in {2} else lower"),
    ("athletes/limits.py", "all(a < b for a, b in pairwise(values))", "all(a <= b for a, b in pairwise(values))"),
    ("athletes/roster.py", 'value.casefold() if key == "strap" and value else value', "value"),
    ("athletes/table.py", 'max(";\\t,", key=first.count)', 'max(",;\\t", key=first.count)'),
    ("report/season.py", "if each.day > end - days)", "if each.day >= end - days)"),
    ("report/season.py", "if day > end - 3 * SPAN_DAYS}", "if day >= end - 3 * SPAN_DAYS}"),
    ("report/season.py", "0 <= last.day - each.day <= SPAN_DAYS", "0 <= last.day - each.day < SPAN_DAYS"),
    ("report/season.py", "0 <= last.day - each.day <= SPAN_DAYS", "0 <= last.day - each.day <= SPAN_DAYS + 1"),
    ("report/season.py", "if len(before) >= LEAST_SESSIONS", "if len(before) > LEAST_SESSIONS"),
    ("report/season.py", "np.std(before, ddof=1)", "np.std(before)"),
    ("report/season.py", "found.get(each.day, 0.0) + each.trimp", "each.trimp"),
    ("report/season.py", "session.trimp or -1.0", "-(session.trimp or 0.0)"),
    ("report/season.py", "2 if abs(value) > 2.0 else 1", "2 if abs(value) > 1.0 else 1"),
    ("report/season.py", "end - SPAN_DAYS < ordinal(each.start_t) <= end", "end - SPAN_DAYS < ordinal(each.start_t)"),
    ("report/season.py", "and each.start_t < kept[-1].end_t",
     "and each.start_t <= kept[-1].end_t"),
    ("report/season_document.py", "each.day > last.toordinal() - SPAN_DAYS",
     "each.day >= last.toordinal() - SPAN_DAYS"),
    ("report/season_document.py", "100 * training / match", "100 * match / training"),
    ("report/season_document.py", 'session.mode == "game"', 'session.mode != "game"'),
    ("report/gather.py", "EARLIER_SESSIONS: Final = 4", "EARLIER_SESSIONS: Final = 5"),
    ("report/gather.py", 'each.summary.get("mode") == data.team.mode', "True"),
    ("report/gather.py", "sum(end - start for start, end in self.on_pitch) / 60.0",
     "sum(end - start for start, end in self.on_pitch) / 61.0"),
    ("report/worn.py", 'if how in {"difference", "count"}:\n        return sum(values)',
     'if how in {"difference", "count"}:\n        return max(values)'),
    ("report/worn.py", "return sum(value * duration for value, duration in known) / weight",
     "return sum(value for value, duration in known) / len(known)"),
    ("report/gather.py", 'if each.state == "on":', 'if each.state != "off":'),
    ("report/gather.py", "self.earlier[0], key) if self.earlier", "self.earlier[-1], key) if self.earlier"),
    ("report/worn.py", "first <= own[0] < last", "first < own[0] < last"),
    ("report/worn.py", "own[0] < first < own[1]", "first < own[1]"),
    ("report/worn.py", "or start < own[0] == own[1] else", "else"),
    ("report/worn.py", "each.team_session or each.number", "each.number"),
    ("report/worn.py", "sum(known) if known else None", "sum(known)"),
    ("report/worn.py", "device.is_cut and known is not None", "known is None"),
    ("report/worn.py", "key=lambda each: each.start_t - (each.end_t or end_t)",
     "key=lambda each: (each.end_t or end_t) - each.start_t"),
    ("report/numbers.py", "round(100 * value)", "int(100 * value)"),
    ("report/document.py", "mean = participant.own_mean(shown.summary_key)",
     "mean = participant.before(shown.summary_key)"),
    ("report/document.py", "-(each.whole.get(key)", "(each.whole.get(key)"),
    ("report/sentences.py", "ENOUGH_DATA_PERCENT: Final = 90.0", "ENOUGH_DATA_PERCENT: Final = 70.0"),
    ("report/sentences.py", "value, name = min(poor)", "value, name = max(poor)"),
    ("report/sentences.py", "value / mean - 1.0", "mean / value - 1.0"),
    ("report/sentences.py", "first, second = halves[0], halves[1]", "second, first = halves[0], halves[1]"),
    ("report/sentences.py", "number(3.6 * speed", "number(speed"),
    ("report/export/activity.py", "key=lambda lap: (lap[1], -lap[2])", "key=lambda lap: (lap[1], lap[2])"),
    ("report/export/activity.py", "found[-1] - (before[-1] if len(before) else 0.0)", "found[-1] - found[0]"),
    ("report/export/activities.py", "row['cadence_spm'] / 2:.0f}</ns3", "row['cadence_spm']:.0f}</ns3"),
    ("report/export/activities.py", "t_s == span[1] == found.end_t", "t_s == span[1]"),
    ("report/export/measured.py", "_FRESH_S: Final = 3.0", "_FRESH_S: Final = 0.3"),
    ("report/export/tables.py", "t_s[::_PIECE_ROWS]", "t_s[1::_PIECE_ROWS]"),
    ("report/export/samples.py", "times(t_s - later_ms / 1000.0)", "times(t_s)"),
    ("report/export/cells.py", '("=", "+", "-", "@")', '("=", "+", "-")'),
    ("dashboard/columns.py", "min(figure.decimals + 1, 3)", "min(figure.decimals, 3)"),
    ("dashboard/columns.py", "min(figure.decimals + 1, 3)", "figure.decimals + 1"),
    ("dashboard/live.py", "nulls(line.tolist(), 2)", "nulls(line.tolist(), 1)"),
)  # fmt: skip


def tests_of(path: str) -> tuple[str, ...]:
    """The tests that must notice a change of a file."""
    return next(tests for begin, tests in TESTS.items() if path.startswith(begin))


def is_noticed(copy: Path, path: str, old: str, new: str) -> bool:
    """Change the copy, run the tests in a process of their own, and change it back."""
    file = copy / "athlete_monitor" / path
    before = file.read_text(encoding="utf-8")
    if before.count(old) < 1:
        raise SystemExit(f"{path}: {old!r} is no longer there")
    file.write_text(before.replace(old, new, 1), encoding="utf-8")
    try:
        child = os.fork()
        if child:
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if code == ERROR:
                raise SystemExit(f"the tests of {path} could not be run")
            return code != 0
        code = ERROR
        try:
            code = _run(copy, tests_of(path))
        finally:
            os._exit(code)
    finally:
        file.write_text(before, encoding="utf-8")


def _run(copy: Path, tests: tuple[str, ...]) -> int:
    import pytest

    os.chdir(copy)
    sys.dont_write_bytecode = True
    sys.path[:] = [str(copy), *(each for each in sys.path if each not in {"", str(ROOT), str(ROOT / "tests")})]
    options = ["-q", "-x", "-p", "no:cacheprovider", "--rootdir", str(copy)]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return int(pytest.main([*options, *tests]))


def copied(folder: Path) -> Path:
    """A copy of what the tests need."""
    skipped = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in ("athlete_monitor", "tests", "docs", "examples", "deploy", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=skipped)
    for file in ROOT.iterdir():
        if file.is_file() and file.suffix in {".py", ".yaml", ".toml", ".txt", ".md"}:
            shutil.copy2(file, folder / file.name)
    return folder


def main() -> int:
    """Try the mutations and print the survivors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", default="", help="only files whose path begins with it")
    parser.add_argument("--log", type=Path, help="file of mutations that have been noticed")
    args = parser.parse_args()
    for library in LIBRARIES:
        importlib.import_module(library)
    noticed = set(args.log.read_text(encoding="utf-8").splitlines()) if args.log and args.log.exists() else set()
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(Path(folder))
        for path, old, new in MUTATIONS:
            name = f"{path}: {old!r} -> {new!r}"
            if not path.startswith(args.part) or name in noticed:
                continue
            if is_noticed(copy, path, old, new):
                if args.log:
                    with args.log.open("a", encoding="utf-8") as log:
                        log.write(f"{name}\n")
            else:
                survivors.append(name)
                sys.stdout.write(f"survived: {name}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{len(survivors)} survived\n")
    return bool(survivors)


if __name__ == "__main__":
    raise SystemExit(main())
