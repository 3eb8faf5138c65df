"""Where the project's own files are: beside the package in a checkout, inside it where a wheel was installed.

The scripts, default configurations, the roster's template, the templates of services and broker, and the examples.
``setup.py`` copies them into the wheel. Uses only the standard library.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent

IS_CHECKOUT: Final = (_PACKAGE.parent / "jetson_deploy.py").is_file()
"""False where the package was installed from a wheel."""

PROJECT: Final = _PACKAGE.parent if IS_CHECKOUT else _PACKAGE / "_project"
DEFAULT_CONFIG: Final = PROJECT / "jetson_nano_4gb_config.yaml"


def home_of(config: Path, root: Path | None) -> Path:
    """Return the folder of a configuration's relative paths.

    That is ``root``, else the folder of the file. A file inside an installed package has no folder for anybody's data:
    then it is the current one.

    Example:
        >>> home_of(Path("/srv/box/config.yaml"), None)
        PosixPath('/srv/box')
    """
    inside_package = not IS_CHECKOUT and config.resolve().is_relative_to(PROJECT)
    return (root or (Path.cwd() if inside_package else config.parent)).resolve()
