from __future__ import annotations

import os

import pytest

from athlete_monitor.system.retention import DAY_S, apply_retention, kinds

NOW_S = 1_800_000_000.0


@pytest.fixture
def config(sample_config, tmp_path):
    return sample_config(retention={"session_files_days": 100, "outputs_days": 10, "logs_days": None})


def put(path, age_days):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    os.utime(path, (NOW_S - age_days * DAY_S,) * 2)
    return path


def test_each_kind_of_file_is_kept_for_its_own_time(config):
    paths = config.paths
    old_session = put(paths.data_root / "player_7" / "TR1_A7_D7_x.csv", 101)
    young_session = put(paths.data_root / "player_7" / "TR2_A7_D7_x.csv", 99)
    old_match = put(paths.game_data_root / "player_7" / "GM1_A7_D7_x.csv.gz", 101)
    old_output = put(paths.prediction_outputs / "A7_x" / "A7_D7_session_summary_x.json", 11)
    old_log = put(config.logging.logs_dir / "A7_D7_x.log", 5000)
    assert apply_retention(config, NOW_S) == 3
    assert not old_session.exists()
    assert not old_match.exists()
    assert not old_output.exists()
    assert young_session.exists()
    assert old_log.exists()


def test_what_is_no_session_is_never_touched(config):
    note = put(config.paths.data_root / "player_7" / "notes.txt", 5000)
    journal = put(config.paths.journal, 5000)
    apply_retention(config, NOW_S)
    assert note.exists()
    assert journal.exists()


def test_a_link_is_neither_followed_nor_removed(config, tmp_path):
    outside = put(tmp_path / "outside.csv", 5000)
    link = config.paths.data_root / "player_7" / "TR1_A7_D7_x.csv"
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    assert apply_retention(config, NOW_S) == 0
    assert link.is_symlink()
    assert outside.exists()


def test_by_default_sessions_are_kept_for_ever(sample_config):
    assert {kept.kind: kept.days for kept in kinds(sample_config())}["training sessions"] is None


def test_nothing_is_removed_by_a_clock_that_is_years_ahead(config):
    session = put(config.paths.data_root / "player_7" / "TR1_A7_D7_x.csv", 20)
    put(config.paths.data_root / "player_7" / "TR2_A7_D7_x.csv", -20_000)  # recorded while the clock was ahead
    ahead_s = NOW_S + 20_001 * DAY_S
    assert apply_retention(config, ahead_s, lambda: None) == 0
    assert apply_retention(config, 7 * DAY_S, lambda: None) == 0  # a board without a battery starts in 1970
    assert session.exists()


def test_after_a_long_pause_a_clock_that_is_set_over_the_network_is_trusted(config):
    session = put(config.paths.data_root / "player_7" / "TR1_A7_D7_x.csv", 20)
    later_s = NOW_S + 500 * DAY_S
    assert apply_retention(config, later_s, lambda: False) == 0
    assert apply_retention(config, later_s, lambda: True) == 1
    assert not session.exists()


def test_a_file_of_a_wrong_clock_is_kept_as_long_as_one_of_today(config):
    young = put(config.paths.data_root / "player_7" / "TR1_A7_D7_x.csv", 99)
    of_1970 = put(config.paths.data_root / "player_7" / "TR2_A7_D7_x.csv", NOW_S / DAY_S - 3)
    of_2080 = put(config.paths.data_root / "player_7" / "TR3_A7_D7_x.csv", -20_000)
    assert apply_retention(config, NOW_S, lambda: None) == 0
    assert [path.stat().st_mtime for path in (of_1970, of_2080)] == [NOW_S, NOW_S]
    assert apply_retention(config, NOW_S + 101 * DAY_S, lambda: None) == 3
    assert not young.exists()
