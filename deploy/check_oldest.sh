#!/usr/bin/env bash
# Runs the tests of every package that works without PyTorch on the versions of the Jetson Nano (Python 3.10, numpy 2.2,
# scipy 1.15, pandas 2.3, scikit-learn 1.7), in an environment of its own. Skipped where there is no Python 3.10.
set -euo pipefail
cd "$(dirname "$0")/.."

python=""
for candidate in python3.10 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10.*/bin/python3.10; do
    if "$candidate" -c 'import ensurepip' 2>/dev/null; then python=$candidate; fi
done
if [ -z "$python" ]; then
    echo "oldest versions: no Python 3.10 here, not checked"
    exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m venv "$folder/env"
grep -vE '^(torch|hummingbird-ml)==' requirements-jetson-nano.txt > "$folder/pins.txt"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check -r "$folder/pins.txt" -r requirements-dev.txt
OMP_NUM_THREADS=1 "$folder/env/bin/python" -m pytest -q -p no:cacheprovider -m "not integration" \
    tests/physiology tests/features tests/sim tests/recordings tests/wire tests/system tests/test_config.py tests/athletes
