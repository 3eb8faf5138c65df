"""Tables as other programs, languages and spreadsheets write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from athlete_monitor.recordings.batch import Report, Request, import_files

if TYPE_CHECKING:
    from pathlib import Path

START = 1_777_881_600


def imported(folder: Path, text: str, name: str = "a.csv") -> Report:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return import_files(Request([path], folder / "t", folder / "g", athlete_id=7), ())


def rows(row: str, count: int = 120) -> str:
    return "".join(row.format(t=START + n, hr=120 + n % 30, m=1000 + 3 * n) + "\n" for n in range(count))


def test_a_first_line_for_spreadsheets_says_the_delimiter(tmp_path):
    [done] = imported(tmp_path, "sep=;\nZeitstempel;Puls\n" + rows("{t};{hr}")).done
    assert done.figures.heart_rate_max_bpm == 149


def test_signs_between_thousands_are_no_decimal_commas(tmp_path):
    [done] = imported(tmp_path, "time,hr,distance [m]\n" + rows('{t},{hr},"{m:,}"')).done
    assert done.figures.distance_m == pytest.approx(357.0)


def test_a_header_inside_a_comment_names_the_columns(tmp_path):
    [done] = imported(tmp_path, "# written by a logger\n# timestamp,hr,\n" + rows("{t},{hr},")).done
    assert done.figures.rows == 120


def test_a_list_of_sessions_is_not_taken_for_samples(tmp_path):
    text = "Timestamp,HR\n" + "".join(f"{START + 86_400 * day},{140 + day}\n" for day in range(20))
    [cause] = imported(tmp_path, text).failed
    assert cause.endswith("its rows are 1,440 minutes apart: a list of sessions, not samples")


def test_a_speed_that_nobody_can_keep_is_in_km_h(tmp_path):
    [done] = imported(tmp_path, "time,speed\n" + rows("{t},10.8")).done
    assert done.figures.speed_max_mps == pytest.approx(3.0)
    assert "nobody runs 10.8 m/s for 60 s" in " ".join(done.figures.notes)


def test_a_sprint_stays_in_m_s(tmp_path):
    pace = "".join(f"{START + n},{9.8 if 40 <= n < 50 else 3.0}\n" for n in range(120))
    [done] = imported(tmp_path, "time,speed\n" + pace).done
    assert done.figures.speed_max_mps == pytest.approx(9.8)


def test_the_api_table_is_the_same_with_semicolons(tmp_path):
    text = "ts;cs;lat;long;o;v;a;hr;pl\n" + "".join(
        f"{START + n // 10};{n % 10 * 10};52,0;13,0;{0.3 * n:.1f};3,0;0,1;0;{n / 100}\n".replace(".", ",")
        for n in range(600)
    )
    [done] = imported(tmp_path, text).done
    assert (done.figures.kind, done.figures.distance_from) == ("catapult", "odometer")
    assert done.figures.rate_hz == pytest.approx(10.0)


@pytest.mark.parametrize(
    "header",
    [
        "Aktivitätstyp,Datum,Favorit,Titel,Distanz,Kalorien,Zeit,Ø Herzfrequenz",
        "Type d'activité,Date,Favori,Titre,Distance,Calories,Durée,Fréquence cardiaque moyenne",
        "Tipo de actividad,Fecha,Favorito,Título,Distancia,Calorías,Tiempo,FC media",
    ],
)
def test_a_watch_s_list_of_activities_is_figures_in_every_language(tmp_path, header):
    [done] = imported(tmp_path, header + '\nLaufen,2026-05-04 10:00:00,false,Berlin,"10,01",600,00:50:00,150\n').done
    assert done.figures.kind == "garmin-connect"
    assert done.figures.summary
