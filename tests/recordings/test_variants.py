"""Layouts that devices and clubs really write, of which no two are alike; made up here: 3 m/s and 140 bpm throughout.

Every one is read as what it says: its duration, 3 m for each second, 140 bpm, its athlete and its start.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, time
from typing import TYPE_CHECKING

import numpy as np
import openpyxl
import pytest

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.figures import figures_of
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.registry import recognised
from athlete_monitor.recordings.source import NotARecording, from_path
from athlete_monitor.recordings.unrecognised import unrecognised
from athlete_monitor.recordings.zones import zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from athlete_monitor.recordings.imported import Imported

START = 1_777_881_600.0  # 2026-05-04 08:00:00 UTC, 10:00 in Berlin
BERLIN = Options(zone=zone_of("Europe/Berlin"))
ROWS = 200


def read(folder: Path, files: Mapping[str, str | bytes], options: Options = BERLIN) -> list[Imported]:
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    source = from_path(folder / next(iter(files)))
    known = recognised(source)
    assert known is not None, f"{source} is not recognised"
    return [part for one in known.read(source, options) for part in prepared(one)]


def rows(line: str, step_s: float = 0.1, count: int = ROWS) -> str:
    """Rows of a table; the line may name what belongs to the second ``s`` since 10:00."""
    return "".join(_row(line, place * step_s) for place in range(count))


def _row(line: str, s: float) -> str:
    minute, second, tenth = int(s + 1e-9) // 60, int(s + 1e-9) % 60, round(s * 10) % 10
    return line.format(
        s=s, m=minute, sec=second, f=tenth, d=3 * s, km=3 * s / 1000, lat=46 + 3 * s / 111_145, epoch=START + s
    )


def catapult(sign: str, units: str, athlete: str, names: str, line: str, zone: str = "08:00:00 UTC") -> str:
    pad = sign * 8
    head = [
        f"# OpenField Export : 05.05.2026 08:43:09{pad}",
        f"# Reference time : 04.05.2026 {zone}{pad}",
        f"# CentisecTime : {START * 100:.0f}{pad}",
        f"# DeviceId : 64906{pad}",
        *([f"# Speed Units : {units}{pad}", f"# Distance Units : Meters{pad}"] if units else []),
        athlete + pad,
        names.replace(",", sign),
    ]
    return "\n".join(head) + "\n" + rows(line)


OPENFIELD = "Timestamp,Seconds,Velocity,Acceleration,Odometer,Latitude,Longitude,Heart Rate,Player Load"
TABLES = {
    "a spreadsheet saved OpenField's times without seconds": (
        "openfield.csv",
        catapult(
            ";",
            "Kilometers Per Hour",
            '"# Athlete: ""Low, Ann"""',
            OPENFIELD,
            "04.05.2026 10:00;{s:g};10.8;0.06;{d:.1f};{lat:.7f};7.1;140;0\n",
        ),
    ),
    "OpenField without quotes, a speed in metres": (
        "openfield.csv",
        catapult(
            ",",
            "Meters Per Second",
            "# Athlete: Ann Low",
            OPENFIELD,
            "04.05.2026 10:00:{sec:02d}.{f},{s:g},3,0,{d:.1f},{lat:.7f},7.1,140,0\n",
        ),
    ),
    "OpenField without units, the speed is checked by the odometer": (
        "openfield.csv",
        catapult(
            ",",
            "",
            "# Athlete: Ann Low",
            OPENFIELD,
            "04/05/2026 10:00:{sec:02d}.{f},{s:g},10.8,0,{d:.1f},{lat:.7f},7.1,140,0\n",
        ),
    ),
    "a date beside seconds since 1970": (
        "sensor export.csv",
        "Athlete Id,Athlete,Date,Timestamp (s),Latitude,Longitude,Speed (m/s),Acceleration (m/s²),Heart Rate (bpm),"
        "Distance (m),Body Load\n" + rows("abc-1,Ann Low,2026-05-04,{epoch:.1f},{lat:.7f},7.1,3.0,0.0,140,{d:.1f},0\n"),
    ),
    "UTC without a point before its milliseconds": (
        "fieldwiz.csv",
        "FieldWiz\nversion,1\nathlete,Ann Low\nfirmware,x\nunit,7\ntime[ISO-UTC],xPos[m],yPos[m],hr[bpm],speed[km/h],"
        "Latitude[deg],Longitude[deg],numSatFix[-],hdop[-]\n"
        + rows("20260504T0800{sec:02d}{f}00,{d:.2f},0,140,10.8,{lat:.7f},7.1,11,0.9\n"),
    ),
    "STATSports by player, the day in the file's name": (
        "2026-05-04 Ann Low.csv",
        "Player Id, Player Display Name, Time, Elapsed Time (s), Lat, Lon,  Speed m/s, Heart Rate\n"
        + rows("12345,Ann Low,10:00:{sec:02d}.{f}00,{s:.1f},{lat:.7f},7.1,3.0,140\n"),
    ),
    "STATSports with all sensors": (
        "raw.csv",
        "Session Id,Player Id,Player Display Name,Time,Elapsed Time,Speed (m/s),Instantaneous Acceleration Impulse,"
        "Heart Rate (bpm),Heart Rate Interval,Latitude,Longitude,Accl X,Accl Y,Accl Z,Gyro X,Gyro Y,Gyro Z,Hacc,Hdop,"
        "Quality of Signal,No. of Satellites\n"
        + rows(
            "s1,p1,Ann Low,2026-05-04 10:00:{sec:02d}.{f}00,{s:.1f},3.0,0.1,140,428,{lat:.7f},7.1,0,0,1,1,2,3,"
            "0.6,0.7,100,12\n"
        ),
    ),
    "minutes, and a name that is a unit": (
        "2026_05_04_10_00_00.csv",
        "Minutes, Torq (N-m),Km/h,Watts,Km,Cadence,Hrate,ID\n" + rows("{m},0,10.8,0,{km:.5f},0,140,0\n", 60.0, 30),
    ),
    "GoldenCheetah's open data, without a speed": (
        "2026_05_04_10_00_00.csv",
        "secs,km,power,hr,cad,alt\n" + rows("{s:.0f},{km:.5f},,140,0,10\n", 1.0),
    ),
    "seconds since the start beside the moment": (
        "tomtom.csv",
        "time,activityType,lapNumber,distance,speed,calories,lat,long,elevation,heartRate,cycles,localtime,utc\r\n"
        + rows(
            "{s:.0f},0,1,{d:.2f},3.0,5,{lat:.7f},7.1,10,140,3,"
            "2026-05-04 10:{m:02d}:{sec:02d},2026-05-04 08:{m:02d}:{sec:02d}\r\n",
            1.0,
        ),
    ),
    "a row of units with signs": (
        "2026_05_04_10_00_00.csv",
        "ZEIT,STRECKE,POWER,RPM,SPEED,PULS,HM-VHE,TEMP\nL_SEC,KM,WATT,RPM,KM/H,BPM,METER,M-0C\n"
        + rows("  {s:.0f},  {km:.3f},  0,  0, 10.8,  140,1488.0, 13.3\n", 1.0),
    ),
}
NAMELESS = {
    "GoldenCheetah's open data, without a speed",
    "seconds since the start beside the moment",
    "UTC without a point before its milliseconds",
    "minutes, and a name that is a unit",
    "a row of units with signs",
}


