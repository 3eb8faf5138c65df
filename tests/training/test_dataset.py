"""Sessions become the rows that live prediction would see, and never lend their minutes to another session."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athlete_monitor.arrays import CHANNELS, HEART_RATE
from athlete_monitor.features import GROUPS, FeatureBank, FeatureSpec
from athlete_monitor.physiology.heart_rate import HeartRateFilter
from athlete_monitor.training.assembling import assemble
from athlete_monitor.training.dataset import extract
from athlete_monitor.training.errors import TrainingError
from athlete_monitor.training.replaying import load_track, replay, usual_rate_hz
from athlete_monitor.training.rows import SessionRows, Unusable
from athlete_monitor.training.sessions import Candidates, SessionFile, candidates
from tests.training.builders import rows, write_session

SPEC = FeatureSpec()


def file_of(path):
    return SessionFile(path, path.name)


def found(*paths, athlete_id=1):
    files = tuple(file_of(path) for path in paths)
    return extract([Candidates(athlete_id, files)], SPEC, 1.0, 100)[0]


def usable(item):
    assert isinstance(item, SessionRows)
    return item


def put_together(*paths, sessions_to_use=5, min_sessions=1, min_rows=60):
    return assemble(1, found(*paths), SPEC, sessions_to_use, min_sessions, min_rows)


def lived(track):
    """The features and clean heart rates that the live calls give, one sample at a time, thinned to one a second."""
    bank, strap, row = FeatureBank(SPEC, 1), HeartRateFilter(1), np.array([0])
    kept, last = [], None
    for i in range(len(track)):
        sample = np.full((1, len(CHANNELS)), np.nan)
        sample[0, track.columns] = track.values[i]
        features = bank.update(row, track.t[i : i + 1], sample)
        clean = strap.update(row, track.t[i : i + 1], sample[:, HEART_RATE])
        second = np.floor(track.t[i] - track.t[0])
        if clean.accepted[0] and second != last:
            kept.append((features[0], clean.bpm[0]))
            last = second
    return np.stack([features for features, _ in kept]), np.array([bpm for _, bpm in kept])


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(20, 60), min_size=1, max_size=4), batch=st.integers(1, 200))
def test_training_sees_the_same_bits_as_live_whatever_is_replayed_together(tmp_path_factory, lengths, batch):
    root = tmp_path_factory.mktemp("sessions")
    paths = [write_session(root, number=i + 1, seconds=seconds) for i, seconds in enumerate(lengths)]
    tracks = [load_track(file_of(path), 1) for path in paths]
    for track, session in zip(tracks, replay(tracks, SPEC, 1.0, batch), strict=True):
        X, y = lived(track)
        assert session.X.tobytes() == X[:, session.columns].tobytes()
        assert session.y.tobytes() == y.tobytes()


def test_dropouts_and_jumps_of_the_strap_are_left_out_not_mended(tmp_path):
    def faulty(bpm):
        bpm[100:160] = np.nan
        bpm[300:310] = 240.0
        bpm[400] += 40.0
        return bpm

    (session,) = found(write_session(tmp_path, seconds=300, heart=faulty))
    assert len(session) < 300 - 30
    assert (session.y < 220).all()
    assert not np.isnan(session.y).any()
    assert np.abs(np.diff(session.y)).max() < 30


def test_rows_are_thinned_to_the_configured_rate(tmp_path):
    path = write_session(tmp_path, seconds=200)
    for per_second in (1.0, 0.2):
        session = usable(extract([Candidates(1, (file_of(path),))], SPEC, per_second, 100)[0][0])
        assert len(session) == pytest.approx(200 * per_second, abs=1)


def test_a_session_copied_to_another_day_is_caught_as_a_leak(tmp_path):
    honest = write_session(tmp_path, number=1, seconds=300, seed=1)
    planted = write_session(tmp_path, number=2, seconds=300, seed=1, start="2026-05-09 18:00:00")
    data = put_together(honest, planted)
    assert [session.file for session in data.sessions] == [honest.name]
    assert f"repeats 100% of the measurements of {honest.name}" in data.unusable[0].reason


@pytest.mark.parametrize(("first_s", "second_s", "kept"), [(300, 200, 0), (200, 300, 1), (300, 300, 0)])
def test_of_two_sessions_that_overlap_the_one_with_more_rows_stays_and_a_tie_goes_to_the_first_name(
    tmp_path, first_s, second_s, kept
):
    paths = [
        write_session(tmp_path, number=1, seconds=first_s, seed=1),
        write_session(tmp_path, number=2, seconds=second_s, seed=2, start="2026-05-01 10:03:00"),
    ]
    better, other = paths[kept].name, paths[1 - kept].name
    for order in (paths, paths[::-1]):
        data = put_together(*order)
        assert [session.file for session in data.sessions] == [better]
        assert [item.file for item in data.unusable] == [other]
        assert data.unusable[0].reason.startswith(f"overlaps in time with {better}, which has 299 usable rows against")
        assert f"if {other} is the better one, move the other out" in data.unusable[0].reason


def test_only_the_overlap_is_left_out_of_a_chain_and_of_many(tmp_path):
    starts = ("2026-05-01 10:00:00", "2026-05-01 10:03:00", "2026-05-01 10:06:00", "2026-05-02 10:00:00")
    paths = [
        write_session(tmp_path, number=n, seconds=240 - n, seed=n, start=start) for n, start in enumerate(starts, 1)
    ]
    data = put_together(*paths)
    assert [session.file for session in data.sessions] == [paths[i].name for i in (0, 2, 3)]
    assert [item.file for item in data.unusable] == [paths[1].name]


def test_a_session_left_out_takes_neither_the_place_nor_the_channels_of_others(tmp_path):
    old = write_session(tmp_path, number=1, seconds=200)
    good = write_session(tmp_path, number=2, seconds=200)
    no_gyro = [
        ",".join([*line.split(",")[:9], "", "", "", *line.split(",")[12:]])
        for line in rows(100, 5, start="2026-05-02 10:01:00")
    ]
    data = put_together(old, good, write_session(tmp_path, number=3, lines=no_gyro), sessions_to_use=2)
    assert [session.file for session in data.sessions] == [old.name, good.name]
    assert data.groups == ("acceleration", "rotation")


def test_the_same_file_under_two_names_counts_once(tmp_path, quick):
    first = write_session(tmp_path, number=1, seconds=60)
    second = first.with_name(first.name.replace("TR1", "TR2"))
    second.write_bytes(first.read_bytes())
    result = candidates(quick(), 1)
    assert len(result.files) == 1
    assert "copy of" in result.problems[0]


def test_only_channels_that_all_sessions_hold_are_used(tmp_path):
    whole = write_session(tmp_path, number=1, seconds=200)
    no_gyro = [
        ",".join([*line.split(",")[:9], "", "", "", *line.split(",")[12:]])
        for line in rows(200, 5, start="2026-05-02 10:00:00")
    ]
    data = put_together(whole, write_session(tmp_path, number=2, lines=no_gyro))
    assert data.groups == ("acceleration",)
    assert data.sessions[0].X.shape[1] == len(SPEC.columns(["acceleration"]))
    assert all(np.isfinite(session.X).all() for session in data.sessions)


def test_the_latest_sessions_are_used_in_the_order_of_time(tmp_path):
    paths = [write_session(tmp_path, number=n, seconds=120) for n in (3, 1, 2)]
    data = put_together(*paths, sessions_to_use=2)
    assert [session.file[:3] for session in data.sessions] == ["TR2", "TR3"]


def without_heart_rate(bpm):
    return np.full_like(bpm, np.nan)


def constant(bpm):
    return np.full_like(bpm, 72.0)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"seconds": 5}, "only 4 rows with a clean heart rate"),
        ({"heart": without_heart_rate, "seconds": 100}, "holds no heart rate"),
        ({"heart": constant, "seconds": 100}, "heart rate is constant"),
        ({"lines": []}, "no readable row|empty"),
        ({"seconds": 100, "athlete_id": 2}, "holds rows of athlete 2"),
        ({"seconds": 40}, "39 rows with a clean heart rate, 60 are needed"),
    ],
)
def test_unusable_data_are_refused_with_the_reason(tmp_path, options, text):
    path = write_session(tmp_path, **options)
    with pytest.raises(TrainingError, match=text):
        put_together(path)


def test_rows_of_two_athletes_in_one_file_are_refused(tmp_path):
    mixed = rows(60, 1) + rows(60, 2, athlete_id=2, start="2026-05-01 10:02:00")
    (item,) = found(write_session(tmp_path, lines=mixed))
    assert isinstance(item, Unusable)
    assert "2 athletes" in item.reason


def test_a_bad_session_does_not_spoil_the_good_ones(tmp_path):
    good = write_session(tmp_path, number=1, seconds=200)
    bad = write_session(tmp_path, number=2, lines=["no", "session"])
    data = put_together(good, bad)
    assert [session.file for session in data.sessions] == [good.name]
    assert data.unusable[0].file == bad.name


def test_text_in_a_number_column_costs_only_its_row(tmp_path):
    lines = rows(100, 1)
    lines[50] = lines[50].replace(",25,75,", ",25,heavy,")
    (session,) = found(write_session(tmp_path, lines=lines))
    assert len(session) == 99
    assert any("not readable" in note for note in session.notes)


@pytest.mark.parametrize("jump_s", [61.0, 3600.0, 1.7e9])
def test_a_pause_or_a_clock_that_jumps_ahead_is_no_slower_sample_rate(jump_s):
    t = np.arange(600, dtype=np.float64) * np.float64(0.1)
    assert usual_rate_hz(t) == 599 / float(t[-1] - t[0])
    t[300:] += jump_s
    assert usual_rate_hz(t) == pytest.approx(10.0)
    assert usual_rate_hz(np.array([5.0])) == usual_rate_hz(np.array([0.0, jump_s])) == 1.0


def test_groups_are_in_the_order_of_the_schema(tmp_path):
    data = put_together(write_session(tmp_path, seconds=200))
    assert data.groups == tuple(group for group in GROUPS if group in {"acceleration", "rotation"})
