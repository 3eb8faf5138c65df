"""Write the tables of docs/outputs.md that follow from the table of figures, between their marks.

python docs/make_outputs.py [--check]      --check writes nothing and fails where the page is not up to date
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from athlete_monitor.archive.columns import column, initial_columns
from athlete_monitor.catalogue import FIGURES
from athlete_monitor.physiology import session_rpe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athlete_monitor.figures import Figure

PAGE: Final = Path(__file__).resolve().parent / "outputs.md"
HEAD: Final = "| key | unit | for people | meaning | formula | needs |\n|---|---|---|---|---|---|"
NEEDS: Final = {"hr_rest_known_bpm": "known hr rest", "male": "sex"}
PART_WORDS: Final = {
    "difference": "difference, also per minute", "count": "difference of whole numbers, also per minute",
    "highest": "the highest within", "lowest": "the lowest within", "maximum": "maximum", "minimum": "minimum",
    "mean": "mean over the seconds", "last": "the last", "none": "the last",
}  # fmt: skip
UNIT: Final = re.compile(r"_(bpm|mps|kg|cm|years)$")


def blocks() -> dict[str, str]:
    """Return the generated blocks by name."""
    figures = FIGURES.values()
    return {
        "figures": _table(figure for figure in figures if figure.scope != "summary"),
        "summary": _table(figure for figure in figures if figure.scope == "summary"),
        "columns": _columns(),
        "ratings": _ratings(),
        "momentary": ", ".join(f"`{figure.key}`" for figure in figures if figure.scope == "moment"),
    }


def page(text: str) -> str:
    """Return the page with its generated blocks brought up to date."""
    for name, block in blocks().items():
        begin, end = f"<!-- {name}: written by docs/make_outputs.py -->", f"<!-- end of {name} -->"
        pattern = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"{PAGE}: the marks of {name!r} are missing")
        text = pattern.sub(lambda _, filled=f"{begin}\n\n{block}\n\n{end}": filled, text)  # type: ignore[misc]
    return text


def _table(figures: Iterable[Figure]) -> str:
    return "\n".join([HEAD, *(_row(figure) for figure in figures)])


def _ratings() -> str:
    """Return what follows from an athlete's rating of a session."""
    rows = [f"| `{each.key}` | {each.unit} | {each.label} | {each.equation} |" for each in session_rpe.FIGURES]
    return "\n".join(["| key | unit | for people | meaning |", "|---|---|---|---|", *rows])


def _columns() -> str:
    """Return the figures' columns of the archive, with how a part of a session is computed from each."""
    rows = [f"| `{name}` | {column(name).decimals} | {PART_WORDS[column(name).how]} |" for name in initial_columns()]
    return "\n".join(["| column | decimals | of a part |", "|---|---|---|", *rows])


def _row(figure: Figure) -> str:
    needs = ", ".join(NEEDS.get(name, UNIT.sub("", name).replace("_", " ")) for name in figure.needs)
    formula = f"`{figure.formula}`" if figure.formula else ""
    return f"| `{figure.key}` | {figure.unit} | {figure.label} | {figure.equation} | {formula} | {needs} |"


def main() -> int:
    """Write the page, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    old = PAGE.read_text(encoding="utf-8")
    new = page(old)
    if parser.parse_args().check:
        print(f"{PAGE}: {'up to date' if new == old else 'not up to date: run python docs/make_outputs.py'}")
        return int(new != old)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