@pytest.mark.parametrize("layout", TABLES)
def test_a_table_as_a_vendor_writes_it_is_read(tmp_path, layout):
    name, text = TABLES[layout]
    [part] = read(tmp_path, {name: text})
    figures = figures_of(part)
    assert part.t[0] == pytest.approx(START)
    assert figures.distance_m == pytest.approx(3 * (part.t[-1] - part.t[0]), rel=0.01)
    assert figures.heart_rate_mean_bpm == pytest.approx(140)
    np.testing.assert_allclose(part.channels["speed_mps"], 3.0, rtol=0.01)
    assert part.whose.name == (None if layout in NAMELESS else "Low, Ann" if "spreadsheet" in layout else "Ann Low")


def epts(sessions: str, channels: Mapping[str, tuple[str, str]], frames: str, first: int) -> dict[str, str | bytes]:
    """Metadata of one player and the raw text beside it."""
    described = "".join(
        f'<Channel id="{key}"><Name>{name}</Name><Unit>{unit}</Unit></Channel>'
        for key, (name, unit) in channels.items()
    )
    owned = "".join(f'<PlayerChannel id="p_{key}" playerId="p" channelId="{key}"></PlayerChannel>' for key in channels)
    places = "".join(f'<PlayerChannelRef playerChannelId="p_{key}"/>' for key in channels)
    metadata = (
        '<?xml version="1.1" encoding="UTF-8"?><tns:EPTS xmlns:tns="e"><Metadata><GlobalConfig>'
        "<FileDate>2026-05-05T01:00:00</FileDate><FrameRate>25</FrameRate></GlobalConfig>"
        f'<Sessions>{sessions}</Sessions><Players><Player id="p"><Name>Ann Low</Name></Player></Players>'
        f'<Devices><Device id="d"><Sensors><Sensor id="s"><Channels>{described}</Channels></Sensor></Sensors></Device>'
        f"</Devices><PlayerChannels>{owned}</PlayerChannels></Metadata><DataFormatSpecifications>"
        f'<DataFormatSpecification separator=":" startFrame="{first}"><StringRegister name="frameCount"/>'
        f'<SplitRegister separator=";"><SplitRegister separator=",">{places}</SplitRegister></SplitRegister>'
        '<SplitRegister separator=","><BallChannelRef channelId="x"/></SplitRegister></DataFormatSpecification>'
        "</DataFormatSpecifications></tns:EPTS>"
    )
    return {"metadata.xml": metadata, "positions.txt": frames}


