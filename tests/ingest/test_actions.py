"""What ingest does with facts, repeats and time; on the real embedded store."""

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest

from hotline.errors import Invalid
from hotline.facts import Channel, FactKind
from hotline.plumbing.files import ORPHAN_AGE
from services.ingest import actions, notify
from services.ingest.documents import Feedback
from services.ingest.feedback import Draft
from services.ingest.identity import from_key
from services.ingest.notify import Postman
from services.ingest.store import Conflict
from tests.ingest.builders import NOW, Desk, ticket_fact, ticket_of

DRAFT = Draft(channel=Channel.WEB, text="Mất nước.", email="may@example.vn", has_page=True, origin=from_key("t", "1"))


async def taken(desk: Desk, draft: Draft = DRAFT) -> Feedback:
    """Take a draft in."""
    return (await actions.submit(desk.intake, draft, now=desk.clock())).feedback


async def test_every_order_and_repeat_of_respond_s_facts_ends_in_the_same_state(desk: Desk) -> None:
    ends = set()
    for number, order in enumerate(itertools.permutations((1, 2, 3))):
        feedback = await taken(desk, replace(DRAFT, origin=from_key("t", str(number))))
        states = {
            1: ticket_of(feedback, status="assigned"),
            2: ticket_of(feedback, status="in_progress", acknowledged_at=NOW),
            3: ticket_of(feedback, status="awaiting_citizen", acknowledged_at=NOW, question="Ở đoạn nào?"),
        }
        for seq in (*order, *order):
            await actions.apply_ticket_changed(
                desk.intake, ticket_fact(feedback.feedback_id, states[seq], seq=seq), now=NOW
            )
        stored = await desk.intake.store.get(feedback.feedback_id)
        assert stored is not None and stored.ticket is not None
        ends.add((stored.ticket.status, stored.ticket.question, stored.ticket_order))
    assert ends == {("awaiting_citizen", "Ở đoạn nào?", (0, 3))}


async def test_a_higher_epoch_wins_over_a_higher_number(desk: Desk) -> None:
    feedback = await taken(desk)
    old, new = ticket_of(feedback, status="closed"), ticket_of(feedback, status="assigned")
    await actions.apply_ticket_changed(desk.intake, ticket_fact(feedback.feedback_id, old, seq=9), now=NOW)
    restored = ticket_fact(feedback.feedback_id, new, seq=2, epoch=1)
    assert await actions.apply_ticket_changed(desk.intake, restored, now=NOW)
    stored = await desk.intake.store.get(feedback.feedback_id)
    assert stored is not None and stored.ticket == new


async def test_a_ticket_of_an_unknown_feedback_is_ignored(desk: Desk) -> None:
    feedback = await taken(desk)
    assert not await actions.apply_ticket_changed(
        desk.intake, ticket_fact("nobody", ticket_of(feedback), seq=1), now=NOW
    )


async def test_a_lost_update_is_refused(desk: Desk) -> None:
    feedback = await taken(desk)
    await desk.intake.store.save(feedback, ())
    with pytest.raises(Conflict):
        await desk.intake.store.save(feedback, ())


async def test_many_additions_at_once_are_all_kept_in_order(desk: Desk) -> None:
    feedback = await taken(desk)
    words = [f"Thêm {number}" for number in range(6)]
    await asyncio.gather(
        *(actions.add_information(desk.intake, feedback.tracking_code, word, now=NOW) for word in words)
    )
    stored = await desk.intake.store.get(feedback.feedback_id)
    assert stored is not None and {item.text for item in stored.follow_ups} == set(words)
    assert [fact.seq for fact in await desk.facts()] == list(range(1, 8))


async def test_what_respond_did_not_take_up_is_offered_again_every_ten_minutes(desk: Desk) -> None:
    feedback = await taken(desk)
    desk.clock.move(timedelta(minutes=9))
    assert await actions.offer_again(desk.intake, now=desk.clock()) == 0
    desk.clock.move(timedelta(minutes=2))
    assert await actions.offer_again(desk.intake, now=desk.clock()) == 1
    assert await actions.offer_again(desk.intake, now=desk.clock()) == 0
    facts = await desk.facts()
    assert [(fact.kind, fact.seq) for fact in facts] == [
        (FactKind.FEEDBACK_RECEIVED, 1), (FactKind.FEEDBACK_RECEIVED, 2),
    ]  # fmt: skip
    assert facts[0].state == facts[1].state
    stored = await desk.intake.store.get(feedback.feedback_id)
    assert stored is not None
    await actions.apply_ticket_changed(
        desk.intake, ticket_fact(feedback.feedback_id, ticket_of(stored), seq=1), now=NOW
    )
    desk.clock.move(timedelta(minutes=30))
    assert await actions.offer_again(desk.intake, now=desk.clock()) == 0


