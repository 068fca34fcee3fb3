"""The citizen's pages, as a browser without JavaScript sees them; the page client checks every page it gets."""

import io
import json
import logging
from datetime import timedelta

import pytest
from PIL import Image

from hotline.facts import FactKind, FeedbackState, FollowUpKind, Outcome, PublicAnswer
from hotline.file_links import file_link
from services.ingest import actions
from services.ingest.documents import Feedback
from tests.ingest.builders import NOW, Desk, ticket_fact, ticket_of
from tests.pages.client import PageClient

pytestmark = pytest.mark.slow

WORDS = "Đường vào thôn bị sạt, xe không qua được."
ANSWER = PublicAnswer(
    text="Đã san gạt xong ngày 25/11.",
    number="12/UBND",
    signed_on=NOW.date(),
    signatory="Chủ tịch Vàng A Sính",
    agency_name="UBND xã Ngọc Đường",
    outcome=Outcome.SETTLED,
)


def picture(color: str = "red") -> bytes:
    """Return a small PNG."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(out, "PNG")
    return out.getvalue()


async def sent(browser: PageClient, desk: Desk, **fields: str) -> Feedback:
    """Send the form and return what was stored of it."""
    await browser.get("/")
    page = await browser.submit("gui", text=WORDS, **fields)
    code = page.select(".code-number")[0].text(strip=True).replace(" ", "")
    feedback = await desk.intake.store.by_tracking_code(code)
    assert feedback is not None
    return feedback


async def change(desk: Desk, feedback: Feedback, *, seq: int = 1, **changes: object) -> None:
    """Let respond say a newer state."""
    fact = ticket_fact(feedback.feedback_id, ticket_of(feedback, **changes), seq=seq)
    await actions.apply_ticket_changed(desk.intake, fact, now=desk.clock())


async def look_up(browser: PageClient, feedback: Feedback) -> None:
    """Show the feedback's page."""
    await browser.get("/tra-cuu")
    await browser.submit("tra-cuu", tracking_code=feedback.tracking_code)


async def test_the_form_shows_the_emergency_numbers_above_the_text_box(browser: PageClient) -> None:
    page = await browser.get("/")
    before_the_box = page.html.split('name="text"')[0]
    for number in ("113", "114", "115", "111", "1900 6769"):
        assert number in before_the_box


async def test_the_form_says_what_the_law_asks_for(browser: PageClient) -> None:
    page = await browser.get("/")
    assert "91/2025/QH15" in page.text
    assert "ẩn danh" in page.text and "tiếp công dân" in page.text
    assert page.value("place.province") == "08"


async def test_words_alone_get_a_receipt_with_code_and_due_times(browser: PageClient, desk: Desk) -> None:
    feedback = await sent(browser, desk)
    page = browser.page
    assert page.heading == "Đã tiếp nhận phản ánh"
    code = feedback.tracking_code
    assert f"{code[:3]} {code[3:6]} {code[6:9]} {code[9:]}" in page.text
    assert "10:00 ngày 25/11/2026" in page.text and "còn 6 ngày làm việc" in page.text
    assert (feedback.reporter, feedback.place, feedback.reachable_by) == (None, None, ("page",))
    assert code not in page.path


async def test_a_double_click_and_a_reload_give_the_same_receipt(browser: PageClient, desk: Desk) -> None:
    form = await browser.get("/")
    fields = {name: form.value(name) for name in ("csrf_token", "idempotency_key", "place.province")}
    first = await browser.post("/gui", {**fields, "text": WORDS})
    second = await browser.post("/gui", {**fields, "text": WORDS})
    assert first.select(".code-number")[0].text() == second.select(".code-number")[0].text()
    assert await desk.count("ingest_feedback") == 1


async def test_the_same_form_with_other_words_is_not_lost_and_not_merged(browser: PageClient, desk: Desk) -> None:
    form = await browser.get("/")
    fields = {name: form.value(name) for name in ("csrf_token", "idempotency_key", "place.province")}
    await browser.post("/gui", {**fields, "text": WORDS})
    page = await browser.post("/gui", {**fields, "text": "Việc khác hẳn"}, status=409)
    assert page.value("text") == "Việc khác hẳn"
    await browser.submit("gui")
    assert await desk.count("ingest_feedback") == 2