MATCH = "<Session><SessionType>{}</SessionType><Start>2026-05-04T10:00:00</Start></Session>"


def test_the_speed_and_heart_beat_of_epts_are_found_by_their_long_names(tmp_path):
    channels = {
        "x": ("Position X", "cm"),
        "y": ("Position Y", "cm"),
        "distance": ("Total distance", "m"),
        "avg_speed": ("Average Speed", "km/h"),
        "max_speed": ("Maximum Speed", "km/h"),
        "heartbeat": ("Current heart beat", "bpm"),
    }
    frames = "".join(f"{n + 1}:{12 * n},0,{0.12 * n:.2f},10.80,30.1,140;:0:\n" for n in range(ROWS))
    [part] = read(tmp_path, epts(MATCH.format("Match"), channels, frames, 1))
    figures = figures_of(part)
    assert (part.t[0], part.mode, part.whose.name) == (START, "game", "Ann Low")
    assert figures.distance_m == pytest.approx(3 * (part.t[-1] - part.t[0]))
    assert figures.speed_max_mps == pytest.approx(3.0)
    assert figures.heart_rate_max_bpm == 140


def test_the_periods_of_epts_may_be_sessions_of_their_own(tmp_path):
    period = (
        "<Session><SessionType>Period</SessionType><SessionName>{0}</SessionName><ProviderSessionParameters>"
        "<ProviderParameter><Value>{1}</Value><Name>Start Frame</Name></ProviderParameter>"
        "<ProviderParameter><Value>{2}</Value><Name>End Frame</Name></ProviderParameter>"
        "</ProviderSessionParameters></Session>"
    )
    sessions = MATCH.format("Full Match") + period.format("1st Half", 44_600, 44_699)
    sessions += period.format("2nd Half", 44_720, 44_799)
    frames = "".join(f"{44_585 + n}:34.00,{8 + 0.12 * n:.2f};:0:\n" for n in range(215))
    channels = {"x": ("X Position", "m"), "y": ("Y Position", "m")}
    [part] = read(tmp_path, epts(sessions, channels, frames, 44_585))
    assert (part.t[0], part.mode) == (START, "game")
    assert [tag.session_phase for tag in part.tags] == [None, "1st Half", "2nd Half"]
    assert part.tag_index is not None
    assert np.bincount(part.tag_index).tolist() == [35, 100, 80]


def test_nul_characters_in_a_table_are_counted_and_said(tmp_path):
    table = "timestamp,heart_rate,speed\n" + rows("2026-05-04 10:00:{sec:02d}.{f},140,3.0\n")
    [part] = read(tmp_path, {"logger.csv": table.replace("05.5,140", "05.5,1\0004\0000").encode()})
    assert (part.channels["heart_rate_bpm"] == 140).all()
    assert part.notes == ("2 NUL characters are left out: the file may be damaged",)


def test_times_of_day_without_a_date_are_refused_as_such(tmp_path):
    table = {"export.csv": "time,speed,hr\n" + rows("10:00:{sec:02d}.{f},3.0,140\n")}
    with pytest.raises(RecordingError, match="gives times of day without a date; give --start"):
        read(tmp_path, table)


# ---------------------------------------------------------------------------------------------------------- GPX and TCX

