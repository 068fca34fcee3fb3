#!/usr/bin/env bash
# Runs the checks and tests. Called by `make test` (everything) and `make test-fast` (no live, browser or slow
# tests). pytest speaks last, so its closing line is the end of the output.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p var
if [ "${1:-all}" = fast ]; then
    exec .venv/bin/python -m pytest -q -m "not live and not browser and not slow"
fi
if [ $# -gt 0 ]; then
    printf 'tools/test.sh: unknown argument %s; use none, or: fast\n' "$1" >&2
    exit 2
fi

printf '1/3 Debian packages for the live and browser tests\n'
tools/install_debian.sh chromium strace default-jre-headless maven nginx-light openssl prometheus
.venv/bin/python -m tools.servers install || printf '  the live half of Kafka and MongoDB is skipped\n'
printf '2/3 lint\n'
lint=0
tools/lint.sh || lint=$?
printf '3/3 tests\n'
tests=0
.venv/bin/python -m pytest --junit-xml=var/junit.xml || tests=$?
# pytest's 5 means that it found no test: that is a failure too, like every other code but 0.
if [ "$lint" -ne 0 ]; then
    printf 'make test: lint failed; its findings are above the tests.\n' >&2
    exit 1
fi
exit "$tests"