async def test_all_faults_are_said_at_once_and_what_was_typed_is_kept(browser: PageClient, desk: Desk) -> None:
    await browser.get("/")
    page = await browser.submit(
        "gui", status=422, text="", reporter__phone="12", reporter__email="x", place__commune="Xã Không Có",
        place__detail="tổ 3",
    )  # fmt: skip
    assert len(page.errors) == 4
    assert (page.value("reporter.phone"), page.value("place.detail")) == ("12", "tổ 3")
    assert await desk.count("ingest_feedback") == 0


async def test_a_text_of_a_hundred_thousand_characters_is_kept_in_the_box(browser: PageClient) -> None:
    await browser.get("/")
    page = await browser.submit("gui", status=422, text="đường " * 17_000)
    assert "nhiều nhất là 20.000" in page.errors[0]
    assert len(page.value("text")) > 100_000


async def test_a_commune_is_found_without_marks_and_by_its_old_name(browser: PageClient, desk: Desk) -> None:
    feedback = await sent(browser, desk, place__commune="ngoc duong", place__detail="thôn Bản Tùy")
    assert feedback.place is not None
    assert (feedback.place.commune_code, feedback.place.detail) == ("00700", "thôn Bản Tùy")


async def test_an_ambiguous_commune_is_chosen_from_a_list(browser: PageClient, desk: Desk) -> None:
    await browser.get("/")
    page = await browser.submit("gui", status=422, text=WORDS, place__province="", place__commune="Krông Nô")
    offered = [node.attributes["value"] for node in page.select('input[name="place.commune_code"]')]
    assert {"24604", "24688"} <= set(offered)
    await browser.submit("gui", place__commune_code="24688")
    (fact,) = await desk.facts()
    assert isinstance(fact.state, FeedbackState) and fact.state.place is not None
    assert fact.state.place.commune_code == "24688"


async def test_photos_are_kept_when_a_field_must_be_mended(browser: PageClient, desk: Desk) -> None:
    await browser.get("/")
    photo = ("anh.png", picture(), "image/png")
    page = await browser.submit("gui", status=422, text="", files={"attachments": [photo]})
    assert "anh.png" in page.text
    await browser.submit("gui", text=WORDS)
    (fact,) = await desk.facts()
    assert isinstance(fact.state, FeedbackState)
    assert [file.media_type for file in fact.state.attachments] == ["image/png"]


async def test_a_disguised_file_and_a_sixth_one_are_named(browser: PageClient, desk: Desk) -> None:
    await browser.get("/")
    page = await browser.submit(
        "gui", status=422, text=WORDS, files={"attachments": [("a.jpg", b"MZ" + b"\x00" * 99, "image/jpeg")]}
    )
    assert page.errors == ["Tệp “a.jpg” không đúng như tên gọi của nó. Hãy gửi ảnh JPG, PNG, WebP hoặc tệp PDF thật."]
    many = [
        (f"{color}.png", picture(color), "image/png") for color in ("red", "blue", "green", "black", "white", "gray")
    ]
    await browser.get("/")
    page = await browser.submit("gui", status=422, text=WORDS, files={"attachments": many})
    assert page.errors == ["Nhiều nhất 5 tệp. Hãy bớt tệp."]
    assert await desk.count("ingest_feedback") == 0


async def test_html_is_shown_as_the_text_it_is(browser: PageClient, desk: Desk) -> None:
    await browser.get("/")
    await browser.submit("gui", text="<script>alert(1)</script><b>đường hỏng</b>")
    (fact,) = await desk.facts()
    feedback = await desk.intake.store.get(fact.feedback_id)
    assert feedback is not None
    await look_up(browser, feedback)
    assert "<script>alert(1)</script>" in browser.page.text
    assert "<script>alert" not in browser.page.html


