"""Environment variables that override the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.config.fields import allowed_in
from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athlete_monitor.config.fields import Section
    from athlete_monitor.config.schema import Config

_FLAGS: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def _flag(text: str) -> bool:
    return _FLAGS[text.lower()]


def _device(text: str) -> str:
    return "cuda" if _flag(text) else "cpu"


VARIABLES: Final[Mapping[str, tuple[str, str, Callable[[str], object]]]] = {
    "USE_CUDA": ("model_loading", "device", _device),
    "FORCE_TRAINING": ("prediction_check", "force_training", _flag),
    "MODEL_CACHE_SIZE": ("model_loading", "cache_size", int),
    "MODEL_DEVICE": ("model_loading", "device", str.lower),
    "MODEL_DIRECTORY": ("model_loading", "models_directory", str),
    "IDLE_TIME": ("engine", "idle_s", float),
}
"""Each variable: section and key that it sets, and how its text is parsed. A later one overrides an earlier one."""


def override(config: Config, environ: Mapping[str, str]) -> Config:
    """Return the configuration with the environment variables applied; empty ones count as not set.

    Raises:
        ConfigError: the value of a variable is not allowed.
    """
    for name, (section, key, read) in VARIABLES.items():
        text = environ.get(name, "").strip()
        if text:
            part: Section = getattr(config, section)
            value = _read(name, text, part, key, read)
            config = config.model_copy(update={section: part.model_copy(update={key: value})})
    return config


def _read(name: str, text: str, section: Section, key: str, read: Callable[[str], object]) -> Any:  # noqa: ANN401
    field = type(section).model_fields[key]
    try:
        checked = type(section).model_validate({**section.model_dump(), key: read(text)})
    except (ValueError, KeyError):
        allowed = "1, true, yes, on, 0, false, no or off" if read in {_flag, _device} else allowed_in(field)
        raise ConfigError(f"environment: {name}: {text!r} is not allowed; allowed: {allowed}") from None
    return getattr(checked, key)
