"""A sender that gives up on nothing: every feedback is sent with its own key until it is answered 201.

Called by `drill` and the live tests while the server is killed under it. It notes what it was promised, so that the
stores can be held to it. It reads no store.
"""

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohttp

from tools.load import encoded_body, headers_for, new_session

ATTEMPT_S = 40.0
WAIT_S = (0.2, 1.0)
SAID_AGAIN_EACH = 10
MAY_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Refused(Exception):
    """The server said that a good request can never be taken: the drill itself is wrong, or the server is."""


@dataclass(slots=True, kw_only=True)
class Delivery:
    """Sends `rate` new feedbacks a second until stopped; `accepted` is what a 201 promised: key to feedback id.

    Each attempt goes to one of the `urls` that there are then. One key in ten is sent again after its 201, as by a
    sender that lost the answer; `contradictions` are keys whose answers differed. `setbacks` counts what came between.
    """

    urls: Callable[[], Sequence[str]]
    name: str
    rate: float
    random: random.Random
    accepted: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    setbacks: "Counter[str]" = field(default_factory=Counter)
    sent: int = 0

    async def run(self, stop: asyncio.Event, at_least: int = 0) -> None:
        """Send until `stop`, and `at_least` so many; then wait until each that was begun is answered. Raises Refused.

        It can be run again, which goes on with new keys.
        """
        before = self.sent
        async with new_session(connections=200, request_s=ATTEMPT_S) as session, asyncio.TaskGroup() as group:
            started_at = asyncio.get_running_loop().time()
            while not stop.is_set() or self.sent - before < at_least:
                group.create_task(self.deliver(session, self.sent))
                self.sent += 1
                due_at = started_at + (self.sent - before) / self.rate
                await self.wait(stop, due_at - asyncio.get_running_loop().time())

    async def wait(self, stop: asyncio.Event, due_in_s: float) -> None:
        """Wait until the next feedback is due; a stop that comes meanwhile ends the waiting."""
        if stop.is_set():
            await asyncio.sleep(max(due_in_s, 0.0))
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), max(due_in_s, 0.0))

    async def deliver(self, session: aiohttp.ClientSession, number: int) -> None:
        """Send one feedback until it is taken, some of them once more."""
        key = f"{self.name}-{number}"
        body = encoded_body(number, key)
        for _ in range(2 if number % SAID_AGAIN_EACH == 0 else 1):
            await self.send_until_taken(session, key, body)

    async def send_until_taken(self, session: aiohttp.ClientSession, key: str, body: bytes) -> None:
        """Send again and again, with a wait between, until it is answered 201."""
        while True:
            if await self.attempt(session, key, body):
                return
            await asyncio.sleep(self.random.uniform(*WAIT_S))

    async def attempt(self, session: aiohttp.ClientSession, key: str, body: bytes) -> bool:
        """Send once and say whether it was taken."""
        try:
            async with session.post(self.random.choice(self.urls()), data=body, headers=headers_for(key)) as answer:
                said = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.setbacks[type(error).__name__] += 1
            return False
        if answer.status == 201:
            self.note(key, json.loads(said))
            return True
        self.setbacks[str(answer.status)] += 1
        if answer.status not in MAY_RETRY:
            raise Refused(f"{key}: {answer.status} {said[:300].decode(errors='replace')}")
        return False

    def note(self, key: str, said: dict[str, str]) -> None:
        """Keep what a 201 promised; the same key must always be promised the same."""
        promised = said["feedback_id"], said["tracking_code"]
        if key in self.accepted and promised != (self.accepted[key], self.codes[key]):
            self.contradictions.append(f"{key} was answered with two feedbacks")
        self.accepted[key], self.codes[key] = promised
