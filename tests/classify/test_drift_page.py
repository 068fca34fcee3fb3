"""The page that shows whether the model drifts: counts by week and by code for reviewers, nothing of what is closed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from hotline.config import load_settings
from hotline.plumbing.backend import open_backend
from hotline.roles import Role, Session
from hotline.taxonomy import load_taxonomy
from hotline.web.shell import build_app
from services.classify.app import open_service
from services.classify.drift import Mistaken, Said, mistaken, week_of
from services.classify.opening import open_store
from services.classify.store import ClassifyStore
from services.classify.web_drift import MOST_PAIRS
from tests.pages.client import Page, PageClient
from tests.stores.classifications import classification, decided_by_lan

# A Tuesday; its week began on Monday, 23/11/2026.
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
REVIEWER = Session(
    account_id="a1", username="lan", full_name="Nguyễn Thị Lan", role=Role.TRIAGE_OFFICER, agency_id=None,
    is_screener=False, issued_at=NOW, expires_at=NOW + timedelta(hours=8),
)  # fmt: skip
Desk = tuple[ClassifyStore, PageClient]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Classify's pages over a real store, its loops not running, and a reviewer's browser that checks every page."""
    settings = load_settings({"DATA_DIR": str(tmp_path), "SECRET_KEY": "a secret of at least thirty-two characters"})
    async with open_backend(settings, lambda: NOW) as backend:
        service = await open_service(backend, backend.settings)
        async with PageClient(build_app((service,), backend.settings, lambda: NOW)) as browser:
            browser.sign_in(REVIEWER)
            yield await open_store(backend), browser
        await service.close()


async def decided(store: ClassifyStore, name: str, code: str, *, weeks_ago: int = 0, restricted: bool = False) -> None:
    """Store a feedback about a road that a person took for `code`."""
    first = classification(name, received_at=NOW - timedelta(weeks=weeks_ago), confidence=0.4, restricted=restricted)
    await store.add(first, ())
    await store.save(decided_by_lan(first, code=code), ())


def rows(page: Page, caption: str) -> list[list[str]]:
    """Return the cells of the table with this caption, no table is no rows."""
    tables = [table for table in page.select("table") if table.css("caption")[0].text(strip=True) == caption]
    return [
        [" ".join(cell.text().split()) for cell in row.css("td")] for table in tables for row in table.css("tbody tr")
    ]


BY_WEEK, BY_CODE = "Theo tuần tiếp nhận", "Máy nhầm chỉ số nào với chỉ số nào"


async def test_a_reviewer_reads_the_weeks_and_the_mistakes(desk: Desk) -> None:
    store, browser = desk
    await decided(store, "f1", "6.1")
    await decided(store, "f2", "6.3#giao_thong")
    await store.add(classification("f3", received_at=NOW, confidence=1.0, needs_review=False), ())
    await store.add(classification("f4", received_at=NOW - timedelta(weeks=1)), ())
    page = await browser.get("/review/drift")
    assert rows(page, BY_WEEK) == [
        ["23/11/2026", "3", "60 %", "67 %", "2", "50 %"],
        ["16/11/2026", "1", "90 %", "100 %", "0", "chưa có"],
    ]
    ((suggested, corrected, times),) = rows(page, BY_CODE)
    assert "iao thông" in suggested and "tế" in corrected and times == "1 trên 2"
    assert "ổ gà" not in page.text


async def test_the_queue_leads_to_it(desk: Desk) -> None:
    page = await desk[1].get("/review")
    assert page.select('main a[href="/review/drift"]')


@pytest.mark.parametrize(("asked", "weeks"), [("", 12), ("4", 4), ("12", 12), ("26", 26), ("5000", 12), ("x", 12)])
async def test_only_the_periods_offered_are_counted(desk: Desk, asked: str, weeks: int) -> None:
    store, browser = desk
    for weeks_ago in (0, 3, 4, 11, 12, 25, 26):
        await decided(store, f"f{weeks_ago}", "6.1", weeks_ago=weeks_ago)
    page = await browser.get(f"/review/drift?tuan={asked}")
    assert len(rows(page, BY_WEEK)) == sum(weeks_ago < weeks for weeks_ago in (0, 3, 4, 11, 12, 25, 26))


async def test_a_denunciation_leaves_the_page_as_it_was_for_everybody(desk: Desk) -> None:
    store, browser = desk
    screener = replace(REVIEWER, is_screener=True)
    await decided(store, "f1", "6.1")
    before = await browser.get("/review/drift")
    await decided(store, "closed", "4.3", restricted=True)
    await decided(store, "closed a month ago", "4.3", restricted=True, weeks_ago=4)
    assert (await browser.get("/review/drift")).text == before.text
    browser.sign_in(screener)
    assert (await browser.get("/review/drift")).text == before.text


async def test_an_empty_period_says_so(desk: Desk) -> None:
    page = await desk[1].get("/review/drift")
    assert "Chưa có phản ánh nào trong khoảng này." in page.text
    assert "chưa ai sửa chỉ số nào" in page.text


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AGENCY_STAFF, Role.COORDINATOR, Role.ADMIN])
async def test_it_is_for_reviewers_alone(desk: Desk, role: Role) -> None:
    _, browser = desk
    browser.sign_in(replace(REVIEWER, role=role))
    await browser.get("/review/drift", status=404)


async def test_english_is_one_click_away(desk: Desk) -> None:
    store, browser = desk
    await decided(store, "f1", "6.1")
    await browser.get("/review/drift")
    page = await browser.submit("/language", button="en")
    assert page.path == "/review/drift" and page.heading == "How well the machine classifies"
    assert len(rows(page, "By week of receipt")) == len(rows(page, "Which indicator the machine took for which")) == 1


def said(*pairs: tuple[str, str, int]) -> list[Said]:
    return [Said(suggested=suggested, decided=code, feedbacks=count) for suggested, code, count in pairs]


def test_what_was_mistaken_most_comes_first_and_is_told_of_how_many() -> None:
    found = mistaken(
        said(("6.1", "6.1", 5), ("6.1", "6.2", 2), ("6.2", "6.1", 2), ("6.3#dien", "0", 7), ("8.1", "8.1", 1))
    )
    assert found == [
        Mistaken(suggested="6.3#dien", decided="0", feedbacks=7, of=7),
        Mistaken(suggested="6.1", decided="6.2", feedbacks=2, of=7),
        Mistaken(suggested="6.2", decided="6.1", feedbacks=2, of=2),
    ]


async def test_the_rarest_mistakes_are_only_counted(desk: Desk) -> None:
    store, browser = desk
    labels = load_taxonomy().labels
    pairs = [(said, meant) for said in labels[:8] for meant in labels[8:15]]
    for number, (suggested, meant) in enumerate(pairs):
        first = classification(f"f{number}", received_at=NOW, code=suggested)
        await store.add(first, ())
        await store.save(decided_by_lan(first, code=meant), ())
    page = await browser.get("/review/drift")
    assert len(rows(page, BY_CODE)) == MOST_PAIRS
    assert f"Còn {len(pairs) - MOST_PAIRS} cặp ít gặp hơn" in page.text


def test_a_week_begins_on_monday_in_vietnam_and_a_naive_instant_has_none() -> None:
    assert week_of(datetime(2026, 11, 22, 17, 0, tzinfo=UTC)) == date(2026, 11, 23)
    assert week_of(datetime(2026, 11, 22, 16, 59, tzinfo=UTC)) == date(2026, 11, 16)
    with pytest.raises(ValueError, match="time zone"):
        week_of(datetime(2026, 11, 22, 17, 0))  # noqa: DTZ001
