#!/usr/bin/env bash
# Installs the named Debian packages when it can: as root, with apt. Called by `make test`.
# Where it can't it says so and ends well: the tests that need them are skipped, naming the reason
# (and with CI=true a skip is a failure).
set -euo pipefail

missing=()
for package in "$@"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ] &&
        ! command -v "$package" >/dev/null 2>&1; then
        missing+=("$package")
    fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
    printf '  not installed: %s (needs root and apt); tests that need them are skipped. By hand: sudo apt-get install %s\n' \
        "${missing[*]}" "${missing[*]}"
    exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$log" 2>&1
}
printf '  installing %s …\n' "${missing[*]}"
# The package lists may be old or missing: one try as they are, one after an update.
if ! install && ! { apt-get update -qq >"$log" 2>&1 && install; }; then
    tail -n 5 "$log"
    printf '  could not install %s; tests that need them are skipped\n' "${missing[*]}"
fi
