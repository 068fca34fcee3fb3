"""The topics and how they and the brokers must be set: topics are made where they are missing, all is compared.

Called by `hotline topics` and by tests. Nothing that exists is changed or removed: what differs is said, with both
values.
"""

import asyncio
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from hotline.plumbing.bus_kafka_client import (
    KafkaOptions,
    broker_errors,
    client_settings,
    close_quietly,
    knock,
)

TOPICS = Path(__file__).resolve().parent.parent / "data" / "topics.toml"
VISIBLE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic; its name on the broker begins with `KafkaOptions.prefix`."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicsReport:
    """What was made, and what is not as it should be, in words for the operator, who must see to it."""

    made: tuple[str, ...]
    differences: tuple[str, ...]


def load_topics(replication: int | None = None) -> tuple[Topic, ...]:
    """Return the topics of data/topics.toml; `replication` stands for fewer brokers than a province has."""
    tables = read_file()
    return tuple(topic_of(tables[name], replication) for name in ("facts", "dead-letters"))


def load_broker_settings() -> Mapping[str, str]:
    """Return what every broker must be set to."""
    settings: dict[str, str] = read_file()["brokers"]
    return settings


def read_file() -> Mapping[str, Any]:
    """Read data/topics.toml."""
    return tomllib.loads(TOPICS.read_text(encoding="utf-8"))


def topic_of(table: Mapping[str, Any], replication: int | None) -> Topic:
    """Read one topic; at least one copy fewer than there are must be enough to write."""
    copies = replication or int(table["replication"])
    settings = dict(table["settings"])
    settings["min.insync.replicas"] = str(min(int(settings["min.insync.replicas"]), max(1, copies - 1)))
    return Topic(name=table["name"], partitions=table["partitions"], replication=copies, settings=settings)


async def ensure_topics(
    url: str, options: KafkaOptions, topics: Sequence[Topic], brokers: Mapping[str, str] | None = None
) -> TopicsReport:
    """Make the topics that are missing, compare all, and the settings of `brokers`; raises BusUnavailable.

    Calling twice is safe.
    """
    settings = client_settings(url, options)
    await knock(settings)
    admin = AIOKafkaAdminClient(**settings)
    try:
        with broker_errors("make or compare topics"):
            await admin.start()
            existing = set(await admin.list_topics())
            named = {f"{options.prefix}.{topic.name}": topic for topic in topics}
            made = tuple(name for name in named if name not in existing)
            await make(admin, {name: named[name] for name in made})
            found = [*await topic_differences(admin, named), *await broker_differences(admin, brokers or {})]
            return TopicsReport(made=made, differences=tuple(found))
    finally:
        await close_quietly(admin)


async def make(admin: AIOKafkaAdminClient, topics: Mapping[str, Topic]) -> None:
    """Make topics; another process that was faster is no failure."""
    if not topics:
        return
    new = [
        NewTopic(name, topic.partitions, topic.replication, topic_configs=dict(topic.settings))
        for name, topic in topics.items()
    ]
    answer = await admin.create_topics(new)
    for name, code, *said in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"{name}: {said}")
    async with asyncio.timeout(VISIBLE_S):
        while not await are_visible(admin, list(topics)):  # noqa: ASYNC110 - nobody tells when the brokers know
            await asyncio.sleep(0.05)


async def are_visible(admin: AIOKafkaAdminClient, names: list[str]) -> bool:
    """Tell whether the brokers know the topics and who leads their partitions: right after making they may not."""
    for topic in await admin.describe_topics(names):
        leaders = [partition["leader"] for partition in topic["partitions"]]
        if topic["error_code"] or not leaders or -1 in leaders:
            return False
    return True


async def topic_differences(admin: AIOKafkaAdminClient, topics: Mapping[str, Topic]) -> list[str]:
    """Say what of the topics is otherwise than it should be."""
    said = []
    for description in await admin.describe_topics(list(topics)):
        name, partitions = description["topic"], description["partitions"]
        copies = sorted({len(partition["replicas"]) for partition in partitions})
        said += difference(name, "partitions", str(topics[name].partitions), str(len(partitions)))
        said += difference(name, "copies", str(topics[name].replication), " or ".join(map(str, copies)))
    for name in topics:
        resource = ConfigResource(ConfigResourceType.TOPIC, name)
        said += await setting_differences(admin, resource, name, topics[name].settings)
    return said


async def broker_differences(admin: AIOKafkaAdminClient, wanted: Mapping[str, str]) -> list[str]:
    """Say what of the brokers is otherwise than it should be."""
    if not wanted:
        return []
    said = []
    for broker in (await admin.describe_cluster())["brokers"]:
        resource = ConfigResource(ConfigResourceType.BROKER, str(broker["node_id"]))
        said += await setting_differences(admin, resource, f"broker {broker['node_id']}", wanted)
    return said


async def setting_differences(
    admin: AIOKafkaAdminClient, resource: ConfigResource, name: str, wanted: Mapping[str, str]
) -> list[str]:
    """Say which settings of a topic or broker differ, or that they may not be read."""
    said = []
    for answer in await admin.describe_configs([resource]):
        for code, _, _, _, entries in answer.resources:
            if code:
                said.append(f"{name}: its settings cannot be read ({for_code(code).__name__})")
                continue
            found = {entry[0]: entry[1] for entry in entries}
            for setting, value in wanted.items():
                said += difference(name, setting, value, str(found.get(setting, "not there")))
    return said


def difference(what: str, setting: str, wanted: str, found: str) -> list[str]:
    """Return one line, or none when the two are the same."""
    return [] if wanted == found else [f"{what}: {setting} is {found}, should be {wanted}"]
