"""What ingest asks of its store; `store_sqlite` answers it for the embedded database, `store_mongo` over MongoDB.

Called only by the actions. A document and the facts it causes are written in one go or not at all.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from hotline.facts import Fact
from hotline.plumbing.failures import WorldIsDown
from services.ingest.documents import Batch, Feedback, Notice


class Conflict(Exception):
    """Another write was first: load the document again and decide anew."""


class TrackingCodeTaken(Exception):
    """Another feedback has this tracking code: mint another."""


class WasErased(Exception):
    """The feedback of this id was erased: it is not taken in again under the same key."""


class FileIsGone(WorldIsDown):
    """A file of the feedback was erased with another one after it was kept: send it again."""


class Added(Struct, frozen=True, kw_only=True):
    """The feedback now stored under the id; `is_new` says whether this write brought it."""

    feedback: Feedback
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many feedbacks wait, and when the oldest of them was recorded; None when none waits."""

    count: int
    oldest_at: datetime | None


class FeedbackStore(Protocol):
    """ingest's documents; made with the vault that keeps their files."""

    # Under which the facts of new documents count; raised by a restore (see `plumbing.restores`).
    epoch: int

    async def add(self, feedback: Feedback, facts: Sequence[Fact], notices: Sequence[Notice] = ()) -> Added:
        """Store a new feedback with its facts; when its id is there already, return that one and store nothing.

        Durable when it returns. Raises TrackingCodeTaken, WasErased, FileIsGone when a file of it is not kept now.
        """

    async def add_chunk(self, chunk: Sequence[tuple[Feedback, Fact]], batch: Batch) -> Batch:
        """Store those of a chunk that are not there yet, and last the batch's progress; returns the progress.

        Accepted and known rows are counted on top of `batch`; what a killed import of the same batch had stored without
        its progress counts as accepted. Raises TrackingCodeTaken, then no progress is stored: mint other codes and say
        the chunk again.
        """

    async def save(self, feedback: Feedback, facts: Sequence[Fact], notices: Sequence[Notice] = ()) -> Feedback:
        """Replace the document of `feedback.version`, append the facts; returns it with the next version.

        A notice that is there already is left as it is. Raises Conflict.
        """

    async def get(self, feedback_id: str) -> Feedback | None:
        """Return the feedback of an id."""

    async def by_tracking_code(self, code: str) -> Feedback | None:
        """Return the feedback of a tracking code of 12 digits."""

    async def earlier_calls(self, phone: str, limit: int) -> list[Feedback]:
        """Return what this number sent before, newest first, without what is restricted or not yet known not to be."""

    async def to_tell_by_phone(self, limit: int) -> list[Feedback]:
        """Return the answered feedbacks whose answer must be told by telephone, longest answered first."""

    async def without_ticket_since(self, recorded_before: datetime, limit: int) -> list[Feedback]:
        """Return feedbacks recorded before that instant for which respond has said nothing, oldest first."""

    async def waiting_for_ticket(self) -> Waiting:
        """Count the feedbacks for which respond has said nothing, restricted ones with all others."""

    async def file_ids(self) -> frozenset[str]:
        """Return the id of every file that some feedback keeps."""

    async def erase(self, feedback_id: str, facts: Sequence[Fact]) -> frozenset[str]:
        """Remove the feedback, its notices and its facts, append `facts`; returns files nobody keeps any more.

        The id stays known as erased. Calling it again removes nothing and appends nothing.
        """

    async def finish_erasures(self) -> None:
        """Remove what is left of erasures that were killed; nothing is where an erasure is one transaction."""

    async def release_files(self, file_ids: Collection[str]) -> None:
        """Remove those of the files that nothing refers to now; a write that refers to one meanwhile is refused."""

    async def import_progress(self, batch_id: str) -> Batch | None:
        """Return how far a batch has come."""

    async def recent_batches(self, limit: int) -> list[Batch]:
        """Return the newest batches first."""

    async def notices_to_send(self, now: datetime, limit: int) -> list[Notice]:
        """Return notices neither sent nor given up, and not claimed at `now`, oldest first."""

    async def claim_notice(self, notice_id: str, *, now: datetime, until: datetime) -> bool:
        """Say whether this caller alone may send the notice, until then; False when it is sent, given up or claimed."""

    async def put_off_notice(self, notice_id: str, *, until: datetime) -> None:
        """Leave a claimed notice to whoever claims it from then on."""

    async def count_notices_to_send(self) -> int:
        """Count notices neither sent nor given up."""

    async def save_notice(self, notice: Notice) -> None:
        """Replace a notice by its id."""
