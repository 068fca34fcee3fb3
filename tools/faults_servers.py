"""The faults of the drill of the servers: what is done to broker, database and processes while feedback comes.

Called by `drill_servers`. Each returns when every process is ready again as before it. Nothing here judges the outcome.
"""

import asyncio

from tools.broker import put_poison
from tools.processes import wait_until_ready
from tools.server_processes import kill_server, start_again, stop_server
from tools.server_town import KEY_ID, SERVICES, ServerTown

POISON = "poison"
POISONED_KINDS = (("feedback.received", "ingest"), ("ticket.changed", "respond"))
# Who reads them, and so must have buried them: nobody else, and nothing else.
POISON_LETTERS = tuple(
    f"{group}: {kind} of {POISON}: "
    for kind, groups in (
        ("feedback.received", ("classify", "respond")),
        ("ticket.changed", ("classify", "ingest", "respond")),
    )
    for group in groups
)
FAIL_ONE_IN = 10
LETTERS_WAIT_S = 60.0
LOOK_EVERY_S = 0.25


class LettersMissing(Exception):
    """A poisonous fact was not buried by each group that reads it."""


async def until_ready(town: ServerTown) -> None:
    """Wait until every process is ready."""
    await asyncio.gather(*(asyncio.to_thread(wait_until_ready, server) for server in town.running.values()))


async def stop_broker(town: ServerTown, stopped_s: float) -> None:
    """Stop the broker for a while."""
    await asyncio.to_thread(stop_server, town.broker)
    await asyncio.sleep(stopped_s)
    town.broker = await asyncio.to_thread(start_again, town.broker)
    await until_ready(town)


async def stop_database(town: ServerTown, stopped_s: float) -> None:
    """Stop the database for a while."""
    await asyncio.to_thread(stop_server, town.database)
    await asyncio.sleep(stopped_s)
    town.database = await asyncio.to_thread(start_again, town.database)
    await until_ready(town)


async def kill_database(town: ServerTown) -> None:
    """kill -9 the database at a random moment and start it again at once."""
    await asyncio.sleep(town.random.uniform(1.0, 3.0))
    await asyncio.to_thread(kill_server, town.database)
    town.database = await asyncio.to_thread(start_again, town.database)
    await until_ready(town)


async def kill_services(town: ServerTown, times: int) -> None:
    """kill -9 each service so many times, one after the other, each started again."""
    for _ in range(times):
        for name in town.random.sample(SERVICES, len(SERVICES)):
            await asyncio.sleep(town.random.uniform(0.1, 2.0))
            town.kill(name)
            await town.start(name)


async def kill_one_of_two(town: ServerTown, alone_s: float) -> None:
    """Run two of each service, kill -9 one of each, let the others work alone; the first come back, the second go."""
    seconds = [f"{name}.2" for name in SERVICES]
    await town.start(*seconds)
    for name in SERVICES:
        await asyncio.sleep(town.random.uniform(0.1, 1.0))
        town.kill(name)
    await asyncio.sleep(alone_s)
    await town.start(*SERVICES)
    await town.stop(*seconds)


async def poison(town: ServerTown) -> None:
    """Put facts on the topic that nobody can handle, and wait for their letters; raises LettersMissing."""
    await put_poison(town.broker.url, KEY_ID, POISONED_KINDS, POISON)
    async with asyncio.timeout(LETTERS_WAIT_S) as waiting:
        while missing := await missing_letters(town):
            if (waiting.when() or 0) - asyncio.get_running_loop().time() < 2 * LOOK_EVERY_S:
                raise LettersMissing(", ".join(missing))
            await asyncio.sleep(LOOK_EVERY_S)


async def missing_letters(town: ServerTown) -> list[str]:
    """Return the beginnings of the letters about the poison that are not there."""
    letters = await town.dead_letters()
    return [begin for begin in POISON_LETTERS if not any(letter.startswith(begin) for letter in letters)]


async def fail_now_and_then(town: ServerTown, spell_s: float) -> None:
    """Let the handler of each service fail on one fact in ten for a while."""
    await town.stop(*SERVICES)
    await town.start(*SERVICES, broken=("--handler", str(FAIL_ONE_IN)))
    await asyncio.sleep(spell_s)
    await town.stop(*SERVICES)
    await town.start(*SERVICES)


async def die_before_marking(town: ServerTown, deaths: int, one_in: int) -> None:
    """Let each service die so often between publishing facts and marking them as published, after one in `one_in`."""
    broken = ("--relay", str(one_in))
    await town.stop(*SERVICES)
    # None is waited for: one may die before it is ready.
    for name in SERVICES:
        town.launch(name, broken)
    died = dict.fromkeys(SERVICES, 0)
    while min(died.values()) < deaths:
        for name in await town.keep_running(broken):
            died[name] += 1
        await asyncio.sleep(LOOK_EVERY_S)
    for name in SERVICES:
        town.kill(name)
    await town.start(*SERVICES)
