from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from athlete_monitor.deploy import status
from athlete_monitor.deploy.engine_report import engine_report
from athlete_monitor.deploy.findings import wrapped
from tests.helpers import unused_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.helpers import Program

STATS: dict[str, Any] = {
    "schema_version": 1,
    "uptime_s": 4000.0,
    "messages_per_s": 30.2,
    "samples_per_s": 300.4,
    "lag_p50_ms": 5.21,
    "lag_p99_ms": 14.06,
    "online": 3,
    "stale": 1,
    "offline": 0,
    "messages": 120000,
    "samples": 1200000,
    "steps": 80000,
    "outputs": 3600,
    "events": 12,
    "invalid": 0,
    "invalid_reasons": {},
    "overflowed": 0,
    "overflowed_topics": [],
    "refused_topics": 0,
    "refused_devices": 0,
    "filtered": 0,
    "sessions_started": 4,
    "sessions_ended": 0,
    "lost": 0,
    "duplicate": 0,
    "late": 0,
    "clock_steps": 0,
    "models_cached": 3,
    "cache_hit_percent": 99.5,
    "cpu_percent": 12.4,
    "memory_mb": 98.2,
    "memory_used_percent": 41.0,
    "temperature_c": 54.5,
    "broker_connected": True,
    "unsent": 0,
    "files_failing": False,
    "journal_failing": False,
    "journal_lost": 0,
    "prediction_rate_hz": 1.0,
}


def report(**changed: Any) -> list[str]:
    return engine_report({"status": {"status": "online"}, "stats": {**STATS, **changed}})


def test_a_healthy_engine_is_eight_lines_without_a_problem() -> None:
    assert report() == [
        "Engine: online for 1 h 6 min",
        (
            "  - throughput: 30 messages/s, 300 samples/s; since its start 120,000 messages, 1,200,000 samples, "
            "3,600 outputs, 12 events"
        ),
        "  - lag: median 5.2 ms, 99 % within 14.1 ms",
        "  - devices: 3 online, 1 stale, 0 offline; 4 sessions begun, 0 ended",
        "  - data problems: none",
        "  - models: 3 loaded, 99.5 % cache hits, predictions at 1.0 Hz",
        "  - machine: CPU 12 %, 98 MB (41 % of the machine's memory is used), 54 °C",
        "  - faults: none",
    ]


def test_each_problem_is_named_and_no_other() -> None:
    said = report(
        lost=7, clock_steps=1, invalid=3, invalid_reasons={"not JSON": 2, "no time": 1}, overflowed=1500,
        overflowed_topics=["player/1/sensor/data"],
    )  # fmt: skip
    assert said[4] == (
        "  - data problems: 7 lost, 1 steps of a device's clock, 3 invalid (2 not JSON, 1 no time), "
        "1,500 dropped, faster than used (player/1/sensor/data)"
    )
    said = report(broker_connected=False, unsent=12, files_failing=True, journal_lost=2)
    assert said[7] == (
        "  - faults: no connection to the broker, 12 messages not sent, output files cannot be written, "
        "2 records of the journal lost"
    )


def test_what_the_engine_does_not_know_is_a_dash() -> None:
    said = report(lag_p50_ms=None, lag_p99_ms=None, cache_hit_percent=None, temperature_c=None)
    assert said[2] == "  - lag: median – ms, 99 % within – ms"
    assert "– % cache hits" in said[5]
    assert said[6].endswith("no temperature sensor")


def test_figures_of_another_version_are_told_or_missed_without_an_end() -> None:
    assert report(broken_straps=2)[-1] == "  - also: broken_straps 2"
    strange = engine_report({"status": "online", "stats": {"lost": "many", "uptime_s": "long", "invalid_reasons": 3}})
    assert strange[0] == "Engine: online"
    assert strange[4] == "  - data problems: many lost"


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ({"reason": "no broker at 127.0.0.1:1883"}, "Engine: no broker at 127.0.0.1:1883"),
        ({"status": {"status": "offline"}, "stats": None}, "Engine: offline"),
        ({"status": {"status": "online"}, "stats": None}, "Engine: online, but it has published no figures"),
    ],
)
def test_without_figures_one_line_says_why(found: dict[str, Any], line: str) -> None:
    assert engine_report(found) == [line]


@pytest.mark.parametrize("width", [80, 120])
def test_every_line_fits_the_terminal_and_none_is_cut(width: int) -> None:
    whole = "\n".join(report(lost=7, overflowed=1, overflowed_topics=[f"player/{n}/sensor/data" for n in range(3)]))
    broken = wrapped(whole, width)
    assert max(map(len, broken.splitlines())) <= width
    assert broken.split() == whole.split()


@pytest.mark.integration
def test_a_running_engine_is_told_by_subjects(
    run_program: Callable[..., Program], make_config: Callable[..., Path], tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # nothing wraps
    port = {"port": unused_port(), "broker": "embedded"}
    config = make_config(mqtt=port, engine={"stats_interval_s": 0.2}, model_loading={"runtime": "onnx"})
    run_program("main.py", "--no-ui", "--config", config, "--root", tmp_path).wait_for("connected to the broker", 60)

    def engine_lines() -> list[str]:
        assert status.status(config, None, as_json=False) == 0
        lines = capsys.readouterr().out.splitlines()
        begin = next(place for place, line in enumerate(lines) if line.startswith("Engine:"))
        return lines[begin:-1] if len(lines) > begin + 2 else []

    said = wait_until(engine_lines, 20, "the engine's figures")
    assert said[0].startswith("Engine: online for ")
    assert [line.split(":")[0] for line in said[1:8]] == [
        f"  - {subject}" for subject in ("throughput", "lag", "devices", "data problems", "models", "machine", "faults")
    ]
    assert said[7] == "  - faults: none"


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ({"reason": "no broker at 127.0.0.1:1883"}, "no broker at 127.0.0.1:1883"),
        ({"status": {"status": "offline"}, "stats": None}, "the broker says that it is offline"),
    ],
)
def test_an_engine_that_runs_without_its_broker_is_not_called_running(found: dict[str, Any], why: str) -> None:
    assert engine_report(found, "main.py (pid 7)") == [
        f"Engine: main.py (pid 7) runs, but is not connected to its broker ({why}): no device is monitored"
    ]
