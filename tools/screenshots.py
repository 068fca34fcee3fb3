"""Takes pictures of the main pages of a running hotline, on a phone and on a desk, for people to look at.

    python -m tools.screenshots http://localhost:8080 --accounts accounts.txt --out var/screenshots

The accounts file has a line `username password` for each person of the demo; the pages of a person who is not in it are
left out. Says which pages are wider than the screen. Sends nothing but the sign-ins.
"""

import shutil
from pathlib import Path

import click
from playwright.sync_api import Browser, Page, sync_playwright

BROWSER_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip
WIDTHS = {"phone": 390, "desk": 1280}
HEIGHT = 900
NOBODY = ""
# Who looks at which page; "first:" follows the first link that the selector finds on it.
PAGES: tuple[tuple[str, str, str, str], ...] = (
    (NOBODY, "form", "/", ""),
    (NOBODY, "look-up", "/tra-cuu", ""),
    (NOBODY, "sign-in", "/sign-in", ""),
    ("tongdai", "desk", "/desk", ""),
    ("tongdai", "call", "/operator/call", ""),
    ("tongdai", "tell", "/operator/tell", ""),
    ("tongdai", "import", "/operator/import", ""),
    ("dieuphoi", "ticket", "/desk", "a.row-link"),
    ("dieuphoi", "review-queue", "/review", ""),
    ("dieuphoi", "review-drift", "/review/drift", ""),
    ("dieuphoi", "review", "/review", 'main td a[href^="/review/"]'),
    ("canbo.kinhte", "inbox", "/inbox", ""),
    ("canbo.kinhte", "agency-ticket", "/inbox", "a.row-link"),
    ("thanhtra", "inspector", "/inspector", ""),
    ("thanhtra", "inspector-broken", "/inspector?muc=qua-han", ""),
    ("thanhtra", "inspector-rates", "/inspector?muc=ty-le", ""),
    ("thanhtra", "restricted", "/inspector/restricted", ""),
    ("thanhtra", "restricted-ticket", "/inspector/restricted", "a.row-link"),
    ("quantri", "accounts", "/admin/accounts", ""),
)


def read_accounts(path: Path) -> dict[str, str]:
    """Return the password of each user name."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {line[0]: line[1] for line in lines if len(line) == 2}


def sign_in(page: Page, url: str, username: str, password: str) -> None:
    """Sign somebody in through the page."""
    page.goto(f"{url}/sign-in")
    page.fill('input[name="username"]', username)
    page.fill('input[name="password"]', password)
    page.click("form#sign-in button")


def is_too_wide(page: Page) -> bool:
    """Say whether the page scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def take(browser: Browser, url: str, accounts: dict[str, str], out: Path, size: str) -> None:
    """Take every page at one width."""
    for person in dict.fromkeys(person for person, *_ in PAGES):
        if person and person not in accounts:
            click.echo(f"{person}: not in the accounts file, left out")
            continue
        context = browser.new_context(viewport={"width": WIDTHS[size], "height": HEIGHT}, locale="vi-VN")
        page = context.new_page()
        if person:
            sign_in(page, url, person, accounts[person])
        for name, path, link in (row[1:] for row in PAGES if row[0] == person):
            take_one(page, url + path, link, out / f"{name}-{size}.png")
        context.close()


def take_one(page: Page, address: str, link: str, path: Path) -> None:
    """Take one page; one whose link is not there is left out."""
    page.goto(address)
    if link:
        found = page.locator(link)
        if not found.count():
            click.echo(f"{path.stem}: nothing to open on {address}")
            return
        found.first.click()
        page.wait_for_load_state()
    page.screenshot(path=path, full_page=True)
    click.echo(f"{path}{'  TOO WIDE' if is_too_wide(page) else ''}")


@click.command()
@click.argument("url", default="http://localhost:8080")
@click.option("--accounts", type=click.Path(exists=True, path_type=Path), help="Lines of `username password`.")
@click.option("--out", default=Path("var/screenshots"), type=click.Path(path_type=Path), show_default=True)
def main(url: str, accounts: Path | None, out: Path) -> None:
    """Take pictures of the pages of the hotline at URL."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise click.ClickException("chromium is not installed: sudo apt-get install chromium")
    out.mkdir(parents=True, exist_ok=True)
    known = read_accounts(accounts) if accounts else {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_OPTIONS)
        for size in WIDTHS:
            take(browser, url.rstrip("/"), known, out, size)
        browser.close()


if __name__ == "__main__":
    main()
