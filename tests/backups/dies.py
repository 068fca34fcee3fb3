"""`hotline` as it is killed at its work: `python -m tests.backups.dies PLACE ARGUMENT…`; used by `test_moving.py`.

PLACE is `rename:N`, at the N-th file that would get its name, or `insert:COLLECTION`, before a command to MongoDB.
"""

import os
import sys

from pymongo import monitoring

from services.cli import main
from tests.stores.another_process import KILLED, DieBefore


def die_at_rename(number: int) -> None:
    """Die where the N-th file would get its name; an audit hook."""
    seen = 0

    def hear(event: str, _: tuple[object, ...]) -> None:
        nonlocal seen
        seen += event == "os.rename"
        if seen >= number:
            os._exit(KILLED)

    sys.addaudithook(hear)


if __name__ == "__main__":
    place, _, where = sys.argv.pop(1).partition(":")
    if place == "rename":
        die_at_rename(int(where))
    else:
        monitoring.register(DieBefore(place, where))
    main()
