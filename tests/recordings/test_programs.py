"""Layouts of programs that differ from the vendor's own: other languages, sensors in rows of their own, wrong sizes."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.figures import figures_of
from athlete_monitor.recordings.import_request import ImportRequest
from athlete_monitor.recordings.importing import import_files
from athlete_monitor.recordings.source import NotARecording
from tests.recordings.fit_kit import START as FIT_START
from tests.recordings.fit_kit import Fit, fit_time, running
from tests.recordings.test_variants import START, read, rows

POLAR = {
    "German": """
Name,Sportart,Datum,Startzeit,Dauer,Gesamtdistanz (km),Ø Herzfrequenz (S/min),Ø Tempo (km/h),Höchsttempo (km/h)
Ann Low,RUNNING,04-05-2026,10:00:00,00:03:19,0.597,140,10.8,10.8
Rate,Zeit,HF (S/min),Tempo (km/h),Tempo (min/km),Trittfrequenz,Höhe (m),Schritt (m),Distanzen (m),Temp. (C),Leistung (W)
""",
    "Spanish": """
Nombre,Deporte,Fecha,Hora de inicio,Duración,Distancia total (km),FC media (ppm),Velocidad media (km/h),Máxima (km/h)
Ann Low,RUNNING,04/05/2026,10:00:00,00:03:19,0.597,140,10.8,10.8
Frecuencia,Hora,FC (ppm),Velocidad (km/h),Ritmo (min/km),Cadencia,Altitud (m),Zancada (m),Distancias (m),T (C),P (W)
""",
    "Finnish": """
