"""Random bytes of the system, many fetched at once.

Each fetch lets go of the interpreter's lock and has to wait for it again, which costs far more than the bytes. Used for
tracking codes and nonces. A forked child starts with an empty pool: no byte is ever given out twice.
"""

import os
import secrets
import threading

POOL_BYTES = 4096


class Entropy:
    """A pool of random bytes; safe to call from any thread."""

    def __init__(self) -> None:
        self._left = b""
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._forget)

    def take(self, count: int) -> bytes:
        """Return that many bytes, each given out once."""
        with self._lock:
            if len(self._left) < count:
                self._left = secrets.token_bytes(max(POOL_BYTES, count))
            taken, self._left = self._left[:count], self._left[count:]
            return taken

    def _forget(self) -> None:
        self._left = b""
        self._lock = threading.Lock()


ENTROPY = Entropy()