POINT = "<trkpt lat='{lat:.7f}' lon='7.1'><time>2026-05-04T08:{m:02d}:{sec:02d}Z</time>{more}</trkpt>"
TRACK = (
    "<gpx version='1.1' creator='x' xmlns='http://www.topografix.com/GPX/1/1'{0}><trk><trkseg>{1}</trkseg></trk></gpx>"
)
GARMIN = "http://www.garmin.com/xmlschemas/TrackPointExtension/v"
EXTENSIONS = {
    "Garmin, version 1": (
        f" xmlns:gpxtpx='{GARMIN}1'",
        "<extensions><gpxtpx:TrackPointExtension><gpxtpx:hr>140</gpxtpx:hr></gpxtpx:TrackPointExtension></extensions>",
    ),
    "Garmin with another prefix": (
        f" xmlns:ns3='{GARMIN}2'",
        (
            "<extensions><ns3:TrackPointExtension><ns3:hr>140</ns3:hr><ns3:speed>3.0</ns3:speed></ns3:TrackPointExtension>"
            "</extensions>"
        ),
    ),
    "Cluetrust without an element around": (
        " xmlns:gpxdata='http://www.cluetrust.com/XML/GPXDATA/1/0'",
        "<extensions><gpxdata:hr>140</gpxdata:hr><gpxdata:distance>{d:.2f}</gpxdata:distance></extensions>",
    ),
    "names without a namespace": ("", "<extensions><heartrate>140</heartrate><speed>3.0</speed></extensions>"),
    "Amazfit and OpenTracks": ("", "<extensions><hr>140</hr><speed>3</speed><power>nan</power></extensions>"),
}


def points(point: str, more: str = "", count: int = 60) -> str:
    return "".join(_row(point.replace("{more}", more), s) for s in range(count))


@pytest.mark.parametrize("writer", EXTENSIONS)
@pytest.mark.parametrize("before", ["", "<?xml version='1.0'?>\n<!-- two <trk> of <TrainingCenterDatabase> -->\n"])
def test_a_track_is_read_whatever_extensions_hold_its_heart_rate(tmp_path, writer, before):
    names, more = EXTENSIONS[writer]
    [part] = read(tmp_path, {"track.gpx": before + TRACK.format(names, points(POINT, more))})
    assert (part.kind, part.t[0], len(part)) == ("gpx", START, 60)
    assert (part.channels["heart_rate_bpm"] == 140).all()
    np.testing.assert_allclose(part.channels["speed_mps"], 3.0, rtol=0.01)


def test_a_time_without_zone_has_that_of_the_points_before_it(tmp_path):
    text = points(POINT, count=10).replace(":08Z", ":08").replace(":09Z", ":09").replace("Z<", "-07:00<")
    [part] = read(tmp_path, {"track.gpx": TRACK.format("", text)})
    assert (part.t - START - 7 * 3600).tolist() == list(range(10))
    assert part.offset_s == -7 * 3600


def test_the_cadence_of_a_ride_that_the_file_does_not_name_is_left_out(tmp_path):
    ride = points(POINT.replace("{lat:.7f}", "{d}"), "<extensions><cad>80</cad><speed>9.5</speed></extensions>", 120)
    [part] = read(tmp_path, {"ride.gpx": TRACK.format("", ride.replace("lat='", "lat='46.00"))})
    assert "cadence_spm" not in part.channels
    assert any("nobody runs" in note for note in part.notes)


def tcx(activities: str) -> str:
    return (
        "<?xml version='1.0' encoding='UTF-8'?><TrainingCenterDatabase xmlns='http://www.garmin.com/xmlschemas/"
        "TrainingCenterDatabase/v2' xmlns:ns3='http://www.garmin.com/xmlschemas/ActivityExtension/v2'><Activities>"
        f"{activities}</Activities></TrainingCenterDatabase>"
    )


LAP = (
    "<Activity Sport='Running'><Id>2026-05-04T08:00:00Z</Id><Lap StartTime='2026-05-04T08:00:00Z'><TotalTimeSeconds>60"
    "</TotalTimeSeconds><DistanceMeters>180</DistanceMeters>{0}</Lap></Activity>"
)
TRACKPOINT = (
    "<Trackpoint><Time>2026-05-04T08:{m:02d}:{sec:02d}Z</Time><HeartRateBpm><Value>140</Value></HeartRateBpm>{more}"
    "</Trackpoint>"
)


@pytest.mark.parametrize(
    ("more", "bound"),
    [("<DistanceMeters>{d:.3f}</DistanceMeters>", 0.01), ("<DistanceMeters>{d:.0f}</DistanceMeters>", 0.2)],
)
def test_indoors_the_speed_is_the_slope_of_the_odometer(tmp_path, more, bound):
    text = points(TRACKPOINT, more, 120)
    [part] = read(tmp_path, {"indoors.tcx": tcx(LAP.format(f"<Track>{text}</Track>"))})
    np.testing.assert_allclose(part.channels["speed_mps"], 3.0, atol=bound)
    assert any("speed is computed from the device's distance" in note for note in part.notes)


