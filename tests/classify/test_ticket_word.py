"""What a restriction made or lifted on the ticket's page does to the review desk."""

import itertools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from hotline.facts import (
    ClassificationState,
    Fact,
    FactKind,
    FeedbackState,
    FollowUp,
    FollowUpKind,
    Producer,
    TicketState,
    fact_id_of,
)
from hotline.places import Place
from hotline.plumbing.bus_sqlite import SqliteLog
from hotline.plumbing.sqlite import Database
from services.classify.actions import Gone, classify, decide, find_for_reviewer
from services.classify.consumer import handler
from services.classify.documents import Classification
from services.classify.store_sqlite import SqliteClassifyStore
from tests.classify.test_review_actions import NOW, judging, log, reviewer, store, store_over, verdict, with_more_words
from tests.contract.facts_for_tests import PROMISE, received

__all__ = ("log", "store")
SURE = {"needs_review": False, "review_reasons": (), "confidence": 0.9}
SUSPICIOUS = "Anh địa chính đòi phong bì"


def ticket(seq: int, *, restricted: bool, minutes: int = 0) -> Fact:
    """Return respond's `seq`-th word of the feedback."""
    return Fact(
        fact_id=fact_id_of(Producer.RESPOND, "f1", 0, seq),
        kind=FactKind.TICKET_CHANGED,
        feedback_id="f1",
        producer=Producer.RESPOND,
        epoch=0,
        seq=seq,
        at=NOW + timedelta(minutes=minutes),
        cause="changed",
        state=TicketState(
            status="in_review",
            restricted=restricted,
            acknowledgement_due_at=PROMISE.acknowledgement_due_at,
            response_due_at=PROMISE.response_due_at,
        ),
    )


async def tell(store: SqliteClassifyStore, *facts: Fact, **changes: object) -> ClassificationState:
    """Let facts arrive, and return what holds then."""
    handle = handler(store, judging(**changes), lambda: NOW)
    for fact in facts:
        await handle(fact)
    return (await known(store)).state


async def known(store: SqliteClassifyStore) -> Classification:
    document = await store.get("f1")
    assert document is not None
    return document


async def test_what_is_restricted_on_the_tickets_page_is_closed_at_the_review_desk(
    store: SqliteClassifyStore, log: SqliteLog
) -> None:
    said = await tell(store, received("f1"), ticket(1, restricted=False))
    await decide(store, "f1", verdict(await known(store)), reviewer(), NOW)
    assert len(await store.labels()) == 1
    closed = await tell(store, ticket(2, restricted=True, minutes=1))
    assert (said.restricted, closed.restricted, closed.needs_review) == (False, True, True)
    assert closed.review_reasons == ("restricted",)
    assert await store.labels() == []
    with pytest.raises(Gone):
        await find_for_reviewer(store, "f1", reviewer())
    facts = [log.open(delivery) for delivery in await log.subscribe("t").next_batch(9)]
    assert [fact.state.restricted for fact in facts if isinstance(fact.state, ClassificationState)][-1]


async def test_repeats_and_older_words_change_nothing(store: SqliteClassifyStore, log: SqliteLog) -> None:
    await tell(store, received("f1"), ticket(3, restricted=True))
    before, told = await known(store), await log.lag("t")
    await tell(store, ticket(3, restricted=True), ticket(2, restricted=False), ticket(4, restricted=True))
    assert await known(store) == before
    assert await log.lag("t") == told


async def test_what_the_screener_returned_is_open_again_and_stays_so_for_harmless_words(
    store: SqliteClassifyStore,
) -> None:
    first = received("f1")
    await tell(store, first, ticket(1, restricted=True, minutes=1), ticket(2, restricted=False, minutes=2), **SURE)
    back = (await known(store)).state
    assert (back.restricted, back.needs_review, back.decided_by) == (False, True, "model")
    harmless = await tell(store, with_more_words(first, "Trời mưa thì ngập", 2))
    assert not harmless.restricted
    suspicious = await tell(store, with_more_words(first, SUSPICIOUS, 3))
    assert suspicious.restricted


async def test_a_first_word_that_it_is_open_lifts_no_suspicion(store: SqliteClassifyStore) -> None:
    said = await tell(store, received("f1", text=SUSPICIOUS), ticket(1, restricted=False, minutes=1))
    assert said.restricted


async def test_a_suspicion_newer_than_the_return_stands(store: SqliteClassifyStore) -> None:
    await tell(store, received("f1"), ticket(1, restricted=True, minutes=-9))
    document = await known(store)
    newer = replace(document.state, decided_at=NOW + timedelta(minutes=5))
    await store.save(replace(document, state=newer, version=document.version + 1), ())
    assert (await tell(store, ticket(2, restricted=False, minutes=1))).restricted


async def test_only_a_screener_decides_as_one_and_only_while_it_is_closed(store: SqliteClassifyStore) -> None:
    await tell(store, received("f1"))
    opened = await decide(store, "f1", verdict(await known(store)), reviewer(is_screener=True), NOW)
    await tell(store, ticket(1, restricted=True))
    closed = await decide(store, "f1", verdict(await known(store)), reviewer(is_screener=True), NOW)
    assert (opened.state.decided_as_screener, closed.state.decided_as_screener) == (False, True)
    still = await tell(store, ticket(2, restricted=True))
    assert not still.restricted


async def test_every_order_of_words_and_tickets_ends_closed(tmp_path: Path) -> None:
    facts = [received("f1"), ticket(1, restricted=False), ticket(2, restricted=True)]
    for number, order in enumerate(itertools.permutations([*facts, facts[1]])):
        database = await Database.open(tmp_path / f"{number}.db")
        store = await store_over(database)
        said = await tell(store, *order, **SURE)
        assert (said.restricted, said.needs_review) == (True, True)
        await database.close()


async def test_a_word_on_an_erased_feedback_is_not_kept(store: SqliteClassifyStore) -> None:
    await tell(store, received("f1"), ticket(1, restricted=True))
    await store.erase("f1")
    await handler(store, judging(), lambda: NOW)(ticket(2, restricted=True))
    assert await store.ticket_word("f1") is None


@pytest.mark.parametrize("where", ["place", "follow_up"])
async def test_a_screener_named_in_the_place_or_a_later_word_does_not_see_it(
    store: SqliteClassifyStore, where: str
) -> None:
    fact = received("f1", text=SUSPICIOUS)
    assert isinstance(fact.state, FeedbackState)
    place = Place(
        province_code="08", province_name="Tuyên Quang", commune_code="00694", commune_name="Phường Hà Giang 1",
        detail="cạnh nhà ba nguyen thi lan",
    )  # fmt: skip
    said = FollowUp(at=NOW, kind=FollowUpKind.WITHDRAWN, text="Vì bà Nguyễn Thị Lan doạ", by="citizen")
    named = (
        structs.replace(fact.state, place=place)
        if where == "place"
        else structs.replace(fact.state, follow_ups=(said,))
    )
    await classify(store, judging(), fact, NOW)
    assert (await find_for_reviewer(store, "f1", reviewer(is_screener=True))).state.restricted
    await classify(store, judging(), structs.replace(received("f1", seq=2, text=SUSPICIOUS), state=named), NOW)
    with pytest.raises(Gone):
        await find_for_reviewer(store, "f1", reviewer(is_screener=True))