async def test_an_hour_without_a_ticket_is_an_alarm(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    await taken(desk)
    desk.clock.move(timedelta(minutes=61))
    await actions.offer_again(desk.intake, now=desk.clock())
    alarms = [record for record in caplog.records if record.getMessage() == "no_ticket_for_an_hour"]
    assert [record.levelname for record in alarms] == ["ERROR"]


async def test_erasing_leaves_nothing_but_the_fact_that_says_so(desk: Desk) -> None:
    feedback = await taken(desk)
    assert await actions.erase(desk.intake, feedback.feedback_id, now=NOW)
    assert not await actions.erase(desk.intake, feedback.feedback_id, now=NOW)
    assert await desk.count("ingest_feedback") == 0
    assert await desk.count("ingest_notice") == 0
    facts = await desk.facts()
    assert [(fact.kind, fact.seq) for fact in facts] == [(FactKind.FEEDBACK_ERASED, 2)]


async def test_a_file_two_feedbacks_share_outlives_the_erasure_of_one(desk: Desk) -> None:
    pdf = b"%PDF-1.7\n%%EOF\n"
    file = await desk.intake.vault.keep("don.pdf", pdf, field="attachments")
    first = await taken(desk, replace(DRAFT, attachments=(file,)))
    second = await taken(desk, replace(DRAFT, attachments=(file,), origin=from_key("t", "2")))
    await actions.erase(desk.intake, first.feedback_id, now=NOW)
    assert desk.intake.vault.path_of(file.file_id).read_bytes() == pdf
    await actions.erase(desk.intake, second.feedback_id, now=NOW)
    assert not list(desk.intake.vault.folder.rglob(file.file_id))


async def test_only_orphans_older_than_a_day_are_swept(desk: Desk) -> None:
    kept = await desk.intake.vault.keep("a.pdf", b"%PDF-1.7 a\n%%EOF", field="f")
    orphan = await desk.intake.vault.keep("b.pdf", b"%PDF-1.7 b\n%%EOF", field="f")
    await taken(desk, replace(DRAFT, attachments=(kept,)))
    written_at = desk.intake.vault.path_of(orphan.file_id).stat().st_mtime
    start = NOW.fromtimestamp(written_at, NOW.tzinfo)
    assert await actions.sweep_files(desk.intake, now=start + timedelta(hours=23)) == 0
    assert await actions.sweep_files(desk.intake, now=start + ORPHAN_AGE + timedelta(minutes=1)) == 1
    assert desk.intake.vault.path_of(kept.file_id).exists()


async def test_a_refused_draft_names_the_edges_faults_and_its_own(desk: Desk) -> None:
    with pytest.raises(Invalid) as refused:
        await actions.submit(desk.intake, replace(DRAFT, text="", phone="1"), now=NOW)
    assert {error.field for error in refused.value.errors} == {"text", "reporter.phone"}
    assert await desk.count("ingest_feedback") == 0


async def test_each_cause_makes_one_notice_and_restricted_ones_none(desk: Desk) -> None:
    feedback = await taken(desk)
    acknowledged = ticket_of(feedback, acknowledged_at=NOW)
    for seq in (1, 2, 3):
        await actions.apply_ticket_changed(
            desk.intake, ticket_fact(feedback.feedback_id, acknowledged, seq=seq), now=NOW
        )
    assert {notice.kind for notice in await desk.intake.store.notices_to_send(9)} == {"received", "acknowledged"}
    hidden = ticket_of(feedback, restricted=True, question="Ai?", acknowledged_at=NOW + timedelta(hours=1))
    await actions.apply_ticket_changed(desk.intake, ticket_fact(feedback.feedback_id, hidden, seq=4), now=NOW)
    assert await desk.count("ingest_notice") == 2


def postman(desk: Desk, smtp_url: str) -> Postman:
    """Return the deliverer of notices."""
    return Postman(store=desk.intake.store, smtp_url=smtp_url, sender="1022@example.vn", clock=desk.clock)


async def test_without_a_mail_server_notices_wait_as_rows_and_go_stale(desk: Desk) -> None:
    await taken(desk)
    assert await postman(desk, "").deliver_waiting() == 0
    assert len(await desk.intake.store.notices_to_send(9)) == 1
    desk.clock.move(timedelta(days=4))
    await postman(desk, "").deliver_waiting()
    assert await desk.intake.store.notices_to_send(9) == []


async def test_a_notice_is_sent_once_under_a_fixed_id_and_says_nothing_of_the_matter(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters: list[EmailMessage] = []
    monkeypatch.setattr(notify, "post", lambda _, letter: letters.append(letter))
    await taken(desk)
    (notice,) = await desk.intake.store.notices_to_send(9)
    assert await postman(desk, "smtp://mail.example.vn").deliver_waiting() == 1
    assert await postman(desk, "smtp://mail.example.vn").deliver_waiting() == 0
    (letter,) = letters
    assert (letter["To"], letter["Message-ID"]) == ("may@example.vn", notice.message_id)
    assert "Mất nước" not in letter.as_string()
