"""What classify does, whoever asks: judge a message, and take a person's decision.

Called by the consumer, the review pages and the commands. Loads, asks the pure functions, saves document and fact
together. Doing an action twice with the same input changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from hotline.errors import FieldError, Invalid
from hotline.facts import ClassificationState, Fact, FeedbackState, FollowUpKind, TicketState
from hotline.named_people import is_named_in
from hotline.roles import Session
from hotline.spans import redact
from hotline.taxonomy import PetitionKind, UnknownCode, load_taxonomy
from services.classify.alike import linked, relinked
from services.classify.classification import ReviewReason
from services.classify.documents import Classification, Decision, fact_of
from services.classify.likeness import signature_of
from services.classify.store import ClassifyStore, Conflict, Label
from services.classify.ticket_word import TicketWord, followed, restricted

Judge = Callable[[str, datetime], Awaitable[ClassificationState]]

MODEL = "model"
SAVE_ATTEMPTS = 5
PART = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a reviewer says a feedback is about; `version` is the version that the reviewer saw."""

    version: int
    code: str
    second: str | None
    petition_kind: PetitionKind
    restricted: bool
    urgent: bool


class Gone(Exception):
    """There is no such feedback, or this reviewer may not see it."""


async def classify(store: ClassifyStore, judge: Judge, fact: Fact, now: datetime) -> Classification | None:
    """Apply a fact of ingest: judge the words when they are new. Repeats and older facts change nothing.

    Returns the classification that holds afterwards, None for an erased feedback.
    """
    state = fact.state
    if not isinstance(state, FeedbackState):
        raise TypeError(f"{fact.kind} does not carry a feedback")
    for _ in range(SAVE_ATTEMPTS):
        known = await store.get(fact.feedback_id)
        if known is not None and known.source_order >= fact.order:
            return known
        if known is None and await store.is_erased(fact.feedback_id):
            return None
        try:
            return await apply_feedback(store, judge, known, fact, state, now)
        except Conflict:
            continue
    raise Conflict(fact.feedback_id)


async def apply_feedback(
    store: ClassifyStore,
    judge: Judge,
    known: Classification | None,
    fact: Fact,
    state: FeedbackState,
    now: datetime,
) -> Classification:
    """Store what the newer state of a feedback means for its classification."""
    text, other_words = words_of(state), other_words_of(state)
    if known is not None and known.text == text:
        same = replace(known, source_order=fact.order, other_words=other_words, version=known.version + 1)
        await store.save(same, ())
        return same
    judged = await judge(text, now)
    if known is None:
        first = replace(first_classification(fact, state, text, judged), epoch=store.epoch)
        word = await store.ticket_word(fact.feedback_id)
        if word is not None and word.restricted and not judged.restricted:
            first = replace(restricted(first), seq=first.seq, version=first.version)
        first = await linked(store, first)
        await store.add(first, (fact_of(first, at=now),), word)
        return first
    merged = await linked(store, replace(rejudged(known, fact, text, judged), other_words=other_words))
    await store.save(merged, (fact_of(merged, at=now),))
    return merged


def words_of(state: FeedbackState) -> str:
    """Return the message with everything that the citizen added later."""
    added = [follow_up.text for follow_up in state.follow_ups if follow_up.kind is FollowUpKind.ADDED]
    return "\n".join([state.text, *added])


def other_words_of(state: FeedbackState) -> str:
    """Return what else the citizen wrote, which is not judged but may name a person: the place, the later words."""
    place = state.place.detail if state.place else ""
    said = [follow_up.text for follow_up in state.follow_ups if follow_up.kind is not FollowUpKind.ADDED]
    return "\n".join(filter(None, [place, *said]))