async def test_places_are_suggested_as_json(browser: PageClient) -> None:
    page = await browser.get("/dia-ban?tinh=08&q=ngoc%20duong")
    assert json.loads(page.html)[0]["value"].startswith("Xã Ngọc Đường")
    assert json.loads((await browser.get("/dia-ban?tinh=&q=")).html) == []


async def test_a_wrong_code_is_told_apart_from_an_unknown_one(browser: PageClient) -> None:
    await browser.get("/tra-cuu")
    page = await browser.submit("tra-cuu", status=422, tracking_code="123 456 789 01")
    assert "12 chữ số" in page.errors[0]
    await browser.get("/tra-cuu")
    page = await browser.submit("tra-cuu", status=404, tracking_code="000 000 000 000")
    assert page.errors == ["Không có phản ánh nào mang mã này. Hãy kiểm tra lại mã."]


async def test_guessing_codes_is_slowed_down(browser: PageClient, desk: Desk) -> None:
    statuses = []
    for _ in range(14):
        await browser.get("/tra-cuu")
        token = browser.page.value("csrf_token")
        answer = await browser.http.post("/tra-cuu", data={"csrf_token": token, "tracking_code": "000000000000"})
        statuses.append(answer.status)
    assert (statuses[0], statuses[-1]) == (404, 429)


async def test_the_citizen_sees_status_due_dates_and_the_answer(browser: PageClient, desk: Desk) -> None:
    feedback = await sent(browser, desk)
    await look_up(browser, feedback)
    assert "Đã tiếp nhận" in browser.page.text and "Hạn trả lời" in browser.page.text
    await change(desk, feedback, status="submitted")
    await look_up(browser, feedback)
    assert "Đang xử lý" in browser.page.text and "UBND xã Ngọc Đường" in browser.page.text
    await change(desk, feedback, seq=2, status="answered", answered_at=NOW, answer=ANSWER)
    await look_up(browser, feedback)
    assert "Đã san gạt xong ngày 25/11." in browser.page.text
    assert "12/UBND" in browser.page.text and "Chủ tịch Vàng A Sính" in browser.page.text


async def test_a_merged_feedback_says_in_plain_words_that_its_answer_will_stand_here(
    browser: PageClient, desk: Desk
) -> None:
    feedback = await sent(browser, desk)
    await change(desk, feedback, status="duplicate")
    await look_up(browser, feedback)
    words = "đang được xử lý chung với một phản ánh khác về cùng việc. Khi có câu trả lời, bạn đọc được ở đây."
    assert words in browser.page.text and "Hạn trả lời" in browser.page.text
    assert "Hạn báo đã tiếp nhận" not in browser.page.text
    assert browser.page.select("form#rut")
    await change(desk, feedback, seq=2, status="answered", answered_at=NOW, answer=ANSWER)
    await look_up(browser, feedback)
    assert words not in browser.page.text and "Đã san gạt xong ngày 25/11." in browser.page.text
    assert browser.page.select("form#danh-gia") and browser.page.select("form#xem-lai")


async def test_a_restricted_feedback_tells_nothing_of_where_it_lies(browser: PageClient, desk: Desk) -> None:
    feedback = await sent(browser, desk)
    await change(desk, feedback, restricted=True, status="assigned", question="Ông ấy tên gì?")
    await look_up(browser, feedback)
    for hidden in ("UBND xã Ngọc Đường", "Kiểm soát tham nhũng", "Ông ấy tên gì"):
        assert hidden not in browser.page.text
    assert "Đang xử lý" in browser.page.text


async def test_information_is_added_once_however_often_it_is_sent(browser: PageClient, desk: Desk) -> None:
    feedback = await sent(browser, desk)
    await look_up(browser, feedback)
    for _ in range(2):
        page = await browser.submit("bo-sung", information="Hôm nay sạt thêm 20 m.")
    assert "Hôm nay sạt thêm 20 m." in page.text
    stored = await desk.intake.store.get(feedback.feedback_id)
    assert stored is not None and [item.kind for item in stored.follow_ups] == [FollowUpKind.ADDED]
    facts = await desk.facts()
    assert [fact.kind for fact in facts] == [FactKind.FEEDBACK_RECEIVED, FactKind.FEEDBACK_FOLLOWED_UP]
    assert [fact.seq for fact in facts] == [1, 2]


