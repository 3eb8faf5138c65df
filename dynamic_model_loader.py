#!/usr/bin/env python3
"""Show the models in service.

info    what there is: athletes, hold-out error, sizes, earlier versions
check   verify every file of every model, and that its exports agree
bench   how fast the configured runtime is on these models, and how much memory
        they take

Exit code: 0 success, 1 a model is damaged (check) or there is none (check,
bench), 2 wrong arguments or configuration. info ends with 0 even if there is no
model.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import athlete_monitor.deploy.entered  # noqa: F401 - first of all, into the project's own environment
from athlete_monitor.arguments import Parser, add_common_arguments
from athlete_monitor.config import config_from_args
from athlete_monitor.models.inspection import bench, check, info
from athlete_monitor.models.loader import DynamicModelLoader, create_dynamic_model_loader
from athlete_monitor.system.program import run_program

__all__ = ["DynamicModelLoader", "create_dynamic_model_loader", "main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _parser().parse_args(arguments)
    return run_program(lambda: _run(options), quiet=options.quiet)


def _run(options: argparse.Namespace) -> int:
    config = config_from_args(options)
    report = {"info": info, "check": check, "bench": bench}[options.command](config)
    print(json.dumps(report, indent=1) if options.json else "\n".join(_lines(report)))
    return 0 if report.get("ok", True) else 1


def _parser() -> Parser:
    parser = Parser(
        "dynamic_model_loader.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["info", "check", "bench"], metavar="info|check|bench")
    add_common_arguments(parser)
    return parser


def _lines(report: dict[str, Any]) -> list[str]:
    """One line for each plain value, then one for each model; without a model, one line that says so."""
    if report.get("problem"):
        return [report["problem"]]
    rows = report["models"] if isinstance(report["models"], list) else []
    plain = [f"{key}: {_text(value)}" for key, value in report.items() if key != "problem" and value is not rows]
    return [*plain, *("  ".join(f"{key}={_text(value)}" for key, value in model.items()) for model in rows)]


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ",".join(f"{key}:{_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(map(_text, value)) or "none"
    return str(value)


if __name__ == "__main__":
    raise SystemExit(main())
