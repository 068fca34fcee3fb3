"""What classify asks of its store; `store_sqlite.py` answers over the embedded database, `store_mongo.py` over MongoDB.

Document and facts are written together: a reader of the log never sees one without the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from hotline.facts import Fact
from services.classify.documents import Classification
from services.classify.drift import Said, Week
from services.classify.ticket_word import TicketWord


class Conflict(Exception):
    """Somebody else saved this classification since it was loaded: load it again and decide again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A person's word as training data; `was_correct` when the model had said the same. The text is redacted."""

    feedback_id: str
    text: str
    code: str
    petition_kind: str
    urgent: bool
    model_version: str
    was_correct: bool
    at: datetime


class ClassifyStore(Protocol):
    """Named questions, no queries."""

    # Under which the facts of new documents count; raised by a restore (see `plumbing.restores`).
    epoch: int

    async def get(self, feedback_id: str) -> Classification | None:
        """Return what is known of a feedback, None when nothing is."""

    async def add(self, document: Classification, facts: Sequence[Fact], word: TicketWord | None = None) -> None:
        """Store the first classification of a feedback, made in the knowledge of respond's `word`.

        Raises Conflict when there is one, when the feedback was erased, or when respond's kept word is another.
        """

    async def save(self, document: Classification, facts: Sequence[Fact], label: Label | None = None) -> None:
        """Store the next version; raises Conflict unless the stored one is `document.version - 1`."""

    async def ticket_word(self, feedback_id: str) -> TicketWord | None:
        """Return respond's newest word that was applied, None before there was one."""

    async def keep_ticket_word(
        self,
        feedback_id: str,
        word: TicketWord,
        document: Classification | None,
        facts: Sequence[Fact],
        *,
        is_unclassified: bool = False,
    ) -> None:
        """Keep respond's word, with the next version of the document where it changed one; erased feedback is passed
        over. Raises Conflict as `save` does, when the word kept is not older than this one, and when
        `is_unclassified` was concluded from a document that was not there and there is one by now."""

    async def to_review(self, *, include_restricted: bool, limit: int, offset: int = 0) -> list[Classification]:
        """Return what waits for a person: restricted and urgent first, then the oldest receipt, then by id."""

    async def count_to_review(self, *, include_restricted: bool) -> int:
        """Count what waits for a person."""

    async def decided(self, *, include_restricted: bool, limit: int) -> list[Classification]:
        """Return what persons decided last, the newest first, then by id."""

    async def alike(
        self, keys: Sequence[int], *, since: datetime, until: datetime, per_key: int
    ) -> list[Classification]:
        """Return open feedback received from `since` on and before `until` that has any of these keys (see `likeness`),
        each once, the newest receipt first, then by id.

        Reads at most `per_key` for each key, however much is stored: which are left out where there are more is open.
        """

    async def forget_likeness(self, before: datetime, limit: int) -> int:
        """Let feedback received before an instant be found by no key any more; the feedback itself stays.

        Removes at most `limit` keys, or the keys of so many feedbacks; returns how many, 0 when nothing is left.
        """

    async def labels(self) -> list[Label]:
        """Return every label that may train a model, the oldest first, then by id; none of a restricted feedback."""

    async def weeks(self, first: date, last: date) -> list[Week]:
        """Count by week of receipt from one Monday to another, both included, the newest first; a week without
        feedback is left out, and so is every restricted feedback. Reads no more than what these weeks received."""

    async def said(self, first: date, last: date) -> list[Said]:
        """Count of the same feedbacks those that a person decided, by the model's code and the person's, in order."""

    async def erase(self, feedback_id: str) -> None:
        """Remove all of a feedback and remember only that it was erased; calling twice is safe."""

    async def is_erased(self, feedback_id: str) -> bool:
        """Say whether the feedback was erased: late facts of it must not bring it back."""
