"""What every log of facts promises, run over every backend."""

import asyncio
from datetime import UTC, datetime

import pytest

from hotline.facts import FactKind
from hotline.plumbing.bus import Bus, Delivery, Subscription
from tests.contract.facts_for_tests import WORDS, received

NOW = datetime(2026, 11, 24, tzinfo=UTC)


async def ids(subscription: Subscription, limit: int = 100) -> list[str]:
    return [delivery.envelope.fact_id for delivery in await subscription.next_batch(limit)]


async def is_waiting(subscription: Subscription) -> bool:
    """Tell whether the group has nothing to do: the next batch does not come by itself."""
    waiting = asyncio.ensure_future(subscription.next_batch(1))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    waiting.cancel()
    return not done


async def test_facts_come_in_the_order_of_publishing_and_whole(bus: Bus) -> None:
    facts = [received("f1"), received("f2"), received("f1", seq=2)]
    await bus.publish(facts)
    batch = await bus.subscribe("respond").next_batch(10)
    assert [bus.open(delivery) for delivery in batch] == facts


async def test_every_group_reads_everything(bus: Bus) -> None:
    await bus.publish([received("f1")])
    assert await ids(bus.subscribe("classify")) == await ids(bus.subscribe("respond")) == ["ingest:f1:0.1"]


async def test_what_was_not_acknowledged_comes_again(bus: Bus) -> None:
    await bus.publish([received("f1"), received("f1", seq=2)])
    reader = bus.subscribe("respond")
    assert await ids(reader, 1) == ["ingest:f1:0.1"]
    await reader.close()
    reader = bus.subscribe("respond")
    first = await reader.next_batch(1)
    assert first[0].envelope.fact_id == "ingest:f1:0.1"
    await reader.ack(first)
    await reader.close()
    assert await ids(bus.subscribe("respond")) == ["ingest:f1:0.2"]
    assert await bus.lag("respond") == 1


async def test_what_is_not_finished_is_counted_for_each_partition(bus: Bus) -> None:
    await bus.publish([received(f"f{number}") for number in range(20)])
    read = await bus.subscribe("looks").next_batch(100)
    while len(read) < 20:
        read += await bus.subscribe("looks").next_batch(100)
    there = {partition: sum(delivery.partition == partition for delivery in read) for partition in range(6)}
    lag = await bus.lag_by_partition("respond")
    assert {partition: count for partition, count in lag.items() if count} == {
        partition: count for partition, count in there.items() if count
    }
    assert await bus.lag("respond") == sum(lag.values()) == 20


async def test_an_offset_never_moves_back(bus: Bus) -> None:
    await bus.publish([received("f1"), received("f1", seq=2)])
    subscription = bus.subscribe("respond")
    both = await subscription.next_batch(10)
    await subscription.ack(both)
    await subscription.ack(both[:1])
    assert await bus.lag("respond") == 0


async def test_publishing_a_fact_again_is_harmless(bus: Bus) -> None:
    """At most the same fact comes again, after the first time: each reader keeps the newest."""
    await bus.publish([received("f1")])
    await bus.publish([received("f1"), received("f1", seq=2)])
    reader = bus.subscribe("respond")
    read: list[str] = []
    while await bus.lag("respond"):
        batch = await reader.next_batch(10)
        read += [delivery.envelope.fact_id for delivery in batch]
        await reader.ack(batch)
    assert list(dict.fromkeys(read)) == ["ingest:f1:0.1", "ingest:f1:0.2"]
    assert read[-1] == "ingest:f1:0.2"


async def test_a_waiting_reader_wakes_for_a_new_fact(bus: Bus) -> None:
    waiting = asyncio.ensure_future(bus.subscribe("respond").next_batch(10))
    await asyncio.sleep(0.05)
    await bus.publish([received("f1")])
    assert [delivery.envelope.fact_id for delivery in await asyncio.wait_for(waiting, 20)] == ["ingest:f1:0.1"]


async def test_the_citizens_words_do_not_lie_open(bus: Bus) -> None:
    await bus.publish([received("f1")])
    envelope = (await bus.subscribe("respond").next_batch(1))[0].envelope
    assert envelope.sealed is not None
    for part in (envelope.state, envelope.sealed, repr(envelope).encode()):
        assert WORDS.encode() not in part
        assert "ổ gà".encode() not in part


async def bury_first(bus: Bus) -> Delivery:
    await bus.publish([received("f1")])
    subscription = bus.subscribe("respond")
    delivery = (await subscription.next_batch(1))[0]
    await bus.bury("respond", delivery, error="ValueError at ticket.py:1", attempts=5, now=NOW)
    await subscription.ack([delivery])
    await subscription.close()
    return delivery