def first_classification(fact: Fact, state: FeedbackState, text: str, judged: ClassificationState) -> Classification:
    """Return the first document of a feedback."""
    place = state.place
    return Classification(
        feedback_id=fact.feedback_id,
        channel=state.channel,
        received_at=state.received_at,
        text=text,
        place_name=", ".join(filter(None, (place.commune_name, place.province_name))) if place else "",
        source_order=fact.order,
        other_words=other_words_of(state),
        commune_code=(place.commune_code or "") if place else "",
        signature=signature_of(text),
        suggested=judged,
        state=judged,
    )


def rejudged(known: Classification, fact: Fact, text: str, judged: ClassificationState) -> Classification:
    """Return the classification after more words: a person's decision stays, a new suspicion reopens the review.

    Restricted never falls away by itself: only a screener lifts it.
    """
    state = judged
    if known.decisions:
        suspicion = judged.restricted and not known.state.restricted
        state = replace(
            known.state,
            restricted=known.state.restricted or judged.restricted,
            urgent=known.state.urgent or judged.urgent,
            needs_review=known.state.needs_review or suspicion,
        )
        if suspicion:
            state = replace(
                state,
                review_reasons=judged.review_reasons,
                decided_by=MODEL,
                decided_as_screener=False,
                decided_at=judged.decided_at,
            )
    elif known.state.restricted:
        reasons = judged.review_reasons if judged.restricted else (*judged.review_reasons, ReviewReason.RESTRICTED)
        state = replace(judged, restricted=True, needs_review=True, review_reasons=reasons)
    return replace(
        known,
        text=text,
        signature=signature_of(text),
        source_order=fact.order,
        suggested=judged,
        state=state,
        seq=known.seq + 1,
        version=known.version + 1,
    )


async def follow_ticket(store: ClassifyStore, fact: Fact, now: datetime) -> None:
    """Apply `ticket.changed`: a restriction set or lifted on the ticket's page holds here too.

    Repeats, older facts and facts of erased feedback change nothing; a word that comes before the feedback is kept.
    """
    state = fact.state
    if not isinstance(state, TicketState):
        raise TypeError(f"{fact.kind} does not carry a ticket")
    word = TicketWord(order=fact.order, restricted=state.restricted, at=fact.at)
    for _ in range(SAVE_ATTEMPTS):
        before = await store.ticket_word(fact.feedback_id)
        if before is not None and before.order >= fact.order:
            return
        is_about_restricting = word.restricted or (before is not None and before.restricted)
        known = await store.get(fact.feedback_id) if is_about_restricting else None
        # Had it been classified in between, the word would have been for that document to follow.
        is_unclassified = is_about_restricting and known is None
        after = followed(known, before, word) if known is not None else None
        changed = None
        if known is not None and after is not None and after is not known:
            changed = await relinked(store, known, after)
        facts = (fact_of(changed, at=now),) if changed is not None else ()
        try:
            await store.keep_ticket_word(fact.feedback_id, word, changed, facts, is_unclassified=is_unclassified)
        except Conflict:
            continue
        return
    raise Conflict(fact.feedback_id)


async def decide(
    store: ClassifyStore, feedback_id: str, verdict: Verdict, reviewer: Session, now: datetime
) -> Classification:
    """Take a reviewer's verdict; it is also a label for training, unless the feedback is restricted.

    Raises Gone, Invalid (a code that does not exist), Conflict when somebody decided meanwhile.
    """
    document = await find_for_reviewer(store, feedback_id, reviewer)
    if document.version != verdict.version:
        raise Conflict(feedback_id)
    if verdict.second == verdict.code:
        # Whoever takes the second code for the first has said that there is only one matter.
        verdict = replace(verdict, second=None)
    check_verdict(verdict)
    decided = await relinked(store, document, with_decision(document, verdict, reviewer, now))
    label = await asyncio.to_thread(label_of, decided)
    await store.save(decided, (fact_of(decided, at=now),), label)
    return decided


async def find_for_reviewer(store: ClassifyStore, feedback_id: str, reviewer: Session) -> Classification:
    """Return the document; a restricted one only to a screener whom it does not name.

    Raises Gone, which looks like not existing.
    """
    document = await store.get(feedback_id)
    if document is None or not may_see(reviewer, document):
        raise Gone(feedback_id)
    return document


