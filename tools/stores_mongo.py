"""Counts what the stores in MongoDB hold, from outside: reading alone, with none of the services' code.

Called by the drill of the servers while services run or lie dead. See `stores`, which does the same for SQLite.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from tools.stores import Census, doubled_history

Document = Mapping[str, Any]

# In whose documents facts wait for the relays.
OUTBOXES = ("ingest_feedback", "ingest_erased", "classify_classification", "respond_ticket", "respond_account")
NOTICE = ("kind", "cause", "recipient")


@contextmanager
def reading(url: str) -> Iterator["Database[Document]"]:
    """Open the database of a STORE_URL."""
    client: MongoClient[Document] = MongoClient(url, readConcernLevel="majority", serverSelectionTimeoutMS=60_000)
    with closing(client):
        yield client.get_default_database()


def take_census(url: str) -> Census:
    """Count feedback by the key in `external_id`, tickets, and everything doubled.

    A ticket counts that has both what was received and what it is about, and of which ingest has heard.
    """
    with reading(url) as database:
        tickets = list(database["respond_ticket"].find({"doc": {"$exists": True}}, projection=["doc"]))
        feedbacks = list(database["ingest_feedback"].find({}, projection=["doc", "notices"]))
    ids: dict[str, tuple[str, ...]] = {}
    heard_of: set[str] = set()
    doubled: list[str] = []
    for stored in feedbacks:
        document = json.loads(stored["doc"])
        key = str(document.get("external_id"))
        ids[key] = (*ids.get(key, ()), str(stored["_id"]))
        if document.get("ticket") is not None:
            heard_of.add(str(stored["_id"]))
        doubled += doubled_notices(stored)
    doubled += [f"{len(found)} feedbacks of {key}" for key, found in ids.items() if len(found) > 1]
    for stored in tickets:
        doubled += doubled_history(str(stored["_id"]), stored["doc"])
    return Census(feedback_ids=ids, tickets=frozenset(heard_of.intersection(whole(tickets))), doubled=tuple(doubled))


def whole(tickets: Iterable[Document]) -> Iterator[str]:
    """Yield the feedbacks whose tickets have heard of both other services."""
    for stored in tickets:
        ticket = json.loads(stored["doc"])["ticket"]
        if ticket.get("feedback") is not None and ticket.get("classification") is not None:
            yield str(stored["_id"])


def doubled_notices(feedback: Document) -> list[str]:
    """Return the notices of a feedback that are there twice for one cause."""
    counted = Counter(tuple(notice[name] for name in NOTICE) for notice in feedback.get("notices", ()))
    return [f"{count} notices {kind} of {feedback['_id']}" for (kind, *_), count in counted.items() if count > 1]


def facts_waiting(url: str) -> int:
    """Return how many documents hold facts that no relay has carried yet."""
    with reading(url) as database:
        return sum(database[name].count_documents({"pending_since": {"$exists": True}}) for name in OUTBOXES)
