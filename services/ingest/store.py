"""What ingest asks of its store; `store_sqlite` answers it for the embedded database.

Called only by the actions. A document and the facts it causes are written in one go or not at all.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The feedback now stored under the id; `is_new` says whether this write brought it."""

    feedback: Feedback
    is_new: bool


class FeedbackStore(Protocol):
    """ingest's documents."""

    async def add(
        self,
        feedback: Feedback,
        facts: Sequence[Fact],
        notices: Sequence[Notice] = (),
        has_file: Callable[[str], bool] | None = None,
    ) -> Added:
        """Store a new feedback with its facts; when its id is there already, return that one and store nothing.

        Durable when it returns. Raises TrackingCodeTaken, WasErased, FileIsGone when `has_file` denies a file of it.
        """

    async def add_chunk(self, chunk: Sequence[tuple[Feedback, Fact]], batch: Batch) -> Batch:
        """Store those of a chunk that are not there yet, and the batch's progress, in one write; returns the progress.

        Accepted and known rows are counted on top of `batch`. Raises TrackingCodeTaken, then nothing is stored.
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

    async def file_ids(self) -> frozenset[str]:
        """Return the id of every file that some feedback keeps."""

    async def erase(self, feedback_id: str, facts: Sequence[Fact]) -> frozenset[str]:
        """Remove the feedback, its notices and its facts, append `facts`; returns files nobody keeps any more.

        The id stays known as erased. Calling it again removes nothing and appends nothing.
        """

    async def release_files(self, file_ids: Collection[str], unlink: Callable[[str], None]) -> None:
        """Unlink those of the files that nothing refers to now; no write that would refer to one comes in between."""

    async def import_progress(self, batch_id: str) -> Batch | None:
        """Return how far a batch has come."""

    async def recent_batches(self, limit: int) -> list[Batch]:
        """Return the newest batches first."""

    async def notices_to_send(self, limit: int) -> list[Notice]:
        """Return notices neither sent nor given up, oldest first."""

    async def save_notice(self, notice: Notice) -> None:
        """Replace a notice by its id."""