def may_see(reviewer: Session, document: Classification) -> bool:
    """Say whether a reviewer may know of a document: of a restricted one a screener may, unless its words name them."""
    if not document.state.restricted:
        return True
    words = "\n".join((document.text, document.place_name, document.other_words))
    return reviewer.is_screener and not is_named_in(reviewer.full_name, words)


async def waiting_for(
    store: ClassifyStore, reviewer: Session, *, limit: int, offset: int = 0
) -> tuple[list[Classification], int]:
    """Return a part of what waits for this reviewer, and how many wait in all; what names them is in neither."""
    sees = reviewer.is_screener
    total = await store.count_to_review(include_restricted=sees)
    hidden = await hidden_from(store, reviewer) if sees else 0
    found = await store.to_review(include_restricted=sees, limit=offset + limit + hidden)
    seen = [document for document in found if may_see(reviewer, document)]
    return seen[offset : offset + limit], total - hidden


async def hidden_from(store: ClassifyStore, reviewer: Session) -> int:
    """Count the restricted documents that wait and name this screener; the store gives the restricted first."""
    hidden, offset = 0, 0
    while part := await store.to_review(include_restricted=True, limit=PART, offset=offset):
        hidden += sum(not may_see(reviewer, document) for document in part)
        if not part[-1].state.restricted:
            break
        offset += len(part)
    return hidden


async def lately_decided(store: ClassifyStore, reviewer: Session, limit: int) -> list[Classification]:
    """Return what was decided last, at most `limit`, without what this reviewer may not see."""
    found = await store.decided(include_restricted=reviewer.is_screener, limit=limit)
    return [document for document in found if may_see(reviewer, document)]


def check_verdict(verdict: Verdict) -> None:
    """Refuse codes that the taxonomy does not know; raises Invalid."""
    taxonomy = load_taxonomy()
    errors = []
    for field, code in (("code", verdict.code), ("second", verdict.second)):
        if code is None:
            continue
        try:
            taxonomy.indicator(code)
        except UnknownCode:
            errors.append(FieldError(field=field, code="code_unknown", params={"code": code[:20]}))
    if errors:
        raise Invalid(errors)


def with_decision(document: Classification, verdict: Verdict, reviewer: Session, now: datetime) -> Classification:
    """Return the document with the person's word as what holds."""
    old = document.state
    new = replace(
        old,
        code=verdict.code,
        second=verdict.second,
        petition_kind=verdict.petition_kind,
        restricted=verdict.restricted,
        urgent=verdict.urgent,
        needs_review=False,
        review_reasons=(),
        decided_by=reviewer.account_id,
        decided_as_screener=reviewer.is_screener and old.restricted,
        decided_at=now,
    )
    decision = Decision(
        at=now,
        by=reviewer.account_id,
        code=new.code,
        second=new.second,
        petition_kind=new.petition_kind,
        restricted=new.restricted,
        urgent=new.urgent,
        is_correction=(old.code, old.petition_kind, old.restricted, old.urgent)
        != (new.code, new.petition_kind, new.restricted, new.urgent),
    )
    return replace(
        document,
        state=new,
        decisions=(*document.decisions, decision),
        seq=document.seq + 1,
        version=document.version + 1,
    )


def label_of(document: Classification) -> Label | None:
    """Return the newest decision as a label, its text redacted: who trains a model needs nobody's name.

    None of a restricted feedback may train a model. The first call reads the lists of names, about a second.
    """
    if document.state.restricted:
        return None
    decision, suggested = document.decisions[-1], document.suggested
    return Label(
        feedback_id=document.feedback_id,
        text=redact(document.text),
        code=decision.code,
        petition_kind=decision.petition_kind,
        urgent=decision.urgent,
        model_version=suggested.model_version,
        was_correct=(suggested.code, suggested.petition_kind) == (decision.code, decision.petition_kind),
        at=decision.at,
    )
