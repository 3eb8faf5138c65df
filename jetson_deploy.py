#!/usr/bin/env python3
"""Set up, try, test and maintain the system: ``python3 jetson_deploy.py --help``.

Only Python 3.10 or later is needed; everything else is installed into ``.venv`` beside this file when a command needs
it.
"""

import sys


def main() -> int:
    """Run the command line; an old Python is reported in one line."""
    if sys.version_info < (3, 10):  # noqa: UP036 - only this file starts on any Python 3
        sys.stderr.write(f"Python 3.10 or later is needed; this is {sys.version.split()[0]}\n")
        return 1
    from athlete_monitor.deploy.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
