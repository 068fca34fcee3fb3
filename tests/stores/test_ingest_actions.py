"""What ingest does is the same over every backend: taken in once, followed, offered again, told of, erased, swept."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from hotline.facts import Channel, FactKind
from hotline.plumbing.backend import Backend
from hotline.plumbing.files import NoSuchFile
from services.ingest import actions
from services.ingest.actions import IdempotencyConflict, Intake
from services.ingest.app import open_intake
from services.ingest.batch_files import read_batch
from services.ingest.batches import batch_id_of, import_sheet
from services.ingest.documents import Batch, Feedback
from services.ingest.feedback import Draft
from services.ingest.identity import from_key
from services.ingest.notices import STALE_AFTER
from services.ingest.notify import Postman
from services.ingest.store import FileIsGone, WasErased
from tests.ingest.builders import NOW, ticket_fact, ticket_of
from tests.stores.feedbacks import MINUTE, PDF, on_the_bus

DRAFT = Draft(channel=Channel.WEB, text="Mất nước.", email="may@example.vn", has_page=True, origin=from_key("t", "1"))


@pytest.fixture
async def intake(backend: Backend) -> Intake:
    """What ingest's pages, API and consumer work with."""
    return await open_intake(backend)


async def taken(intake: Intake, draft: Draft = DRAFT, *, now: datetime = NOW) -> Feedback:
    return (await actions.submit(intake, draft, now=now)).feedback


def standing(at: datetime) -> Callable[[], datetime]:
    """Return a clock that stands."""
    return lambda: at


async def test_a_message_is_taken_in_once_and_another_body_under_its_key_refused(
    intake: Intake, backend: Backend
) -> None:
    first = await taken(intake)
    assert await taken(intake, now=NOW + MINUTE) == first
    with pytest.raises(IdempotencyConflict):
        await taken(intake, replace(DRAFT, text="Mất điện."))
    assert [fact.kind for fact in await on_the_bus(backend)] == [FactKind.FEEDBACK_RECEIVED]


async def test_respond_s_states_and_the_citizen_s_words_meet_in_one_document(intake: Intake, backend: Backend) -> None:
    first = await taken(intake)
    states = [ticket_of(first, acknowledged_at=NOW), ticket_of(first, acknowledged_at=NOW, question="Ở đâu?")]
    for seq, state in enumerate((*states, *states), start=1):
        await actions.apply_ticket_changed(intake, ticket_fact(first.feedback_id, state, seq=seq % 3), now=NOW)
    await actions.add_information(intake, first.tracking_code, "Ở thôn Bản Tùy.", now=NOW)
    known = await actions.by_tracking_code(intake, first.tracking_code)
    assert known.ticket == states[1] and [said.text for said in known.follow_ups] == ["Ở thôn Bản Tùy."]
    waiting = await intake.store.notices_to_send(NOW, 9)
    assert sorted(notice.kind for notice in waiting) == ["acknowledged", "question", "received"]
    assert [(fact.kind, fact.seq) for fact in await on_the_bus(backend)] == [
        (FactKind.FEEDBACK_RECEIVED, 1),
        (FactKind.FEEDBACK_FOLLOWED_UP, 2),
    ]


async def test_what_respond_has_not_taken_up_is_offered_again(intake: Intake, backend: Backend) -> None:
    first = await taken(intake)
    offered = [await actions.offer_again(intake, now=NOW + minutes * MINUTE) for minutes in (5, 11, 12, 22)]
    assert offered == [0, 1, 0, 1]
    await actions.apply_ticket_changed(intake, ticket_fact(first.feedback_id, ticket_of(first), seq=1), now=NOW)
    assert await actions.offer_again(intake, now=NOW + 60 * MINUTE) == 0
    assert [fact.seq for fact in await on_the_bus(backend)] == [1, 2, 3]


async def test_a_notice_that_nobody_could_send_is_given_up_once_it_is_stale(intake: Intake) -> None:
    await taken(intake)
    for at, left in ((NOW + STALE_AFTER, 1), (NOW + STALE_AFTER + MINUTE, 0)):
        postman = Postman(store=intake.store, smtp_url="", sender="tiep-nhan@example.vn", clock=standing(at))
        assert await postman.deliver_waiting() == 0
        assert await intake.store.count_notices_to_send() == left


async def test_an_erasure_takes_the_files_that_nobody_else_sent(intake: Intake, backend: Backend) -> None:
    alone = await intake.vault.keep("a.pdf", PDF, field="attachments")
    shared = await intake.vault.keep("b.pdf", PDF + b"%%EOF", field="attachments")
    first = await taken(intake, replace(DRAFT, attachments=(alone, shared)))
    await taken(intake, replace(DRAFT, attachments=(shared,), origin=from_key("t", "2")))
    assert await actions.erase(intake, first.feedback_id, now=NOW)
    assert not await actions.erase(intake, first.feedback_id, now=NOW)
    with pytest.raises(NoSuchFile):
        await intake.vault.chunks(alone.file_id)
    await intake.vault.chunks(shared.file_id)
    with pytest.raises(WasErased):
        await taken(intake, replace(DRAFT, attachments=(alone, shared)))
    with pytest.raises(FileIsGone):
        await taken(intake, replace(DRAFT, attachments=(alone,), origin=from_key("t", "3")))
    facts = [fact.kind for fact in await on_the_bus(backend) if fact.feedback_id == first.feedback_id]
    assert facts == [FactKind.FEEDBACK_ERASED]


async def test_a_file_whose_form_was_given_up_is_swept_and_no_other(intake: Intake) -> None:
    kept = await intake.vault.keep("a.pdf", PDF, field="attachments")
    orphan = await intake.vault.keep("b.pdf", PDF + b"%%EOF", field="attachments")
    await taken(intake, replace(DRAFT, attachments=(kept,)))
    hours = [timedelta(hours=hours) for hours in (1, 25, 26, 27)]
    assert sum([await actions.sweep_files(intake, now=datetime.now(UTC) + later) for later in hours]) == 1
    await intake.vault.chunks(kept.file_id)
    with pytest.raises(NoSuchFile):
        await intake.vault.chunks(orphan.file_id)


async def test_an_import_that_is_cut_off_goes_on_and_counts_each_slip_once(intake: Intake, backend: Backend) -> None:
    """The sheet has more rows than a chunk; one row cannot be read, and two slips say the same."""
    slips = [f"Phiếu số {row} về đường hỏng" for row in range(450)]
    content = "\n".join(["nội dung", *slips, "?!", slips[0]]).encode()
    expected = (len(slips) + 1, 0, 1)

    async def take(report: Callable[[Batch], None]) -> Batch:
        return await import_sheet(
            intake, read_batch("phieu.csv", content), batch_id=batch_id_of(content, "hop-1", NOW),
            file_name="phieu.csv", box_id="hop-1", opened_at=NOW, entered_by="lan", clock=standing(NOW), report=report,
        )  # fmt: skip

    def cut_off(batch: Batch) -> None:
        if batch.done == 400:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await take(cut_off)
    done = await take(lambda _: None)
    assert (done.accepted, done.known, len(done.faults)) == expected
    assert await intake.store.recent_batches(9) == [done]
    assert len(await on_the_bus(backend)) == done.accepted
    again = await take(lambda _: None)
    assert (again.accepted, again.known, len(again.faults)) == (0, done.accepted, 1)
