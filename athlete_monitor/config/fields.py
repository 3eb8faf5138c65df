"""The kinds of values that settings have, and a description of what is allowed for each."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo


class Section(BaseModel):
    """A part of the tree: frozen, strict about types, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Allowed:
    """The allowed values in words, for a value whose constraint is a pattern.

    Example:
        >>> Device = Annotated[str, Field(pattern="^[a-z]+$"), Allowed("small letters")]
        >>> allowed(Device)
        'small letters'
    """

    text: str


def _as_path(value: object) -> object:
    return Path(value) if isinstance(value, str) and value else value


def _with_slash(value: object) -> object:
    return f"{value.rstrip('/')}/" if isinstance(value, str) and value.strip("/") else value


def _is_usable(path: Path) -> Path:
    try:
        path.expanduser()
    except RuntimeError:  # ~somebody who has no account here
        raise ValueError("no such user") from None
    if "\0" in str(path):
        raise ValueError("it has a NUL character")
    return path


FilePath = Annotated[Path, BeforeValidator(_as_path), AfterValidator(_is_usable)]
Host = Annotated[
    str,
    Field(pattern=r"^(?:[\w.-]+|[0-9A-Fa-f.]*(?::[0-9A-Fa-f.]*){2,7}(?:%[\w.-]+)?)$", max_length=253),
    Allowed("a host name or address, without mqtt://, port or blanks"),
]


def _no_flag(value: object) -> object:
    if isinstance(value, bool):  # Literal compares, and True == 1
        raise ValueError  # noqa: TRY004 - pydantic's own way to refuse
    return value


NoFlag: Final = BeforeValidator(_no_flag)
"""For a choice of numbers: true and false are not among them."""
Megabytes = Annotated[int, Field(ge=16, le=1_048_576)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
TopicPrefix = Annotated[
    str,
    BeforeValidator(_with_slash),
    Field(pattern=r"^(?:[A-Za-z0-9_.-]+/)*$", max_length=128),
    Allowed("levels of a topic such as club/box3/ (letters, digits, _ . -), at most 128 characters; empty for none"),
]

_NAMES: Final[dict[object, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    date: "a date such as 2001-05-31",
    type(None): "null",
}


def allowed(kind: Any, constraints: tuple[Any, ...] = ()) -> str:  # noqa: ANN401 - any annotation
    """Return the allowed values of this annotation in words.

    Example:
        >>> allowed(Port)
        'a whole number from 1 to 65535'
        >>> allowed(FilePath | None)
        'a path or null'
    """
    if said := next((each.text for each in constraints if isinstance(each, Allowed)), None):
        return said
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return allowed(arguments[0], (*constraints, *arguments[1:]))
    if origin is typing.Literal:
        return _listed([_shown(value) for value in arguments])
    if origin in {typing.Union, types.UnionType}:
        return " or ".join(allowed(argument, constraints) for argument in arguments)
    name = f"a list, each {allowed(arguments[0])}" if origin is tuple else _NAMES.get(kind, "a group of keys")
    return f"{name}{_limits(kind, constraints)}" if kind is not type(None) else name


def allowed_in(field: FieldInfo) -> str:
    """Return the allowed values of a field of a section in words."""
    return allowed(field.annotation, tuple(field.metadata))


def _shown(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _limits(kind: object, constraints: tuple[Any, ...]) -> str:
    found = dict(_constraints(constraints))
    if kind is str or typing.get_origin(kind) is tuple:
        return _lengths(found, "characters" if kind is str else "entries")
    low = f"from {found['ge']:.12g}" if "ge" in found else f"above {found['gt']:.12g}" if "gt" in found else ""
    high = f"to {found['le']:.12g}" if "le" in found else f"below {found['lt']:.12g}" if "lt" in found else ""
    return "".join(f" {part}" for part in (low, high) if part)


def _lengths(found: dict[str, float], what: str) -> str:
    if "min_length" in found and "max_length" in found:
        return f" of {found['min_length']:g} to {found['max_length']:g} {what}"
    if "max_length" in found:
        return f" of at most {found['max_length']:g} {what}"
    return ", not empty" if found.get("min_length") else ""


def _constraints(metadata: tuple[Any, ...]) -> Iterator[tuple[str, float]]:
    for constraint in metadata:
        for part in (constraint, *getattr(constraint, "metadata", ())):
            for name in ("ge", "gt", "le", "lt", "min_length", "max_length"):
                if (bound := getattr(part, name, None)) is not None:
                    yield name, bound
