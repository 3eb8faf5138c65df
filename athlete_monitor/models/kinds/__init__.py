"""The kinds of model. Every module of this folder is one; the rest of the program reads only its row ``KIND``."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import ModelError

if TYPE_CHECKING:
    from athlete_monitor.models.kind import ModelKind

NAMES: Final = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))
"""Names of all kinds: those of the modules."""


@cache
def kind_of(name: str) -> ModelKind:
    """Return the kind of that name.

    Raises:
        ModelError: there is none.

    >>> kind_of("random_forest").label
    'random forest'
    """
    if name not in NAMES:
        raise ModelError(f"{name!r} is not a kind of model; known: {', '.join(NAMES)}")
    kind: ModelKind = import_module(f"{__name__}.{name}").KIND
    return kind
