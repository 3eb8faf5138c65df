"""A worker that fits forests carries nothing that it has no use for."""

from __future__ import annotations

import subprocess
import sys

from tests.helpers import ROOT

FITS_A_FOREST = """
import sys
import numpy as np
from athlete_monitor.config import load_config
from athlete_monitor.training.fitting import fit

X = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
class Rows:
    y = 100.0 + 10.0 * X[:, 0].astype(np.float64)
    def __len__(self):
        return len(self.y)
    @property
    def learned(self):
        return self
Rows.X = X
forest = fit([Rows()], load_config().training, np.zeros(3, dtype=np.int64), "random_forest")
print(forest.predict(X).shape, 'pandas' in sys.modules)
import pandas
print(pandas.DataFrame({"a": [1]}).shape)
"""


def test_fitting_loads_no_pandas_and_leaves_it_to_whoever_wants_it():
    done = subprocess.run([sys.executable, "-c", FITS_A_FOREST], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split("\n") == ["(200,) False", "(1, 1)", ""], done.stderr
