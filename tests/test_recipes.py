"""The recipes of CONTRIBUTING.md, each followed in a copy of the tree: how many files it takes, and that it works."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.deploy.checkout import make_checkout, user_environment
from tests.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(480)]

CHANNELS = "athlete_monitor/channels.py"


class Tree:
    """A copy of the project, and which of its files were changed."""

    def __init__(self, root: Path) -> None:
        self.root = make_checkout(root)
        self.changed: set[str] = set()

    def change(self, name: str, old: str, new: str) -> None:
        """Replace the only place of a text in a file."""
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name}: {text.count(old)} places of {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.changed.add(name)

    def add(self, name: str, text: str) -> None:
        """Write a new file."""
        (self.root / name).write_text(text, encoding="utf-8")
        self.changed.add(name)

    def run(self, *arguments: str) -> str:
        """Run Python in the copy; returns what it printed."""
        done = subprocess.run(
            [".venv/bin/python", *arguments],
            cwd=self.root,
            env=user_environment(self.root),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "copy")


@pytest.mark.integration
def test_a_channel_is_one_row(tree):
    text = (ROOT / CHANNELS).read_text(encoding="utf-8")
    table = re.findall(r"^TABLE: Final = \(\n.*?^\)", text, re.DOTALL | re.MULTILINE)[0]
    row = '    Channel("core_temp_c", "°C", (25.0, 45.0), "core temperature", place=90, units={"K": 1.0}),\n'
    tree.change(CHANNELS, table, f"{table[:-1]}{row})")
    tree.run("docs/make_inputs.py")
    assert "`core_temp_c`" in (tree.root / "docs/inputs.md").read_text(encoding="utf-8")
    printed = tree.run("-c", CHANNEL_CHECK, str(tree.root))
    assert printed.split() == ["38.5", "True", "38.5"]
    assert tree.changed == {CHANNELS}


CHANNEL_CHECK = """
import json, sys
from pathlib import Path
import msgspec
import numpy as np
from athlete_monitor.channels import NAMES
from athlete_monitor.wire.codec import Decoder, encode_sample
from athlete_monitor.wire.session_files import SessionWriter, extras_of
from athlete_monitor.wire.session_reader import read_session

body = {"device_id": "007", "timestamp": 1777888800.0, "athlete_id": 7, "core_temp_c": 38.5, "mode": "training"}
(sample,) = Decoder().decode(json.dumps(body).encode(), "007")
at = NAMES.index("core_temp_c")
print(sample.values[at])
print(b"core_temp_c" in encode_sample(sample))
folder = Path(sys.argv[1], "sessions")
extra = tuple(extras_of(np.array([sample.values]), [sample]))
writer = SessionWriter(folder, "training", 7, "007", sample.t, extra=extra)
for second in range(3):
    writer.write([msgspec.structs.replace(sample, t=sample.t + second)])
writer.close()
(path,) = folder.rglob("TR*.csv")
print(read_session(path).values[0, at])
"""


@pytest.mark.integration
def test_a_figure_is_one_row_and_its_value(tree):
    name = "athlete_monitor/physiology/steps.py"
    place = '        Figure(\n            "cadence_mean_spm",'
    tree.change(name, place, f"{STRIDES}{place}")
    tree.change(name, '{"steps": np.floor(', '{"strides": self.total(rows) / 2, "steps": np.floor(')
    printed = tree.run("-c", FIGURE_CHECK)
    assert printed.split() == ["85.0", "True", "difference"]
    assert tree.changed == {name}


STRIDES = """        Figure(
            "strides", "Strides", "", 0, "total", "difference", needs=CADENCE_NEEDS, digits=1,
            equation="half of the steps",
        ),
"""
FIGURE_CHECK = """
import math
from athlete_monitor.archive.columns import archived, column
from athlete_monitor.catalogue import FIGURES
from athlete_monitor.channels import NAMES
from athlete_monitor.config import load_config
from athlete_monitor.engine.offline import run_recordings
from athlete_monitor.wire.sample import Sample, Tags

class Run:
    def samples(self):
        for second in range(61):
            values = tuple(170.0 if name == "cadence_spm" else math.nan for name in NAMES)
            yield Sample("007", 1777888800.0 + second, values, 7, second, tags=Tags(mode="training"))

