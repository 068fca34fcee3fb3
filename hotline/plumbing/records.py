"""What a store holds, written down so that any other store can take it: the lines of a backup.

Each service says its own kinds in its `records.py` and reads and puts them back in `store_sqlite_records.py` and
`store_mongo_records.py`; `services/backup.py`, `services/restore.py` and `services/reconcile.py` ask through the
protocol. A record holds all that its document does not say itself; secrets in it stay sealed.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

AT_ONCE = 200
ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing of a store; `body` is JSON whose shape its kind says, `id` is unique among its kind."""

    kind: str
    id: str
    body: bytes = b"{}"


class Records(Protocol):
    """One service's store as backups see it.

    `kinds` in the order in which they are read: what was erased last, so that an erasure meanwhile is in the backup.
    """

    kinds: tuple[str, ...]

    async def page(self, kind: str, after: str, limit: int) -> list[Record]:
        """Return up to `limit` records of a kind whose id comes after `after` (`""`: from the first), by id."""

    async def put_back(self, records: Sequence[Record]) -> None:
        """Store those of the records whose id is not there yet; the same again is harmless. Nothing is told."""

    def with_epoch(self, record: Record, epoch: int) -> Record:
        """Return the record with its own facts counted under `epoch`; one that tells none comes back as it is."""

    async def file_ids(self) -> Collection[str]:
        """Return the id of every file that some document refers to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A record as a line of a backup."""

    kind: str
    id: str
    body: msgspec.Raw


_LINE = msgspec.json.Decoder(Line)
_ENCODER = msgspec.json.Encoder()


def line_of(record: Record) -> bytes:
    """Return a record as one line of JSON, without the end of the line."""
    return _ENCODER.encode(Line(kind=record.kind, id=record.id, body=msgspec.Raw(record.body)))


def record_of(line: bytes) -> Record:
    """Read a record; raises msgspec.DecodeError."""
    read = _LINE.decode(line)
    return Record(kind=read.kind, id=read.id, body=bytes(read.body))


async def pages_of(records: Records, kind: str) -> AsyncIterator[list[Record]]:
    """Yield all records of a kind by id, a page at a time; what is stored meanwhile may be among them or not."""
    after = ""
    while page := await records.page(kind, after, AT_ONCE):
        yield page
        after = page[-1].id


async def ids_of(records: Records, kind: str) -> AsyncIterator[str]:
    """Yield the ids of a kind in their order."""
    async for page in pages_of(records, kind):
        for record in page:
            yield record.id


async def is_empty(records: Records) -> bool:
    """Say whether the store holds nothing at all."""
    return not any([await records.page(kind, "", 1) for kind in records.kinds])
