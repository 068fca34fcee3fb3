"""Stores restored to different instants meet again, whichever of them is older, and what was erased stays erased."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from hotline.facts import FactKind, FeedbackState, Producer
from hotline.plumbing.backup_folder import BackupFolder
from hotline.plumbing.envelope import Envelope
from hotline.plumbing.records import record_of
from services.classify.actions import words_of
from services.classify.documents import said_of
from services.classify.records import CLASSIFICATION
from services.ingest.documents import Feedback, state_of
from services.ingest.records import FEEDBACK
from services.parts import FACTS, SERVICES
from services.respond.documents import state_of as ticket_state
from services.respond.records import TICKET
from services.respond.ticket import Action
from tests.backups.conftest import Houses
from tests.backups.house import DENOUNCED, START, TRIAGE, Cut, House, live

pytestmark = pytest.mark.slow

WITHOUT_FEEDBACK = ("ticket without a feedback", "classification without a feedback")
WITHOUT_TICKET = ("feedback without a ticket",)
# Which store is restored to the earlier instant, and of what `late`, which came after it, is found to be without.
OLDER: Mapping[str, tuple[str, ...]] = {"respond": WITHOUT_TICKET, "classify": (), "ingest": WITHOUT_FEEDBACK}


async def live_on(house: House, known: dict[str, Feedback]) -> Feedback:
    """Let life go on in all three stores; returns a feedback that comes only now."""
    await house.add(known["new"], "vẫn chưa sửa")
    await house.settle()
    await house.answer(known["new"])
    late = await house.submit("late")
    await house.settle()
    await house.correct(late, "7.1")
    await house.settle()
    await house.act(late, TRIAGE, Action.RESTRICT, note="có tên người bị tố")
    await house.erase(known["corrected"])
    await house.hire("binh")
    await house.settle()
    return late


async def assert_met(house: House, feedback: Feedback) -> None:
    """Fail unless each service knows of a feedback what its producer says of it now."""
    received = await house.intake.store.get(feedback.feedback_id)
    judged = await house.judgements.get(feedback.feedback_id)
    word = await house.judgements.ticket_word(feedback.feedback_id)
    ticket = await house.ticket(feedback)
    assert received is not None and judged is not None and word is not None
    assert ticket.feedback == state_of(received)
    assert judged.text == words_of(state_of(received))
    assert ticket.classification == said_of(judged)
    assert received.ticket == ticket_state(ticket, house.desk.rules, house.clock())
    assert word.restricted == ticket.restricted == judged.state.restricted
    said_by_ingest, said_by_respond = (received.epoch, received.seq), (ticket.epoch, ticket.seq)
    assert (ticket.applied[Producer.INGEST], judged.source_order) == (said_by_ingest, said_by_ingest)
    assert ticket.applied[Producer.CLASSIFY] == (judged.epoch, judged.seq)
    assert (received.ticket_order, word.order) == (said_by_respond, said_by_respond)


async def assert_erased(house: House, feedback: Feedback) -> None:
    """Fail unless nothing of a feedback is anywhere, and nobody would take it in again."""
    name = feedback.feedback_id
    assert await house.intake.store.get(name) is None
    assert await house.judgements.get(name) is None
    assert await house.desk.store.get(name) is None
    assert await house.judgements.is_erased(name) and await house.desk.store.is_erased(name)


@pytest.mark.parametrize(
    ("shape", "survived"),
    [
        pytest.param("sqlite", False, id="sqlite, no facts"),
        pytest.param("sqlite", True, id="sqlite, its facts"),
        pytest.param("mongodb", True, id="mongodb, the bus survived", marks=pytest.mark.live),
    ],
)
@pytest.mark.parametrize("older", OLDER)
async def test_stores_of_different_instants_meet_again(
    shape: str, older: str, survived: bool, houses: Houses, tmp_path: Path
) -> None:
    source, target = await houses.build(shape), await houses.build(shape)
    known = await live(source)
    await source.backup(tmp_path / "earlier")
    late = await live_on(source, known)
    await source.backup(tmp_path / "later")
    if survived:
        await target.backend.bus.publish_envelopes([delivery.envelope for delivery in await source.facts()])
    await target.restore(tmp_path / "later", *(name for name in SERVICES if name != older))
    houses.clock.move(10)
    await target.restore(tmp_path / "earlier", older)

    done = await target.reconcile()
    await target.settle()

    assert done.told["erasure"] == 1
    assert {word for word, ids in done.apart.items() if late.feedback_id in ids} == set(OLDER[older])
    await assert_erased(target, known["erased"])
    await assert_erased(target, known["corrected"])
    alive = [known[name] for name in ("answered", "new", "denounced")] + ([] if older == "ingest" else [late])
    for feedback in alive:
        await assert_met(target, feedback)
    # What the citizen says next reaches the ticket, though the counting of words may have begun anew.
    await target.add(known["new"], "một lời nữa")
    await target.settle()
    history = (await target.ticket(known["new"])).history
    assert (Action.ADD, houses.clock()) in [(entry.action, entry.at) for entry in history]
    again = await target.reconcile()
    await target.settle()
    assert again.told["erasure"] == 0
    for feedback in alive:
        await assert_met(target, feedback)


@pytest.mark.parametrize("knows", SERVICES)
async def test_an_erasure_that_one_store_alone_knows_is_told_to_all(knows: str, houses: Houses, tmp_path: Path) -> None:
    source, target = await houses.build("sqlite"), await houses.build("sqlite")
    known = await live(source)
    await source.backup(tmp_path / "earlier")
    await source.erase(known["answered"])
    await source.settle()
    await source.backup(tmp_path / "later")
    await target.restore(tmp_path / "later", knows)
    await target.restore(tmp_path / "earlier", *(name for name in SERVICES if name != knows))
    assert (await target.reconcile()).told["erasure"] == 1
    await target.settle()
    await assert_erased(target, known["answered"])
    assert not await target.files("feedback")


async def test_what_was_erased_while_a_backup_was_taken_is_not_put_back(houses: Houses, tmp_path: Path) -> None:
    source, target, folder = await houses.build("sqlite"), await houses.build("sqlite"), tmp_path / "backup"
    known = await live(source)
    name = known["answered"].feedback_id

    def cut_after_the_tickets(what: str, _: int) -> None:
        if what == "classify":
            raise Cut

    with pytest.raises(Cut):
        await source.backup(folder, cut_after_the_tickets)
    await source.erase(known["answered"])
    await source.settle()
    await source.backup(folder)
    assert name in {record_of(line).id for line in BackupFolder(folder).lines_of("respond")}
    await target.restore(folder)
    assert await target.desk.store.get(name) is None
    kinds = [envelope.kind for envelope in await envelopes(target) if envelope.feedback_id == name]
    assert kinds == []
    await target.reconcile()
    await target.settle()
    await assert_erased(target, known["answered"])


@pytest.mark.parametrize("survivor", ["a store", "the bus"])
async def test_what_was_erased_after_a_backup_is_not_put_back(survivor: str, houses: Houses, tmp_path: Path) -> None:
    source, target = await houses.build("sqlite"), await houses.build("sqlite")
    known = await live(source)
    name = known["answered"].feedback_id
    await source.backup(tmp_path / "earlier")
    await source.erase(known["answered"])
    await source.settle()
    if survivor == "a store":
        await source.backup(tmp_path / "later")
        await target.restore(tmp_path / "later", "classify")
        await target.restore(tmp_path / "earlier", "ingest", "respond")
    else:
        await target.backend.bus.publish_envelopes([delivery.envelope for delivery in await source.facts()])
        await target.restore(tmp_path / "earlier")
    assert await target.intake.store.get(name) is None
    assert await target.desk.store.get(name) is None
    assert not await target.files("feedback")
    await target.reconcile()
    await target.settle()
    await assert_erased(target, known["answered"])


async def test_reconciled_twice_is_as_reconciled_once(houses: Houses) -> None:
    house = await houses.build("sqlite")
    known = await live(house)
    for _ in range(2):
        done = await house.reconcile()
        await house.settle()
        assert done.told == {"erasure": 0, "feedback": 4, "classification": 4, "ticket": 4, "account": 1}
        assert not any(done.apart.values())
    for name in ("answered", "new", "denounced", "corrected"):
        await assert_met(house, known[name])
    assert len(await house.judgements.labels()) == 1


async def test_a_suspicion_is_not_lifted_by_a_return_that_is_told_again(houses: Houses) -> None:
    house = await houses.build("sqlite")
    feedback = await house.submit("1", text=DENOUNCED)
    await house.settle()
    await house.act(feedback, TRIAGE, Action.RETURN_TO_DESK, note="không phải tố cáo")
    returned_at = houses.clock()
    await house.settle()
    houses.clock.move(60)
    await house.reconcile()
    told = [envelope for envelope in await envelopes(house) if envelope.kind == FactKind.TICKET_CHANGED]
    assert told[-1].at == returned_at.isoformat()
    assert returned_at > START


async def envelopes(house: House) -> list[Envelope]:
    """Return every fact on the bus."""
    return [delivery.envelope for delivery in await house.facts()]


async def test_a_backup_taken_amid_work_meets_after_its_restore(houses: Houses, tmp_path: Path) -> None:
    source, target = await houses.build("sqlite"), await houses.build("sqlite")
    known = await live(source)
    is_taken = asyncio.Event()

    async def work() -> list[Feedback]:
        """Go on until the backup is there, and at least for one more citizen."""
        came = []
        while not came or not is_taken.is_set():
            came.append(await source.submit(f"amid {len(came)}"))
            await source.settle()
            await source.answer(came[-1])
            await source.settle()
        return came

    async def take() -> None:
        await source.backup(tmp_path / "backup")
        is_taken.set()

    came, _ = await asyncio.gather(work(), take())
    assert_stores_know_what_facts_say(BackupFolder(tmp_path / "backup"))
    await target.restore(tmp_path / "backup")
    apart = (await target.reconcile()).apart
    assert not any(apart[word] for word in WITHOUT_FEEDBACK)
    await target.settle()
    for feedback in (*came, known["answered"], known["new"]):
        if await target.intake.store.get(feedback.feedback_id) is not None:
            await assert_met(target, feedback)


def assert_stores_know_what_facts_say(folder: BackupFolder) -> None:
    """Fail when a fact of the backup is newer than what its producer's store in the backup has told."""
    told: dict[tuple[str, str], int] = {}
    for producer, kind in (("ingest", FEEDBACK), ("classify", CLASSIFICATION), ("respond", TICKET)):
        for record in map(record_of, folder.lines_of(producer)):
            if record.kind == kind:
                doc = msgspec.json.decode(record.body)["doc"]
                told[producer, record.id] = (doc["ticket"] if kind == TICKET else doc)["seq"]
    for line in folder.lines_of(FACTS):
        fact = msgspec.json.decode(line, type=Envelope)
        is_left = fact.kind not in {FactKind.ACCOUNT_CHANGED, FactKind.FEEDBACK_ERASED}
        assert not is_left or fact.seq <= told[fact.producer, fact.feedback_id]


async def test_what_nobody_knows_of_is_named(houses: Houses, tmp_path: Path) -> None:
    source, target = await houses.build("sqlite"), await houses.build("sqlite")
    known = await live(source)
    await source.backup(tmp_path / "backup")
    await target.restore(tmp_path / "backup", "respond")
    apart = (await target.reconcile()).apart
    alive = {known[name].feedback_id for name in ("answered", "new", "denounced", "corrected")}
    assert set(apart["ticket without a feedback"]) == alive
    assert isinstance((await target.ticket(known["new"])).feedback, FeedbackState)
