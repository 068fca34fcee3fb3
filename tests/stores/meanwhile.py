"""Lets something happen just before a command reaches MongoDB: how tests take every interleaving of two writers."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

STUCK_AFTER_S = 30.0
LOOK_EVERY_S = 0.001


class Meanwhile(CommandListener):
    """Does what it was given by `before`, once; the command waits for it in the driver's own thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0
        self._on_their_way = 0
        self._do: Callable[[], None] | None = None

    def before(self, number: int, do: Callable[[], Awaitable[object]]) -> None:
        """Before the `number`-th command from now on, counted from 1, let `do` happen whole on this loop.

        `do` must speak through another MongoDatabase; to die there it cancels the task that sends the command.
        """
        loop = asyncio.get_running_loop()

        async def happen() -> None:
            await do()

        self._left, self._do = number, lambda: asyncio.run_coroutine_threadsafe(happen(), loop).result(STUCK_AFTER_S)

    def forget(self) -> None:
        """Let nothing happen any more."""
        self._do = None

    @property
    def has_happened(self) -> bool:
        """Whether that many commands were sent at all."""
        return self._do is None

    async def all_arrived(self) -> None:
        """Return when every command that was sent is answered, those of a task that was cancelled too."""
        while self._on_their_way:  # noqa: ASYNC110 - the driver's threads know no event of this loop
            await asyncio.sleep(LOOK_EVERY_S)

    def started(self, event: CommandStartedEvent) -> None:
        """Count a command, in a thread of the driver's that is about to send it."""
        with self._lock:
            self._on_their_way += 1
            self._left -= 1
            if self._left or self._do is None:
                return
            do, self._do = self._do, None
        do()

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Count it as answered."""
        with self._lock:
            self._on_their_way -= 1

    def failed(self, event: CommandFailedEvent) -> None:
        """Count it as answered: the caller has the error."""
        with self._lock:
            self._on_their_way -= 1
