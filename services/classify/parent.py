"""Ends a child process once its parent has died: a killed server must leave nobody behind.

Called first in every process that `scorer` and `fitting` start.
"""

import os
import threading
import time

CHECK_S = 1.0


def end_with_parent(parent_pid: int) -> None:
    """Watch the parent from a thread of this process, and end at once when it is gone."""
    threading.Thread(target=_watch, args=(parent_pid,), daemon=True).start()


def _watch(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(CHECK_S)
    os._exit(0)