async def test_an_empty_addition_is_refused_on_the_same_page(browser: PageClient, desk: Desk) -> None:
    feedback = await sent(browser, desk)
    await look_up(browser, feedback)
    page = await browser.submit("bo-sung", status=422, information=" ")
    assert page.errors == ["Chưa có nội dung. Hãy viết rồi gửi lại."]


async def test_the_answer_is_rated_and_asked_to_be_looked_at_again(browser: PageClient, desk: Desk) -> None:
    feedback = await sent(browser, desk)
    await change(desk, feedback, status="answered", answered_at=NOW, answer=ANSWER)
    await look_up(browser, feedback)
    await browser.submit("danh-gia", rating="4", comment="Nhanh")
    await browser.submit("xem-lai", reopen_reason="Mưa lại sạt tiếp.")
    stored = await desk.intake.store.get(feedback.feedback_id)
    assert stored is not None
    assert [(item.kind, item.rating) for item in stored.follow_ups] == [
        (FollowUpKind.RATED, 4), (FollowUpKind.REOPEN_REQUESTED, None),
    ]  # fmt: skip


async def test_a_withdrawal_is_passed_on_and_offered_once(browser: PageClient, desk: Desk) -> None:
    feedback = await sent(browser, desk)
    await look_up(browser, feedback)
    page = await browser.submit("rut", withdraw_reason="Xã đã làm rồi")
    assert not page.select("form#rut")
    facts = await desk.facts()
    assert isinstance(facts[-1].state, FeedbackState)
    assert facts[-1].state.follow_ups[-1].kind is FollowUpKind.WITHDRAWN


async def test_a_restricted_feedback_is_withdrawn_like_any_other(browser: PageClient, desk: Desk) -> None:
    feedback = await sent(browser, desk)
    await change(desk, feedback, restricted=True, status="assigned")
    await look_up(browser, feedback)
    await browser.submit("rut", withdraw_reason="")
    assert await desk.intake.store.get(feedback.feedback_id) is not None


async def test_a_file_link_that_ran_out_or_was_forged_leads_nowhere(browser: PageClient, desk: Desk) -> None:
    await browser.get("/")
    await browser.submit("gui", text=WORDS, files={"attachments": [("anh.png", picture(), "image/png")]})
    (fact,) = await desk.facts()
    assert isinstance(fact.state, FeedbackState)
    link = file_link(desk.backend.settings.secret_key, fact.state.attachments[0], now=desk.clock())
    served = await browser.http.get(link)
    assert (served.status, served.content_type) == (200, "image/png")
    assert (await browser.http.get(link[:-1] + ("a" if link[-1] != "a" else "b"))).status == 404
    desk.clock.move(timedelta(hours=2))
    assert (await browser.http.get(link)).status == 404


async def test_every_page_stands_in_english_too(browser: PageClient, desk: Desk) -> None:
    await browser.get("/")
    await browser.submit("/language", button="en")
    assert browser.page.heading == "Send feedback or a request"
    feedback = await sent(browser, desk)
    await change(desk, feedback, status="answered", answered_at=NOW, answer=ANSWER)
    await look_up(browser, feedback)
    assert "Answered" in browser.page.text


async def test_no_log_line_of_the_pages_says_the_code_the_number_or_the_words(
    browser: PageClient, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    feedback = await sent(browser, desk, reporter__phone="0912345678", place__detail="nhà ông Sính")
    await look_up(browser, feedback)
    await browser.submit("bo-sung", information="Gọi tôi sau 17 giờ.")
    written = "\n".join(
        f"{record.getMessage()} {vars(record)}" for record in caplog.records if record.name != "asyncio"
    )
    assert "feedback_received" in written
    for secret in (feedback.tracking_code, "912345678", "nhà ông Sính", "Gọi tôi sau", WORDS):
        assert secret not in written
