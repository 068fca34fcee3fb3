"""Lets something happen just before a command reaches MongoDB: how tests take every interleaving of two writers."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

STUCK_AFTER_S = 30.0


class Meanwhile(CommandListener):
    """Does what it was given by `before`, once; the command waits for it in the driver's own thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0
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

    def started(self, event: CommandStartedEvent) -> None:
        """Count a command, in a thread of the driver's that is about to send it."""
        with self._lock:
            self._left -= 1
            if self._left or self._do is None:
                return
            do, self._do = self._do, None
        do()

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing more is wanted."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing more is wanted: the caller has the error."""
