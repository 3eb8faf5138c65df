"""Makes the samples: a few seconds of invented data in the layout that each vendor documents.

python tests/recordings/make_samples.py
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.recordings.fit_kit import running  # noqa: E402 - the path is set first

HERE = Path(__file__).resolve().parent / "samples"
SECONDS = 30


def clock(second: int) -> str:
    return f"10:00:{second:02d}"


def write(name: str, text: str, encoding: str = "utf-8") -> None:
    (HERE / name).write_bytes(text.encode(encoding))


def tcx() -> str:
    points = "".join(
        f"<Trackpoint><Time>2026-05-04T{clock(s)}.000Z</Time><Position><LatitudeDegrees>{52 + s * 2.7e-5:.6f}</LatitudeDegrees>"
        f"<LongitudeDegrees>13.0</LongitudeDegrees></Position><AltitudeMeters>35.0</AltitudeMeters><DistanceMeters>{3 * s:.1f}"
        f"</DistanceMeters><HeartRateBpm><Value>{120 + s}</Value></HeartRateBpm><Extensions><TPX xmlns="
        f'"http://www.garmin.com/xmlschemas/ActivityExtension/v2"><Speed>3.0</Speed><RunCadence>85</RunCadence></TPX></Extensions></Trackpoint>'
        for s in range(SECONDS)
    )
    laps = (
        f'<Lap StartTime="2026-05-04T10:00:00Z"><TotalTimeSeconds>29</TotalTimeSeconds><DistanceMeters>87</DistanceMeters>'
        f"<MaximumSpeed>3.0</MaximumSpeed><AverageHeartRateBpm><Value>134</Value></AverageHeartRateBpm><MaximumHeartRateBpm>"
        f"<Value>149</Value></MaximumHeartRateBpm><Track>{points}</Track></Lap>"
    )
    return (
        '   <?xml version="1.0" encoding="UTF-8"?>\n<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/'
        f'TrainingCenterDatabase/v2"><Activities><Activity Sport="Running"><Id>2026-05-04T10:00:00Z</Id>{laps}</Activity>'
        "</Activities></TrainingCenterDatabase>\n"
    )


def gpx() -> str:
    points = "".join(
        f'<trkpt lat="{52 + s * 2.7e-5:.6f}" lon="13.0"><ele>35</ele><time>2026-05-04T{clock(s)}Z</time><extensions>'
        f"<gpxtpx:TrackPointExtension><gpxtpx:hr>{120 + s}</gpxtpx:hr><gpxtpx:cad>85</gpxtpx:cad></gpxtpx:TrackPointExtension>"
        f"</extensions></trkpt>"
        for s in range(SECONDS)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="none" xmlns="http://www.topografix.com/GPX/1/1" '
        'xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v1"><trk><name>Run</name><type>running</type>'
        f"<trkseg>{points}</trkseg></trk></gpx>\n"
    )


def polar_flow() -> str:
    rows = "\n".join(
        f"{1 if not s else ''},00:00:{s:02d},{120 + s},10.8,05:33,170,35,,{3 * s:.1f},," for s in range(SECONDS)
    )
    return (
        "Name,Sport,Date,Start time,Duration,Total distance (km),Average heart rate (bpm),Average speed (km/h),\n"
        f"Ada Example,Running,04-05-2026,10:00:00,00:00:29,0.087,134,10.8,\n"
        "Sample rate,Time,HR (bpm),Speed (km/h),Pace (min/km),Cadence,Altitude (m),Stride length (m),Distances (m),"
        f"Temperatures (C),Power (W)\n{rows}\n"
    )


def polar_team() -> str:
    head = (
        "Player number,Player name,Session name,Type,Phase name,Duration,Start time,End time,HR min [bpm],HR avg [bpm],"
        "HR max [bpm],Time in HR zone 1 (50 - 59 %),Total distance [m],Sprints,Training load score"
    )
    rows = [
        '7,"EXAMPLE, Ada",Cup,Match,Whole session,01:30:00,04/05/2026 10:00:00,04/05/2026 11:30:00,80,150,190,00:10:00,10250,12,180',
        '7,"EXAMPLE, Ada",Cup,Match,First half,00:45:00,04/05/2026 10:00:00,04/05/2026 10:45:00,80,152,190,00:04:00,5200,7,95',
        '9,"BO, Bea",Cup,Match,Whole session,01:30:00,04/05/2026 10:00:00,04/05/2026 11:30:00,75,141,184,00:15:00,9100,8,140',
    ]
    return "\ufeff" + "\n".join([head, *rows]) + "\n"


def openfield(velocity: str = "10.8") -> str:
    head = (
        "# OpenField Export,,,\n# Reference time : 04/05/2026 08:00:00 UTC,,,\n# CentisecTime : 177788160000,,,\n# DeviceId : 71,,,\n"
        '# Speed Units : Kilometers/Hour,,,\n# Distance Units : Meters,,,\n# Period: "1st Half",,,\n# Athlete: "EXAMPLE, Ada",,,\n'
        '"Timestamp","Seconds","Velocity","Acceleration","Odometer","Latitude","Longitude","Heart Rate","Player Load",'
        '"Positional Quality (%)","HDOP","#Sats"\n'
    )
    rows = "".join(
        f"04/05/2026 10:00:{n // 10:02d}.{n % 10},{n / 10:.1f},{velocity},0,{1000 + n * 0.3:.1f},{52 + n * 2.7e-6:.7f},13.0,"
        f"{0 if n < 10 else 130},{n * 0.01:.2f},90,0.9,12\n"
        for n in range(SECONDS * 10)
    )
    return head + rows


def openfield_german() -> str:
    text = openfield("3.0").replace("Kilometers/Hour,,,", "Meters/Second;;;").replace(",,,", ";;;")
    head, rows = text.split('"Timestamp"')
    lines = ('"Timestamp"' + rows).splitlines()
    body = [line.replace(",", ";").replace(".", ",") for line in lines]
    return head + "\n".join(body) + "\n"


def catapult_100hz() -> str:
    head = (
        "Reference time: 05/04/26 08:00:00 UTC,,,\nCentisecTime: 177788160000,,,\nDeviceID: 71, DeviceFamily: S6,,\n"
        "Acceleration.forward,Acceleration.side,Acceleration.up,Rotation.roll,Rotation.pitch,Rotation.yaw,RawPlayerLoad,"
        "SmoothedPlayerLoad,Latitude,Longitude,Odometer,RawVelocity,SmoothedVelocity,GNSS.Fix,GNSS.HDOP,HeartRate\n"
    )
    rows = ""
    for n in range(300):
        fix = (
            f"{52 + n * 2.7e-7:.7f},13.0,{500 + n * 0.03:.2f},3.0,2.9,12,0.9" if n % 10 == 4 else "NA,NA,NA,NA,NA,NA,NA"
        )
        rows += f"0.1,0.0,1.0,90,0,-45,0.1,0.1,{fix},{130 if n % 10 == 4 else 0}\n"
    return head + rows


def catapult_api() -> str:
    rows = "".join(
        f"{1777881600 + n // 10},{n % 10 * 10 + 5},52.{n:04d},13.0,{1000 + n * 0.3:.2f},3.0,0.1,{0 if n < 5 else 131},{n * 0.1:.2f},5,1.0,{n},0\n"
        for n in range(SECONDS)
    )
    return "ts,cs,lat,long,o,v,a,hr,pl,mp,hdop,x,y\n" + rows


def statsports() -> str:
    head = (
        "Player Display Name, Time, Lat, Lon, Speed (m/s), Heart Rate (bpm), Instantaneous Acceleration Impulse, Hacc, Hdop,"
        " Quality of Signal, No. of Satellites, Accl X, Accl Y, Accl Z, Gyro Yro X, Gyro Y, Gyro Z\n"
    )
    return head + "".join(
        f"Ada Example,2026-05-04 10:00:{n // 10:02d}.{n % 10}00,{52 + n * 2.7e-6:.7f},13.0,3.0,{130 if n else 0},0.1,0.5,0.8,200,14,0.05,0.02,1.01,30,5,-90\n"
        for n in range(SECONDS * 10)
    )


def kinexon() -> str:
    head = "ts in ms;sensor id;mapped id;full name;number;x in m;y in m;z in m;speed in m/s;acceleration in m/s2;total distance in m\n"
    rows = ""
    for n in range(60):
        for sensor, name, shirt, speed in (
            ("a1", "Ada Example", 7, 3.0),
            ("b2", "Bea Bo", 9, 2.0),
            ("c3", "Ball", 0, 9.0),
        ):
            rows += f"{1777881600000 + n * 50};{sensor};{shirt + 100};{name};{shirt};{speed * n / 20:.3f};1.0;0;{speed:.1f};0;{speed * n / 20:.2f}\n"
    return head + rows


def epts_metadata() -> str:
    def player(number: int, name: str) -> str:
        return f'<Player id="P{number}" teamId="T"><Name>{name}</Name><ShirtNumber>{number}</ShirtNumber></Player>'

    def channels(number: int) -> str:
        return "".join(f'<PlayerChannel channelId="{c}" id="p{number}{c}" playerId="P{number}"/>' for c in "xys")

    def register(number: int) -> str:
        refs = "".join(f'<PlayerChannelRef playerChannelId="p{number}{c}"/>' for c in "xys")
        return f'<SplitRegister separator=",">{refs}</SplitRegister>'

    sensor = "".join(
        f'<Channel id="{c}"><Name>{name}</Name><Unit>{unit}</Unit></Channel>'
        for c, name, unit in (
            ("x", "position_x", "normalized"),
            ("y", "position_y", "normalized"),
            ("s", "speed", "kph"),
        )
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<main><Metadata><GlobalConfig><FileDate>2026-05-04T08:00:00Z</FileDate><FrameRate>25'
        "</FrameRate><ProviderGlobalParameters><ProviderParameter><Name>first_half_start</Name><Value>0</Value></ProviderParameter>"
        "<ProviderParameter><Name>first_half_end</Name><Value>49</Value></ProviderParameter></ProviderGlobalParameters></GlobalConfig>"
        '<Sessions><Session id="s"><SessionType>Match</SessionType><Start>2026-05-04T08:00:00Z</Start><FieldSize><Width>105</Width>'
        f"<Height>68</Height></FieldSize></Session></Sessions><Players>{player(7, 'Ada Example')}{player(9, 'Bea Bo')}</Players>"
        f"<Devices><Device><Sensors><Sensor><Channels>{sensor}</Channels></Sensor></Sensors></Device></Devices>"
        f"<PlayerChannels>{channels(7)}{channels(9)}</PlayerChannels></Metadata><DataFormatSpecifications>"
        '<DataFormatSpecification startFrame="0" endFrame="99" separator=":"><StringRegister name="frameCount"/>'
        f'<SplitRegister separator=";">{register(7)}{register(9)}</SplitRegister></DataFormatSpecification></DataFormatSpecifications></main>\n'
    )


def epts_raw() -> str:
    return "".join(f"{n}:{0.1 + n * 0.12 / 105:.5f},0.5,10.8;NaN,NaN,NaN\n" for n in range(100))


def goldencheetah() -> str:
    samples = [
        {
            "SECS": s,
            "KM": s * 0.003,
            "KPH": 10.8,
            "HR": 120 + s,
            "CAD": 85,
            "ALT": 35,
            "LAT": 52 + s * 2.7e-5,
            "LON": 13.0,
        }
        for s in range(SECONDS)
    ]
    beats = [{"SECS": s, "KM": 0, "VALUE": 450} for s in range(1, 20)]
    ride = {
        "STARTTIME": "2026\\/05\\/04 08:00:00 UTC ".replace("\\/", "/"),
        "RECINTSECS": 1,
        "DEVICETYPE": "none",
        "TAGS": {"Athlete": "Ada Example ", "Sport": "Run "},
        "XDATA": [{"NAME": "HRV", "VALUES": ["R-R"], "UNITS": ["ms"], "SAMPLES": beats}],
        "SAMPLES": samples,
    }
    return json.dumps({"RIDE": ride}, indent=1)


def goldencheetah_csv() -> str:
    rows = "".join(
        f"{s},85,{120 + s},{s * 0.003:.3f},10.8,0,0,35,13.0,{52 + s * 2.7e-5:.6f},0\n" for s in range(SECONDS)
    )
    return "secs,cad,hr,km,kph,nm,watts,alt,lon,lat,headwind\n" + rows


def strava() -> str:
    def stream(data: list[object]) -> dict[str, object]:
        return {"data": data, "series_type": "distance", "original_size": len(data), "resolution": "high"}

    seconds = range(SECONDS)
    return json.dumps(
        {
            "time": stream(list(seconds)),
            "heartrate": stream([120 + s for s in seconds]),
            "velocity_smooth": stream([3.0] * SECONDS),
            "distance": stream([3.0 * s for s in seconds]),
            "cadence": stream([85] * SECONDS),
            "latlng": stream([[52 + s * 2.7e-5, 13.0] for s in seconds]),
        }
    )


def polar_account() -> str:
    exercise = {
        "startTime": "2026-05-04T10:00:00",
        "timezoneOffsetMinutes": 120,
        "sport": {"id": "1"},
        "samples": {
            "samples": [
                {"type": "HEART_RATE", "intervalMillis": 1000, "values": [float("nan"), *range(121, 120 + SECONDS)]},
                {"type": "SPEED", "intervalMillis": 1000, "values": [10.8] * SECONDS},
                {"type": "DISTANCE", "intervalMillis": 1000, "values": [3.0 * s for s in range(SECONDS)]},
                {"type": "ALTITUDE", "intervalMillis": 1000, "values": [0.0, 0.0, *[35.0] * (SECONDS - 2)]},
                {"type": "CADENCE", "intervalMillis": 1000, "values": [85] * SECONDS},
            ]
        },
        "routes": {
            "route": {
                "startTime": "2026-05-04T10:00:00",
                "wayPoints": [
                    {"latitude": 52 + s * 2.7e-5, "longitude": 13.0, "elapsedMillis": 1000 * s + 2}
                    for s in range(SECONDS)
                ],
            }
        },
    }
    about = {"startTime": "2026-05-04T10:00:00", "timezoneOffsetMinutes": 120, "distanceMeters": 87.0, "hrMax": 149}
    return json.dumps({**about, "exercises": [exercise]})


def json_rows() -> str:
    rows = [
        {
            "time": f"2026-05-04T{clock(s)}+02:00",
            "heart_rate": 120 + s,
            "speed_mps": 3.0,
            "distance_m": 3.0 * s,
            "ok": True,
        }
        for s in range(SECONDS)
    ]
    return json.dumps({"athlete": "Ada Example", "samples": rows})


def fit_csv() -> str:
    head = "Type,Local Number,Message," + ",".join(f"Field {n},Value {n},Units {n}" for n in range(1, 6))
    meant = "Definition,0,record,timestamp,1,,heart_rate,1,,distance,1,,speed,1,,cadence,1,"
    rows = [
        f'Data,0,record,timestamp,"{1_777_881_600 - 631_065_600 + s}",s,heart_rate,"{120 + s}",bpm,distance,"{3.0 * s}",m,'
        f'speed,"3.0",m/s,cadence,"85",rpm'
        for s in range(SECONDS)
    ]
    return "\n".join([head, meant, *rows, 'Data,1,session,sport,"1",,total_distance,"87.0",m'])


def garmin_connect() -> str:
    return (
        "Activity Type,Date,Favorite,Title,Distance,Calories,Time,Avg HR,Max HR,Avg Run Cadence\n"
        'Running,2026-05-04 10:00:00,false,"Morning run","8.52","601","00:45:10","151","178","168"\n'
        'Running,2026-05-06 10:00:00,false,"Hills","6.10","480","00:36:00","157","183","166"\n'
    )


def sensor_logger() -> bytes:
    start = 1_777_881_600_000_000_000
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(
            "Metadata.csv",
            "version,device name,recording time,platform,appVersion\n3,Phone,2026-05-04_08-00-00,android,1.30\n",
        )
        for name, z in (("TotalAcceleration", 9.8), ("Accelerometer", 0.0), ("Gravity", 9.8), ("Gyroscope", 0.1)):
            rows = "".join(f"{start + n * 20_000_000},{n * 0.02:.2f},{z},0.02,0.01\n" for n in range(500))
            archive.writestr(f"{name}.csv", "time,seconds_elapsed,z,y,x\n" + rows)
        rows = "".join(
            f"{start + n * 1_000_000_000},{n},0,2.0,35,{-1 if n == 3 else 3.0},13.0,{52 + n * 2.7e-5:.6f}\n"
            for n in range(10)
        )
        archive.writestr(
            "Location.csv", "time,seconds_elapsed,bearing,horizontalAccuracy,altitude,speed,longitude,latitude\n" + rows
        )
        archive.writestr(
            "HeartRate.csv",
            "time,seconds_elapsed,bpm\n" + "".join(f"{start + n * 1_000_000_000},{n},{120 + n}\n" for n in range(10)),
        )
    return made.getvalue()


def rr_text() -> str:
    return "# beats, ms\n" + "".join(f"{800 + n % 7 * 10}\n" for n in range(40))


def rr_seconds() -> str:
    return "".join(f"0,{800 + n % 7 * 10}\n" for n in range(40))


def session() -> str:
    head = (
        "timestamp,athlete_id,age,weight,height,gender,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,heart_rate,session_phase,"
        "intensity_level,mode,position,playing_style,fitness_level,fatigue_rate,speed_mps,rr_intervals_ms\n"
    )
    return head + "".join(
        f"2026-05-04 10:00:{n // 10:02d}.{n % 10}00+02:00,7,24,61.5,170,Female,0.1,0.2,9.8,,,,{120 + n // 10},{'first half' if n < 50 else 'second half'},"
        f"high,game,forward,pressing,0.8,0.1,3.0,{'500.0 498.5' if n % 10 == 0 else ''}\n"
        for n in range(100)
    )


def main() -> None:
    """Write all samples."""
    HERE.mkdir(exist_ok=True)
    (HERE / "watch.fit").write_bytes(running(SECONDS).bytes())
    (HERE / "sensor_logger.zip").write_bytes(sensor_logger())
    for name, make in {
        "watch.tcx": tcx, "track.gpx": gpx, "polar_flow.csv": polar_flow, "polar_team_pro.csv": polar_team, "openfield_10hz.csv": openfield,
        "openfield_decimal_comma.csv": openfield_german, "catapult_100hz.csv": catapult_100hz, "catapult_api.csv": catapult_api,
        "statsports.csv": statsports, "kinexon.csv": kinexon, "epts_metadata.xml": epts_metadata, "epts_tracking.txt": epts_raw,
        "training-session.json": polar_account, "rows.json": json_rows, "fit_csv_tool.csv": fit_csv, "goldencheetah.json": goldencheetah, "2026_05_04_10_00_00.csv": goldencheetah_csv, "strava_2026-05-04_10-00-00.json": strava,
        "garmin_connect.csv": garmin_connect, "rr_2026-05-04_10-00-00.txt": rr_text, "rr_comma_2026-05-04_10-00-00.txt": rr_seconds,
        "GM1_A7_D007_2026_05_04-10_00_00.csv": session,
    }.items():  # fmt: skip
        write(name, make())


if __name__ == "__main__":
    main()
