"""Facts inside a MongoDB document: how a store writes them beside the document, how the relay reads and takes them out.

Used by the `store_mongo.py` files and the relay. Facts lie sealed here as on the bus. `pending` holds them in their
order; `pending_since` is there exactly while some are, and a sparse index on it finds the documents.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import asdict

from hotline.facts import Fact
from hotline.plumbing.envelope import Envelope, close_fact
from hotline.plumbing.mongo import Change, Index
from hotline.plumbing.seal import Sealer

PENDING_INDEX = Index(name="pending_since", keys=(("pending_since", 1),), is_sparse=True)
HAS_PENDING: Mapping[str, Any] = {"pending_since": {"$exists": True}}


def new_outbox(facts: Sequence[Fact], sealer: Sealer) -> dict[str, Any]:
    """Return the fields that a new document carries its facts in."""
    if not facts:
        return {"pending": []}
    return {"pending": [asdict(close_fact(fact, sealer)) for fact in facts], "pending_since": facts[0].at}


def more_pending(facts: Sequence[Fact], sealer: Sealer) -> dict[str, Any]:
    """Return the operators that add facts to a document in the update that changes it."""
    if not facts:
        return {}
    closed = [asdict(close_fact(fact, sealer)) for fact in facts]
    return {"$push": {"pending": {"$each": closed}}, "$min": {"pending_since": facts[0].at}}


def pending_of(document: Mapping[str, Any]) -> list[Envelope]:
    """Return a document's facts in their order."""
    return [Envelope(**fields) for fields in document.get("pending", [])]


def all_taken(document: Mapping[str, Any]) -> Change:
    """Return the change that ends a document's waiting, made only if its facts are still exactly those read."""
    ids = [fields["fact_id"] for fields in document["pending"]]
    query: dict[str, Any] = {"_id": document["_id"], "pending": {"$size": len(ids)}}
    if ids:
        query[f"pending.{len(ids) - 1}.fact_id"] = ids[-1]
    return Change(query=query, update={"$set": {"pending": []}, "$unset": {"pending_since": ""}})


def some_taken(document: Mapping[str, Any]) -> Change:
    """Return the change that takes the facts read out of a document that may have got more meanwhile."""
    ids = [fields["fact_id"] for fields in document["pending"]]
    return Change(query={"_id": document["_id"]}, update={"$pull": {"pending": {"fact_id": {"$in": ids}}}})


def oldest_age_s(since: datetime, now: datetime) -> float:
    """Return how long a document's facts have waited, in seconds; 0 when a clock is behind."""
    return max((now - since).total_seconds(), 0.0)
