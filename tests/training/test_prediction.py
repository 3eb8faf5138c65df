"""Training waits for what predicts with these models, and for nothing else on the machine."""

from __future__ import annotations

import logging

import pytest

from athlete_monitor.errors import LockedError
from athlete_monitor.locks import acquire
from athlete_monitor.training.prediction import ENGINE, in_the_way, keep_out_of_the_way
from tests.helpers import wait_until

LOG = logging.getLogger("athlete_monitor.tests")
NAME = "their_prediction_of_this_test.py"
SLEEPS = "import time\nprint('here', flush=True)\ntime.sleep(60)\n"


@pytest.fixture
def checked(quick):
    """``checked(force_training=True)``: a configuration at the test's folder whose check knows ``NAME``."""

    def make(name=NAME, **keys):
        check = {"prediction_script_names": [name], "max_wait_time_secs": 0, "check_interval_secs": 0.05, **keys}
        return quick(prediction_check=check)

    return make


@pytest.fixture
def predicts(tmp_path, run_program):
    """``predicts("elsewhere", "--root", tmp_path)``: a script in that folder, running there with these arguments."""

    def run(folder, *arguments, cwd=None):
        script = tmp_path / folder / NAME
        script.parent.mkdir(exist_ok=True)
        script.write_text(SLEEPS, encoding="utf-8")
        program = run_program(script, *arguments, cwd=cwd or script.parent)
        program.wait_for("here")
        return program

    return run


def test_a_script_without_a_lock_is_in_the_way_where_it_works_on_this_system(tmp_path, checked, predicts):
    program = predicts(".")
    with pytest.raises(LockedError) as refused:
        keep_out_of_the_way(checked(), LOG)
    assert f"{NAME} (pid {program.pid}, since" in str(refused.value)
    assert f"which holds no lock but works in {tmp_path}, is predicting: stop it" in str(refused.value)
    keep_out_of_the_way(checked(force_training=True), LOG)
    keep_out_of_the_way(checked(enabled=False), LOG)
    keep_out_of_the_way(checked("another_name.py"), LOG)


def test_a_script_of_another_folder_is_in_nobodys_way(checked, predicts):
    predicts("elsewhere")
    keep_out_of_the_way(checked(), LOG)


@pytest.mark.parametrize(
    "arguments",
    [("--root", ".."), ("--root=..",), ("--root", "x", "--root", ".."), ("--config", "../config.yaml")],
)
def test_arguments_can_lead_a_script_of_another_folder_here(tmp_path, checked, predicts, arguments):
    predicts("elsewhere", *arguments)
    assert f"works in {tmp_path}," in in_the_way(checked())


@pytest.mark.parametrize(
    "arguments", [("--root", "elsewhere"), ("--config", "elsewhere/config.yaml"), ("--config=config.yaml", "--root=x")]
)
def test_arguments_can_lead_a_script_of_this_folder_elsewhere(checked, predicts, arguments):
    predicts(".", *arguments)
    assert in_the_way(checked()) == ""


def test_a_script_of_another_folder_that_was_started_here_is_in_the_way(tmp_path, checked, predicts):
    predicts("elsewhere", cwd=tmp_path)
    assert f"works in {tmp_path}," in in_the_way(checked())


def test_waiting_ends_with_the_script(checked, predicts, caplog):
    program = predicts(".")

    class EndsIt(logging.Handler):
        def emit(self, record):
            program.kill()

    handler = EndsIt()
    LOG.addHandler(handler)
    with caplog.at_level(logging.WARNING, LOG.name):
        keep_out_of_the_way(checked(max_wait_time_secs=60), LOG)
    LOG.removeHandler(handler)
    assert "waiting up to 60 s" in caplog.text
    assert program.process.poll() is not None


def test_the_lock_counts_whoever_holds_it_and_wherever_that_works(checked):
    config = checked()
    lock = config.prediction_check.lockfile_path
    with acquire(lock, "main.py of anywhere"):
        assert "main.py of anywhere (pid" in in_the_way(config)
        assert in_the_way(config).endswith(f"which holds {lock},")
    assert in_the_way(config) == ""


@pytest.mark.integration
def test_this_systems_engine_of_another_root_is_in_nobodys_way(tmp_path, checked, make_config, run_program, mosquitto):
    path = make_config(mqtt={"port": mosquitto.port})
    elsewhere = tmp_path / "elsewhere"
    config = checked(ENGINE.name)
    engine = run_program("main.py", "--config", path, "--root", elsewhere, "--no-ui", cwd=tmp_path)
    wait_until((elsewhere / ".prediction_running.lock").exists, 30, "the engine's lock")
    assert in_the_way(config) == ""
    here = run_program("main.py", "--config", path, "--root", tmp_path, "--no-ui", cwd=elsewhere)
    wait_until(lambda: f"(pid {here.pid}" in in_the_way(config), 30, "the engine of this root")
    assert f"(pid {engine.pid}" not in in_the_way(config)
