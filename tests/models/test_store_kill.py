from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.helpers import ROOT
from tests.models.kit import artifacts, draft

SCRIPT = Path(__file__).with_name("killed_publisher.py")


@pytest.mark.integration
@pytest.mark.parametrize("seed", [1, 2])
def test_a_publisher_killed_at_any_moment_leaves_the_old_or_the_new_model_whole(tmp_path, seed):
    (tmp_path / "draft.json").write_bytes(msgspec.json.encode(draft()))
    for age, level in (("old", 100.0), ("new", 130.0)):
        for kind, content in artifacts(level_bpm=level).by_kind().items():
            (tmp_path / f"{age}.{kind}").write_bytes(content)
    run = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path), str(seed), "40"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert set(result["met"]) == {0, 1}
    assert result["left"] == 0
    assert result["end"] == 1
