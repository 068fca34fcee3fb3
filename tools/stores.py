"""Counts what the stores hold, from outside: read-only, in plain SQL, with none of the services' code.

Called by drill, bench, demo and the live tests while a server may be running or dead. It never writes; a count is of
one instant. That none of the product's code is used is the point: a fault in it cannot hide itself.
"""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

DATABASE = "hotline.db"
GROUPS = ("ingest", "classify", "respond")
# Said again on purpose when respond was silent for ten minutes.
MAY_REPEAT = "offered_again"
STUCK_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What the stores held at one instant; `doubled` names each thing that is there more often than once."""

    feedback_ids: dict[str, tuple[str, ...]]
    tickets: frozenset[str]
    doubled: tuple[str, ...]

    def lost(self, accepted: Iterable[tuple[str, str]]) -> list[str]:
        """Return the keys of accepted (key, feedback_id) pairs that are not stored under both."""
        return [key for key, feedback_id in accepted if feedback_id not in self.feedback_ids.get(key, ())]

    def without_ticket(self, accepted: Iterable[tuple[str, str]]) -> list[str]:
        """Return the keys of accepted (key, feedback_id) pairs for which there is no ticket."""
        return [key for key, feedback_id in accepted if feedback_id not in self.tickets]


@contextmanager
def reading(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """Open the database of a DATA_DIR for reading alone."""
    path = (data_dir / DATABASE).resolve()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60, isolation_level=None)) as connection:
        connection.execute("begin")
        yield connection


def take_census(data_dir: Path) -> Census:
    """Count feedback by the key that the driver put into `external_id`, tickets, and everything doubled."""
    with reading(data_dir) as connection:
        feedback_ids = by_key(connection)
        doubled = [f"{len(ids)} feedbacks of {key}" for key, ids in feedback_ids.items() if len(ids) > 1]
        tickets = connection.execute("select feedback_id, doc from respond_ticket").fetchall()
        counted = Counter(feedback_id for feedback_id, _ in tickets)
        doubled += [f"{count} tickets of {feedback_id}" for feedback_id, count in counted.items() if count > 1]
        doubled += [fault for feedback_id, document in tickets for fault in doubled_history(feedback_id, document)]
        doubled += doubled_rows(connection)
    return Census(feedback_ids=feedback_ids, tickets=frozenset(counted), doubled=tuple(doubled))


def by_key(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Return the feedback ids of every key."""
    found: dict[str, tuple[str, ...]] = {}
    for feedback_id, document in connection.execute("select id, doc from ingest_feedback"):
        key = str(json.loads(document).get("external_id"))
        found[key] = (*found.get(key, ()), str(feedback_id))
    return found


def count_keys(data_dir: Path, name: str) -> int:
    """Return how many keys of a name are stored."""
    with reading(data_dir) as connection:
        return sum(key.startswith(f"{name}-") for key in by_key(connection))


def doubled_history(feedback_id: str, document: bytes) -> list[str]:
    """Return the entries of a ticket's history that say the same twice; people act on none of the drill's tickets."""
    history = json.loads(document)["ticket"]["history"]
    said = Counter((entry["account_id"], entry["action"], entry.get("subject", "")) for entry in history)
    return [
        f"{count} times {action} {subject} in {feedback_id}"
        for (_, action, subject), count in said.items()
        if count > 1
    ]


def doubled_rows(connection: sqlite3.Connection) -> list[str]:
    """Return notices, and facts of ingest and classify, that are there twice for one cause.

    respond's are told by the histories: two clocks of one ticket may well be warned about, each with a fact.
    """
    notices = connection.execute(
        "select count(*) || ' notices ' || kind || ' of ' || feedback_id from ingest_notice"
        " group by feedback_id, cause, kind, recipient having count(*) > 1"
    )
    facts = connection.execute(
        "select count(*) || ' facts ' || kind || ' ' || cause || ' of ' || feedback_id from bus_fact"
        " where cause <> ? and producer <> 'respond' group by feedback_id, producer, kind, cause having count(*) > 1",
        (MAY_REPEAT,),
    )
    return [row[0] for rows in (notices, facts) for row in rows.fetchall()]


def facts_unread(data_dir: Path) -> int:
    """Return how many facts the slowest group has not finished."""
    with reading(data_dir) as connection:
        newest = connection.execute("select coalesce(max(position), 0) from bus_fact").fetchone()[0]
        offsets = dict(connection.execute("select group_name, position from bus_offset").fetchall())
    return int(newest) - min(int(offsets.get(group, 0)) for group in GROUPS)


def wait_until_drained(data_dir: Path) -> None:
    """Wait until every group has finished every fact, or nothing has moved for two minutes."""
    unread, moved_at = -1, time.monotonic()
    while (now_unread := facts_unread(data_dir)) > 0 and time.monotonic() - moved_at < STUCK_S:
        if now_unread != unread:
            unread, moved_at = now_unread, time.monotonic()
        time.sleep(0.25)


def dead_letters(data_dir: Path) -> list[str]:
    """Return where facts failed that could not be handled."""
    with reading(data_dir) as connection:
        rows = connection.execute("select group_name || ': ' || kind || ': ' || error from bus_dead_letter")
        return [row[0] for row in rows.fetchall()]
