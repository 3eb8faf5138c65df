"""Swap every pair of equal type in the tables of figures, and see whether the wiring test notices.

Not in the daily run: some 120 mutations. The history is run once to its last two seconds; each mutation of a figure is
tried in a copy of the process from there on, and one that survives in the whole test, as are those of the journal.

python tests/mutations/wiring.py                            # prints the survivors, exit code 1 if there is one
python tests/mutations/wiring.py sources --log noticed.txt  # one part; again, it skips what the file lists as noticed
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from athlete_monitor.archive import columns as archive_columns
from athlete_monitor.engine.journal import keeper as journal_keeper
from athlete_monitor.engine.journal.cells import COLUMNS
from athlete_monitor.squad import present, tables
from tests.engine import test_wiring
from tests.engine.kit import LinearModel, Models, monitor_of, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from athlete_monitor.figures import Figure

SAME: frozenset[frozenset[str]] = frozenset(
    frozenset(pair)
    for pair in (
        ("heart_rate_bpm", "strap_heart_rate_bpm"),  # a training session uses the strap's
        ("heart_rate_low_bpm", "heart_rate_high_bpm"),  # it has no interval
    )
)


def pairs(figures: tuple[Figure, ...]) -> Iterator[tuple[Figure, Figure]]:
    """Yield the pairs that could be swapped unnoticed by types."""
    for one, other in itertools.combinations(figures, 2):
        if one.type is other.type and one.width == other.width and frozenset((one.key, other.key)) not in SAME:
            yield one, other


@contextlib.contextmanager
def swapped(owner: Any, name: str, figures: tuple[Figure, ...], one: Figure, other: Figure) -> Iterator[None]:
    """Return the values of two figures of a source in each other's place."""
    original = getattr(owner, name)
    begin, at = {}, 0
    for figure in figures:
        begin[figure.key] = at
        at += figure.width

    def values(self: Any, rows: Any) -> Any:
        found = original(self, rows).copy()
        a, b, width = begin[one.key], begin[other.key], one.width
        found[[*range(a, a + width), *range(b, b + width)]] = found[[*range(b, b + width), *range(a, a + width)]]
        return found

    setattr(owner, name, values)
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextlib.contextmanager
def swapped_moments(one: str, other: str) -> Iterator[None]:
    """Return two figures of the moment in each other's place."""
    original = present.Present.moments

    def moments(self: present.Present) -> Any:
        found = original(self)
        found[one], found[other] = found[other], found[one]
        return found

    present.Present.moments = moments  # type: ignore[method-assign]
    try:
        yield
    finally:
        present.Present.moments = original  # type: ignore[method-assign]


@contextlib.contextmanager
def swapped_columns(one: str, other: str) -> Iterator[None]:
    """Write two columns of the journal in each other's place."""
    original = journal_keeper.cells_of
    first, second = COLUMNS.index(one), COLUMNS.index(other)

    def cells_of(outputs: Any, places: Any) -> list[list[float]]:
        found = original(outputs, places)
        for row in found:
            row[first], row[second] = row[second], row[first]
        return found

    journal_keeper.cells_of = cells_of
    try:
        yield
    finally:
        journal_keeper.cells_of = original


def mutations() -> Iterator[tuple[str, Any]]:
    """Yield names and context managers."""
    for source in tables.SOURCES.values():
        for one, other in pairs(source.FIGURES):
            yield (
                f"sources: {source.__name__}: {one.key} / {other.key}",
                swapped(source, "values", source.FIGURES, one, other),
            )
    for one, other in pairs(tables.MOMENTS):
        yield f"moments: {one.key} / {other.key}", swapped_moments(one.key, other.key)
    numbers = [key for key in archive_columns.archived() if key in test_wiring.expected() and key in COLUMNS]
    for first, second in itertools.pairwise(numbers):
        if frozenset((first, second)) in SAME:
            continue
        yield f"journal: {first} / {second}", swapped_columns(first, second)


def after_the_history() -> Callable[[Any], bool]:
    """Run the history but for its last seconds; return a function that says whether they show a mutation."""
    models = Models(default=LinearModel(spec_of(test_wiring.CONFIG), level_bpm=131.0))
    monitor, heard = monitor_of(test_wiring.CONFIG, models, test_wiring.ROSTER)
    payloads = list(test_wiring.payloads("training"))
    rest = payloads[-2 * test_wiring.RATE_HZ :]

    def feed(some: list[bytes]) -> None:
        for payload in some:
            monitor.receive("player/005/sensor/data", payload, 0.0)
            monitor.advance()

    def is_noticed(mutation: Any) -> bool:
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
        try:
            with mutation:
                feed(rest)
                last = heard.figures[-1]
                monitor.end_all("test")
            test_wiring.check_figures(last)
            test_wiring.check_bands(last)
            test_wiring.check_summary(heard.summaries[0], last)
        except BaseException:  # noqa: BLE001 - whatever fails has noticed
            os._exit(1)
        os._exit(0)

    feed(payloads[: -len(rest)])
    return is_noticed


def survives(mutation: Any) -> bool:
    """Whether the wiring test passes all the same."""
    with mutation, tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        try:
            test_wiring.check(Path(folder))
        except Exception:  # noqa: BLE001 - whatever fails has noticed
            return False
    return True


def main() -> int:
    """Print each survivor as soon as it is known, and at the end how many there are."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("part", nargs="?", default="", help="only mutations with this in their name: journal, moments")
    parser.add_argument("--log", type=Path, help="file of noticed mutations, which are skipped; it grows")
    args = parser.parse_args()
    known = set(args.log.read_text().splitlines()) if args.log is not None and args.log.exists() else set()
    chosen = [(name, mutation) for name, mutation in mutations() if args.part in name and name not in known]
    if not survives(contextlib.nullcontext()):
        print("the wiring test fails without any mutation")  # noqa: T201
        return 1
    survivors = 0
    is_noticed = after_the_history()
    if is_noticed(contextlib.nullcontext()):
        print("the figures are wrong without any mutation")  # noqa: T201
        return 1
    for name, mutation in chosen:
        if (name.startswith("journal") or not is_noticed(mutation)) and survives(mutation):
            survivors += 1
            print(f"survives: {name}", flush=True)  # noqa: T201
        elif args.log is not None:
            with args.log.open("a") as file:
                file.write(f"{name}\n")
    print(f"{len(chosen)} mutations, {survivors} survive; {len(known)} were noticed before")  # noqa: T201
    return int(bool(survivors))


if __name__ == "__main__":
    raise SystemExit(main())
