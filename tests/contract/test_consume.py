"""The consuming loop: nothing is skipped, nothing is acknowledged early, bad facts end in the dead letters."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from msgspec import structs

from hotline.facts import SCHEMA, Fact, FactKind
from hotline.plumbing.bus import Bus, Delivery
from hotline.plumbing.consume import Consumer, Patience
from hotline.plumbing.envelope import close_fact
from hotline.plumbing.failures import FactIsBad, KeyMissing, TooManyDeadLetters, WorldIsDown
from hotline.plumbing.seal import Sealer
from tests.contract.facts_for_tests import WORDS, received

QUICK = Patience(attempts=3, first_wait_s=0.001, longest_wait_s=0.002, burials_in_a_row=3)


def consumer(bus: Bus, handle: Callable[[Fact], Awaitable[None]]) -> Consumer:
    return Consumer(bus=bus, group="respond", handle=handle, clock=lambda: datetime.now(UTC), patience=QUICK)


async def run_until(consumer: Consumer, is_done: Callable[[], Awaitable[bool]]) -> None:
    running = asyncio.ensure_future(consumer.run())
    while not await is_done():
        assert not running.done(), running
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def until_no_lag(consumer: Consumer) -> None:
    async def is_done() -> bool:
        return await consumer.bus.lag(consumer.group) == 0

    await run_until(consumer, is_done)


async def test_each_fact_is_handled_in_its_feedbacks_order(bus: Bus) -> None:
    seen: list[tuple[str, int]] = []

    async def handle(fact: Fact) -> None:
        await asyncio.sleep(0.001 * (5 - fact.seq))
        seen.append((fact.feedback_id, fact.seq))

    facts = [received(name, seq) for seq in range(1, 5) for name in ("f1", "f2", "f3")]
    await bus.publish(facts)
    await until_no_lag(consumer(bus, handle))
    for name in ("f1", "f2", "f3"):
        assert [seq for feedback, seq in seen if feedback == name] == [1, 2, 3, 4]


async def test_the_world_down_is_waited_out_without_a_dead_letter(bus: Bus) -> None:
    outages = iter(range(50))
    seen: list[str] = []

    async def handle(fact: Fact) -> None:
        if next(outages, None) is not None:
            raise WorldIsDown("no store")
        seen.append(fact.fact_id)

    await bus.publish([received("f1")])
    loop = consumer(bus, handle)
    await until_no_lag(loop)
    assert seen == ["ingest:f1:0.1"]
    assert await bus.dead_letters() == []
    assert loop.trouble is None


async def test_a_fact_of_a_newer_release_waits_with_an_alarm_and_what_lies_before_it_is_finished(bus: Bus) -> None:
    seen: list[str] = []

    async def handle(fact: Fact) -> None:
        seen.append(fact.fact_id)

    newer = close_fact(received("f2"), Sealer({"test": "a secret only for tests"}))
    await bus.publish([received("f1")])
    await bus.publish_envelopes([structs.replace(newer, schema=SCHEMA + 1)])
    loop = consumer(bus, handle)

    async def is_waiting() -> bool:
        return "newer than this release" in (loop.trouble or "") and await bus.lag("respond") == 1

    await run_until(loop, is_waiting)
    assert seen == ["ingest:f1:0.1"]
    assert await bus.dead_letters() == []


async def test_a_fact_that_waited_for_its_key_is_handled_when_it_can_be_and_the_alarm_ends(bus: Bus) -> None:
    tries: list[str] = []

    async def handle(fact: Fact) -> None:
        tries.append(fact.fact_id)
        if tries.count("ingest:f1:0.1") == 1:
            raise KeyMissing

    await bus.publish([received("f1"), received("f1", seq=2)])
    loop = consumer(bus, handle)
    await until_no_lag(loop)
    assert tries == ["ingest:f1:0.1", "ingest:f1:0.1", "ingest:f1:0.2"]
    assert loop.trouble is None
    assert await bus.dead_letters() == []


async def test_a_bad_fact_is_buried_without_the_citizens_words_and_the_next_go_on(bus: Bus) -> None:
    seen: list[str] = []

    async def handle(fact: Fact) -> None:
        if fact.feedback_id == "bad":
            raise ValueError(f"cannot work on {WORDS}")
        seen.append(fact.fact_id)

    await bus.publish([received("f1"), received("bad"), received("f2")])
    await until_no_lag(consumer(bus, handle))
    assert sorted(seen) == ["ingest:f1:0.1", "ingest:f2:0.1"]
    (letter,) = await bus.dead_letters()
    assert (letter.feedback_id, letter.attempts) == ("bad", QUICK.attempts)
    assert letter.error.startswith("ValueError at contract/test_consume.py:")
    assert "ổ gà" not in letter.error


async def test_a_fact_known_to_be_bad_is_not_tried_again(bus: Bus) -> None:
    async def handle(fact: Fact) -> None:
        raise FactIsBad

    await bus.publish([received("f1")])
    await until_no_lag(consumer(bus, handle))
    (letter,) = await bus.dead_letters()
    assert letter.attempts == 1


async def test_too_many_dead_letters_in_a_row_stop_the_process(bus: Bus) -> None:
    async def handle(fact: Fact) -> None:
        raise FactIsBad

    await bus.publish([received(f"f{number}") for number in range(10)])
    with pytest.raises(ExceptionGroup) as stopped:
        await consumer(bus, handle).run()
    assert stopped.group_contains(TooManyDeadLetters)
    assert await bus.lag("respond") == 10


async def test_known_kinds_without_use_are_passed_over_and_unknown_ones_never(bus: Bus) -> None:
    async def handle(fact: Fact) -> None:
        raise AssertionError(fact.kind)

    await bus.publish([received("f1"), received("f2")])
    loop = replace(consumer(bus, handle), kinds=frozenset({FactKind.TICKET_CHANGED}))
    await until_no_lag(loop)
    assert await bus.dead_letters() == []
    delivery = (await bus.subscribe("fresh").next_batch(1))[0]
    unknown = replace(delivery, envelope=structs.replace(delivery.envelope, kind="feedback.sung"))
    assert loop.passes_over(delivery)
    assert not loop.passes_over(unknown)


async def test_a_handler_that_fails_now_and_then_loses_nothing(bus: Bus) -> None:
    tries: dict[str, int] = {}
    done: list[str] = []

    async def handle(fact: Fact) -> None:
        tries[fact.fact_id] = tries.get(fact.fact_id, 0) + 1
        if tries[fact.fact_id] == 1 and int(fact.feedback_id) % 10 == 0:
            raise OSError
        done.append(fact.fact_id)

    await bus.publish([received(str(number)) for number in range(100)])
    await until_no_lag(consumer(bus, handle))
    assert len(done) == len(set(done)) == 100
    assert await bus.dead_letters() == []


async def test_a_cancel_lets_the_fact_in_hand_finish(bus: Bus) -> None:
    started, finished = asyncio.Event(), asyncio.Event()

    async def handle(fact: Fact) -> None:
        started.set()
        await asyncio.sleep(0.05)
        finished.set()

    await bus.publish([received("f1")])
    running = asyncio.ensure_future(consumer(bus, handle).run())
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert finished.is_set()
    assert await bus.lag("respond") == 0


class Stumbling:
    """A bus that another stands behind: the first look for facts finds it down, then it answers and has none."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.trouble: str | None = None
        self.looks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bus, name)

    def subscribe(self, group: str) -> "Stumbling":
        return self

    async def next_batch(self, limit: int) -> list[Delivery]:
        self.looks += 1
        if self.looks == 1:
            raise WorldIsDown("no broker")
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        """Nothing is open."""


async def test_an_outage_that_is_over_is_no_trouble_though_no_fact_comes(bus: Bus) -> None:
    stumbling = Stumbling(bus)
    working = consumer(cast("Bus", stumbling), lambda _: asyncio.sleep(0))

    async def is_over() -> bool:
        return stumbling.looks == 2 and working.trouble is None

    await run_until(working, is_over)