def test_points_that_hold_only_a_time_are_pauses(tmp_path):
    empty = "<Trackpoint><Time>2026-05-04T08:00:09Z</Time></Trackpoint>"
    later = points(TRACKPOINT, "<DistanceMeters>{d:.2f}</DistanceMeters>", 20).replace("T08:", "T09:")
    track = points(TRACKPOINT, "<DistanceMeters>{d:.2f}</DistanceMeters>", 11) + empty + later
    [part] = read(tmp_path, {"watch.tcx": tcx(LAP.format(f"<Track>{track}</Track>"))})
    assert len(part) == 31
    assert not any("clock" in note for note in part.notes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LAP.format(""), "holds only the totals of an activity, without points"),
        ("", "holds a course or a workout, without"),
    ],
)
def test_an_activity_without_points_is_refused_as_such(tmp_path, content, said):
    with pytest.raises(RecordingError, match=said):
        read(tmp_path, {"laps.tcx": tcx(content)})


def test_each_activity_of_a_file_is_a_recording(tmp_path):
    track = f"<Track>{points(TRACKPOINT, '<DistanceMeters>{d:.2f}</DistanceMeters>', 30)}</Track>"
    both = LAP.format(track) + LAP.format(track.replace("T08:", "T09:"))
    parts = read(tmp_path, {"two.tcx": "\ufeff" + tcx(both)})
    assert [part.t[0] - START for part in parts] == [0, 3600]
    assert [part.totals["distance_m"] for part in parts] == [180, 180]


# ------------------------------------------------------------------------------------------------ apps and spreadsheets

STREAMS = {
    "time": list(range(ROWS)),
    "heartrate": [140] * ROWS,
    "velocity_smooth": [3.0] * ROWS,
    "distance": [3.0 * s for s in range(ROWS)],
}
BY_TYPE = {name: {"data": data, "original_size": ROWS} for name, data in STREAMS.items()}
LOCAL = {"start_date_local": "2026-05-04T10:00:00Z"}
ABOUT = {"start_date": "2026-05-04T08:00:00Z", **LOCAL, "athlete": {"firstname": "Ann", "lastname": "Low"}}


@pytest.mark.parametrize(
    ("document", "offset_s", "name"),
    [
        ({"activity": ABOUT, "streams": BY_TYPE}, 7200, "Ann Low"),
        ({**ABOUT, **STREAMS}, 7200, "Ann Low"),
        ({**LOCAL, "streams": [{"type": name, **stream} for name, stream in BY_TYPE.items()]}, None, None),
    ],
)
def test_the_start_of_streams_is_found_and_its_local_time_is_no_utc(tmp_path, document, offset_s, name):
    [part] = read(tmp_path, {"activity.json": json.dumps(document)})
    assert (part.t[0], part.offset_s, part.whose.name) == (START, offset_s, name)
    assert figures_of(part).distance_m == pytest.approx(3 * (ROWS - 1))


def test_minutes_and_seconds_of_a_spreadsheet_need_the_start_and_go_on_beyond_the_hour(tmp_path):
    head = "Player Display Name, Time, Lat, Lon, Speed (m/s), Heart Rate (bpm), Hacc, Hdop, No. of Satellites\n"
    times = ("59:59.8", "59:59.9", "00:00.0", "00:00.1")
    text = head + "".join(f"Ann Low,{moment},46.0,7.1,3.0,140,0.5,0.7,14\n" for moment in times)
    with pytest.raises(RecordingError, match="minutes and seconds without the hour"):
        read(tmp_path, {"ann_2026-05-04.csv": text})
    [part] = read(tmp_path, {"ann_2026-05-04.csv": text}, Options(start_t=START))
    np.testing.assert_allclose(part.t - START, [0.0, 0.1, 0.2, 0.3], atol=1e-6)


def test_streams_may_be_one_object_for_each_moment(tmp_path):
    rows_of_streams = [dict(zip(STREAMS, row, strict=True)) for row in zip(*STREAMS.values(), strict=True)]
    [part] = read(tmp_path, {"run_2026-05-04_10-00-00.json": json.dumps(rows_of_streams)})
    assert (part.kind, part.t[0], len(part)) == ("strava", START, ROWS)
    assert figures_of(part).distance_m == pytest.approx(3 * (ROWS - 1))


