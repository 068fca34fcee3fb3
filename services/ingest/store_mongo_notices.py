"""Keeps notices inside the MongoDB document of their feedback, so that they come and go with it in one write.

Used by `store_mongo`. `notices` is there once a feedback has some; `notices_version` counts their changes, apart from
the document's `version`, as sending one changes no feedback; `notify_since` is since when the oldest of those that wait
does, None when none does.
"""

from bisect import insort
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from hotline.plumbing.failures import StoreUnavailable
from hotline.plumbing.instants import sortable
from hotline.plumbing.mongo import Collection, Index
from services.ingest.documents import Notice, decode_notice, encode

Stored = dict[str, Any]

ATTEMPTS = 8
ONE_WAITS = {"notify_since": {"$gt": ""}}
ORDER = (("notify_since", 1), ("_id", 1))
NOTICE_INDEXES = (
    Index(name="notices_waiting", keys=ORDER, only_where=ONE_WAITS),
    Index(name="notice", keys=(("notices.id", 1),), is_sparse=True),
)
# Earlier than every instant that is stored.
UNCLAIMED = ""


def new_notices(notices: Sequence[Notice], known: Sequence[Stored] = (), version: int = 0) -> Stored:
    """Return the fields of a feedback that gets notices; one that is `known` is left as it is."""
    stored = list(known)
    for notice in notices:
        if name_of(notice) not in {(one["cause"], one["kind"], one["recipient"]) for one in stored}:
            stored.append(entry_of(notice))
    return fields_of(stored, version)


def fields_of(stored: Sequence[Stored], version: int) -> Stored:
    """Return the fields that hold these notices."""
    fields: Stored = {
        "notices_version": version,
        "notify_since": min((one["created_at"] for one in stored if one["is_waiting"]), default=None),
    }
    return fields | {"notices": list(stored)} if stored else fields


def name_of(notice: Notice) -> tuple[str, str, str]:
    """Return what a feedback has one notice of."""
    return notice.cause, notice.kind, notice.recipient


def entry_of(notice: Notice, claimed_until: str = UNCLAIMED) -> Stored:
    """Return a notice as it is stored."""
    return {
        "id": notice.notice_id,
        "cause": notice.cause,
        "kind": notice.kind,
        "recipient": notice.recipient,
        "created_at": sortable(notice.created_at),
        "is_waiting": notice.is_waiting,
        "claimed_until": claimed_until,
        "doc": encode(notice),
    }


class StoredNotices:
    """The notices in the documents of one collection; the methods are those of `FeedbackStore`."""

    def __init__(self, feedbacks: Collection) -> None:
        self.feedbacks = feedbacks

    async def to_send(self, now: datetime, limit: int) -> list[Notice]:
        """Return notices neither sent nor given up, and not claimed at `now`, oldest first."""
        found: list[tuple[str, str, bytes]] = []
        async for stored in self.feedbacks.each(ONE_WAITS, sort=ORDER, fields=["notices", "notify_since"]):
            if len(found) >= limit and stored["notify_since"] > found[limit - 1][0]:
                break
            for one in stored["notices"]:
                if one["is_waiting"] and one["claimed_until"] <= sortable(now):
                    insort(found, (one["created_at"], one["id"], one["doc"]))
        return [decode_notice(doc) for _, _, doc in found[:limit]]

    async def claim(self, notice_id: str, *, now: datetime, until: datetime) -> bool:
        """Say whether this caller alone may send the notice, until then."""

        def claimed(one: Stored) -> Stored | None:
            is_free = one["is_waiting"] and one["claimed_until"] <= sortable(now)
            return {**one, "claimed_until": sortable(until)} if is_free else None

        return await self._change(notice_id, claimed)

    async def put_off(self, notice_id: str, *, until: datetime) -> None:
        """Leave a claimed notice to whoever claims it from then on."""
        await self._change(notice_id, lambda one: {**one, "claimed_until": sortable(until)})

    async def save(self, notice: Notice) -> None:
        """Replace a notice by its id; what became of its feedback meanwhile is no matter."""
        await self._change(notice.notice_id, lambda one: entry_of(notice, one["claimed_until"]))

    async def count(self) -> int:
        """Count notices neither sent nor given up."""
        counted = await self.feedbacks.aggregate([
            {"$match": ONE_WAITS},
            {"$unwind": "$notices"},
            {"$match": {"notices.is_waiting": True}},
            {"$group": {"_id": None, "count": {"$sum": 1}}},
        ])  # fmt: skip
        return int(counted[0]["count"]) if counted else 0

    async def _change(self, notice_id: str, change: Callable[[Stored], Stored | None]) -> bool:
        """Put another notice in the place of one; False when there is none, or `change` gives none."""
        for _ in range(ATTEMPTS):
            found = await self.feedbacks.find_one({"notices.id": notice_id}, fields=["notices", "notices_version"])
            if found is None:
                return False
            at = next(at for at, one in enumerate(found["notices"]) if one["id"] == notice_id)
            changed = change(found["notices"][at])
            if changed is None:
                return False
            notices = [*found["notices"][:at], changed, *found["notices"][at + 1 :]]
            version = found["notices_version"]
            query = {"_id": found["_id"], "notices_version": version}
            if await self.feedbacks.update_one(query, {"$set": fields_of(notices, version + 1)}):
                return True
        raise StoreUnavailable("too many change the notices of one feedback at once")
