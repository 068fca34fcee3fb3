"""The page of one feedback at the review desk: what the machine said, and why a person must look."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from hotline.config import load_settings
from hotline.facts import ClassificationState, FeedbackState
from hotline.places import Place
from hotline.plumbing.backend import open_backend
from hotline.roles import Role, Session
from hotline.web.shell import build_app
from services.classify.actions import classify
from services.classify.app import open_service
from services.classify.classification import ReviewReason
from services.classify.store_sqlite import SqliteClassifyStore, open_store
from tests.contract.facts_for_tests import judged, received
from tests.pages.client import Page, PageClient

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SAID = judged(
    confidence=0.3,
    needs_review=True,
    decided_at=NOW,
    scores=(("6.3#giao_thong", 0.3), ("6.4", 0.2)),
    reasons=("ổ gà",),
)
WARD = Place(province_code="08", province_name="Tuyên Quang", commune_code="00691", commune_name="Phường Hà Giang 2")
SCREENER = Session(
    account_id="a1", username="lan", full_name="Nguyễn Thị Lan", role=Role.TRIAGE_OFFICER, agency_id=None,
    is_screener=True, issued_at=NOW, expires_at=NOW + timedelta(hours=8),
)  # fmt: skip


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[tuple[SqliteClassifyStore, PageClient]]:
    """Classify's pages over a real store, its loops not running, and a screener's browser that checks every page."""
    settings = load_settings({"DATA_DIR": str(tmp_path), "SECRET_KEY": "a secret of at least thirty-two characters"})
    async with open_backend(settings, lambda: NOW) as backend:
        service = await open_service(backend, backend.settings)
        store = await open_store(backend)
        async with PageClient(build_app((service,), backend.settings, lambda: NOW)) as browser:
            browser.sign_in(SCREENER)
            yield store, browser
        await service.close()


async def arrive(store: SqliteClassifyStore, state: ClassificationState, feedback_id: str = "f1") -> None:
    async def judge(text: str, now: datetime) -> ClassificationState:
        return state

    fact = received(feedback_id)
    assert isinstance(fact.state, FeedbackState)
    await classify(store, judge, structs.replace(fact, state=structs.replace(fact.state, place=WARD)), NOW)


WORDED = {
    ReviewReason.OTHER_LANGUAGE: "Không viết bằng tiếng Việt",
    ReviewReason.TOO_SHORT: "Quá ngắn",
    ReviewReason.UNSURE: "Máy chưa chắc về chỉ số",
    ReviewReason.KIND_NEEDS_A_PERSON: "Tính chất này phải có người xác nhận",
    ReviewReason.RESTRICTED: "Có thể cần bảo mật",
}


@pytest.mark.parametrize("reason", ReviewReason)
async def test_every_reason_is_told_in_words(
    desk: tuple[SqliteClassifyStore, PageClient], reason: ReviewReason
) -> None:
    store, browser = desk
    await arrive(store, replace(SAID, review_reasons=(reason,)))
    page = await browser.get("/review/f1")
    assert WORDED[reason] in page.text
    assert not any(words in page.text for other, words in WORDED.items() if other is not reason)


async def test_a_confirmed_one_waits_for_nothing(desk: tuple[SqliteClassifyStore, PageClient]) -> None:
    store, browser = desk
    await arrive(store, replace(SAID, review_reasons=(ReviewReason.UNSURE, ReviewReason.TOO_SHORT)))
    page = await browser.get("/review/f1")
    assert "Máy chưa chắc về chỉ số · Quá ngắn" in page.text
    await browser.submit("verdict")
    page = await browser.get("/review/f1")
    assert "Không có lý do nào đang chờ." in page.text and WORDED[ReviewReason.UNSURE] not in page.text
    document = await store.get("f1")
    assert document is not None
    assert (document.state.review_reasons, document.suggested.review_reasons) == ((), ("unsure", "too_short"))


@pytest.mark.parametrize(
    ("code", "told"),
    [("vi", "Tiếng Việt"), ("tyz", "Tiếng Tày"), ("hmn", "Tiếng H’Mông"), ("und", "Chưa nhận ra"),
     ("sw", "Ngôn ngữ khác (sw)")],
)  # fmt: skip
async def test_the_language_is_named(desk: tuple[SqliteClassifyStore, PageClient], code: str, told: str) -> None:
    store, browser = desk
    await arrive(store, replace(SAID, language=code))
    assert told in (await browser.get("/review/f1")).text


@pytest.mark.parametrize(("second", "is_told"), [("6.3#dien", True), (None, False)])
async def test_two_matters_in_one_are_told_and_how_to_split_them(
    desk: tuple[SqliteClassifyStore, PageClient], second: str | None, is_told: bool
) -> None:
    store, browser = desk
    await arrive(store, replace(SAID, second=second))
    page = await browser.get("/review/f1")
    assert ("Có thể là hai việc trong một phản ánh" in page.text) is is_told
    assert ("ghi việc kia thành một phản ánh riêng" in page.text) is is_told


def suggested(page: Page) -> list[str]:
    """Return the tickets that a page says may be about the same trouble."""
    return [str(link.attributes["href"]) for link in page.select("#similar a")]


async def test_what_may_be_the_same_trouble_is_shown_as_things_stand_now(
    desk: tuple[SqliteClassifyStore, PageClient],
) -> None:
    store, browser = desk
    await arrive(store, SAID)
    assert "Phản ánh có thể cùng nội dung" not in (await browser.get("/review/f1")).text
    for number in range(2, 6):
        await arrive(store, SAID, f"f{number}")
    page = await browser.get("/review/f1")
    assert suggested(page) == ["/tickets/f5", "/tickets/f4", "/tickets/f3", "/tickets/f2"]
    assert "Nhiều phản ánh cùng nội dung: 5 trong 72 giờ" in page.text
    await browser.get("/review/f4")
    await browser.submit("verdict", restricted="yes")
    page = await browser.get("/review/f1")
    assert suggested(page) == ["/tickets/f5", "/tickets/f3", "/tickets/f2"]
    assert "Nhiều phản ánh cùng nội dung" not in page.text
    assert suggested(await browser.get("/review/f4")) == []
