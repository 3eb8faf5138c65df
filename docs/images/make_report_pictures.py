"""Draw docs/images/report_*.png: pages of the reports of a simulated squad.

python docs/images/make_report_pictures.py [--root FOLDER] [--folder docs/images]

Four weeks of training and a match are simulated, imported and reported with the commands that a user has; only the
substitutions and an alarm are written into the archive by hand, because a coach's taps cannot be simulated offline.
With --root the season is kept in that folder and used again.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sqlite3
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.report.document import document
from athlete_monitor.report.fonts import font_folders
from athlete_monitor.report.gather import gather
from athlete_monitor.report.look import look_of
from athlete_monitor.report.pdf import sources_of
from athlete_monitor.report.season import seasons
from athlete_monitor.report.season_document import season_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.config import Config

PROJECT: Final = Path(__file__).resolve().parents[2]
SQUAD: Final = (
    (1, "Samira Haddad", "GK"), (2, "Lucía García", "DF"), (3, "Réka Kovács", "DF"), (4, "Hanna Wolff", "DF"),
    (5, "Linh Nguyễn", "DF"), (6, "Elsa Lindqvist", "MF"), (7, "Mia Müller", "MF"), (8, "Giulia Rossi", "MF"),
    (9, "Ada Example", "FW"), (10, "Aoi Ito", "MF"), (11, "Inès Petit", "FW"), (12, "Eva Novák", "GK"),
    (13, "Aoife O’Brien", "DF"), (14, "Ngozi Okoye", "FW"),
)  # fmt: skip
MATCH: Final = datetime(2026, 5, 30, 15, 30, tzinfo=timezone.utc)
TRAININGS: Final = (26, 25, 23, 21, 18, 16, 14, 11, 9, 7, 4, 2)
"""Days before the match; one in four is a short match against oneself."""


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="keep the simulated season here, or use the one that is there")
    parser.add_argument("--folder", type=Path, default=PROJECT / "docs" / "images")
    args = parser.parse_args()
    with season_folder(args.root) as root:
        config = load_config(DEFAULT_CONFIG, root)
        if not config.paths.journal.exists():
            simulate(root, config)
        draw(config, args.folder)


@contextlib.contextmanager
def season_folder(root: Path | None) -> Iterator[Path]:
    """Yield the folder of the season."""
    if root is not None:
        root.mkdir(parents=True, exist_ok=True)
        yield root.resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def run(*command: object) -> None:
    """Run a command of the project."""
    subprocess.run([sys.executable, *map(str, command)], cwd=PROJECT, check=True)


def simulate(root: Path, config: Config) -> None:
    """Make the season's files and import them."""
    athletes = [
        {"id": n, "device": f"{n:03d}", "name": name, "number": n, "position": position, "sex": "female", "age": 19 + n,
         "weight_kg": 58 + n, "height_cm": 164 + n, "hr_rest_bpm": 50 + n % 5, "hr_max_bpm": 198 - n % 9}
        for n, name, position in SQUAD
    ]  # fmt: skip
    config.athletes.roster.write_text(json.dumps({"athletes": athletes}), encoding="utf-8")
    for count, days in enumerate(TRAININGS):
        start, mode = MATCH - timedelta(days=days, hours=5), "game" if count % 4 == 3 else "training"
        publish(root, start, mode, f"{25 + 5 * (count % 3)}m", 1, count)
    publish(root, MATCH, "game", "95m", 4, 99)
    run("jetson_deploy.py", "import", root / "athlete_training_data", root / "athlete_game_data", "--root", root)
    take_substitutions(config)


def publish(root: Path, start: datetime, mode: str, duration: str, rate_hz: int, seed: int) -> None:
    """Simulate a session of the squad into files."""
    run(
        "publisher.py", "--players", f"1-{len(SQUAD)}", "--mode", mode, "--duration", duration, "--rate", rate_hz,
        "--offline", "--speed", "max", "--start", start.isoformat(), "--seed", seed, "--quiet", "--root", root,
    )  # fmt: skip


def take_substitutions(config: Config) -> None:
    """Write who was on the pitch, the match's names and an alarm, as the coach's screen would have."""
    with contextlib.closing(sqlite3.connect(config.paths.journal)) as connection, connection:
        team, start, end = connection.execute(
            "SELECT id, start_t, end_t FROM team_sessions ORDER BY start_t DESC LIMIT 1"
        ).fetchone()
        connection.execute(
            "UPDATE team_sessions SET name = 'FC Example', opponent = 'Rovers', day_code = 'MD' WHERE id = ?", (team,)
        )
        change = {9: start + 3900, 7: start + 4500}
        for number, _, _ in SQUAD:
            if number <= 11:
                span = (start, change.get(number, end))
            elif number > 12:
                span = (change[9 if number == 14 else 7], end)
            else:
                continue
            connection.execute("INSERT INTO pitch VALUES (?, ?, ?, ?, 'on')", (team, number, *span))
        connection.execute(
            "INSERT INTO alarms VALUES ('a1', ?, 'red_zone', 10, 'warning', 'Aoi Ito: above 95 % for 2 min', ?, ?, ?)",
            (team, start + 2500, start + 2700, start + 2520),
        )
        connection.execute("INSERT INTO markers VALUES ('m1', ?, ?, 'Goal 1:0', NULL)", (team, start + 1860))


def draw(config: Config, folder: Path) -> None:
    """Draw the pages that the documents show."""
    archive, roster = Archive(config.paths.journal), Roster.load(config.athletes.roster)
    team = archive.team_sessions()[-1]
    data = gather(archive, team.id, roster)
    one = gather(archive, team.id, roster, [10])
    english, german = look_of(config, "en", "distance_m"), look_of(config, "de")
    last = datetime.fromtimestamp(team.start_t).astimezone().date()
    pages = {
        "report_squad": (document(archive, data, english), "report.typ", 0),
        "report_athlete": (document(archive, one, english), "report.typ", 1),
        "report_player": (document(archive, one, german, "player"), "report.typ", 0),
        "season_squad": (season_document(seasons(archive, roster, last, 28, None), last, 28, english), "season.typ", 0),
    }
    for name, (made, template, place) in pages.items():
        picture = png(made, template, place)
        (folder / f"{name}.png").write_bytes(picture)
        print(f"{name}.png: {len(picture) / 1000:.0f} kB")


def png(made: dict[str, Any], template: str, place: int) -> bytes:
    """Return a page as PNG, 110 dots per inch, in 64 colours."""
    import typst
    from PIL import Image

    pages = typst.compile(sources_of(made, template), font_paths=font_folders(), format="png", ppi=110)  # type: ignore[call-overload]
    page = pages[place] if isinstance(pages, list) else pages
    small = io.BytesIO()
    Image.open(io.BytesIO(page)).convert("RGB").quantize(128).save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    main()
