"""The trainer as its user meets it: one line and one exit code for whatever lies in the folders."""

from __future__ import annotations

import errno
import json
import os
import signal
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser

import msgspec
import numpy as np
import psutil
import pytest
import yaml

from athlete_monitor.boundary import STRICT
from athlete_monitor.config import load_config
from athlete_monitor.errors import MonitorError
from athlete_monitor.features import FeatureSpec
from athlete_monitor.locks import acquire, holder
from athlete_monitor.models.runtimes import OnnxRuntime
from athlete_monitor.models.store import ModelStore
from athlete_monitor.training import resources
from athlete_monitor.training import squad as squads
from athlete_monitor.training.command import main
from athlete_monitor.training.pipeline import Pass, PassContext, PassOptions
from athlete_monitor.training.publication import ModelPublisher
from athlete_monitor.training.sessions import Candidates, SessionFile
from athlete_monitor.wire.session_reader import read_session
from tests.helpers import wait_until
from tests.training.builders import HEADER, rows, write_session


@pytest.fixture
def config_file(make_config, free_port):
    return make_config(
        training={"n_estimators": 12, "n_jobs": 1},
        mqtt={"port": free_port},
        retraining={"min_samples_threshold": 120},
        prediction_check={"prediction_script_names": [], "max_wait_time_secs": 0, "check_interval_secs": 0.05},
        monitoring={"poll_interval_secs": 1, "debounce_secs": 0},
    )


