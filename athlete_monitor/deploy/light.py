"""The light installation: all packages except PyTorch and Hummingbird. Uses only the standard library."""

from __future__ import annotations

import re
from typing import Final

LEFT_OUT: Final = frozenset(
    {
        *("torch", "hummingbird-ml", "dill", "filelock", "fsspec", "networkx", "onnxconverter-common", "setuptools"),
        *("matplotlib", "contourpy", "cycler", "fonttools", "kiwisolver", "pillow", "pyparsing"),
    }
)
"""PyTorch, Hummingbird, matplotlib (pictures for the documents), and their own requirements."""

OLD_RUNTIME: Final = frozenset({"mpmath", "sympy"})
"""Packages that only PyTorch needs if the ONNX runtime is newer than that of Python 3.10."""


def light_pins(text: str) -> str:
    r"""Return the pins of a requirement file without the excluded ones.

    Example:
        >>> print(light_pins("numpy==2.4.6\ntorch==2.13.0\nsympy==1.14.0\n"), end="")
        numpy==2.4.6
        sympy==1.14.0; python_version < "3.11"
    """
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return "".join(f"{_narrowed(line)}\n" for line in lines if _name(line) not in LEFT_OUT)


def _name(line: str) -> str:
    return re.split(r"[=\[; ]", line, maxsplit=1)[0].lower()


def _narrowed(line: str) -> str:
    return f'{line}; python_version < "3.11"' if _name(line) in OLD_RUNTIME and ";" not in line else line
