from __future__ import annotations

import pytest

from athlete_monitor.deploy.setup import SYSTEM_FILES


@pytest.fixture(autouse=True)
def _system_files_of_this_test(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's setup writes to /etc and /var: here, and in the processes that a test starts, to a folder of the test."""
    monkeypatch.setenv(SYSTEM_FILES, str(tmp_path_factory.mktemp("system")))
