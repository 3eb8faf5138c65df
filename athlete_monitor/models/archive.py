"""The Hummingbird archive, read in memory: a zip whose member ``deploy_model.zip`` is a TorchScript file.

Its other members (a pickle among them) are for people who use Hummingbird's own ``load``; nothing here touches them.
Sizes and ratios are checked before and while members are read, and the TorchScript's code may use only what an exported
model uses, without loops: TorchScript could otherwise write files, or never end. Both are a second line of defence. The
first is the manifest's SHA-256 and, against an author who also writes manifests, the signature.
"""

from __future__ import annotations

import ast
import io
import zipfile
import zlib
from functools import lru_cache
from typing import Final

from athlete_monitor.errors import ModelError

SCRIPT_MEMBER: Final = "deploy_model.zip"
LARGEST_RATIO: Final = 200
LARGEST_MEMBER_BYTES: Final = 512 * 1024 * 1024
MOST_MEMBERS: Final = 10_000
LARGEST_CODE_BYTES: Final = 256 * 1024

OPERATIONS: Final = frozenset(
    (
        "add", "annotate", "eq", "expand", "expand_as", "floor_divide", "gather", "ge", "gt", "index_select", "le",
        "lt", "maximum", "minimum", "mul", "reshape", "round", "size", "squeeze", "sub", "sum", "to", "transpose",
        "unsqueeze", "view", "where",
    )
)  # fmt: skip
"""The torch functions that exported models call."""

_SYNTAX: Final = (
    ast.Module, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg, ast.Assign, ast.AnnAssign, ast.Return, ast.If,
    ast.Call, ast.keyword, ast.Attribute, ast.Subscript, ast.Name, ast.List, ast.Tuple, ast.Constant, ast.UnaryOp,
    ast.USub, ast.Load, ast.Store,
)  # fmt: skip
"""The allowed syntax of their code: sequential statements and two-way branches, no loops, no other calls."""


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
        foreign = _foreign(_read_member(script, name, LARGEST_CODE_BYTES).decode("utf-8", "replace"))
        if foreign:
            raise ModelError(f"{SCRIPT_MEMBER}: {name} is not the code of an exported model: {foreign}")


@lru_cache(maxsize=32)
def _foreign(code: str) -> str:
    """Anything in TorchScript code (in Python's syntax) that no exported model needs; empty if there is nothing.

    Forests of one shape have the same code: it is parsed once for all of them.
    """
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"it cannot be parsed ({type(error).__name__})"
    return next(filter(None, map(_objection, nodes)), "")


def _objection(node: ast.AST) -> str:
    if not isinstance(node, _SYNTAX):
        return f"it has a {type(node).__name__}"
    if isinstance(node, ast.FunctionDef) and node.name != "forward":
        return f"it defines {node.name}"
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        known = called == "annotate" or called in {f"torch.{name}" for name in OPERATIONS}
        return "" if known else f"it uses {called[:80]}"
    return _objection_to_attribute(node)


def _objection_to_attribute(node: ast.AST) -> str:
    """Attributes are functions of torch that are called, constants, and names of classes; nothing is passed on."""
    if not isinstance(node, ast.Attribute):
        return ""
    root: ast.expr = node
    while isinstance(root, ast.Attribute):
        root = root.value
    of = root.id if isinstance(root, ast.Name) else "?"
    constant = of == "CONSTANTS" and node.value is root
    known = constant or of == "__torch__" or (of == "torch" and node.attr in OPERATIONS)
    return "" if known else f"it uses {ast.unparse(node)[:80]}"
