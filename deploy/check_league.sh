#!/usr/bin/env bash
# The tests of clusters and of S3 with a real Ray and a real server, in an environment of its own that sees the
# project's other packages. `.ci/run` calls it after the environment of the project is there.
set -euo pipefail
cd "$(dirname "$0")/.."
# Everything ends by itself before this time, and says what it waited for: `.ci/run` stops this script after 15 minutes.
LEAGUE_TESTS_END=$(($(date +%s) + ${1:-690}))
export LEAGUE_TESTS_END

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
.venv/bin/python -m venv "$folder/env"
.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
    > "$("$folder/env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/project.pth"
# Python 3.10 has no tomllib; the development tools bring its forerunner there.
.venv/bin/python > "$folder/pins.txt" <<'EOF'
try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["project"]["optional-dependencies"]["league"], sep="\n")
EOF
if ! "$folder/env/bin/pip" install --quiet --disable-pip-version-check -r "$folder/pins.txt" "moto[server]"; then
    echo "league: Ray or the S3 server cannot be installed here, not checked"
    exit 0
fi
# Only the files that have such tests: to collect all others takes longer than half of these on a busy machine.
mapfile -t files < <(grep -rl --include='test_*.py' 'pytest.mark.league' tests | sort)
OMP_NUM_THREADS=1 "$folder/env/bin/python" -m pytest -v -x --tb=short --durations=0 --durations-min=1 \
    -p no:cacheprovider -m league "${files[@]}"
