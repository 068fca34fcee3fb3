"""What the tests of the stores look with: the facts that reached the bus, and the plan of every command sent."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from hotline.facts import Fact
from hotline.plumbing.backend import Backend
from hotline.plumbing.mongo import MongoDatabase
from hotline.plumbing.relay import Relay

Keys = list[tuple[str, int]]

MOST_FACTS = 10_000
# How much of the collection is read is no question for what has no query of its own.
WITHOUT_PLAN = frozenset({
    "insert", "getMore", "killCursors", "explain", "ping", "hello", "createIndexes", "create", "drop", "dropDatabase",
    "listIndexes", "listCollections", "endSessions", "buildInfo", "saslStart", "saslContinue",
})  # fmt: skip


async def carried(backend: Backend, service: str, collections: Sequence[str]) -> list[Fact]:
    """Let a service's stored facts reach the bus and return all facts on it, in order; asking again is harmless.

    SQLite: storing published them. MongoDB: a real relay carries until nothing waits, as it does in the product.
    """
    if isinstance(backend.database, MongoDatabase):
        relay = Relay(backend.database, backend.bus, service, collections, backend.clock)
        while await relay.pending_count():
            for collection in relay.collections:
                await relay.carry(collection)
            assert not relay.stuck, "the bus refused these facts"
    if not await backend.bus.lag("watching"):
        return []
    # Never acknowledged, so that every look begins at the first fact.
    return [backend.bus.open(delivery) for delivery in await backend.bus.subscribe("watching").next_batch(MOST_FACTS)]


class Plans(CommandListener):
    """Every command sent to a test's MongoDB database; `forget` what came before, the indexes made are kept."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.indexes: dict[str, list[Keys]] = {}
        self.leading: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def started(self, event: CommandStartedEvent) -> None:
        """Keep the command; called in the driver's own threads."""
        with self._lock:
            command = dict(event.command)
            self.sent.append(command)
            for index in command.get("indexes", []):
                keys = list(index["key"].items())
                self.indexes.setdefault(command["createIndexes"], []).append(keys)
                if "partialFilterExpression" not in index:
                    self.leading.setdefault(command["createIndexes"], {"_id"}).add(keys[0][0])

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing more is wanted."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing more is wanted: the caller has the error."""

    def forget(self) -> None:
        """Begin again, say after the store has opened."""
        with self._lock:
            self.sent.clear()


async def assert_no_collection_scan(backend: Backend, plans: Plans) -> None:
    """Fail, naming the queries, when one that was sent reads its whole collection or is not in an index's order.

    What asks for one id, or for one value of a field that leads an index of all documents, has that index, though not
    every planner says so when more is asked. Nor does every planner take a sort from an index: that is judged here from
    the fields. A `$sort` inside an aggregation is not looked at.
    """
    assert isinstance(backend.database, MongoDatabase)
    questions = [question for command in list(plans.sent) for question in questions_of(command)]
    assert questions, "nothing was asked of the database: this proves nothing"
    faults = []
    for question in questions:
        by_id = "find" in question and is_value(question["filter"].get("_id", {}))
        is_led = "find" in question and bool(fixed_of(question) & plans.leading.get(question["find"], {"_id"}))
        if not is_led and "COLLSCAN" in stages_of(await backend.database.explain(question)):
            faults.append(f"reads all: {question}")
        if "sort" in question and not by_id and not is_in_order(question, plans.indexes.get(question["find"], [])):
            faults.append(f"sorts in memory: {question}")
    assert not faults, "\n".join(faults)


def is_in_order(question: Mapping[str, Any], indexes: Sequence[Keys]) -> bool:
    """Say whether an index, or the id, gives what is found in the order asked for.

    Of a field that is asked to be one of several values the index is read once for each, and merged in that order.
    """
    fixed = fixed_of(question) | {field for field, value in question["filter"].items() if is_one_of(value)}
    wanted = [(field, way) for field, way in question["sort"].items() if field not in fixed]
    for keys in ([("_id", 1)], *indexes):
        given = [(field, way) for field, way in keys if field not in fixed][: len(wanted)]
        if wanted in (given, [(field, -way) for field, way in given]):
            return True
    return False


def fixed_of(question: Mapping[str, Any]) -> set[str]:
    """Return the fields that are asked to be one value."""
    return {field for field, value in question["filter"].items() if is_value(value)}


def is_value(asked: Any) -> bool:
    """Say whether a field is asked to be one value, not to be in a range."""
    return not isinstance(asked, Mapping) or "$eq" in asked or not all(name.startswith("$") for name in asked)


def is_one_of(asked: Any) -> bool:
    """Say whether a field is asked to be one of several values."""
    return isinstance(asked, Mapping) and set(asked) == {"$in"}


def questions_of(command: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a command as explain takes it; the query of a change as a find, since plans of changes are not told."""
    name = next(iter(command))
    collection = command[name]
    match name:
        case "find":
            wanted = ("find", "filter", "sort", "projection", "skip", "limit", "hint")
            yield {field: command[field] for field in wanted if field in command}
        case "update" | "delete":
            for change in command[f"{name}s"]:
                yield {"find": collection, "filter": change["q"]}
        case "findAndModify":
            sort = {"sort": command["sort"]} if command.get("sort") else {}
            yield {"find": collection, "filter": command.get("query", {}), **sort}
        case "aggregate":
            yield {"aggregate": collection, "pipeline": command["pipeline"], "cursor": {}}
        case "count" | "distinct":
            yield {"find": collection, "filter": command.get("query", {})}
        case _:
            assert name in WITHOUT_PLAN, f"say how {name} is explained"


def stages_of(said: Any) -> Iterator[str]:
    """Yield the names of all stages in what explain said, rejected plans left out."""
    if isinstance(said, Mapping):
        if isinstance(said.get("stage"), str):
            yield said["stage"]
        for name, part in said.items():
            if name not in {"rejectedPlans", "command"}:
                yield from stages_of(part)
    elif isinstance(said, list):
        for part in said:
            yield from stages_of(part)
