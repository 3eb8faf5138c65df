"""The examples of docs/analysis.md run as they are printed there."""

from __future__ import annotations

import re
import sqlite3

import pytest

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.report.export.tables import TABLES, Selection
from athlete_monitor.report.export.writers import WRITERS
from tests.helpers import ROOT
from tests.report.kit import HALF_S, NAMES, make_archive

PAGE = (ROOT / "docs" / "analysis.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return make_archive(tmp_path_factory.mktemp("analysis") / "journal.sqlite3")


def example(language):
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_pandas_example_prints_both_halves(journal, tmp_path, monkeypatch, capsys):
    WRITERS["csv"](TABLES["periods"](Selection(Archive(journal), Roster(()), {})), tmp_path / "periods.csv")
    monkeypatch.chdir(tmp_path)
    exec(compile(example("python"), "analysis.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "1st half" in printed
    assert "2nd half" in printed
    assert str(round(60 * 2.1 * (HALF_S - 0.5) / HALF_S, 1)) in printed  # the first sample comes after half a second


def test_the_sql_example_answers_for_every_session(journal):
    connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
    rows = connection.execute(example("sql")).fetchall()
    connection.close()
    assert len(rows) == 6 * len(NAMES)
    assert rows[0][1] == max(row[1] for row in rows)


def test_the_duckdb_example_reads_an_export(journal, tmp_path, monkeypatch):
    duckdb = pytest.importorskip("duckdb", reason="needs Python 3.11")
    pytest.importorskip("pyarrow")
    WRITERS["parquet"](TABLES["seconds"](Selection(Archive(journal), Roster(()), {})), tmp_path / "seconds.parquet")
    monkeypatch.chdir(tmp_path)
    rows = duckdb.connect().execute(re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)[1]).fetchall()
    assert len(rows) == len(NAMES)
    assert rows[0][1] == max(row[1] for row in rows)
