"""The same in a real browser: a citizen's phone without JavaScript; no page is wider than a small phone."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.journeys.town import PASSWORD, Town

pytestmark = pytest.mark.browser

OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WORDS = "Duong vao to 5 hong nang, nhieu o ga, xe may nga nhieu lan."


async def test_a_phone_without_javascript_and_a_desk_with_it(
    town: Town, chromium: str, photo: bytes, tmp_path: Path
) -> None:
    await town.hire_everyone()
    (tmp_path / "duong.jpg").write_bytes(photo)
    url = str(town.browser.http.make_url("")).rstrip("/")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        code = await citizen_sends(browser, url, tmp_path / "duong.jpg")
        await town.settle()
        await desk_acknowledges(browser, url, await town.feedback_id(code))
        await town.settle()
        phone = await open_phone(browser)
        await look_up(phone, url, code)
        assert "Đã báo tiếp nhận lúc" in await phone.inner_text("main")
        await browser.close()


async def open_phone(browser: Browser) -> Page:
    """Open a small phone on which JavaScript is off."""
    context = await browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=False)
    return await context.new_page()


async def citizen_sends(browser: Browser, url: str, photo: Path) -> str:
    """Fill the form in, with a photo, and read the code."""
    page = await open_phone(browser)
    await page.goto(url)
    await fits(page)
    await page.fill('textarea[name="text"]', WORDS)
    await page.fill('input[name="place.commune"]', "ha giang 2")
    await page.set_input_files('input[name="attachments"]', photo)
    await page.click("form#gui button[type=submit]:last-of-type")
    await fits(page)
    return (await page.inner_text(".code-number")).replace(" ", "").replace("\u00a0", "")


async def look_up(page: Page, url: str, code: str) -> None:
    """Follow a tracking code."""
    await page.goto(f"{url}/tra-cuu")
    await page.fill('input[name="tracking_code"]', code)
    await page.click("form#tra-cuu button")
    await fits(page)


async def desk_acknowledges(browser: Browser, url: str, feedback_id: str) -> None:
    """Sign in and acknowledge, with JavaScript; the lists fit a small phone too."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    await page.goto(f"{url}/sign-in")
    await page.fill('input[name="username"]', "tongdai")
    await page.fill('input[name="password"]', PASSWORD)
    await page.click("form#sign-in button")
    await page.goto(f"{url}/tickets/{feedback_id}")
    await page.click("form#do-acknowledge button")
    assert "Đã ghi" in await page.inner_text("main")
    await page.set_viewport_size({"width": 360, "height": 740})
    for path in ("/desk", "/operator/call", "/operator/import", "/operator/tell", f"/tickets/{feedback_id}"):
        await page.goto(url + path)
        await fits(page)


async def fits(page: Page) -> None:
    """Check that the page does not scroll sideways."""
    width = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0, f"{page.url} is {width} px too wide"
