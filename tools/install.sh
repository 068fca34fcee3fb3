#!/usr/bin/env bash
# Makes .venv hold exactly what requirements.lock says, and hotline itself. Called by `make install`.
# Does nothing when the stamp in .venv already names this lock and this pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*"; }
fail() { printf 'make install: %s\n' "$*" >&2; exit 1; }
# Waits for a command and shows a line every ten seconds, so that a slow network does not look like a hang.
with_progress() {
    local what=$1 started=$SECONDS log pid status=0
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 1
        if (( (SECONDS - started) % 10 == 0 )) && kill -0 "$pid" 2>/dev/null; then
            say "  … $what: $((SECONDS - started)) s"
        fi
    done
    wait "$pid" || status=$?
    [ "$status" -eq 0 ] || { tail -n 40 "$log" >&2; rm -f "$log"; fail "$what failed; see the lines above."; }
    rm -f "$log"
}

python=
for candidate in ${PYTHON:-python3.11 python3}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "Python 3.11 or newer is needed; none found as ${PYTHON:-python3.11 or python3}. Install it, or name it: make install PYTHON=/path/to/python"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "$python has no venv module. On Debian: apt-get install python3-venv"

# The folder counts too: programs in .venv name it, so a moved checkout installs again.
wanted=$({ pwd; cat requirements.lock pyproject.toml tools/install.sh; } | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
stamp=.venv/installed-from
if [ -x .venv/bin/hotline ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

# Two runs at once would break each other: the second waits, then finds the stamp.
mkdir -p var
if command -v flock >/dev/null 2>&1 && [ "${HOTLINE_INSTALL_LOCKED:-}" != 1 ]; then
    HOTLINE_INSTALL_LOCKED=1 exec flock var/install.lock "$0" "$@"
fi

started=$SECONDS
say "Installing into .venv with $("$python" --version) (the first time takes a minute or two) …"
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    rm -rf .venv
    "$python" -m venv .venv
fi
rm -f "$stamp"

# Building from source must not fetch an unpinned setuptools, so the build tools of the lock come first
# and everything after that builds without isolation.
build_tools=$(mktemp)
trap 'rm -f "$build_tools"' EXIT
awk '/^[a-z]/ { keep = /^(pip|setuptools|wheel|packaging)==/ } keep' requirements.lock >"$build_tools"
pip=(.venv/bin/python -m pip --disable-pip-version-check --no-input --quiet)
with_progress "build tools" "${pip[@]}" install --require-hashes --no-deps -r "$build_tools"
with_progress "packages of requirements.lock" "${pip[@]}" install --require-hashes --no-deps --no-build-isolation -r requirements.lock
with_progress "hotline itself" "${pip[@]}" install --no-build-isolation --no-deps -e .
.venv/bin/python -m pip --disable-pip-version-check check >/dev/null ||
    fail "requirements.lock does not hold together: $(.venv/bin/python -m pip check 2>&1 | head -n 3). Run: make lock"

printf '%s\n' "$wanted" >"$stamp"
say "Installed in $((SECONDS - started)) s."
