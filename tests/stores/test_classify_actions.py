"""What classify does with arriving facts and persons' decisions is the same over every backend."""

import itertools

import pytest
from msgspec import structs

from hotline.facts import ClassificationState, Erased, Fact, FactKind
from hotline.plumbing.backend import Backend
from services.classify.actions import classify, decide
from services.classify.documents import Classification
from services.classify.opening import open_store
from services.classify.store import ClassifyStore, Conflict
from tests.classify.test_review_actions import judging, reviewer, verdict, with_more_words
from tests.classify.test_ticket_word import SUSPICIOUS, ticket
from tests.contract.facts_for_tests import received
from tests.stores.classifications import NOW, Arrive, facts_on_the_bus

FIRST = received("f1")
MORE = with_more_words(FIRST, "Trời mưa thì ngập", 2)
ERASED = structs.replace(FIRST, kind=FactKind.FEEDBACK_ERASED, state=Erased(erased_at=NOW))


@pytest.fixture
async def store(backend: Backend) -> ClassifyStore:
    """classify's store over an empty backend."""
    return await open_store(backend)


async def known(store: ClassifyStore, feedback_id: str = "f1") -> Classification:
    document = await store.get(feedback_id)
    assert document is not None
    return document


async def states(backend: Backend) -> list[ClassificationState]:
    return [fact.state for fact in await facts_on_the_bus(backend) if isinstance(fact.state, ClassificationState)]


def of(feedback_id: str, fact: Fact) -> Fact:
    """Return the same fact of another feedback."""
    return structs.replace(fact, feedback_id=feedback_id, fact_id=fact.fact_id.replace("f1", feedback_id))


async def test_every_order_of_words_and_tickets_ends_the_same(store: ClassifyStore, arrive: Arrive) -> None:
    said = [FIRST, MORE, ticket(1, restricted=False), ticket(2, restricted=True)]
    for number, order in enumerate(itertools.permutations(said)):
        name = f"g{number}"
        for fact in order:
            await arrive(of(name, fact))
        end = await known(store, name)
        assert (end.state.restricted, end.state.needs_review, end.source_order) == (True, True, MORE.order)
        assert await store.ticket_word(name) is not None


async def test_repeats_tell_nothing_again(store: ClassifyStore, arrive: Arrive, backend: Backend) -> None:
    for fact in (FIRST, MORE, ticket(1, restricted=True)):
        await arrive(fact)
    before, told = await known(store), await facts_on_the_bus(backend)
    assert [fact.seq for fact in told] == [1, 2, 3]
    for fact in (FIRST, ticket(1, restricted=True), MORE):
        await arrive(fact)
    assert (await known(store), await facts_on_the_bus(backend)) == (before, told)


@pytest.mark.parametrize("late", [FIRST, MORE, ticket(2, restricted=True)])
@pytest.mark.parametrize("before", [(), (FIRST,), (ticket(1, restricted=True), FIRST)])
async def test_erased_feedback_stays_away(
    store: ClassifyStore, arrive: Arrive, before: tuple[Fact, ...], late: Fact
) -> None:
    for fact in (*before, ERASED, late, ERASED):
        await arrive(fact)
    assert (await store.get("f1"), await store.ticket_word("f1"), await store.is_erased("f1")) == (None, None, True)
    assert await store.count_to_review(include_restricted=True) == 0


async def test_a_decision_is_a_label_and_a_fact_and_a_later_suspicion_takes_the_label(
    store: ClassifyStore, arrive: Arrive, backend: Backend
) -> None:
    await arrive(FIRST)
    seen = await known(store)
    await decide(store, "f1", verdict(seen), reviewer(), NOW)
    assert [label.code for label in await store.labels()] == ["7.1"]
    with pytest.raises(Conflict):
        await decide(store, "f1", verdict(seen, code="6.1"), reviewer(), NOW)
    await arrive(with_more_words(MORE, SUSPICIOUS, 3))
    assert await store.labels() == []
    assert [(said.code, said.restricted) for said in await states(backend)][1:] == [("7.1", False), ("7.1", True)]


async def test_a_word_that_comes_while_the_model_judges_is_heard(store: ClassifyStore, arrive: Arrive) -> None:
    judge = judging()

    async def judge_meanwhile(text: str, now: object) -> ClassificationState:
        await arrive(ticket(1, restricted=True))
        return await judge(text, NOW)

    document = await classify(store, judge_meanwhile, FIRST, NOW)
    assert document is not None and document.state.restricted
