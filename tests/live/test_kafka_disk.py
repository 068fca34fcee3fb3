"""Whoever reads the broker's disk reads no citizen's words; what lies there is a CloudEvent by the official library."""

from pathlib import Path

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat

from hotline.plumbing.bus_kafka import KafkaOptions, open_kafka
from hotline.plumbing.bus_kafka_topics import ensure_topics, load_topics
from hotline.plumbing.bus_kafka_wire import record_of
from hotline.plumbing.envelope import close_fact
from hotline.plumbing.seal import Sealer
from tests.contract.facts_for_tests import received
from tests.servers import unique_name
from tools.server_processes import KAFKA
from tools.servers import STATE

pytestmark = pytest.mark.live
SEALER = Sealer({"test": "a secret only for tests"})
SPOKEN = "caycautreotrenduongdihoc"


def logs_of(prefix: str) -> list[bytes]:
    return [path.read_bytes() for path in Path(STATE / KAFKA / "data").glob(f"{prefix}.*/*.log")]


async def test_no_word_of_a_citizen_lies_on_the_brokers_disk(kafka_url: str) -> None:
    options = KafkaOptions(prefix=unique_name())
    await ensure_topics(kafka_url, options, load_topics(replication=1))
    bus = await open_kafka(kafka_url, SEALER, options)
    await bus.publish([received("feedback-to-find", text=SPOKEN)])
    await bus.close()
    logs = logs_of(options.prefix)
    if not logs:
        pytest.skip("the broker of KAFKA_URL keeps its disk elsewhere")
    assert any(b"feedback-to-find" in log for log in logs)
    assert not any(SPOKEN.encode() in log for log in logs)


def test_a_fact_is_a_cloudevent() -> None:
    fact = received("f1")
    record = record_of(close_fact(fact, SEALER))
    message = KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value or b"")
    event = from_binary_event(message, JSONFormat())
    assert (event.get_id(), event.get_type(), event.get_subject()) == (fact.fact_id, fact.kind, "f1")
    assert (event.get_source(), event.get_specversion()) == ("/hotline/ingest", "1.0")
