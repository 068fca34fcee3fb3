"""What ingest does with facts, repeats and time; on the real embedded store."""

import asyncio
import contextlib
import email
import email.policy
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from hotline.errors import Invalid
from hotline.facts import Channel, FactKind
from hotline.plumbing.files import ORPHAN_AGE
from hotline.tracking import format_tracking_code
from services.ingest import actions, following
from services.ingest.commands import erase
from services.ingest.documents import SCHEMA, Feedback, UnknownSchema, decode_feedback, encode
from services.ingest.feedback import Draft
from services.ingest.identity import from_key
from services.ingest.notify import Postman
from services.ingest.store import Conflict, FileIsGone
from tests.ingest.builders import NOW, SECRET, Desk, ticket_fact, ticket_of

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


async def test_a_file_named_anew_while_its_feedback_is_erased_is_never_missing(desk: Desk) -> None:
    """Between the erasing write and the unlinking somebody sends the same file: it stays, or that one is refused."""
    file = await desk.intake.vault.keep("don.pdf", b"%PDF-1.7\n%%EOF\n", field="attachments")
    first = await taken(desk, replace(DRAFT, attachments=(file,)))
    released = await desk.intake.store.erase(first.feedback_id, ())
    assert released == {file.file_id}
    await taken(desk, replace(DRAFT, attachments=(file,), origin=from_key("t", "2")))
    await desk.intake.store.release_files(released)
    assert desk.intake.vault.has(file.file_id)


async def test_a_feedback_whose_file_was_erased_after_it_was_kept_is_not_accepted(desk: Desk) -> None:
    file = await desk.intake.vault.keep("don.pdf", b"%PDF-1.7\n%%EOF\n", field="attachments")
    desk.intake.vault.unlink(file.file_id)
    with pytest.raises(FileIsGone):
        await taken(desk, replace(DRAFT, attachments=(file,)))
    assert await desk.count("ingest_feedback") == 0


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
    assert {notice.kind for notice in await desk.intake.store.notices_to_send(desk.clock(), 9)} == {
        "received",
        "acknowledged",
    }
    hidden = ticket_of(feedback, restricted=True, question="Ai?", acknowledged_at=NOW + timedelta(hours=1))
    await actions.apply_ticket_changed(desk.intake, ticket_fact(feedback.feedback_id, hidden, seq=4), now=NOW)
    assert await desk.count("ingest_notice") == 2


@pytest.mark.parametrize(
    ("changes", "is_shown"),
    [({}, True), ({"code": None, "field": None}, False), ({"restricted": True, "code": None}, False)],
)
async def test_who_sent_it_is_shown_only_once_it_is_classified_and_open(
    desk: Desk, changes: dict[str, object], is_shown: bool
) -> None:
    feedback = await taken(desk, replace(DRAFT, phone="0912345678"))
    assert following.contact_of(feedback) is None
    said = ticket_fact(feedback.feedback_id, ticket_of(feedback, **changes), seq=1)
    await actions.apply_ticket_changed(desk.intake, said, now=NOW)
    kept = await desk.intake.store.get(feedback.feedback_id)
    assert kept is not None and kept.reporter is not None and kept.reporter.phone is not None
    assert (following.contact_of(kept) is not None) is is_shown
    assert len(await desk.intake.store.earlier_calls(kept.reporter.phone, 9)) == is_shown


def postman(desk: Desk, smtp_url: str) -> Postman:
    """Return the deliverer of notices."""
    return Postman(store=desk.intake.store, smtp_url=smtp_url, sender="1022@example.vn", clock=desk.clock)


async def test_without_a_mail_server_notices_wait_as_rows_and_go_stale(desk: Desk) -> None:
    await taken(desk)
    assert await postman(desk, "").deliver_waiting() == 0
    assert len(await desk.intake.store.notices_to_send(desk.clock(), 9)) == 1
    desk.clock.move(timedelta(days=4))
    await postman(desk, "").deliver_waiting()
    assert await desk.intake.store.notices_to_send(desk.clock(), 9) == []


@contextlib.asynccontextmanager
async def mail_server(letters: list[str]) -> AsyncIterator[str]:
    """Run the least of a mail server (RFC 5321) and yield its URL; what it takes lands in `letters`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                letters.append((await reader.readuntil(b"\r\n.\r\n")).decode())
            writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            await writer.drain()
            if verb == b"QUIT":
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_notice_is_sent_once_under_a_fixed_id_and_says_nothing_of_the_matter(desk: Desk) -> None:
    letters: list[str] = []
    feedback = await taken(desk)
    (notice,) = await desk.intake.store.notices_to_send(desk.clock(), 9)
    async with mail_server(letters) as url:
        assert await postman(desk, url).deliver_waiting() == 1
        assert await postman(desk, url).deliver_waiting() == 0
    (letter,) = letters
    read = email.message_from_string(letter, policy=email.policy.default)
    assert (read["To"], read["Message-ID"]) == ("may@example.vn", notice.message_id)
    words = read.get_content()
    assert format_tracking_code(feedback.tracking_code) in words
    assert "Mất nước" not in words and feedback.tracking_code not in read["Message-ID"]


async def test_a_mail_server_that_is_away_leaves_the_notice_waiting(desk: Desk) -> None:
    await taken(desk)
    with pytest.raises(OSError):
        await postman(desk, "smtp://127.0.0.1:1").deliver_waiting()
    assert len(await desk.intake.store.notices_to_send(desk.clock(), 9)) == 1


async def test_the_command_erases_beside_a_running_server(desk: Desk, tmp_path: Path) -> None:
    feedback = await taken(desk)
    environment = {"DATA_DIR": str(tmp_path), "SECRET_KEY": SECRET}
    arguments = [feedback.feedback_id, "--yes"]
    first = await asyncio.to_thread(CliRunner().invoke, erase, arguments, env=environment)
    assert (first.exit_code, await desk.count("ingest_feedback")) == (0, 0)
    again = await asyncio.to_thread(CliRunner().invoke, erase, arguments, env=environment)
    assert (again.exit_code, again.output) == (1, f"Error: no feedback {feedback.feedback_id}: nothing was erased\n")


async def test_what_a_newer_release_stored_is_not_guessed_at(desk: Desk) -> None:
    feedback = await taken(desk)
    with pytest.raises(UnknownSchema):
        decode_feedback(encode(replace(feedback, schema=SCHEMA + 1)))