Nimi,Laji,Päivämäärä,Alkamisaika,Kesto,Kokonaismatka (km),Keskisyke (bpm),Keskinopeus (km/h),Huippu (km/h)
Ann Low,RUNNING,04.05.2026,10.00.00,00:03:19,0.597,140,10.8,10.8
Taajuus,Aika,Syke (bpm),Nopeus (km/h),Vauhti (min/km),Kadenssi,Korkeus (m),Askel (m),Matkat (m),Lämpötilat (C),Teho (W)
""",
}


@pytest.mark.parametrize("language", POLAR)
@pytest.mark.parametrize("sign", [",", ";"])
def test_polar_flow_is_read_in_any_language(tmp_path, language, sign):
    samples = rows("1,00:{m:02d}:{sec:02d},140,10.8,05:33,85,35,,{d:.1f},,\n", 1.0)
    text = POLAR[language].lstrip() + samples
    name = "Ann_Low_2026-05-04.CSV"
    [part] = read(tmp_path, {name: text.replace(",", sign)})
    figures = figures_of(part)
    assert (part.kind, part.whose.name, part.t[0]) == ("polar-flow", "Ann Low", START)
    assert figures.distance_m == pytest.approx(597)
    assert figures.heart_rate_mean_bpm == pytest.approx(140)
    assert part.totals["distance_m"] == pytest.approx(597)


def test_a_pace_beside_the_speed_is_left_out(tmp_path):
    table = "Zeit;Tempo (min/km);Geschwindigkeit (km/h);Puls (S/min)\n"
    [part] = read(tmp_path, {"run.csv": table + rows("04.05.2026 10:{m:02d}:{sec:02d};5:33;10,8;140\n", 1.0)})
    np.testing.assert_allclose(part.channels["speed_mps"], 3.0)


def test_a_hexoskin_table_counts_in_parts_of_a_second(tmp_path):
    names = "time [s/256],breathing_rate [rpm](/api/datatype/33/),heart_rate [bpm](/api/datatype/19/)\n"
    lines = "".join(f"{round((START + s) * 256)},15,{120 + s}\n" for s in range(60))
    [part] = read(tmp_path, {"record-1.csv": names + lines})
    assert (part.t - START).tolist() == list(range(60))
    assert part.channels["heart_rate_bpm"].tolist() == [120.0 + s for s in range(60)]


def test_first_and_last_names_in_two_columns_divide_a_table(tmp_path):
    names = "device_id,athlete_id,athlete_first_name,athlete_last_name,jersey,ts,cs,lat,long,o,v,a,hr\n"
    lines = "".join(
        f"7{shirt},a-{shirt},{first},{last},{shirt},{int(START) + s},0,46.0,7.1,{3 * s},3.0,0,140\n"
        for s in range(30)
        for first, last, shirt in (("Ann", "Low", 7), ("Bo", "Low", 9))
    )
    parts = read(tmp_path, {"export.csv": names + lines})
    assert [(part.whose.name, part.whose.number, len(part)) for part in parts] == [
        ("Ann Low", "7", 30),
        ("Bo Low", "9", 30),
    ]


def test_rows_without_a_name_in_a_table_of_several_athletes_are_counted(tmp_path):
    lines = "".join(f"2026-05-04 10:00:{s:02d},{('Ann Low', 'Bo Low', '')[s % 3]},140\n" for s in range(60))
    parts = read(tmp_path, {"export.csv": "time,athlete,hr\n" + lines})
    assert [len(part) for part in parts] == [20, 20]
    assert all("20 rows name no athlete and are left out" in part.notes for part in parts)


def test_beats_in_a_row_are_read_as_beats_in_a_column(tmp_path):
    beats = [800 + n % 7 for n in range(100)]
    for name, sign in (("commas", ", "), ("semicolons", ";"), ("blanks", " ")):
        [part] = read(tmp_path, {f"{name} 2026-05-04 10-00-00.txt": sign.join(map(str, beats))})
        assert [beat for row in sorted(part.rr) for beat in part.rr[row]] == beats


def json_rows(platform: str) -> list[dict[str, str]]:
    motion, sign = ("TotalAcceleration", 1) if platform == "android" else ("Gravity", -1)
    made = [{"sensor": "Metadata", "recording timezone": "Europe/Berlin", "platform": platform}]

    def add(sensor: str, step_s: float, count: int, **numbers: object) -> None:
        for n in range(count):
            stamp = {"time": f"{round((START + n * step_s) * 1e9)}", "seconds_elapsed": f"{n * step_s:.2f}"}
            made.append({"sensor": sensor, **stamp, **{name: f"{value}" for name, value in numbers.items()}})

    add(motion, 0.02, 500, z=sign * 9.8, y=0.1, x=0.2)
    if platform != "android":
        add("Accelerometer", 0.02, 500, z=0.0, y=0.0, x=0.0)
    add("Location", 1.0, 10, speed=3.0, latitude=46.0, longitude=7.1, horizontalAccuracy=3.0)
    add("HeartRate", 1.0, 10, bpm=140)
    return made


@pytest.mark.parametrize("platform", ["android", "ios"])
def test_json_of_sensor_logger_holds_what_its_tables_do(tmp_path, platform):
    [part] = read(tmp_path, {"recording.json": json.dumps(json_rows(platform), indent=1)})
    assert (part.kind, len(part), part.offset_s) == ("sensor-logger", 500, 7200)
    np.testing.assert_allclose(part.channels["acc_z"], 9.8)
    assert figures_of(part).heart_rate_mean_bpm == pytest.approx(140)
    assert figures_of(part).distance_m == pytest.approx(27.0)


@pytest.mark.parametrize("name", ["Ball", "Ball 1", "ball_02", "Game Ball", "Match ball 3"])
def test_balls_of_kinexon_are_no_athletes(tmp_path, name):
    head = "ts in ms;sensor id;mapped id;full name;number;x in m;y in m;speed in m/s\n"
    lines = "".join(
        f"{(START + n / 10) * 1000:.0f};{who};1;{who};1;{n / 10:.2f};0;3.0\n"
        for n in range(50)
        for who in ("Ann", name)
    )
    [part] = read(tmp_path, {"positions.csv": head + lines})
    assert part.whose.name == "Ann"


LISTS = {
    "Strava's list of activities": (
        'Activity ID,Activity Date,Activity Name,Activity Type,Distance\n1,"May 4, 2026, 8:00:00 AM",Run,Run,8.1\n',
        "is Strava's list of activities; import the files in the folder beside it",
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_beside_recordings_is_none_and_says_so(tmp_path, name):
    text, said = LISTS[name]
    with pytest.raises(NotARecording, match=said):
        read(tmp_path, {"activities.csv": text})


@pytest.mark.parametrize("first", ["Laps", "Intervals", "Split"])
def test_the_laps_of_garmin_connect_are_figures(tmp_path, first):
    text = f'"{first}","Time","Cumulative Time","Distance km","Avg HR bpm"\n"1","5:01.2","5:01.2","1.00","140"\n'
    path = tmp_path / "activity_1.csv"
    path.write_text(text)
    [done] = import_files(ImportRequest([path], tmp_path / "t", tmp_path / "g", athlete_id=7), ()).done
    assert (done.figures.kind, len(done.figures.summary)) == ("garmin-connect", 1)


def test_a_single_moment_is_no_session(tmp_path):
    with pytest.raises(RecordingError, match="holds the measurement of a single moment, not a session"):
        read(tmp_path, {"a.csv": "timestamp,hr\n2026-05-04 10:00:00,120\n"})


def test_a_moment_hours_apart_from_a_session_is_left_out_and_counted(tmp_path):
    [part] = read(
        tmp_path,
        {"a.csv": "timestamp,hr\n2026-05-04 03:00:00,99\n" + rows("2026-05-04 10:00:{sec:02d},140\n", 1.0, 30)},
    )
    assert (len(part), part.t[0]) == (30, START)
    assert "1 row hours apart from all others left out" in part.notes


# ------------------------------------------------------------------------------------------------------------------ FIT


def sensors_apart(seconds: int) -> Fit:
    """Some watches write a record for each sensor."""
    fit = Fit()
    fit.define(0, 0, [(0, 1, 0)]).add(0, 4)
    fit.define(1, 20, [(253, 1, 0x86), (3, 1, 2)]).define(2, 20, [(253, 1, 0x86), (5, 1, 0x86), (6, 1, 0x84)])
    for second in range(seconds):
        fit.add(1, fit_time(FIT_START + second), 100 + second)
        fit.add(2, fit_time(FIT_START + second), 300 * second, 3000)
    return fit


def test_records_of_different_sensors_are_one_row_a_second(tmp_path):
    [part] = read(tmp_path, {"apart.fit": sensors_apart(60).bytes()})
    assert (part.t - FIT_START).tolist() == list(range(60))
    assert part.channels["heart_rate_bpm"].tolist() == [100.0 + second for second in range(60)]
    assert figures_of(part).distance_m == pytest.approx(177)


@pytest.mark.parametrize("declared", [100, 1000, 1500])
def test_a_file_that_declares_too_little_is_read_to_its_end(tmp_path, declared):
    [part] = read(tmp_path, {"short.fit": running(60).bytes(declared=declared)})
    assert len(part) == 60
    assert "the file is longer than its header says: it is read to its end" in part.notes


def test_what_follows_a_whole_file_is_not_read(tmp_path):
    [part] = read(tmp_path, {"long.fit": running(60).bytes() + b"\x40" * 100})
    assert (len(part), part.notes) == (60, ())


def test_a_course_is_no_recording(tmp_path):
    fit = Fit().define(0, 0, [(0, 1, 0)]).add(0, 6)
    fit.define(1, 20, [(253, 1, 0x86), (0, 1, 0x85), (1, 1, 0x85), (5, 1, 0x86)])
    for second in range(60):
        degrees = round((52 + second * 3e-5) * 2**31 / 180)
        fit.add(1, fit_time(FIT_START + second), degrees, degrees // 4, 300 * second)
    with pytest.raises(NotARecording, match="holds a course, not a recording"):
        read(tmp_path, {"course.fit": fit.bytes()})


def test_the_largest_numbers_of_a_table_may_have_signs_between_thousands(tmp_path):
    table = "Zeit;Puls;Distanz (m)\n" + rows("04.05.2026 10:{m:02d}:{sec:02d};140;{d:09.1f}\n", 1.0)
    thousands = "".join(
        line if not line[:1].isdigit() else f"{line[:-10]}{_german(float(line[-10:]))}\n"
        for line in table.splitlines(keepends=True)
    )
    [part] = read(tmp_path, {"run.csv": thousands})
    assert figures_of(part).distance_m == pytest.approx(597)
    assert math.isclose(part.channels["distance_m"][0], 10_000.0)


def _german(metres: float) -> str:
    return f"{10_000 + metres:,.1f}".replace(",", " ").replace(".", ",").replace(" ", ".")
