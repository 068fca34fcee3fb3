"""The broker stops, hangs and dies under load: nothing is lost, nothing is buried, each feedback's order holds."""

import asyncio
import signal
from datetime import UTC, datetime
from functools import partial

import pytest

from hotline.plumbing import bus_kafka
from hotline.plumbing.bus import Bus
from hotline.plumbing.failures import WorldIsDown
from tests.contract.facts_for_tests import received
from tests.live.kafka_town import FEEDBACKS, GROUP, new_town, publish_stubbornly
from tests.live.own_broker import OwnBroker
from tools.server_processes import TestServer, end, kill_server, start_again

pytestmark = pytest.mark.live
FACTS = 12


@pytest.fixture
def broker(own_broker: OwnBroker) -> TestServer:
    """A broker of the live tests alone, running."""
    return start_again(own_broker.server)


async def read_all(bus: Bus, count: int) -> set[str]:
    """Read without a group until so many facts of the feedbacks have come."""
    reading, found = bus.subscribe_all(datetime(2026, 1, 1, tzinfo=UTC)), set[str]()
    while len(found) < count:
        found |= {
            delivery.envelope.fact_id
            for delivery in await reading.next_batch(100)
            if delivery.envelope.feedback_id in FEEDBACKS
        }
    return found


async def test_a_broker_that_hangs_and_is_killed_in_mid_stream_loses_nothing(
    broker: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_kafka, "PUBLISH_S", 2.0)
    async with new_town(broker.url) as town:
        writer, reader = await town.open(), await town.open()
        town.join("reader", reader)
        everything = asyncio.create_task(read_all(reader, len(FEEDBACKS) * FACTS))
        at_fact = {seq: asyncio.Event() for seq in range(1, FACTS + 1)}

        def has_seen(name: str, facts: int) -> bool:
            return len(town.seen(name)) >= facts

        async def write(name: str) -> int:
            refusals = 0
            for seq in range(1, FACTS + 1):
                refusals += await publish_stubbornly(writer, received(name, seq))
                await town.until(partial(has_seen, name, seq - 1))
                at_fact[seq].set()
            return refusals

        writing = asyncio.gather(*(write(name) for name in FEEDBACKS))
        await at_fact[4].wait()
        end(broker, signal.SIGSTOP)
        with pytest.raises(WorldIsDown):
            await writer.publish([received("f-other")])
        end(broker, signal.SIGCONT)
        await at_fact[8].wait()
        await asyncio.to_thread(kill_server, broker)
        await asyncio.to_thread(start_again, broker)
        await writing
        await town.until_no_lag(writer)
        assert [town.seen(name) for name in FEEDBACKS] == [list(range(1, FACTS + 1))] * len(FEEDBACKS)
        assert await writer.dead_letters() == []
        assert town.readers["reader"][0].trouble is None
        assert await everything >= {received(name, seq).fact_id for name in FEEDBACKS for seq in range(1, FACTS + 1)}


async def test_a_publish_broken_off_that_arrives_all_the_same_is_a_harmless_repeat(
    broker: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay says it again: the fact lies there twice, the first time before what follows it.

    What a reader makes of repeats, in any order, is the same state: tests/ingest/test_actions.py and the like.
    """
    monkeypatch.setattr(bus_kafka, "PUBLISH_S", 1.0)
    async with new_town(broker.url) as town:
        bus = await town.open()
        await bus.publish([received("f1")])
        end(broker, signal.SIGSTOP)
        with pytest.raises(WorldIsDown):
            await bus.publish([received("f1", 2)])
        end(broker, signal.SIGCONT)
        await publish_stubbornly(bus, received("f1", 2))
        await publish_stubbornly(bus, received("f1", 3))
        town.join("reader", bus)
        await town.until_no_lag(bus)
        assert [seq for _, _, seq in town.handled] == [1, 2, 2, 3]
        assert await bus.lag(GROUP) == 0
