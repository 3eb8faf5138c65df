"""Simulated sessions are left out of training where the configuration says so."""

from __future__ import annotations

import pytest

from athlete_monitor.config import load_config
from athlete_monitor.training.sessions import searched, session_paths
from athlete_monitor.wire.sample import SIMULATED, Sample, Tags
from athlete_monitor.wire.session_files import SessionWriter

START = 1_767_261_600.0


def write(root, number, tags):
    with SessionWriter(root, "training", 1, "001", START + number, extra=["source"] if tags.source else []) as writer:
        writer.write([Sample("001", START + number, athlete_id=1, tags=tags)])
    return writer.path


@pytest.mark.parametrize(("use", "expected"), [(True, ["TR1", "TR2", "TR3"]), (False, ["TR1", "TR3"])])
def test_simulated_sessions_are_left_out_on_request(make_config, use, expected):
    config = load_config(make_config(training={"use_simulated": use, "sessions_to_use": 3}), environ={})
    for number, tags in enumerate((Tags(), Tags(source=SIMULATED), Tags())):
        write(config.paths.data_root, number, tags)
    assert [path.name.partition("_")[0] for path in session_paths(config, 1)] == expected
    assert f"{len(expected)} found" in searched(config, 1)


@pytest.mark.parametrize(("roster", "expected"), [("athletes: []", 2), ('athletes: [{id: 1, device: "001"}]', 0)])
def test_nobody_of_the_roster_is_trained_from_simulations(make_config, roster, expected):
    config = load_config(make_config(training={"use_simulated": False}), environ={})
    config.athletes.roster.write_text(f"{roster}\n")
    for number in range(2):
        write(config.paths.data_root, number, Tags(source=SIMULATED))
    assert len(session_paths(config, 1)) == expected
    assert ("2 simulated, left out" in searched(config, 1)) is (expected == 0)


def test_a_real_match_makes_an_athlete_real(make_config):
    config = load_config(make_config(training={"use_simulated": False}), environ={})
    write(config.paths.data_root, 0, Tags(source=SIMULATED))
    assert len(session_paths(config, 1)) == 1
    with SessionWriter(config.paths.game_data_root, "game", 1, "001", START + 9) as writer:
        writer.write([Sample("001", START + 9, athlete_id=1)])
    assert [path.name[:3] for path in session_paths(config, 1)] == ["GM1"]
