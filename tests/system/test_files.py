"""Files that are replaced whole, through temporary files that nobody can foresee."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.system import files
from athlete_monitor.system.files import clear_abandoned, open_file, open_folder, replace_file

if TYPE_CHECKING:
    from pathlib import Path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_replaced_file_holds_the_new_bytes_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        replace_file(tmp_path / "deep" / "file.json", content)
        assert (tmp_path / "deep" / "file.json").read_bytes() == content
    assert names(tmp_path / "deep") == ["file.json"]


@pytest.mark.parametrize("failing", ["write", "replace"])
def test_a_write_that_fails_keeps_the_old_file_and_leaves_nothing(tmp_path: Path, monkeypatch, failing: str) -> None:
    path = tmp_path / "file.json"
    replace_file(path, b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync" if failing == "write" else "replace", full)
    with pytest.raises(OSError, match="No space left") as raised:
        replace_file(path, b"new")
    assert str(raised.value) == f"[Errno 28] No space left on device: '{path}'"
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file.json"]


def test_a_link_in_the_place_of_the_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"keep")
    (tmp_path / "file.json").symlink_to(precious)
    replace_file(tmp_path / "file.json", b"new")
    assert precious.read_bytes() == b"keep"
    assert not (tmp_path / "file.json").is_symlink()


@pytest.mark.parametrize("depth", [1, 2])
def test_a_link_among_the_folders_below_the_outputs_is_refused_with_its_place(tmp_path: Path, depth: int) -> None:
    elsewhere, outputs = tmp_path / "etc", tmp_path / "outputs"
    elsewhere.mkdir()
    folder = outputs.joinpath(*"ab"[:depth])
    folder.parent.mkdir(parents=True)
    folder.symlink_to(elsewhere)
    for act in (
        lambda: replace_file(folder / "file", b"x", below=outputs),
        lambda: os.close(open_file(folder / "file", os.O_WRONLY | os.O_CREAT, below=outputs)),
    ):
        with pytest.raises(OSError, match="links are not followed") as raised:
            act()
        assert raised.value.filename == str(folder)
    assert list(elsewhere.iterdir()) == []


def test_the_output_folder_itself_may_be_a_link_to_a_larger_disk(tmp_path: Path) -> None:
    disk, outputs = tmp_path / "disk", tmp_path / "outputs"
    disk.mkdir()
    outputs.symlink_to(disk)
    replace_file(outputs / "a" / "file", b"x", below=outputs)
    assert (disk / "a" / "file").read_bytes() == b"x"


def test_a_file_that_is_a_link_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    (tmp_path / "log").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="log") as raised:
        open_file(tmp_path / "log", os.O_WRONLY | os.O_APPEND)
    assert raised.value.errno == errno.ELOOP


def test_a_private_file_is_private_from_its_first_byte(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        replace_file(tmp_path / "key", b"secret", mode=files.PRIVATE)
    finally:
        os.umask(old)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_what_a_killed_process_left_goes_and_what_is_being_written_stays(tmp_path: Path) -> None:
    for name, age_s in ((".new-old", 7200.0), (".new-fresh", 60.0), ("figures.json", 7200.0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1e9 - age_s, 1e9 - age_s))
    clear_abandoned(tmp_path, now_s=1e9)
    assert names(tmp_path) == [".new-fresh", "figures.json"]


def test_a_folder_that_is_missing_is_made_only_where_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), open_folder(tmp_path / "a" / "b", below=tmp_path):
        pass
    with open_folder(tmp_path / "a" / "b", below=tmp_path, make=True):
        assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_that_may_not_be_written_is_named_with_its_whole_path(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", ".new-1")

    monkeypatch.setattr(
        os,
        "open",
        lambda path, flags, *rest, open_=os.open, **by: (
            refuse() if flags & os.O_CREAT else open_(path, flags, *rest, **by)
        ),
    )
    with pytest.raises(PermissionError) as refused:
        replace_file(tmp_path / "token", b"")
    assert refused.value.filename == str(tmp_path / "token")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_that_cannot_sync_or_has_no_permissions_keeps_files_all_the_same(
    tmp_path: Path, monkeypatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setattr(os, "fchmod", refuse)
    replace_file(tmp_path / "file.json", b"new")
    files.sync_folder(tmp_path)
    assert (tmp_path / "file.json").read_bytes() == b"new"


def test_a_secret_is_not_written_where_everybody_could_read_it(tmp_path: Path, monkeypatch) -> None:
    made = os.open

    def without_permissions(path: str, flags: int, mode: int = 0o777, **rest: int) -> int:
        handle = made(path, flags, mode, **rest)
        if flags & os.O_CREAT:
            os.chmod(path, 0o755, dir_fd=rest["dir_fd"], follow_symlinks=True)
        return handle

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "open", without_permissions)
    monkeypatch.setattr(os, "fchmod", refuse)
    with pytest.raises(OSError, match="not permitted"):
        replace_file(tmp_path / "password", b"secret", mode=files.PRIVATE)
    assert names(tmp_path) == []
    replace_file(tmp_path / "open.json", b"{}")
    assert names(tmp_path) == ["open.json"]
