#!/bin/sh
# Makes .venv beside pyproject.toml with exactly what requirements.lock names. Called by `make`; may be run again.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "lockgate: $1" >&2
    exit 3
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

python=
for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
    if [ -n "$candidate" ] && new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "no Python 3.11 or newer was found; install one, or name it: make setup PYTHON=/path/to/python3"

# A virtual environment that was moved, or whose making was interrupted, is made anew.
anew=
if [ -e .venv ]; then
    .venv/bin/python -m pip --version >/dev/null 2>&1 || anew=--clear
    if [ -f .venv/.root ] && [ "$(cat .venv/.root)" != "$PWD" ]; then anew=--clear; fi
fi
if [ ! -e .venv ] || [ -n "$anew" ]; then
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "this Python cannot make virtual environments; install its venv module (Debian: apt-get install python3-venv)"
    "$python" -m venv $anew .venv
fi
printf '%s' "$PWD" >.venv/.root

echo "lockgate: installing what requirements.lock names into .venv (a minute, once) …"
unset PIP_USER PIP_TARGET PIP_PREFIX PYTHONPATH PYTHONHOME || true
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock ||
    fail "the packages of requirements.lock could not be installed; pip says why above"
.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --editable . ||
    fail "the project itself could not be installed; pip says why above"
