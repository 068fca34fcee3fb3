#!/usr/bin/env bash
# All checks that run no code of ours. Called by `make lint` and `make test`. Reports every tool's findings,
# then fails if any had some.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=()
check() {
    local what=$1 started=$SECONDS
    shift
    if output=$("$@" 2>&1); then
        printf '  ok    %s (%d s)\n' "$what" $((SECONDS - started))
    else
        printf '%s\n  FAIL  %s: %s\n' "$output" "$what" "$*"
        failed+=("$what")
    fi
}

bin=.venv/bin
check "ruff check" "$bin/ruff" check --quiet --output-format concise .
check "ruff format" "$bin/ruff" format --check --output-format concise .
check "mypy --strict" "$bin/mypy"
check "import rules" "$bin/lint-imports" --no-logo
if [ ${#failed[@]} -gt 0 ]; then
    printf 'lint: %d of 4 checks failed\n' ${#failed[@]} >&2
    exit 1
fi
