"""Write requirements-light.txt: the pins of requirements.txt without PyTorch and what only it needs.

python deploy/make_light.py [--check]      --check writes nothing and fails where the file is not up to date
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from athlete_monitor.deploy.light import light_pins  # noqa: E402 - found by the line above

FILE = ROOT / "requirements-light.txt"
HEAD = """\
# The light installation: live engine, screen, reports and training without PyTorch; models run and leave as ONNX.
# Made from requirements.txt by deploy/make_light.py; jetson_deploy.py setup --light installs it.
"""


def main() -> int:
    """Write the file, or report whether it is up to date."""
    text = HEAD + light_pins((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    if "--check" in sys.argv[1:]:
        fresh = FILE.exists() and FILE.read_text(encoding="utf-8") == text
        print(f"{FILE.name}: {'up to date' if fresh else 'not up to date: run python deploy/make_light.py'}")
        return 0 if fresh else 1
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
