#!/usr/bin/env bash
# Set up .venv and pass every check: lint, format, types, security, tests.
#
#     bash scripts/test.sh                         all of it
#     bash scripts/test.sh --nightly               and the tests about load, time, containers and many processes
#     bash scripts/test.sh tests/crt/data/test_images.py    arguments go to pytest
#
# All tests together run on all cores: one process for each, with a server and a browser of its own.
# Packages are installed again only when the requirements change. Run as root on Debian it also installs chromium, which
# the browser tests drive; without chromium they are skipped and say so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

is_python311() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }

if ! is_python311 .venv/bin/python; then
    for python in python3.11 python3 python ""; do
        [ -n "$python" ] && is_python311 "$python" && break
    done
    if [ -z "$python" ]; then
        echo "Python 3.11 is needed and was not found: install it, with its venv module." >&2
        exit 1
    fi
    "$python" -m venv --clear .venv
fi

stamp=$(cat requirements.txt requirements-dev.txt | sha256sum | cut -d ' ' -f 1)
if [ "$(cat .venv/requirements.sha256 2>/dev/null)" != "$stamp" ]; then
    echo "Installing the requirements into .venv: some minutes the first time."
    .venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check -r requirements-dev.txt
    echo "$stamp" > .venv/requirements.sha256
fi

if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing chromium for the browser tests."
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } </dev/null >/dev/null ||
        echo "chromium could not be installed: the browser tests will be skipped." >&2
fi

export OMP_NUM_THREADS=1  # the networks of the tests are tiny: more threads only wait for each other
status=0
check() {
    if ! "$@"; then
        echo "FAILED: $*" >&2
        status=1
    fi
}
check .venv/bin/ruff check --quiet .
check .venv/bin/ruff format --quiet --check .
check .venv/bin/pyright --pythonpath .venv/bin/python
check .venv/bin/bandit --quiet --recursive --configfile pyproject.toml crt app scripts app.py
check .venv/bin/python -m scripts.dev.audit  # says so where no service can be asked
workers=()
case "$*" in
    "" | --nightly) workers=(-n "$(getconf _NPROCESSORS_ONLN)" --dist loadscope --no-loadscope-reorder) ;;  # nproc would say OMP_NUM_THREADS
esac
check .venv/bin/python -m pytest "${workers[@]}" "$@"
exit $status
