"""Write docs/configuration.md from the configuration's own tree and both YAML files.

python docs/make_configuration.py [--check]      --check writes nothing and fails if the page is not up to date
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from athlete_monitor.config import REMOVED, Config, Section, allowed_in, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "configuration.md"
BOARDS: Final = {"Nano 4 GB": "jetson_nano_4gb_config.yaml", "Orin 32 GB": "jetson_orin_32gb_config.yaml"}

INTRODUCTION: Final = """\
# Configuration

Every key of `jetson_nano_4gb_config.yaml` and `jetson_orin_32gb_config.yaml`, written by `docs/make_configuration.py`
from the tree that checks them. Each program reads another file with `--config FILE`. A file must hold every key: an
unknown key, a wrong type or a value out of range is refused with file, line, place, value and what is allowed, and exit
code 2. `python3 jetson_deploy.py validate FILE` checks a file without starting anything.

Relative paths are relative to the file's folder, or to `--root DIR` if one is given.

These environment variables override the file: `FORCE_TRAINING`, `USE_CUDA`, `MODEL_CACHE_SIZE`, `MODEL_DEVICE`,
`MODEL_DIRECTORY`, `IDLE_TIME` (seconds, `engine.idle_s`).
"""


def page() -> str:
    """Return the whole page."""
    values = {board: read_yaml(ROOT / file).data for board, file in BOARDS.items()}
    parts = [INTRODUCTION]
    for name, field in Config.model_fields.items():
        section = _section(field)
        assert section is not None  # noqa: S101 - every field of the tree's root is a section
        parts.append(f"## {name}\n\n{_first_line(section)}\n\n{_table(section, (name,), values)}\n")
    parts.append(_removed())
    return "\n".join(parts)


def _table(section: type[Section], place: tuple[str, ...], values: dict[str, Any]) -> str:
    head = f"| key | allowed | {' | '.join(BOARDS)} | meaning |\n|---|---|{'---|' * len(BOARDS)}---|"
    return "\n".join([head, *_rows(section, place, values)])


def _rows(section: type[Section], place: tuple[str, ...], values: dict[str, Any]) -> Iterator[str]:
    for name, field in section.model_fields.items():
        inner = _section(field)
        if inner is not None:
            yield from _rows(inner, (*place, name), values)
            continue
        key = ".".join((*place, name)[1:])
        cells = [f"`{key}`", allowed_in(field), *(_shown(value, (*place, name)) for value in values.values())]
        yield f"| {' | '.join([*cells, field.description or ''])} |"


def _section(field: FieldInfo) -> type[Section] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _shown(value: Any, place: tuple[str, ...]) -> str:  # noqa: ANN401 - whatever YAML holds
    for name in place:
        value = value[name]
    return f"`{_plain(value)}`"


def _plain(value: Any) -> str:  # noqa: ANN401 - whatever YAML holds
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    return {"None": "null", "True": "true", "False": "false"}.get(str(value), str(value))


def _first_line(section: type[Section]) -> str:
    return (section.__doc__ or "").strip().splitlines()[0]


def _removed() -> str:
    rows = "\n".join(f"| `{key}` | {why} |" for key, why in REMOVED.items())
    head = "## Keys of earlier configurations\n\nRefused, with this explanation.\n\n| key | instead |\n|---|---|"
    return f"{head}\n{rows}\n"


def main() -> int:
    """Write the page, or check whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    text = page()
    if parser.parse_args().check:
        fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        print(f"{PAGE}: {'up to date' if fresh else 'not up to date: run python docs/make_configuration.py'}")
        return 0 if fresh else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
