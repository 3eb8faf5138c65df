"""The Hummingbird archive, read in memory: a zip whose member ``deploy_model.zip`` is a TorchScript file.

Its other members (a pickle among them) are for people who use Hummingbird's own ``load``; nothing here touches them.
Sizes and ratios are checked before and while members are read, and the TorchScript's code may use tree arithmetic
alone: TorchScript could otherwise write files. Both are a second wall. The first is the manifest's SHA-256, and against
an author who writes manifests too, the signature.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Final

from athlete_monitor.errors import ModelError

SCRIPT_MEMBER: Final = "deploy_model.zip"
LARGEST_RATIO: Final = 200
LARGEST_MEMBER_BYTES: Final = 512 * 1024 * 1024
MOST_MEMBERS: Final = 10_000
LARGEST_CODE_BYTES: Final = 4 * 1024 * 1024

OPERATIONS: Final = re.compile(
    r"add|annotate|eq|expand|expand_as|floor_divide|gather|ge|gt|index_select|le|lt|mul|reshape|size|squeeze|sum|to|"
    r"transpose|unsqueeze|view|where"
)
"""The torch functions that exported forests call."""

_USE: Final = re.compile(r"\btorch\s*\.\s*([\w.]+)")
_FOREIGN: Final = re.compile(r"\bops\b|::|__(?:set|get)state__|\bfork\b|\bimport\b")


def torchscript_of(archive: bytes) -> bytes:
    """Return the bytes of the TorchScript file in a Hummingbird archive.

    Raises:
        ModelError: the archive is damaged, too large unpacked, holds no TorchScript, or code that no forest needs.
    """
    script = _read_member(_open(archive, "the archive"), SCRIPT_MEMBER, LARGEST_MEMBER_BYTES)
    inner = _open(script, SCRIPT_MEMBER)
    _check_code(inner)
    return script


def _open(content: bytes, name: str) -> zipfile.ZipFile:
    try:
        members = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise ModelError(f"{name} is not a readable zip ({error})") from None
    infos = members.infolist()
    if len(infos) > MOST_MEMBERS or len({info.filename for info in infos}) != len(infos):
        raise ModelError(f"{name} holds a member twice, or more than {MOST_MEMBERS}")
    for info in infos:
        _check_size(info, name)
    if sum(info.file_size for info in infos) > LARGEST_MEMBER_BYTES:
        raise ModelError(f"{name} unpacks to more than {LARGEST_MEMBER_BYTES} bytes")
    return members


def _check_size(info: zipfile.ZipInfo, name: str) -> None:
    if info.file_size > LARGEST_MEMBER_BYTES or info.file_size > LARGEST_RATIO * max(info.compress_size, 1024):
        raise ModelError(f"{name}: {info.filename!r} unpacks to {info.file_size} bytes, more than is allowed")
    if ".." in info.filename.split("/") or info.filename.startswith("/"):
        raise ModelError(f"{name}: the member name {info.filename!r} is not allowed")


def _read_member(members: zipfile.ZipFile, name: str, limit_bytes: int) -> bytes:
    try:
        with members.open(name) as file:
            content = file.read(limit_bytes + 1)
    except KeyError:
        raise ModelError(f"the archive has no member {name}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError, OSError) as error:
        raise ModelError(f"{name} cannot be unpacked ({error})") from None
    if len(content) > limit_bytes:
        raise ModelError(f"{name} unpacks to more than {limit_bytes} bytes")
    return content


def _check_code(script: zipfile.ZipFile) -> None:
    sources = [info.filename for info in script.infolist() if info.filename.endswith(".py")]
    if not sources:
        raise ModelError(f"{SCRIPT_MEMBER} holds no TorchScript code")
    for name in sources:
        code = _read_member(script, name, LARGEST_CODE_BYTES).decode("utf-8", "replace")
        foreign = [use for use in _USE.findall(code) if not OPERATIONS.fullmatch(use)] + _FOREIGN.findall(code)
        if foreign:
            raise ModelError(f"{SCRIPT_MEMBER}: {name} is not the code of a forest, it uses {foreign[0]}")