@pytest.fixture
def train(config_file, tmp_path, capsys):
    """``train("--force")``: runs the trainer in this process; returns exit code, output lines and error lines."""

    def run(*arguments):
        code = main(["--config", str(config_file), "--root", str(tmp_path), *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run


def store(config_file, tmp_path):
    return ModelStore.from_config(load_config(config_file, tmp_path, {}))


def squad(root, athletes=(1, 2, 3), sessions=(1, 2), seconds=400):
    for athlete_id in athletes:
        for number in sessions:
            write_session(root, athlete_id, number, seconds=seconds, rest_bpm=50.0 + 40.0 * (athlete_id % 2))


def test_athletes_who_are_all_alike_are_served_by_the_model_of_the_squad(train, tmp_path, config_file):
    for athlete_id in (1, 2, 3):
        write_session(tmp_path, athlete_id, seconds=300, rest_bpm=60.0)
    code, out, _ = train()
    assert code == 0
    kept = [line for line in out if "kept: it does not beat the squad's model, which serves instead" in line]
    assert kept
    assert "default model: published" in out[-1]
    models = store(config_file, tmp_path)
    assert len(models.athlete_ids()) == 3 - len(kept)


def test_a_squad_is_trained_published_and_then_left_in_peace(train, tmp_path, config_file):
    squad(tmp_path)
    code, out, err = train()
    assert (code, err) == (0, [])
    assert len(out) == 4
    assert all(": published: MAE" in line for line in out)
    models = store(config_file, tmp_path)
    assert models.athlete_ids() == [1, 2, 3]
    manifest = models.manifest("default")
    assert manifest.holdout.kind == "leave_one_athlete_out"
    code, out, _ = train()
    assert code == 0
    assert [line.split(": ")[1] for line in out] == ["unchanged"] * 3


def test_the_published_model_is_the_one_of_the_manifest(train, tmp_path, config_file):
    squad(tmp_path, (1,))
    train()
    config = load_config(config_file, tmp_path, {})
    spec = FeatureSpec.from_config(config.feature_engineering)
    manifest, content = ModelStore.from_config(config).read(1, "onnx")
    assert manifest.feature_names == spec.names(manifest.groups)
    assert manifest.schema_hash == spec.schema_hash(manifest.groups)
    assert manifest.groups == ("acceleration", "rotation")
    assert manifest.sample_rate_hz == pytest.approx(2.0)
    assert len(manifest.sessions) == 2
    bpm = (
        OnnxRuntime("cpu")
        .load(content, len(manifest.feature_names))
        .predict(np.zeros((1, len(manifest.feature_names)), np.float32))
    )
    assert 40 < bpm[0] < 200


def test_a_new_session_trains_only_its_athlete(train, tmp_path):
    squad(tmp_path, (1, 2))
    train()
    write_session(tmp_path, 2, 3, seconds=400)
    code, out, _ = train()
    assert code == 0
    told = dict(line.split(": ")[:2] for line in out)
    assert told["athlete 1"] == "unchanged"
    assert told["athlete 2"] in {"published", "kept"}


def test_a_touched_file_is_nothing_new_and_force_trains_all_the_same(train, tmp_path):
    squad(tmp_path, (1,))
    train()
    for path in tmp_path.rglob("TR*.csv"):
        os.utime(path)
    assert "unchanged" in train()[1][0]
    assert "published" in train("--force")[1][0]


def test_bad_input_costs_one_line_for_its_athlete_and_exit_code_3(train, tmp_path, config_file):
    squad(tmp_path, (1,))
    write_session(tmp_path, 2, lines=["not,a,row"])
    write_session(tmp_path, 3, seconds=5)
    write_session(tmp_path, 4, seconds=200, heart=lambda bpm: bpm * 0 + 70)
    write_session(tmp_path, 5, seconds=200, heart=lambda bpm: bpm * np.nan)
    (tmp_path / "athlete_training_data" / "player_6").mkdir()
    empty = write_session(tmp_path, 7, lines=[])
    empty.write_text("", encoding="utf-8")
    wrong = write_session(tmp_path, 8, seconds=10)
    wrong.write_text(
        wrong.read_text(encoding="utf-8").replace(HEADER, HEADER.replace("heart_rate", "pulse")), encoding="utf-8"
    )
    mixed = rows(100, 1, athlete_id=9) + rows(100, 2, athlete_id=10)
    write_session(tmp_path, 9, lines=mixed)
    torn = write_session(tmp_path, 10, seconds=400)
    torn.write_bytes(torn.read_bytes()[:-20])
    code, out, err = train()
    assert code == 3
    assert [line.split()[1] for line in out[:-1]] == ["1:", "10:"]
    assert out[-1] == "default model: skipped: 2 athletes share their channels, 3 are needed"
    assert sorted(int(line.split()[1].rstrip(":")) for line in err) == [2, 3, 4, 5, 6, 7, 8, 9]
    assert store(config_file, tmp_path).athlete_ids() == [1, 10]
    assert "the last line is incomplete" in out[1]
    again = train()
    assert again[0] == 3
    assert len(again[2]) == 8


def broken_reader(monkeypatch, *names):
    """The reader fails on these files as on input that nobody foresaw; its failures go to the border, as for users."""
    monkeypatch.delenv(STRICT)

    def read(path, **options):
        if path.name in names:
            raise ZeroDivisionError(path.name)
        return read_session(path, **options)

    monkeypatch.setattr("athlete_monitor.wire.session_reader.read_session", read)


def test_a_session_that_fails_unexpectedly_costs_one_line_and_the_others_train(
    train, tmp_path, config_file, monkeypatch
):
    squad(tmp_path, (1, 2))
    bad = write_session(tmp_path, 2, 3, seconds=400)
    lost = write_session(tmp_path, 3, 1, seconds=400)
    broken_reader(monkeypatch, bad.name, lost.name)
    code, out, err = train()
    assert code == 3
    assert [line.split(":")[0] for line in out] == ["athlete 1", "athlete 2", "default model"]
    assert f"{bad.name} left out: cannot be read (ZeroDivisionError: {bad.name})" in out[1]
    assert err[0].startswith(f"athlete 3: failed: 0 usable sessions, 1 are needed ({lost.name}: cannot be read")
    assert err[1] == f"2 unexpected failures; see {tmp_path / 'jetson_training.log'}"
    assert "Traceback" not in "".join(out + err)
    assert (tmp_path / "jetson_training.log").read_text(encoding="utf-8").count(
        "Traceback (most recent call last)"
    ) == 2
    assert store(config_file, tmp_path).athlete_ids() == [1, 2]


@pytest.mark.timeout(500)  # libraries are loaded in new processes, which takes long on a machine that is busy
@pytest.mark.parametrize("workers", [1, 2])
def test_an_athlete_whose_training_fails_unexpectedly_costs_one_line(tmp_path, quick, monkeypatch, workers):
    squad(tmp_path, (1, 2, 3), sessions=(1,))
    monkeypatch.delenv(STRICT)
    monkeypatch.setattr(ModelPublisher, "publish", failing_for(2, ModelPublisher.publish))
    running = Pass(quick(training={"n_jobs": workers}), PassOptions(), PassContext(cores=workers))
    outcomes = {outcome.athlete_id: outcome for outcome in running.run()}
    assert outcomes[2].line == "athlete 2: failed: not published: KeyError: 'two'"
    assert all(outcomes[key].succeeded for key in (1, 3))
    assert running.faults == 1


def failing_for(athlete_id, publish):
    def fail(self, product):
        if product.athlete_id == athlete_id:
            raise KeyError("two")
        return publish(self, product)

    return fail


def test_in_the_suite_an_unexpected_failure_is_raised(train, tmp_path, monkeypatch):
    write_session(tmp_path, 1, 1)
    broken_reader(monkeypatch, "TR1_A1_D001_2026_05_01-10_00_00.csv")
    monkeypatch.setenv(STRICT, "1")
    with pytest.raises(ZeroDivisionError):
        train()


def test_a_file_name_that_is_not_utf8_is_shown_escaped_and_its_session_is_used(train, tmp_path, config_file):
    path = write_session(tmp_path, 1, 1, seconds=400, rest_bpm=90.0)
    path.rename(path.with_name(os.fsdecode(b"TR1_A1_D\xff_2026_05_01-10_00_00.csv")))
    squad(tmp_path, (1,), sessions=(2,))
    assert train()[0] == 0
    manifest = store(config_file, tmp_path).manifest(1)
    assert manifest is not None
    assert [session.file for session in manifest.sessions if session.rows] == [
        r"TR1_A1_D\udcff_2026_05_01-10_00_00.csv",
        "TR2_A1_D001_2026_05_02-10_00_00.csv",
    ]


def without_movement(lines):
    return [",".join([*cells[:6], *[""] * 6, *cells[12:]]) for cells in (line.split(",") for line in lines)]


def test_sessions_with_nothing_but_heart_rate_are_named_and_disable_nothing(train, tmp_path):
    squad(tmp_path, (1,))
    start = "2026-05-03 10:00:00"
    write_session(tmp_path, 1, 3, lines=without_movement(rows(400, 5, start=start)), start=start)
    code, out, _ = train()
    assert code == 0
    assert "TR3_A1_D001_2026_05_03-10_00_00.csv left out: measures only the heart rate" in out[0]


def test_an_athlete_with_nothing_but_heart_rate_is_told_so(train, tmp_path):
    write_session(tmp_path, 1, 1, lines=without_movement(rows(400, 5)))
    code, _, err = train()
    assert code == 1
    assert "measures only the heart rate; one of acceleration, rotation, speed, cadence, grade is needed" in err[0]


def test_a_clock_that_goes_back_leaves_out_what_repeats_and_others_train(train, tmp_path):
    lines = rows(600, 5)
    lines[600:] = rows(300, 6, start="2026-05-01 08:00:00")
    write_session(tmp_path, 1, 1, lines=lines)
    squad(tmp_path, (2,))
    code, out, err = train()
    told = [line.split(":")[0] for line in [*out, *err] if line.startswith("athlete")]
    assert sorted(told) == ["athlete 1", "athlete 2"]
    assert code in {0, 3}


def test_every_athlete_with_sessions_is_trained_whatever_the_number(train, tmp_path):
    squad(tmp_path, (77,))
    code, out, _ = train()
    assert (code, out[0].split(":")[:2]) == (0, ["athlete 77", " published"])


def test_an_overlapping_session_is_left_out_and_named_wherever_sessions_are_listed(train, tmp_path, config_file):
    kept = write_session(tmp_path, 1, 1, seconds=400)
    other = write_session(tmp_path, 1, 2, seconds=300, start="2026-05-01 10:05:00")
    code, out, err = train("--report", tmp_path / "report.json")
    assert (code, err, len(out)) == (0, [], 1)
    told = f"{other.name} left out: overlaps in time with {kept.name}, which has 399 usable rows against 299"
    assert told in out[0]
    entry = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["athletes"][0]
    assert entry["notes"][0].startswith(told)
    assert told in (tmp_path / "report.html").read_text(encoding="utf-8")
    rows_of = {session.file: session.rows for session in store(config_file, tmp_path).manifest(1).sessions}
    assert rows_of == {kept.name: 399, other.name: 0}
    kept.rename(tmp_path / kept.name)
    assert "left out" not in train("--force")[1][0]
    assert [session.file for session in store(config_file, tmp_path).manifest(1).sessions] == [other.name]


def test_no_usable_session_tells_where_it_looked_and_what_stood_there(train, tmp_path):
    folder = tmp_path / "athlete_training_data" / "player_6"
    folder.mkdir(parents=True)
    train()
    for name in ("run.csv", "notes.txt", "TR1.txt", "b.csv", "c.csv"):
        (folder / name).touch()
    games = tmp_path / "athlete_game_data" / "player_6"
    _, _, (line,) = train("--force")
    assert line == (
        "athlete 6: failed: 0 usable sessions, 1 are needed; "
        f"searched {folder} for TR<number>... that match *.csv* "
        "(of other names: TR1.txt, b.csv, c.csv, and 2 more) "
        f"and {games} for GM<number>... that match *.csv* (no such folder)"
    )


def test_sessions_that_are_not_usable_are_counted_and_the_first_few_say_why(train, tmp_path):
    for number in range(1, 8):
        write_session(tmp_path, 3, number, seconds=5)
    (tmp_path / "athlete_game_data" / "player_3").mkdir(parents=True)
    _, _, (line,) = train()
    assert line.count("only 4 rows with a clean heart rate, 30 are needed") == 3
    assert "; and 4 more); searched" in line
    assert "(7 found)" in line
    assert line.endswith("(empty)")


def test_nobody_to_train_is_exit_code_1_with_one_line(train, tmp_path):
    code, out, err = train()
    assert (code, out, len(err)) == (1, [], 1)
    for folder in ("athlete_training_data", "athlete_game_data"):
        assert str(tmp_path / folder) in err[0]
    write_session(tmp_path, 1, seconds=5)
    assert train()[0] == 1


def test_a_model_that_does_not_beat_the_median_is_refused_once(train, tmp_path, config_file):
    write_session(tmp_path, 1, 1, seconds=300)
    write_session(tmp_path, 1, 2, seconds=300, heart=lambda bpm: 220 - bpm)
    code, _, err = train()
    assert code == 1
    assert "refused" in err[0]
    assert store(config_file, tmp_path).athlete_ids() == []
    assert "no new sessions since" in train()[2][0]


def test_a_worse_model_leaves_the_one_in_service(train, tmp_path, config_file):
    squad(tmp_path, (1,), (1, 2), seconds=800)
    train()
    before = store(config_file, tmp_path).manifest(1)
    settings = yaml.safe_load(config_file.read_text(encoding="utf-8"))
    settings["training"] |= {"n_estimators": 1, "max_depth": 1}
    config_file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    write_session(tmp_path, 1, 3, seconds=800)
    code, out, _ = train()
    assert code == 0
    assert "kept" in out[0]
    assert "worse than" in out[0]
    assert store(config_file, tmp_path).manifest(1) == before


def test_a_rollback_brings_the_previous_model_back_until_there_is_something_new(train, tmp_path, config_file):
    squad(tmp_path, (1,), (1, 2))
    train()
    first = store(config_file, tmp_path).manifest(1)
    train("--force")
    assert store(config_file, tmp_path).manifest(1) != first
    code, out, _ = train("--rollback", 1)
    assert code == 0
    assert first.model_id in out[0]
    assert store(config_file, tmp_path).manifest(1) == first
    assert "unchanged" in train()[1][0]
    code, _, err = train("--rollback", 1)
    assert code == 1
    assert "no complete earlier version" in err[0]


def test_a_dry_run_judges_and_publishes_nothing(train, tmp_path, config_file):
    squad(tmp_path)
    code, out, _ = train("--dry-run")
    assert code == 0
    assert all("would publish" in line for line in out)
    assert store(config_file, tmp_path).athlete_ids() == []
    assert not (tmp_path / "athlete_models_pkl" / "attempts.json").exists()


def test_players_limit_the_pass_and_leave_the_default_model_alone(train, tmp_path, config_file):
    squad(tmp_path)
    code, out, _ = train("--players", "1-2")
    assert code == 0
    assert len(out) == 2
    assert store(config_file, tmp_path).manifest("default") is None


class Page(HTMLParser):
    """Collects what a page would load, and how many drawings it has."""

    def __init__(self):
        super().__init__()
        self.loads, self.drawings = [], 0

    def handle_starttag(self, tag, attrs):
        self.drawings += tag == "svg"
        self.loads += [value for name, value in attrs if name in {"src", "href", "xlink:href"}]


def test_the_report_is_json_with_a_card_that_loads_nothing(train, tmp_path):
    squad(tmp_path)
    write_session(tmp_path, 4, seconds=5)
    code, _, _ = train("--report", tmp_path / "out" / "report.json")
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["exit_code"] == code == 3
    assert [entry["athlete_id"] for entry in report["athletes"]] == [4, 1, 2, 3, "default"]
    model = report["athletes"][1]
    assert set(model["holdout"]["baselines"]) == {"median", "last_value", "ridge"}
    assert max(model["export_difference_bpm"].values()) <= 1e-3
    page = Page()
    page.feed((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert page.loads == []
    assert page.drawings == 4 * 3


def test_training_waits_for_a_prediction_and_names_it(train, tmp_path, config_file):
    squad(tmp_path, (1,))
    lock = load_config(config_file, tmp_path, {}).prediction_check.lockfile_path
    with acquire(lock, "main.py --config test"):
        code, out, err = train()
        assert (code, out) == (1, [])
        assert f"main.py --config test (pid {os.getpid()}" in err[-1]
        assert f"holds {lock}" in err[-1]
        assert "FORCE_TRAINING=true" in err[-1]
    assert train()[0] == 0


def test_forced_training_goes_on_beside_a_prediction(train, tmp_path, config_file, monkeypatch):
    squad(tmp_path, (1,))
    monkeypatch.setenv("FORCE_TRAINING", "true")
    with acquire(load_config(config_file, tmp_path, {}).prediction_check.lockfile_path, "main.py"):
        assert train()[0] == 0


def test_two_trainers_do_not_run_at_once(train, tmp_path, config_file):
    squad(tmp_path, (1,))
    with acquire(load_config(config_file, tmp_path, {}).prediction_check.training_lockfile_path, "another trainer"):
        code, _, err = train()
    assert code == 1
    assert "another trainer" in err[0]


@pytest.mark.parametrize(
    "arguments", [("--players", "x"), ("--players", "0"), ("--rollback", "-1"), ("--rollback", "x"), ("--what",)]
)
def test_wrong_arguments_are_exit_code_2(train, arguments):
    with pytest.raises(SystemExit) as ended:
        train(*arguments)
    assert ended.value.code == 2


def test_a_full_disk_fails_the_athlete_and_keeps_the_model(train, tmp_path, config_file, monkeypatch):
    squad(tmp_path, (1,))
    train()
    before = store(config_file, tmp_path).manifest(1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("athlete_monitor.models.store.write_temporary", full)
    code, _, err = train("--force")
    assert code == 1
    assert "No space left on device" in err[0]
    assert store(config_file, tmp_path).manifest(1) == before


def test_the_log_file_tells_what_happened(train, tmp_path):
    squad(tmp_path, (1,))
    train()
    text = (tmp_path / "jetson_training.log").read_text(encoding="utf-8")
    assert "event=published athlete=1" in text
    assert "event=pass_done" in text


def test_the_board_must_cool_down_before_training_goes_on(tmp_path, quick):
    squad(tmp_path, (1,))
    readings = iter([70.0, 90.0, 85.0, 60.0, *[60.0] * 10])
    slept: list[float] = []
    around = PassContext(temperature_c=lambda: next(readings), sleep=slept.append)
    config = quick(retraining={"min_samples_threshold": 120})
    outcomes = list(Pass(config, PassOptions(), around).run())
    assert [outcome.status for outcome in outcomes] == ["published"]
    assert len(slept) == 2


def test_what_failed_on_a_full_disk_is_trained_again_without_new_sessions(train, tmp_path, config_file, monkeypatch):
    """Otherwise athletes whom the squad's model serves would have none, and the next pass would report success."""
    for athlete_id in (1, 2, 3):
        write_session(tmp_path, athlete_id, seconds=300, rest_bpm=60.0)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("athlete_monitor.models.store.write_temporary", full)
        code, out, err = train()
    assert code == 3
    assert any(": kept: " in line for line in out)
    assert err[-1].startswith("default model: failed: not published: ")
    code, out, err = train()
    assert (code, err) == (0, [])
    assert "default model: published" in out[-1]
    assert store(config_file, tmp_path).manifest("default") is not None


def test_an_own_model_goes_live_where_the_squads_does_not_pass_the_gate(tmp_path, quick, monkeypatch):
    for athlete_id in (1, 2, 3):
        write_session(tmp_path, athlete_id, seconds=300, rest_bpm=60.0)
    evaluated = squads.evaluated

    def imprecise(folds, finished):
        found = evaluated(folds, finished)
        return replace(found, holdout=msgspec.structs.replace(found.holdout, rmse_bpm=99.0))

    monkeypatch.setattr(squads, "evaluated", imprecise)
    *own, default = Pass(quick(retraining={"min_samples_threshold": 120}), PassOptions()).run()
    assert default.status == "refused"
    assert {outcome.status for outcome in own} == {"published"}


def test_parallel_workers_give_the_same_models(tmp_path, quick, config_file):
    squad(tmp_path, (1, 2, 3))
    few = {"min_samples_threshold": 120}
    alone = list(Pass(quick(retraining=few), PassOptions(force=True, dry_run=True)).run())
    config = quick(retraining=few, training={"n_jobs": 2})
    beside = list(Pass(config, PassOptions(force=True, dry_run=True), PassContext(cores=2)).run())
    for one, other in zip(alone, beside, strict=True):
        assert one.product is not None
        assert other.product is not None
        mine, theirs = (product.finished.artifacts for product in (one.product, other.product))
        assert (mine.pickle, mine.onnx) == (theirs.pickle, theirs.onnx)
        assert one.line == other.line


def test_a_tight_memory_limit_means_fewer_workers_and_smaller_groups(tmp_path, quick):
    path = write_session(tmp_path, seconds=600)
    athletes = [Candidates(i, (SessionFile(path, str(i)),) * 2) for i in range(1, 11)]
    wide = resources.shares(quick(training={"n_jobs": 4}, jetson={"memory_limit_mb": 8000}), cores=4)
    tight = resources.shares(quick(training={"n_jobs": 4}, jetson={"memory_limit_mb": 1000}), cores=4)
    poor = resources.shares(quick(training={"n_jobs": 4}, jetson={"memory_limit_mb": 100}), cores=4)
    assert (wide.workers, tight.workers, poor.workers) == (4, 1, 1)
    assert len(resources.groups(athletes, wide)) >= 4
    tiny = resources.Shares(1, 0.1)
    assert [len(group) for group in resources.groups(athletes, tiny)] == [1] * 10
    assert [athlete for group in resources.groups(athletes, wide) for athlete in group] == athletes


def test_an_unknown_backend_is_one_line(train, tmp_path, config_file):
    squad(tmp_path, (1, 2))
    settings = yaml.safe_load(config_file.read_text(encoding="utf-8"))
    settings["training"] |= {"backend": "dask", "n_jobs": 2}
    config_file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    code, _, err = train()
    assert code in {0, 1}
    assert len(err) <= 1


def test_a_board_that_never_cools_down_ends_the_pause_with_one_line(quick):
    slept: list[float] = []
    warned: list[str] = []
    thermostat = resources.Thermostat(quick().performance, lambda: 95.0, slept.append, warned.append)
    with pytest.raises(MonitorError, match="still at 95 °C after 30 minutes"):
        thermostat.wait()
    assert sum(slept) == resources.LONGEST_PAUSE_S
    assert len(warned) == 30


@pytest.mark.integration
def test_new_models_are_announced_where_a_broker_answers(mosquitto, make_config, tmp_path, capsys):
    from paho.mqtt import subscribe

    squad(tmp_path, (1,))
    path = make_config(
        training={"n_estimators": 5, "n_jobs": 1},
        mqtt={"port": mosquitto.port},
        retraining={"min_samples_threshold": 120},
        prediction_check={"prediction_script_names": []},
    )
    assert main(["--config", str(path), "--root", str(tmp_path)]) == 0
    message = subscribe.simple("models/1/updated", hostname=mosquitto.host, port=mosquitto.port)
    assert message.retain
    assert json.loads(message.payload)["athlete_id"] == 1


@pytest.mark.integration
def test_watching_trains_what_arrives_and_ends_on_sigterm(run_program, config_file, tmp_path):
    program = run_program("sup_ml_rf_training.py", "--config", config_file, "--root", tmp_path, "--watch")
    write_session(tmp_path, 1, seconds=400)
    models = store(config_file, tmp_path)
    wait_until(lambda: models.athlete_ids() == [1], 60, "the model")
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(20) == 0
    assert "Traceback" not in program.stderr


def workers(trainer):
    """Processes that were forked from the one that has loaded the libraries."""
    loaded = [process for process in trainer.children() if "forkserver" in " ".join(process.cmdline())]
    return [worker for process in loaded for worker in process.children()]


@pytest.mark.integration
@pytest.mark.timeout(500)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_ends_training_with_one_line_and_leaves_no_process_lock_or_model(
    run_program, config_file, tmp_path, number, code
):
    """As a service's stop, a Ctrl+C and a closed terminal do it: the trainer and all its workers get the signal."""
    squad(tmp_path, (1, 2, 3, 4), seconds=300)
    settings = yaml.safe_load(config_file.read_text(encoding="utf-8"))
    settings["training"] |= {"n_jobs": 2}
    config_file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    program = run_program("sup_ml_rf_training.py", "--config", config_file, "--root", tmp_path)
    trainer = psutil.Process(program.pid)
    wait_until(lambda: workers(trainer), 300, "a worker")
    family = [*trainer.children(recursive=True), trainer]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    assert program.wait(120) == code
    line = f"stopped by {number.name}; models reported as published are in service, others as before"
    assert program.stderr.splitlines() == [line]
    _, left = psutil.wait_procs(family, 60)
    assert left == []
    assert store(config_file, tmp_path).athlete_ids() == []
    assert holder(load_config(config_file, tmp_path, {}).prediction_check.training_lockfile_path) is None


@pytest.mark.integration
def test_a_kill_in_the_middle_leaves_valid_models(run_program, config_file, tmp_path):
    squad(tmp_path, (1, 2, 3, 4), seconds=300)
    arguments = ("--config", config_file, "--root", tmp_path, "--force")
    models = store(config_file, tmp_path)
    program = run_program("sup_ml_rf_training.py", *arguments)
    wait_until(lambda: len(models.athlete_ids()) >= 2, 60, "the second model")
    program.process.kill()
    program.process.wait(10)
    for athlete_id in models.athlete_ids():
        manifest, content = models.read(athlete_id, "onnx")
        assert manifest.athlete_id == athlete_id
        assert content
    again = run_program("sup_ml_rf_training.py", *arguments)
    assert again.process.wait(300) in {0, 3}
    assert models.athlete_ids() == [1, 2, 3, 4]


@pytest.mark.parametrize("content", [b"", b"timestamp", b"\x00\xff" * 5000, b"PK\x03\x04 a zip\n1\n2\n"])
def test_a_broken_file_beside_simulated_sessions_is_named_and_they_are_used(train, tmp_path, content):
    paths = [write_session(tmp_path, 1, number, seconds=400) for number in (1, 2)]
    for path in paths:
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([f"{head},source", *(f"{line},simulated" for line in lines), ""]), encoding="utf-8")
    (paths[0].parent / "TR3_A1_D001_2026_05_07-10_00_00.csv").write_bytes(content)
    code, out, err = train()
    assert (code, err) == (0, [])
    assert "published" in out[0]
    assert "TR3_A1_D001_2026_05_07-10_00_00.csv left out: " in out[0]