import pathlib, tempfile
with tempfile.TemporaryDirectory() as folder:
    replayed = run_recordings(load_config(root=pathlib.Path(folder)), [Run()])
print(replayed.summaries[0]["strides"])
print("strides" in archived())
print(FIGURES["strides"].part)
"""


@pytest.mark.integration
def test_an_importer_is_one_file(tree):
    tree.add("athlete_monitor/recordings/formats/beeps.py", IMPORTER)
    (tree.root / "run.beeps").write_text("BEEPS 1777888800\n" + "121\n" * 90, encoding="utf-8")
    printed = tree.run("jetson_deploy.py", "import", "run.beeps", "--athlete", "7", "--root", str(tree.root / "box"))
    assert "1 session" in printed
    (session,) = (tree.root / "box").rglob("TR*.csv")
    assert ",121.0," in session.read_text(encoding="utf-8")
    assert tree.changed == {"athlete_monitor/recordings/formats/beeps.py"}


IMPORTER = '''"""Beeps: a line BEEPS with the start, then one heart rate a second."""

import numpy as np

from athlete_monitor.recordings.format import Format
from athlete_monitor.recordings.imported import Imported


def recognise(source):
    return source.head.startswith(b"BEEPS")


def read(source, options):
    lines = source.read().decode().splitlines()
    bpm = np.array([float(line) for line in lines[1:]])
    t = float(lines[0].split()[1]) + np.arange(len(bpm))
    return [Imported(source.path, t, {"heart_rate_bpm": bpm}, label=str(source), kind="beeps")]


FORMAT = Format("beeps", "beeps", recognise, read, suffixes=(".beeps",))
'''


@pytest.mark.integration
def test_a_sink_is_one_file(tree):
    tree.add("athlete_monitor/engine/sinks/counting.py", SINK)
    recording = next((ROOT / "examples" / "stream").rglob("*.csv.gz"))
    tree.run("main.py", "--replay", str(recording), "--root", str(tree.root / "box"))
    started, figures, ended = map(int, (tree.root / "counted.txt").read_text().split())
    assert started == ended == 1
    assert figures > 100
    assert tree.changed == {"athlete_monitor/engine/sinks/counting.py"}


SINK = '''"""Counts what it gets."""

from pathlib import Path

from athlete_monitor.engine.sinks.sink import Sink


class Counting(Sink):
    """Counts, and writes the counts at the end."""

    def __init__(self):
        self.counts = [0, 0, 0]

    def started(self, session):
        self.counts[0] += 1

    def metrics(self, session, figures, payload):
        self.counts[1] += 1

    def ended(self, session, summary):
        self.counts[2] += 1

    def stop(self):
        Path("counted.txt").write_text(" ".join(map(str, self.counts)))


def make(context):
    return Counting()
'''


@pytest.mark.integration
def test_a_kind_of_model_is_one_file(tree):
    source = (ROOT / "athlete_monitor/models/kinds/extra_trees.py").read_text(encoding="utf-8")
    small = source.replace('Kind("extra_trees", "extra trees"', 'Kind("few_trees", "few trees"')
    small = small.replace("n_estimators=shape.n_estimators", "n_estimators=3")
    tree.add("athlete_monitor/models/kinds/few_trees.py", small)
    assert tree.run("-c", KIND_CHECK).split() == ["few", "trees", "True", "3"]
    assert tree.changed == {"athlete_monitor/models/kinds/few_trees.py"}


KIND_CHECK = """
import numpy as np
from athlete_monitor.config import MODEL_KINDS, load_config
from athlete_monitor.models.kind import Task
from athlete_monitor.models.kinds import kind_of
from athlete_monitor.models.runtimes import open_runtime

assert "few_trees" in MODEL_KINDS
kind, rng = kind_of("few_trees"), np.random.default_rng(0)
X = rng.normal(size=(300, 5)).astype(np.float32)
y = 120 + 20 * np.tanh(X[:, 0].astype(float))
task = Task(X, y, np.ones(300), np.zeros(300, int), np.zeros(5, int), load_config().training)
fitted = kind.fit(task)
artifacts = kind.export(fitted)
served = open_runtime("onnx", "cpu").load(artifacts.onnx, 5).predict(X)
print(kind.label)
print(bool(np.abs(served - fitted.predict(X)).max() < 1e-3))
print(len(fitted.estimators_))
"""
