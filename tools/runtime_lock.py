"""Prints the part of requirements.lock that the product needs when it runs, with its hashes: what the image installs.

Called in the Dockerfile, with nothing installed but Python: it imports only the standard library. A package belongs to
it when requirements.in asks for it, or a package that belongs to it does; the lock says so behind `# via`.

    python tools/runtime_lock.py requirements.lock > runtime.lock
    python tools/runtime_lock.py --build-tools requirements.lock > build-tools.lock
"""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ASKED_FOR = "-r requirements.in"
# What builds this package and the one dependency that ships as source only.
BUILD_TOOLS = frozenset({"packaging", "pip", "setuptools", "wheel"})


def blocks_of(lock: str) -> Mapping[str, str]:
    """Return each package's lines by its name."""
    without_remarks = re.sub(r"^# .*\n", "", lock, flags=re.MULTILINE)
    blocks = re.split(r"^(?=[a-z0-9])", without_remarks, flags=re.MULTILINE)
    return {block.split("==", 1)[0]: block for block in blocks if "==" in block}


def wanted_by(block: str) -> frozenset[str]:
    """Return who asks for a package: other packages, or requirements files as `-r name`."""
    _, _, via = block.partition("# via")
    return frozenset(line.strip(" #") for line in via.splitlines()) - {""}


def runtime_names(blocks: Mapping[str, str]) -> frozenset[str]:
    """Return the packages that running needs."""
    asked = {name: wanted_by(block) for name, block in blocks.items()}
    found = {name for name, by in asked.items() if ASKED_FOR in by}
    while more := {name for name, by in asked.items() if name not in found and by & found}:
        found |= more
    return frozenset(found)


def part_of(lock: str, names: Iterable[str]) -> str:
    """Return a lock of these packages alone, as the whole one says it."""
    blocks = blocks_of(lock)
    return "".join(blocks[name].rstrip() + "\n" for name in sorted(names))


def main(arguments: list[str]) -> None:
    """Print the part asked for of the lock that the last argument names."""
    lock = Path(arguments[-1]).read_text(encoding="utf-8")
    names = BUILD_TOOLS if "--build-tools" in arguments else runtime_names(blocks_of(lock))
    sys.stdout.write(part_of(lock, names))


if __name__ == "__main__":
    main(sys.argv[1:])