def test_sensor_data_of_an_interface_have_hundredths_and_each_list_its_athlete(tmp_path):
    data = [
        {"ts": int(START) + n // 10, "cs": n % 10 * 10, "v": 3.0, "o": 0.3 * n, "hr": 140, "pl": 0.1}
        for n in range(ROWS)
    ]
    both = [{"athlete_name": name, "data": data} for name in ("Ann Low", "Bea Bo")]
    first, second = read(tmp_path, {"sensor_data.json": json.dumps(both)})
    assert (first.kind, first.whose.name, second.whose.name) == ("catapult", "Ann Low", "Bea Bo")
    np.testing.assert_allclose(np.diff(first.t), 0.1, atol=1e-6)
    assert figures_of(second).distance_m == pytest.approx(0.3 * (ROWS - 1))


def polar(**more: object) -> str:
    moments = [f"2026-05-04T10:{s // 60:02d}:{s % 60:02d}.000" for s in range(ROWS)]
    samples = {
        "heartRate": [{"dateTime": moment, "value": 140} for moment in moments],
        "speed": [{"dateTime": moment, "value": 10.8} for moment in moments],
        "recordedRoute": [
            {"dateTime": moment, "latitude": 46 + 3 * s / 111_145, "longitude": 7.1} for s, moment in enumerate(moments)
        ],
        "rr": [{"duration": "PT0.428S"}] * 30,
    }
    begin = {"startTime": moments[0], "timezoneOffset": 120}
    return json.dumps({"exportVersion": "1.3", **begin, "exercises": [{**begin, "samples": samples, **more}]})


def test_an_account_archive_of_polar_may_give_each_reading_its_time(tmp_path):
    [part] = read(tmp_path, {"training-session-2026-05-04.json": polar(sport="RUNNING", distance=597.0)})
    assert (part.kind, part.t[0], part.offset_s, len(part)) == ("polar-json", START, 7200, ROWS)
    assert (part.totals["distance_m"], sum(map(len, part.rr.values()))) == (597.0, 30)
    np.testing.assert_allclose(part.channels["speed_mps"], 3.0)
    assert figures_of(part).heart_rate_max_bpm == 140
    assert part.channels["latitude"][0] == 46.0
    assert figures_of(part).distance_m == pytest.approx(597, rel=0.01)


def test_an_account_archive_without_samples_is_no_recording(tmp_path):
    with pytest.raises(NotARecording, match="without samples"):
        read(tmp_path, {"training-session-2026-05-04.json": polar(samples={})})


@pytest.mark.parametrize("text", ['{"a": [NaN, 1]', '{"a": Infinity, "b": }'])
def test_json_with_numbers_that_json_does_not_have_is_read_or_refused_in_one_line(tmp_path, text):
    (tmp_path / "a.json").write_text('{"exercises": [], "startTime": 1, "timezoneOffset": 0, ' + text[1:])
    with pytest.raises(RecordingError, match="is not valid JSON"):
        read(tmp_path, {"a.json": (tmp_path / "a.json").read_bytes()})


def test_figures_of_polar_without_samples_are_no_recording(tmp_path):
    head = "Name,Sport,Date,Duration,Total distance (km),Average heart rate (bpm),Calories\n"
    with pytest.raises(NotARecording, match="figures of a session without samples"):
        read(tmp_path, {"polar.csv": head + 'Run,RUNNING,11-08-2026,00:45:30,"7,20",142,500'})


def fit_table(sport: str, moment: int) -> str:
    head = "Type,Local Number,Message,Field 1,Value 1,Units 1,Field 2,Value 2,Units 2,Field 3,Value 3,Units 3\n"
    lines = (f'Data,0,record,timestamp,"{moment + s}",s,heart_rate,"140",bpm,cadence,"85",rpm\n' for s in range(ROWS))
    return head + "".join(lines) + f'Data,1,session,sport,"{sport}",,total_strides,"1",\n'


@pytest.mark.parametrize("moment", [int(START), int(START) - 631_065_600])
@pytest.mark.parametrize(("sport", "cadence"), [("1", 170), ("running", 170), ("2", None)])
def test_the_messages_of_a_fit_file_as_a_table_are_read_in_both_counts_of_time(tmp_path, moment, sport, cadence):
    [part] = read(tmp_path, {"activity.csv": fit_table(sport, moment)})
    assert (part.kind, part.t[0], len(part)) == ("fit-csv", START, ROWS)
    assert part.channels.get("cadence_spm", [None])[0] == cadence


@pytest.mark.parametrize("moment", ["2026-05-04T10:{m:02d}:{sec:02d}.{f}00", "04.05.2026 10:{m:02d}:{sec:02d}.{f}"])
def test_beats_with_a_moment_each_begin_at_their_own_time(tmp_path, moment):
    [part] = read(tmp_path, {"strap.txt": "Phone timestamp;RR-interval [ms]\n" + rows(moment + ";400\n", 0.4)})
    assert (part.t[0], sum(map(len, part.rr.values()))) == (START, ROWS)
    assert (part.channels["heart_rate_bpm"] == 150).all()


def test_heart_rate_may_be_called_beats_per_minute(tmp_path):
    [part] = read(
        tmp_path,
        {"heart_rate.csv": "timestamp,beats per minute\n" + rows("2026-05-04T08:{m:02d}:{sec:02d}Z,140.0\n", 1.0)},
    )
    assert (part.t[0], figures_of(part).heart_rate_max_bpm) == (START, 140)


def sensor(names: str, line: str, step_s: float = 0.02) -> str:
    return (
        "time,seconds_elapsed,"
        + names
        + "\n"
        + "".join(f"{(START + n * step_s) * 1e9:.0f},{n * step_s:.2f},{line}\n" for n in range(round(10 / step_s)))
    )


PHONE = (
    "version,device name,recording epoch time,recording timezone,platform,sensors,standardisation\n"
    '3,"Ann\'s phone, old",1,Europe/Berlin,ios,Accelerometer|Gravity,false\n'
)
WRIST = "rotationRateX,rotationRateY,rotationRateZ,gravityX,gravityY,gravityZ,accelerationX,accelerationY,accelerationZ"


@pytest.mark.parametrize(
    "files",
    [
        {"Accelerometer.csv": sensor("z,y,x", "0,0,0"), "Gravity.csv": sensor("z,y,x", "-9.80665,0,0")},
        {"AccelerometerUncalibrated.csv": sensor("z,y,x", "-1,0,0")},
        {"WristMotion.csv": sensor(WRIST, "0,0,0,0,0,-0.9,0,0,-0.1")},
    ],
)
def test_gravity_points_up_whichever_sensor_of_an_iphone_or_its_watch_holds_it(tmp_path, files):
    heart = {"HeartRate.csv": sensor("bpm", "140", 1.0), "Metadata.csv": PHONE}
    [part] = read(tmp_path, {**files, **heart})
    np.testing.assert_allclose(part.channels["acc_z"], 9.80665, rtol=1e-6)
    assert np.nanmax(part.channels["heart_rate_bpm"]) == 140
    assert part.offset_s == 7200


def workbook(folder: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, content in sheets.items():
        sheet = book.create_sheet(title)
        for row in content:
            sheet.append(list(row))
    book.save(folder / "export.xlsx")
    return folder / "export.xlsx"


def test_the_longest_sheet_of_a_workbook_is_the_table(tmp_path):
    day = datetime(2026, 5, 4)  # noqa: DTZ001 - a cell of a workbook has no zone
    raw: list[Sequence[object]] = [
        ["Export of the club"],
        [],
        ["Date", "Time", "Player", "Speed (km/h)", "Heart Rate (bpm)"],
        *([day, time(10, 0, s), "Ann Low", 10.8, 140] for s in range(60)),
    ]
    path = workbook(tmp_path, {"Summary": [["Session report"], ["Athlete", "Ann Low"]], "Raw": raw})
    [part] = read(tmp_path, {path.name: path.read_bytes()})
    assert (part.t[0], len(part), part.whose.name) == (START, 60, "Ann Low")
    np.testing.assert_allclose(part.channels["speed_mps"], 3.0)


def test_numbers_that_a_workbook_holds_as_text_may_have_a_decimal_comma(tmp_path):
    raw: list[Sequence[object]] = [
        ["Timestamp", "Velocity (m/s)", "HR"],
        *([f"2026-05-04 10:00:{s:02d}", "3,0", 140.5] for s in range(60)),
    ]
    path = workbook(tmp_path, {"Raw": raw})
    [part] = read(tmp_path, {path.name: path.read_bytes()})
    assert (part.channels["speed_mps"] == 3.0).all()
    assert (part.channels["heart_rate_bpm"] == 140.5).all()


@pytest.mark.parametrize("step_s", [1, 4, 6, 9])
def test_positions_that_a_watch_stores_now_and_then_give_the_whole_distance(tmp_path, step_s):
    times = [*range(0, 360, step_s), *range(1800, 2160, step_s)]
    text = "".join(_row(POINT.replace("{more}", ""), s) for s in times)
    [part] = read(tmp_path, {"watch.gpx": TRACK.format("", text)})
    np.testing.assert_allclose(part.channels["speed_mps"], 3.0, rtol=0.01)
    assert figures_of(part).distance_m == pytest.approx(3 * 720, rel=0.03)


@pytest.mark.parametrize(
    "moment",
    [
        "Mon May 04 2026 10:{m:02d}:{sec:02d} GMT+0200 (CEST)",
        '"May 4, 2026, 10:{m:02d}:{sec:02d} AM"',
        "20260504T08{m:02d}{sec:02d}000Z",
        "04/05/2026 10:{m:02d}:{sec:02d}",
    ],
)
def test_moments_are_read_as_scripts_and_watches_write_them(tmp_path, moment):
    table = "time,hr,speed\n" + rows(moment + ",140,3.0\n", 1.0)
    [part] = read(tmp_path, {"export 2026-05-04.csv": table})
    assert (part.t - START).tolist() == list(range(ROWS))


def test_durations_of_days_count_from_the_start(tmp_path):
    table = "time,hr,speed\n" + rows("0 days 00:{m:02d}:{sec:02d},140,3.0\n", 1.0)
    [part] = read(tmp_path, {"run_2026-05-04_10-00-00.csv": table})
    assert (part.t - START).tolist() == list(range(ROWS))


KINEXON = "ts in ms;sensor id;mapped id;full name;number;x in m;y in m;speed in m/s;heart rate in bpm\n" + "".join(
    f"{int(START * 1000) + 50 * n};8001;7;Low, Ann;7;{0.15 * n:.2f};0.5;3.0;140\n" for n in range(ROWS)
)


@pytest.mark.parametrize(
    "data",
    [
        ("sep=;\r\n" + KINEXON).encode(),
        ("\r\n\r\n" + KINEXON).encode(),
        KINEXON.encode("utf-16"),
        KINEXON.replace("Low, Ann", '"Low, Ann"').replace(";", ",").encode(),
    ],
)
def test_a_vendor_s_header_is_known_after_blank_lines_and_in_any_encoding(tmp_path, data):
    [part] = read(tmp_path, {"positions.csv": data})
    assert (part.kind, part.whose.name, part.t[0]) == ("kinexon", "Low, Ann", START)


@pytest.mark.parametrize(
    ("name", "said"), [("move.sml", "a file of Suunto"), ("run.kml", "export GPX"), ("a.xls", "CSV")]
)
def test_a_known_format_that_is_not_read_is_named_with_what_to_do(tmp_path, name, said):
    (tmp_path / name).write_text("<sml>x</sml>")
    assert said in unrecognised(from_path(tmp_path / name))


def test_osmand_s_dilution_is_an_accuracy_in_metres(tmp_path):
    track = TRACK.replace("creator='x'", "creator='OsmAnd 4.2'").format("", points(POINT, "<hdop>5.2</hdop>"))
    [part] = read(tmp_path, {"track.gpx": track})
    assert np.isfinite(part.channels["latitude"]).all()


def test_the_accuracy_of_an_apple_watch_drops_bad_fixes(tmp_path):
    [part] = read(tmp_path, {"w.gpx": TRACK.format("", points(POINT, "<extensions><hAcc>{s:.0f}</hAcc></extensions>"))})
    assert np.flatnonzero(np.isnan(part.channels["latitude"])).tolist() == list(range(16, 60))


def test_a_distance_of_each_point_is_summed(tmp_path):
    steps = "".join(
        _row(POINT.replace("{more}", f"<extensions><distance>{3 + (-1) ** s}</distance></extensions>"), s)
        for s in range(60)
    )
    [part] = read(tmp_path, {"tracks.gpx": TRACK.format("", steps)})
    assert figures_of(part).distance_m == pytest.approx(3 * 59, abs=2)
    assert "the distance is that of each point and is summed" in part.notes


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("<Id>", "<Notes>run & walk</Notes><Id>").encode(),
        lambda text: text.replace("<Id>", "<Notes>Gr\xf6\xdfe</Notes><Id>").encode("latin-1"),
        lambda text: text.replace("<Id>", "<Notes>\x0b</Notes><Id>").encode(),
        lambda text: text.replace("UTF-8", "ISO-8859-1").replace("<Id>", "<Notes>\xdf</Notes><Id>").encode("latin-1"),
        lambda text: ("  \r\n" + text).encode(),
        lambda text: text.replace("UTF-8", "UTF-16").encode("utf-16"),
        lambda text: re.sub(r"(\d)\.(\d\d\d<)", r"\1,\2", text).encode(),
    ],
    ids=["ampersand", "encoding", "control", "latin", "blanks", "utf-16", "comma"],
)
def test_xml_that_was_written_as_text_is_read_all_the_same(tmp_path, damage):
    track = points(TRACKPOINT, "<DistanceMeters>{d:.3f}</DistanceMeters>", 60)
    [part] = read(tmp_path, {"app.tcx": damage(tcx(LAP.format(f"<Track>{track}</Track>")))})
    assert figures_of(part).distance_m == pytest.approx(177)


@pytest.mark.parametrize("name", ["broken.gpx", "broken.tcx"])
def test_xml_that_is_damaged_before_its_first_point_is_refused_as_damaged(tmp_path, name):
    text = TRACK.format("", "</trk>") if name.endswith("gpx") else tcx("<Activity></Lap>")
    with pytest.raises(RecordingError, match=r"the file is damaged .* before its first point"):
        read(tmp_path, {name: text})
