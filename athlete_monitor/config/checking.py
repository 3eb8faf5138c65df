"""Validate a document against a model: one line for each problem, with file, line, key, value and what is allowed."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from athlete_monitor.config.document import Document, Location, dotted, read_yaml
from athlete_monitor.config.fields import allowed_in
from athlete_monitor.config.schema import REMOVED
from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)

MISSING: Final = "is missing"
ARE_MISSING: Final = "sections are missing"
NO_LONGER: Final = "is no longer a setting"
_LONGEST_VALUE: Final = 60
_MOST_SECTIONS: Final = 3
_KEY: Final = ("[key]",)
"""The end of pydantic's location of a name that a user gives to an entry of a mapping."""


def read_yaml_model(path: Path, model: type[M]) -> M:
    """Read and check any YAML file against a model; used by the roster.

    Raises:
        ConfigError: one line for each problem.
    """
    return validate(read_yaml(path), model)


def read_plain(path: Path) -> Any:  # noqa: ANN401 - whatever YAML holds
    """Return the data of a YAML file without a schema.

    Raises:
        ConfigError: see ``read_yaml``.
    """
    return plain(read_yaml(path).data)


def validate(document: Document, model: type[M]) -> M:
    """Validate a document against a model.

    Raises:
        ConfigError: one line for each problem.
    """
    if not isinstance(document.data, Mapping):
        raise ConfigError(f"{document.path}:1: (whole file): a mapping of sections is expected")
    try:
        return model.model_validate(plain(document.data))
    except ValidationError as error:
        found = _without_misspelt(model, error.errors())
        problems = [_describe(document, model, problem) for problem in found]
        raise ConfigError("\n".join(_together(document, dict.fromkeys(problems)))) from None