async def test_a_dead_letter_is_kept_once_and_says_where_it_failed(bus: Bus) -> None:
    delivery = await bury_first(bus)
    await bus.bury("respond", delivery, error="ValueError at ticket.py:1", attempts=5, now=NOW)
    (letter,) = await bus.dead_letters()
    assert (letter.group, letter.fact_id, letter.first_at) == ("respond", "ingest:f1:0.1", NOW)
    assert (letter.error, letter.attempts) == ("ValueError at ticket.py:1", 10)
    assert await bus.buried() == [(letter, delivery.envelope)]


async def test_a_replayed_letter_comes_to_its_own_group_and_is_gone_when_handled(bus: Bus) -> None:
    await bury_first(bus)
    (letter,) = await bus.dead_letters()
    assert await bus.replay(letter.letter_id)
    subscription = bus.subscribe("respond")
    batch = await subscription.next_batch(10)
    assert bus.open(batch[0]) == received("f1")
    await subscription.ack(batch)
    assert await bus.dead_letters() == []
    assert await is_waiting(subscription)


async def test_a_replayed_letter_that_fails_again_stays(bus: Bus) -> None:
    await bury_first(bus)
    (letter,) = await bus.dead_letters()
    await bus.replay(letter.letter_id)
    subscription = bus.subscribe("respond")
    batch = await subscription.next_batch(10)
    await bus.bury("respond", batch[0], error="KeyError at ticket.py:2", attempts=5, now=NOW)
    await subscription.ack(batch)
    (kept,) = await bus.dead_letters()
    assert (kept.error, kept.is_replaying) == ("KeyError at ticket.py:2", False)
    assert await is_waiting(subscription)


async def test_a_replayed_letter_that_cannot_be_read_holds_no_fact_up(bus: Bus) -> None:
    await bury_first(bus)
    (letter,) = await bus.dead_letters()
    await bus.replay(letter.letter_id)
    subscription = bus.subscribe("respond")
    batch = await subscription.next_batch(10)
    subscription.put_back(batch[0], reason="no key", wait_s=3600)
    assert not subscription.holds(batch[0])
    await subscription.ack(batch)
    await bus.publish([received("f2")])
    assert await ids(subscription) == ["ingest:f2:0.1"]
    assert (subscription.trouble, len(await bus.dead_letters())) == ("no key", 1)


async def test_every_process_reads_every_fact_of_a_kind_from_an_instant_on(bus: Bus) -> None:
    await bus.publish([received("f1"), received("f2")])
    long_ago, kind = datetime(2026, 1, 1, tzinfo=UTC), frozenset({FactKind.FEEDBACK_RECEIVED})
    readers = [bus.subscribe_all(long_ago, kind), bus.subscribe_all(long_ago, kind)]
    others = bus.subscribe_all(long_ago, frozenset({FactKind.ACCOUNT_CHANGED}))
    for reader in readers:
        there = [delivery.envelope.feedback_id for delivery in await reader.backlog(10)]
        while batch := await reader.backlog(10):
            there += [delivery.envelope.feedback_id for delivery in batch]
        assert sorted(there) == ["f1", "f2"]
    assert await others.backlog(10) == []
    await bus.publish([received("f3")])
    for reader in readers:
        assert [delivery.envelope.feedback_id for delivery in await reader.next_batch(10)] == ["f3"]
        await reader.close()
    await others.close()


async def test_what_lay_there_ends_though_facts_keep_coming_which_are_read_next(bus: Bus) -> None:
    await bus.publish([received("f1"), received("f2")])
    reader = bus.subscribe_all(datetime(2026, 1, 1, tzinfo=UTC))
    read: list[str] = []
    published = 1
    while batch := await reader.backlog(1):
        read += [delivery.envelope.fact_id for delivery in batch]
        assert len(read) < 30
        published += 1
        await bus.publish([received("f1", seq=published)])
    assert {"ingest:f1:0.1", "ingest:f2:0.1"} <= set(read)
    while len(read) < published + 1:
        read += [delivery.envelope.fact_id for delivery in await reader.next_batch(10)]
    assert sorted(read) == sorted(["ingest:f2:0.1", *(f"ingest:f1:0.{seq}" for seq in range(1, published + 1))])
    await reader.close()


async def test_a_discarded_letter_is_gone(bus: Bus) -> None:
    await bury_first(bus)
    (letter,) = await bus.dead_letters()
    assert await bus.discard(letter.letter_id)
    assert await bus.dead_letters() == []


@pytest.mark.parametrize("method", ["replay", "discard"])
async def test_an_unknown_letter_is_told(bus: Bus, method: str) -> None:
    assert await getattr(bus, method)(999) is False
