"""Brings stores together that were restored to different instants: each service tells again what it knows.

Called by `backup_commands`, beside a running server or before one starts. An erasure that one store knows is told to
the others first. What is told is newer than all that was told before, so every reader takes it; safe to say twice.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from hotline.plumbing.backend import Backend
from hotline.plumbing.records import ERASED, Record, Records, ids_of, pages_of
from hotline.plumbing.restores import refuse_half_restored
from services.classify import opening as classify_opening
from services.classify import reconciling as classify
from services.classify.records import CLASSIFICATION
from services.ingest import actions as intake_actions
from services.ingest import reconciling as ingest
from services.ingest.app import open_intake
from services.ingest.records import FEEDBACK
from services.parts import SERVICES, Report, erased_in, open_parts
from services.respond import reconciling as respond
from services.respond.opening import open_desk
from services.respond.records import ACCOUNT, TICKET

# Written together they share a commit to the disk; a running server's own writes come in between.
TOLD_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What was told again, and what cannot meet: by a word, the ids."""

    told: dict[str, int]
    apart: dict[str, tuple[str, ...]]


async def reconcile(backend: Backend, report: Report) -> Reconciled:
    """Let every service tell again what it knows; raises HalfRestored, WorldIsDown."""
    for name in SERVICES:
        await refuse_half_restored(backend, name)
    stores = await open_parts(backend)
    intake, desk = await open_intake(backend), await open_desk(backend)
    classifications, now = await classify_opening.open_store(backend), backend.clock()
    erased = await erased_in(stores.values())
    told = {"erasure": await tell_erasures(backend, stores["ingest"], intake, erased, report)}

    async def tell(name: str, kind: str, again: Callable[[str], Awaitable[bool]]) -> None:
        told[kind] = 0
        async for page in pages_of(stores[name], kind):
            for some in batched([record.id for record in page if record.id not in erased], TOLD_AT_ONCE):
                told[kind] += sum(await asyncio.gather(*map(again, some)))
            report(kind, len(page))

    await tell("ingest", FEEDBACK, lambda known: ingest.tell_again(intake, known, now=now))
    await tell("classify", CLASSIFICATION, lambda known: classify.tell_again(classifications, known, now=now))
    await tell("respond", TICKET, lambda known: respond.tell_ticket_again(desk, known, now=now))
    await tell("respond", ACCOUNT, lambda known: respond.tell_account_again(desk.store, known, now=now))
    return Reconciled(told=told, apart=await what_is_apart(stores, erased))


def batched(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield ids a few at a time."""
    return (ids[start : start + size] for start in range(0, len(ids), size))


async def tell_erasures(
    backend: Backend, store: Records, intake: intake_actions.Intake, erased: dict[str, int], report: Report
) -> int:
    """Tell of the erasures that not all three services know; returns how many there were."""
    now, unknown = backend.clock(), [known for known, count in erased.items() if count < len(SERVICES)]
    for feedback_id in unknown:
        if not await intake_actions.erase(intake, feedback_id, now=now):
            await store.put_back([Record(kind=ERASED, id=feedback_id)])
            await backend.bus.publish([ingest.erasure_again(feedback_id, now=now)])
        report("erasure", 1)
    return len(unknown)


async def what_is_apart(stores: dict[str, Records], erased: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Name what has no counterpart: tickets and classifications without a feedback, feedbacks without a ticket."""
    tickets, untaken = await compared(ids_of(stores["respond"], TICKET), ids_of(stores["ingest"], FEEDBACK))
    judged, _ = await compared(ids_of(stores["classify"], CLASSIFICATION), ids_of(stores["ingest"], FEEDBACK))
    found = {
        "ticket without a feedback": tickets,
        "classification without a feedback": judged,
        "feedback without a ticket": untaken,
    }
    return {word: tuple(known for known in ids if known not in erased) for word, ids in found.items()}


async def compared(ours: AsyncIterator[str], theirs: AsyncIterator[str]) -> tuple[list[str], list[str]]:
    """Return what is only among ours and only among theirs; both come in order."""
    only_ours, only_theirs = [], []
    one, other = await anext(ours, None), await anext(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one < other):
            only_ours.append(str(one))
            one = await anext(ours, None)
        elif one is None or other < one:
            only_theirs.append(other)
            other = await anext(theirs, None)
        else:
            one, other = await anext(ours, None), await anext(theirs, None)
    return only_ours, only_theirs
