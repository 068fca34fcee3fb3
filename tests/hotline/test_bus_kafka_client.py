"""What the driver's clients do while no broker is there: they look now and then, and can be closed."""

import asyncio
from dataclasses import dataclass

import pytest
from aiokafka.client import AIOKafkaClient

from hotline.plumbing import bus_kafka_client
from hotline.plumbing.bus_kafka_client import close_quietly


async def test_a_client_that_finds_no_broker_rests_before_it_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_kafka_client, "RETRY_MS", 3_600_000)
    # It knows of no broker yet, as it was never started.
    client = AIOKafkaClient(bootstrap_servers="127.0.0.1:1")
    looking = asyncio.create_task(client._metadata_update(client.cluster, ["hotline.facts"]))
    done, _ = await asyncio.wait({looking}, timeout=0.05)
    assert done == set()
    looking.cancel()
    await asyncio.wait({looking})


@dataclass(slots=True)
class Connections:
    """The connections of a client of the driver."""

    are_closed: bool = False

    async def close(self) -> None:
        self.are_closed = True


class HalfStopped:
    """A client of the driver as it stops while it waits for a broker: a cancel of its own comes out."""

    def __init__(self) -> None:
        self._client = Connections()

    async def stop(self) -> None:
        reading = asyncio.create_task(asyncio.sleep(60))
        reading.cancel()
        await reading


class Hanging:
    """A client of the driver that does not come to an end."""

    async def stop(self) -> None:
        await asyncio.Event().wait()


async def test_a_cancel_that_the_driver_lets_out_ends_nothing_of_ours_and_its_connections_are_closed() -> None:
    client = HalfStopped()
    await close_quietly(client)
    assert client._client.are_closed


async def test_a_cancel_of_whoever_closes_a_client_is_obeyed() -> None:
    closing = asyncio.create_task(close_quietly(Hanging()))
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})
    assert closing.cancelled()


async def test_a_client_that_does_not_end_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_kafka_client, "CLOSE_S", 0.0)
    await asyncio.wait_for(close_quietly(Hanging()), 30)
