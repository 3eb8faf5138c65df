from __future__ import annotations

import numpy as np

from athlete_monitor.arrays import CHANNELS
from athlete_monitor.athletes import Profile
from athlete_monitor.features import FeatureSpec
from athlete_monitor.squad.batch import Batch, KernelSettings
from athlete_monitor.squad.kernel import Squad
from athlete_monitor.squad.prediction import ModelBook, NoModels

SPEC = FeatureSpec()


def squad() -> Squad:
    return Squad(KernelSettings(SPEC), ModelBook(NoModels(), SPEC, 4), capacity=4)


def run(chosen: Squad, rows: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    for tick in range(60):
        values = np.where(rng.random((len(rows), len(CHANNELS))) < 0.2, np.nan, rng.uniform(0.0, 9.0))
        values[:, :6] = rng.normal(0.0, 12.0, (len(rows), 6))
        values[:, CHANNELS.index("heart_rate_bpm")] = rng.uniform(60.0, 190.0, len(rows))
        t = np.full(len(rows), 1.75e9 + tick / 10)
        rr = tuple((row, float(t[0]), (800.0, 810.0)) for row in rows)
        chosen.step(Batch(np.array(rows), t, values, np.ones(len(rows), dtype=np.int64), rr))


def everything(chosen: Squad, row: int) -> tuple[object, ...]:
    (packed, maximum), memory = chosen.totals(np.array([row]))[0], chosen.memories(row)
    features = memory.pop("features").tobytes()
    del memory["peaks"]  # a ring whose contents count only from the first second of a session on
    return packed, maximum, repr(memory), features, chosen.total_values(row).tobytes()


def test_rows_of_several_athletes_who_have_left_are_like_new_for_those_who_follow():
    used, fresh = squad(), squad()
    first = [used.add(Profile(n, weight_kg=50.0 + n)) for n in range(1, 7)]
    run(used, first, 1)
    for row in (first[4], first[1], first[2]):
        used.remove(row)
    follower, new = Profile(9, weight_kg=70.0), fresh.add(Profile(9, weight_kg=70.0))
    before = everything(fresh, new)
    rows = [used.add(follower) for _ in range(3)]
    assert sorted(rows) == sorted([first[4], first[1], first[2]])
    assert [everything(used, row) for row in rows] == [before] * 3
    run(used, [rows[0]], 2)
    run(fresh, [new], 2)
    assert everything(used, rows[0]) == everything(fresh, new)
