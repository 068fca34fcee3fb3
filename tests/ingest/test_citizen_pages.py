"""The citizen's pages, as a browser without JavaScript sees them."""

from tests.ingest.builders import Desk
from tests.pages.client import PageClient


async def test_the_form_shows_the_emergency_numbers_above_the_text_box(browser: PageClient) -> None:
    page = await browser.get("/")
    before_the_box = page.html.split('name="text"')[0]
    for number in ("113", "114", "115", "111", "1900 6769"):
        assert number in before_the_box


async def test_a_message_with_nothing_but_words_gets_a_receipt(browser: PageClient, desk: Desk) -> None:
    await browser.get("/")
    page = await browser.submit("gui", text="Đường vào thôn bị sạt, xe không qua được.")
    assert page.heading == "Đã tiếp nhận phản ánh"
    assert await desk.count("ingest_feedback") == 1
