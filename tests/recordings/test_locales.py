"""Tables as other programs, languages and spreadsheets write them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.import_request import ImportRequest
from athlete_monitor.recordings.importing import import_files
from athlete_monitor.recordings.zones import zone_of

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.recordings.import_results import ImportResults

START = 1_777_881_600


def imported(folder: Path, text: str, name: str = "a.csv") -> ImportResults:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return import_files(ImportRequest([path], folder / "t", folder / "g", athlete_id=7), ())


def rows(row: str, count: int = 120) -> str:
    return "".join(row.format(t=START + n, hr=120 + n % 30, m=1000 + 3 * n) + "\n" for n in range(count))


def test_a_first_line_for_spreadsheets_says_the_delimiter(tmp_path):
    [done] = imported(tmp_path, "sep=;\nZeitstempel;Puls\n" + rows("{t};{hr}")).done
    assert done.figures.heart_rate_max_bpm == 149


def test_signs_between_thousands_are_no_decimal_commas(tmp_path):
    [done] = imported(tmp_path, "time,hr,distance [m]\n" + rows('{t},{hr},"{m:,}"')).done
    assert done.figures.distance_m == pytest.approx(357.0)


@pytest.mark.parametrize("written", ["\u22122,5", "\u20132,5", "-2,5", "\u200e-2,5"])
def test_any_minus_is_a_minus(tmp_path, written):
    [done] = imported(tmp_path, "Zeit;Puls;H\u00f6he (m)\n" + rows("{t};{hr};" + written)).done
    assert done.figures.channels["altitude_m"] == (-2.5, -2.5)


@pytest.mark.parametrize("sign", ["\u00a0", "\u202f", "\u2009", "'", "\u2019"])
@pytest.mark.parametrize("decimal", [",", "."])
def test_blanks_and_apostrophes_between_thousands_are_left_out(tmp_path, sign, decimal):
    text = "time;hr;distance [m]\n" + "".join(
        f"{START + n};{120 + n % 30};{1 + n // 300}{sign}{3 * n % 900 + 100:03d}{decimal}0\n" for n in range(120)
    )
    [done] = imported(tmp_path, text).done
    assert done.figures.distance_m == pytest.approx(357.0)


@pytest.mark.parametrize(
    "moment",
    [
        "14/05/2026 15h04m{s:02d}s",
        "14/05/2026 15 h 04 min {s:02d} s",
        "14.05.2026 15.04.{s:02d}",
        "2026. 05. 14. 15:04:{s:02d}",
        "5/14/2026, 3:04:{s:02d}\u202fPM",
        "\u200e5/\u200e14/\u200e2026 15:04:{s:02d}",
        "14 mai 2026 \u00e0 15:04:{s:02d}",
        "14. Mai 2026 um 15:04:{s:02d}",
        "14 maj 2026 kl. 15:04:{s:02d}",
        "Do., 14.05.2026 15:04:{s:02d}",
        "May 14, 2026 at 3:04:{s:02d} PM",
        "2026-05-14 15:04:{s:02d}.000 +0000 UTC",
    ],
)
def test_moments_are_read_as_systems_of_many_languages_write_them(tmp_path, moment):
    path = tmp_path / "a.csv"
    lines = (f'"{moment.format(s=n)}",{120 + n}\n' for n in range(30))
    path.write_text("Time,Heart rate\n" + "".join(lines), encoding="utf-8")
    request = ImportRequest([path], tmp_path / "t", tmp_path / "g", Options(zone=zone_of("UTC")), athlete_id=7)
    [done] = import_files(request, ()).done
    assert done.figures.start_t == datetime(2026, 5, 14, 15, 4, tzinfo=timezone.utc).timestamp()
    assert done.figures.duration_s == 29


@pytest.mark.parametrize(
    ("month", "number"),
    [("ao\u00fbt", 8), ("M\u00e4rz", 3), ("f\u00e9vr.", 2), ("gennaio", 1), ("dez.", 12), ("mrt", 3)],
)
def test_months_may_have_accents(tmp_path, month, number):
    text = "Time,Heart rate\n" + "".join(f"14 {month} 2026 15:04:{n:02d},{120 + n}\n" for n in range(30))
    [done] = imported(tmp_path, text).done
    assert datetime.fromtimestamp(done.figures.start_t or 0.0, timezone.utc).month == number


@pytest.mark.parametrize(
    ("row", "header"),
    [
        ("{n},{rr}", "index,rr\n"),
        ("{n},{rr}", ""),
        ("{t}.345,{rr}", ""),
        ("{rr} ms", ""),
        ("{rr}", ""),
        ("{n};{rr}", "beat;RR\n"),
    ],
)
def test_the_interval_is_the_last_of_two_numbers_whatever_the_comma_means(tmp_path, row, header):
    lines = (row.format(n=n, rr=500 + n % 7, t=n // 2) + "\n" for n in range(600))
    [done] = imported(tmp_path, header + "".join(lines), "2026-05-14_15-04-05.csv").done
    assert (done.figures.kind, done.figures.beats) == ("rr", 600)


def test_a_count_of_thousands_of_digits_is_left_out(tmp_path):
    lines = [f"{n},{500 + n % 7}" for n in range(100)]
    lines[50:52] = ["9" * 5000 + ",500", "9" * 5000 + ",501"]
    [done] = imported(tmp_path, "\n".join(lines), "2026-05-14_15-04-05.csv").done
    assert done.figures.beats >= 98


def test_beats_in_seconds_with_decimal_commas_stay_one_number(tmp_path):
    lines = (f"0,{500 + n % 7}\n" for n in range(600))
    [done] = imported(tmp_path, "".join(lines), "2026-05-14_15-04-05.txt").done
    assert done.figures.duration_s == pytest.approx(0.503 * 599, abs=0.5)


@pytest.mark.parametrize("header", ["", "timestamp_ms,RR_ms\n"])
def test_beats_beside_epoch_times_begin_at_the_first_one(tmp_path, header):
    lines = (f"{(START + n) * 1000},{900 + n % 100}\n" for n in range(100))
    [done] = imported(tmp_path, header + "".join(lines)).done
    assert done.figures.start_t == pytest.approx(START, abs=1.0)


def test_files_written_one_behind_the_other_are_read_from_the_first_header(tmp_path):
    header = "time,hr,speed (m/s)\n"
    lines = rows("{t},{hr},3.1").splitlines(keepends=True)
    [done] = imported(tmp_path, header + "".join(lines[:20]) + header + "".join(lines[20:])).done
    assert (done.figures.rows, done.figures.duration_s) == (120, 119)


@pytest.mark.parametrize(
    "header",
    [
        "Tid;Puls (slag/min);Hastighet (km/h);Höjd (m)",
        "Tid;Puls (slag/min);Hastighed (km/t);Højde (m)",
        "Tijd;Hartslag (spm);Snelheid (km/u);Hoogte (m)",
        "Ora;Frequenza cardiaca (bpm);Velocità (km/h);Altitudine (m)",
        "Czas;Tętno (bpm);Prędkość (km/h);Wysokość (m)",
    ],
)
def test_columns_and_units_are_known_in_many_languages(tmp_path, header):
    [done] = imported(tmp_path, header + "\n" + rows("{t};{hr};10,8;35,5")).done
    assert done.figures.heart_rate_max_bpm == 149
    assert done.figures.speed_max_mps == pytest.approx(3.0)
    assert done.figures.channels["altitude_m"] == (35.5, 35.5)


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
        "Aktivitetstyp,Datum,Favorit,Titel,Distans,Kalorier,Tid,Medelpuls",
        "Aktivitetstype,Dato,Favorit,Titel,Distance,Kalorier,Tid,Gennemsnitlig puls",
        "Aktiviteetin tyyppi,Päivämäärä,Suosikki,Nimi,Matka,Kalorit,Aika,Keskisyke",
        "Typ aktywności,Data,Ulubiony,Tytuł,Dystans,Kalorie,Czas,Średnie tętno",
        "活动类型,日期,收藏,标题,距离,卡路里,时间,平均心率",
        "Type d'activité,Date,Favori,Titre,Distance,Calories,Durée,Fréquence cardiaque moyenne",
        "Tipo de actividad,Fecha,Favorito,Título,Distancia,Calorías,Tiempo,FC media",
    ],
)
def test_a_watch_s_list_of_activities_is_figures_in_every_language(tmp_path, header):
    [done] = imported(tmp_path, header + '\nLaufen,2026-05-04 10:00:00,false,Berlin,"10,01",600,00:50:00,150\n').done
    assert done.figures.kind == "garmin-connect"
    assert done.figures.summary


@pytest.mark.parametrize(
    "header",
    [
        "Horodatage;Fréquence cardiaque (bpm);Distance (m)",
        "Fecha y hora;Frecuencia cardíaca;Distancia (m)",
        "Data e ora;Frequenza cardiaca;Distanza (m)",
        "Tijdstip;Hartslag;Afstand (m)",
    ],
)
def test_the_columns_may_be_named_in_other_languages(tmp_path, header):
    [done] = imported(tmp_path, header + "\n" + rows("{t};{hr};{m}")).done
    assert done.figures.heart_rate_max_bpm == 149
    assert done.figures.distance_m == pytest.approx(357.0)


def test_data_beside_an_hour_is_a_date_and_else_nothing_known(tmp_path):
    text = "Data;Ora;Frequenza cardiaca\n" + "".join(f"24/05/2026;10:00:{n:02d};{120 + n}\n" for n in range(60))
    [done] = imported(tmp_path, text).done
    assert (done.figures.rows, done.figures.duration_s) == (60, 59.0)
    [other] = imported(tmp_path, "time,data,hr\n" + rows("{t},1,{hr}"), "b.csv").done
    assert other.figures.notes == ("columns left out: data",)


def test_three_axes_without_a_unit_are_not_taken_for_a_position(tmp_path):
    [done] = imported(tmp_path, "time,hr,x,y,z\n" + rows("{t},{hr},0.1,0.2,9.8")).done
    assert "x_m" not in done.figures.channels
    assert done.figures.notes == ("columns left out: z, x, y",)
    [cause] = imported(tmp_path, "time,x,y,z\n" + rows("{t},0.1,0.2,9.8"), "b.csv").failed
    assert "x, y and z without a unit can be a position or a sensor: name them acc_x" in cause


def test_a_heart_rate_in_whole_numbers_is_never_beats_a_second(tmp_path):
    [done] = imported(tmp_path, "time,hr,speed\n" + rows("{t},1,3.0")).done
    assert done.figures.heart_rate_max_bpm == 1
    [hertz] = imported(tmp_path, "time,hr,speed\n" + rows("{t}.5,1.5,3.0"), "b.csv").done
    assert hertz.figures.heart_rate_max_bpm == 90


def test_times_of_day_that_a_zone_skips_are_said(tmp_path):
    text = "time,hr\n" + "".join(f"2026-03-29 02:30:{n:02d},120\n" for n in range(30))
    path = tmp_path / "a.csv"
    path.write_text(text)
    options = Options(zone=zone_of("Europe/Berlin"))
    [done] = import_files(ImportRequest([path], tmp_path / "t", tmp_path / "g", options, athlete_id=7), ()).done
    assert any("some times of day do not exist on this day" in note for note in done.figures.notes)
    assert done.figures.offset_s == 7200


def test_a_report_may_have_lines_before_its_header(tmp_path):
    text = (
        "Team report;Cup\n\nPlayer number;Player name;Session name;Type;Phase name;Total distance [m]\n"
        "7;Ada;Cup;Match;Whole;9\n"
    )
    [done] = imported(tmp_path, text).done
    assert (done.figures.kind, len(done.figures.summary)) == ("polar-team-pro", 1)


def test_an_export_with_german_dates_and_semicolons_is_read(tmp_path):
    text = (
        "# OpenField Export : 29.07.2018 08:43:09;;;\n# Reference time : 28.07.2018 17:02:40 UTC;;;\n"
        "# CentisecTime : 153279736000;;;\n# DeviceId : 64906;;;\n# Speed Units : Kilometers Per Hour;;;\n"
        '# Distance Units : Meters;;;\n"# Period: ""20180728 Spiel A - B""";;;\n"# Athlete: ""Ada Example""";;;\n'
        "Timestamp;Seconds;Velocity;Odometer;Heart Rate\n"
        + "".join(f"28.07.2018 19:02;{n / 10:g};10.8;{n * 0.3:.1f};{120 if n else 0}\n" for n in range(60))
    )
    [done] = imported(tmp_path, text).done
    assert (done.mode, done.figures.who, done.figures.offset_s) == ("game", "Ada Example", 7200)
    assert done.figures.start_t == 1532797360.0
    assert done.figures.speed_max_mps == pytest.approx(3.0)


def test_streams_of_other_lengths_are_said(tmp_path):
    document = {"start_date": "2026-05-04T08:00:00Z", "time": list(range(30)), "heartrate": [120] * 10}
    [done] = imported(tmp_path, json.dumps(document), "a.json").done
    assert "streams of another length than the 30 times, read from their start: heartrate (10)" in done.figures.notes


def test_sensors_without_names_are_devices_that_can_be_assigned(tmp_path):
    text = "ts in ms;sensor id;x in m;y in m\n" + "".join(
        f"{START}{n:03d};{device};{n / 10};1\n" for n in range(0, 1000, 50) for device in ("a1", "b2")
    )
    [cause] = imported(tmp_path, text).failed
    assert "holds 2 devices: device a1, device b2; leave --athlete out, or give --athlete DEVICE=N for each" in cause
    request = ImportRequest([tmp_path / "a.csv"], tmp_path / "t", tmp_path / "g", named={"a1": 7, "b2": 9})
    assert sorted(done.athlete_id or 0 for done in import_files(request, ()).done) == [7, 9]
