"""Answers carry files: the agency attaches the signed letter, the citizen fetches it, nobody else can."""

from io import BytesIO

import pytest
from PIL import Image

from hotline.facts import Attachment
from hotline.file_links import ANSWER_FILES, FEEDBACK_FILES, file_link
from hotline.plumbing.files import FileVault, NoSuchFile
from hotline.roles import Role
from tests.pages.client import Page
from tests.respond.builders import at
from tests.respond.office import SECRET, Office
from tests.respond.test_pages_life import LEAD

LETTER = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def photo() -> bytes:
    content = BytesIO()
    Image.new("RGB", (8, 8), "grey").save(content, "JPEG")
    return content.getvalue()


async def drafted_with(office: Office, name: str, content: bytes, status: int = 200, feedback_id: str = "f1") -> Page:
    await office.arrive(feedback_id, code="6.3#giao_thong")
    office.clock.now = at("2026-11-19 09:00")
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    await office.open(feedback_id)
    return await office.browser.submit(
        "do-draft",
        status=status,
        files={"draft.files": [(name, content, "application/octet-stream")]},
        draft__text="Đã vá ổ gà",
        draft__outcome="settled",
    )


async def test_the_letter_goes_from_the_draft_to_the_citizen(office: Office) -> None:
    await drafted_with(office, "tra loi.pdf", LETTER)
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    await office.open()
    await office.do("sign", number="12/UBND", signed_on="19/11/2026", signatory="Trần Văn A")
    ticket = await office.ticket()
    assert ticket.answer is not None
    (file,) = ticket.answer.files
    assert (file.name, file.media_type) == ("tra loi.pdf", "application/pdf")
    office.browser.sign_out()
    now = office.clock.now
    async with office.browser.http.get(file_link(SECRET, file, now=now, at=ANSWER_FILES)) as served:
        assert (served.status, await served.read()) == (200, LETTER)
        assert served.headers["Content-Disposition"].startswith("attachment")
    elsewhere = file_link(SECRET, file, now=now).replace(FEEDBACK_FILES, ANSWER_FILES)
    async with office.browser.http.get(elsewhere) as refused:
        assert refused.status == 404


async def test_a_disguised_file_is_refused_and_the_draft_not_kept(office: Office) -> None:
    page = await drafted_with(office, "tra loi.pdf", b"MZ this is a program", status=422)
    assert len(page.errors) == 1
    assert "tra loi.pdf" in page.errors[0]
    assert (await office.ticket()).draft is None


async def test_drafting_again_without_files_keeps_those_there_are(office: Office) -> None:
    await drafted_with(office, "hien truong.jpg", photo())
    await office.open()
    await office.do("draft", text="Đã vá ổ gà, đã thử xe", outcome="settled")
    ticket = await office.ticket()
    assert ticket.draft is not None
    assert [file.media_type for file in ticket.draft.files] == ["image/jpeg"]
    assert await office.desk.store.file_ids() == {ticket.draft.files[0].file_id}


async def test_erasing_the_feedback_removes_the_answers_files(office: Office) -> None:
    await drafted_with(office, "tra loi.pdf", LETTER)
    ticket = await office.ticket()
    assert ticket.draft is not None
    unkept = await office.desk.store.erase(ticket.feedback_id)
    assert unkept == {ticket.draft.files[0].file_id}
    assert await office.desk.store.file_ids() == frozenset()
    await office.desk.store.release_files(unkept)
    with pytest.raises(NoSuchFile):
        await office.desk.vault.chunks(ticket.draft.files[0].file_id)


async def test_a_letter_erased_with_another_feedback_while_it_is_sent_is_asked_for_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same letter answers two feedbacks; one is erased between the other's upload and its draft."""
    await drafted_with(office, "tra loi.pdf", LETTER)
    keep = FileVault.keep

    async def keep_while_the_other_is_erased(self: FileVault, name: str, content: bytes, *, field: str) -> Attachment:
        kept = await keep(self, name, content, field=field)
        await office.desk.store.release_files(await office.desk.store.erase("f1"))
        return kept

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(FileVault, "keep", keep_while_the_other_is_erased)
        page = await drafted_with(office, "tra loi.pdf", LETTER, status=409, feedback_id="f2")
    assert ["Hãy chọn lại tệp" in error for error in page.errors] == [True]
    assert page.value("draft.text") == "Đã vá ổ gà"
    assert (await office.ticket("f2")).draft is None
    await drafted_with(office, "tra loi.pdf", LETTER, feedback_id="f2")
    ticket = await office.ticket("f2")
    assert ticket.draft is not None
    assert await office.desk.vault.chunks(ticket.draft.files[0].file_id)
