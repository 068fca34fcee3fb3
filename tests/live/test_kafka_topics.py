"""`hotline topics` makes what is missing, says what differs, and changes nothing that is there."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from hotline.plumbing.bus_kafka import BusUnavailable, KafkaOptions, open_kafka
from hotline.plumbing.bus_kafka_topics import TopicsReport, ensure_topics, load_broker_settings, load_topics
from tests.live.kafka_town import SEALER
from tests.live.own_broker import OwnBroker
from tests.servers import unique_name
from tools.server_processes import start_again

pytestmark = pytest.mark.live
SECRET = "a secret of at least thirty-two characters"
WRONG = {"retention.ms": "86400000", "cleanup.policy": "compact"}


async def test_topics_are_made_once_and_are_then_as_they_should_be(kafka_url: str) -> None:
    options, topics = KafkaOptions(prefix=unique_name()), load_topics(replication=1)
    made = (options.facts, options.dead_letters)
    assert await ensure_topics(kafka_url, options, topics) == TopicsReport(made=made, differences=())
    assert await ensure_topics(kafka_url, options, topics) == TopicsReport(made=(), differences=())


async def test_every_difference_is_said_and_none_is_changed(kafka_url: str) -> None:
    options, (facts, letters) = KafkaOptions(prefix=unique_name()), load_topics(replication=1)
    await ensure_topics(kafka_url, options, [replace(facts, partitions=3, settings={**facts.settings, **WRONG})])
    for _ in range(2):
        report = await ensure_topics(kafka_url, options, [replace(facts, replication=3), letters])
        assert set(report.differences) == {
            f"{options.facts}: partitions is 3, should be 6",
            f"{options.facts}: copies is 1, should be 3",
            f"{options.facts}: retention.ms is 86400000, should be 2592000000",
            f"{options.facts}: cleanup.policy is compact, should be delete",
        }


async def test_a_broker_that_is_set_otherwise_is_named(own_broker: OwnBroker) -> None:
    server = start_again(own_broker.server)
    wanted = {**load_broker_settings(), "auto.create.topics.enable": "true"}
    report = await ensure_topics(server.url, KafkaOptions(prefix=unique_name()), load_topics(1), wanted)
    assert report.differences == ("broker 1: auto.create.topics.enable is false, should be true",)


async def test_a_topic_that_is_missing_is_never_made_by_the_way(kafka_url: str) -> None:
    options = KafkaOptions(prefix=unique_name())
    for _ in range(2):
        with pytest.raises(BusUnavailable, match=rf"has no topic {options.facts}: make it with `hotline topics`"):
            await open_kafka(kafka_url, SEALER, options)


def test_the_file_says_what_a_province_needs() -> None:
    facts, letters = load_topics()
    assert (facts.partitions, facts.replication, letters.partitions, letters.replication) == (6, 3, 1, 3)
    assert {topic.settings["min.insync.replicas"] for topic in (facts, letters)} == {"2"}
    thirty_days = 30 * 24 * 3600
    assert facts.settings["retention.ms"] == str(thirty_days * 1000)
    assert load_broker_settings() == {
        "auto.create.topics.enable": "false",
        "offsets.retention.minutes": str(thirty_days // 60),
    }
    assert {topic.settings["min.insync.replicas"] for topic in load_topics(replication=1)} == {"1"}


async def run_topics(url: str, *arguments: str) -> tuple[int, list[str], str]:
    """Run the command as an operator does; returns how it ended and what it said."""
    environment = {
        "PATH": os.environ["PATH"], "STORE_URL": "mongodb://localhost:27017/hotline", "BUS_URL": url,
        "SECRET_KEY": SECRET, "SEAL_KEYS": f"2026:{SECRET}",
    }  # fmt: skip
    command = [sys.executable, "-m", "services", "topics", *arguments]
    said = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )
    return said.returncode, said.stdout.splitlines(), said.stderr


async def test_the_command_ends_with_1_when_a_difference_needs_a_person(own_broker: OwnBroker) -> None:
    url = start_again(own_broker.server).url
    good = "topics and brokers are set as they should be"
    code, lines, error = await run_topics(url, "--replication", "1")
    assert (code, lines[-1], error) == (0, good, "")
    # Another test may have made them on this broker before.
    assert lines[:-1] in ([], ["hotline.facts: made", "hotline.dead-letters: made"])
    assert await run_topics(url, "--replication", "1") == (0, [good], "")
    code, lines, error = await run_topics(url)
    assert (code, lines) == (1, [
        "hotline.facts: copies is 1, should be 3",
        "hotline.dead-letters: copies is 1, should be 3",
        "hotline.facts: min.insync.replicas is 1, should be 2",
        "hotline.dead-letters: min.insync.replicas is 1, should be 2",
    ])  # fmt: skip
    assert error.startswith("Error: 4 settings differ; nothing that exists was changed")


async def test_a_broker_that_is_not_there_is_said_in_one_sentence() -> None:
    code, lines, error = await run_topics("kafka://127.0.0.1:1")
    assert (code, lines, error.count("\n")) == (1, [], 1)
    assert error.startswith("Error: cannot reach the broker") and "BUS_URL" in error