def _without_misspelt(model: type[BaseModel], problems: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out each key that is missing because it is misspelt: the misspelt one says what is meant."""
    meant = {
        (*problem["loc"][:-1], _meant(model, tuple(problem["loc"])))
        for problem in problems
        if problem["type"] == "extra_forbidden"
    }
    return [each for each in problems if each["type"] != "missing" or tuple(each["loc"]) not in meant]


def _together(document: Document, problems: Iterable[str]) -> Iterator[str]:
    """Yield the lines; many sections that are missing are one line."""
    ends = f": {MISSING}; allowed: a group of keys"
    lines = list(problems)
    missing = [line.removesuffix(ends).rpartition(": ")[2] for line in lines if line.endswith(ends)]
    if len(missing) <= _MOST_SECTIONS:
        yield from lines
        return
    yield f"{document.path}: {len(missing)} {ARE_MISSING}: {', '.join(missing)}"
    yield from (line for line in lines if not line.endswith(ends))


def problem_of(model: type[BaseModel], problem: ErrorDetails) -> str:
    """Return what is wrong with a value, and what is allowed in its place."""
    location = tuple(problem["loc"])
    field = _name_of_entries(model, location[:-2]) if location[-1:] == _KEY else _field_at(model, location)
    own = problem["msg"].removeprefix("Value error, ") if problem["type"] == "value_error" else ""
    if problem["type"] == "missing":
        return f"{MISSING}{_allowed(field)}"
    if problem["type"] in {"extra_forbidden", "invalid_key"}:
        return _unknown(model, location)
    if own and isinstance(problem["input"], Mapping | list | tuple):
        return own
    return f"{_short(problem['input'])} is not allowed{f' ({own})' if own else _allowed(field)}"


def _describe(document: Document, model: type[BaseModel], problem: ErrorDetails) -> str:
    location = tuple(problem["loc"])
    location = _in_file(document.data, location[:-1] if location[-1:] == _KEY else location)
    return f"{document.path}:{document.line_of(location)}: {dotted(location)}: {problem_of(model, problem)}"


def _in_file(data: Any, location: Location) -> Location:  # noqa: ANN401 - whatever YAML holds
    """Return the location without the names that pydantic adds for the members of a union."""
    kept: list[str | int] = []
    for part in location:
        if not isinstance(data, dict | list):
            break
        kept.append(part)
        data = _inside(data, part)
    return tuple(kept)


def _inside(data: Any, part: str | int) -> Any:  # noqa: ANN401 - whatever YAML holds
    try:
        return data[part]
    except (KeyError, IndexError, TypeError):
        return None


def _allowed(field: FieldInfo | None) -> str:
    return f"; allowed: {allowed_in(field)}" if field is not None else ""


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return "a group of keys"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    shown = repr(value) if isinstance(value, str) else str(value)
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}..."


def _unknown(model: type[BaseModel], location: Location) -> str:
    if dotted(location) in REMOVED:
        return f"{NO_LONGER}: {REMOVED[dotted(location)]}"
    name = _meant(model, location)
    meant = f"; did you mean {name}?" if name else ""
    known = f"; allowed here: {', '.join(_names_at(model, location[:-1]))}"
    return f"is not a known key{meant}{known if _names_at(model, location[:-1]) else ''}"


def _meant(model: type[BaseModel], location: Location) -> str | None:
    """Return the key that a misspelt one resembles; ``Idle-S`` is ``idle_s``."""
    if not isinstance(location[-1], str):
        return None
    plain_name = location[-1].strip().lower().replace("-", "_").replace(" ", "_")
    close = difflib.get_close_matches(plain_name, _names_at(model, location[:-1]), 1)
    return close[0] if close else None


def _names_at(model: type[BaseModel], location: Location) -> list[str]:
    parent = _model_at(model, location)
    return list(_fields(parent)) if parent else []


def _field_at(model: type[BaseModel], location: Location) -> FieldInfo | None:
    named = tuple(part for part in location if isinstance(part, str))
    names = [str(part) for part in _without_names(model, named)]
    for depth in range(len(names), 0, -1):
        parent = _model_at(model, tuple(names[: depth - 1]))
        if parent is not None and names[depth - 1] in _fields(parent):
            return _fields(parent)[names[depth - 1]]
    return None


def _name_of_entries(model: type[BaseModel], location: Location) -> FieldInfo | None:
    """Return what the names of a mapping's entries may be."""
    field = _field_at(model, location)
    kinds = (field.annotation, *typing.get_args(field.annotation)) if field else ()
    names = [typing.get_args(kind)[0] for kind in kinds if typing.get_origin(kind) is dict]
    return FieldInfo.from_annotation(names[0]) if names else None


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model by the keys that files use."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    for part in _without_names(model, location):
        if isinstance(part, int):
            continue
        field = _fields(model).get(str(part))
        inner = _model_in(field.annotation) if field else None
        if inner is None:
            return None
        model = inner
    return model


def _without_names(model: type[BaseModel], location: Location) -> Location:
    """Return a location without the names that a user gives to the entries of a mapping: ``squads.reds.prefix``."""
    kept: list[str | int] = []
    here: type[BaseModel] | None = model
    is_name = False
    for part in location:
        if is_name:
            is_name = False
            continue
        kept.append(part)
        field = _fields(here).get(str(part)) if here is not None else None
        if field is not None:
            here, is_name = _model_in(field.annotation), _is_mapping(field.annotation)
    return tuple(kept)


def _is_mapping(kind: Any) -> bool:  # noqa: ANN401 - any annotation
    return typing.get_origin(kind) is dict or any(_is_mapping(part) for part in typing.get_args(kind))


def _model_in(kind: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any annotation
    """Return the model of an annotation: itself, or the one that a list, a union or an Annotated holds."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    return next((found for part in typing.get_args(kind) if (found := _model_in(part))), None)


def plain(data: Any, made: dict[int, Any] | None = None) -> Any:  # noqa: ANN401 - whatever YAML holds
    """Return the data as plain types; ruamel's own types carry lines and comments. Aliases stay one object."""
    made = {} if made is None else made
    if id(data) in made:
        return made[id(data)]
    if isinstance(data, Mapping):
        mapping = made[id(data)] = {}
        mapping.update((key, plain(value, made)) for key, value in data.items())
        return mapping
    if isinstance(data, list):
        items = made[id(data)] = []
        items.extend(plain(value, made) for value in data)
        return items
    return data
