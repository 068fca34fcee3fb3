#!/usr/bin/env bash
# Renews requirements.lock. Called by `make lock`. The lock names versions and hashes and nothing of the
# machine or of the place the packages came from, so it works with any mirror.
set -euo pipefail
cd "$(dirname "$0")/.."

printf 'Resolving (this can take several minutes) …\n'
.venv/bin/python -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
    --output-file requirements.lock "$@" requirements-dev.in
if grep -nE '://|^ *(-i|-f|--index|--extra-index|--find-links|--trusted)| file:/|^ *# +via .*/' requirements.lock; then
    printf 'make lock: the lines above name an address or a path of this machine; they may not be committed.\n' >&2
    exit 1
fi
printf 'Wrote requirements.lock. Run: make test\n'
