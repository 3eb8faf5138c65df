"""The page about scale is made from its measured figures."""

from __future__ import annotations

import subprocess
import sys

from tests.helpers import ROOT


def test_the_table_of_scale_is_up_to_date():
    script = ROOT / "docs" / "make_scale.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
