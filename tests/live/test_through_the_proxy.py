"""Three processes behind the real proxy: for citizen and staff they are one hotline with one address."""

import asyncio
import os
import re
import subprocess
from pathlib import Path

import aiohttp
import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.deploy.nginx import Proxy, browser, in_front_of
from tests.live.test_three_services import COMPLAINT, TICKET_WAIT_S, shape, three_processes
from tools.messages import ROOT
from tools.processes import free_port, hotline_command, settings_for

__all__ = ["shape"]

pytestmark = [pytest.mark.live, pytest.mark.slow]
NOBODY_COLLECTS = ""


async def test_citizen_and_staff_meet_one_hotline(tmp_path: Path, shape: dict[str, str]) -> None:
    port = free_port()
    settings = {**shape, "PUBLIC_URL": f"https://127.0.0.1:{port}", "TRUSTED_PROXY": "yes"}
    (tmp_path / "nginx").mkdir()
    with three_processes(tmp_path, settings, NOBODY_COLLECTS) as servers:
        ports = {name: int(server.url.rsplit(":", 1)[1]) for name, server in servers.items()}
        async with in_front_of(ports, tmp_path / "nginx", port=port) as proxy, browser(proxy) as client:
            feedback_id = await send(client, proxy)
            password = await asyncio.to_thread(new_account, tmp_path, settings)
            await sign_in(client, proxy, "lan", password)
            ticket = await page_when_there(client, f"{proxy.url}/tickets/{feedback_id}")
            assert COMPLAINT in ticket.body.text()
            # The session that respond gave is good in the others, and a page's style comes from whichever is asked.
            for path in ("/review", "/desk", "/"):
                page = await page_at(client, proxy.url + path)
                assert "Lan" in page.body.text()
                style = page.css_first("link[rel=stylesheet]").attributes["href"]
                async with client.get(f"{proxy.url}{style}") as answer:
                    assert answer.status == 200


async def send(client: aiohttp.ClientSession, proxy: Proxy) -> str:
    """Send the complaint, longer than the proxy keeps in memory; returns its id."""
    message = {"channel": "web", "text": COMPLAINT + " " * 40_000}
    async with client.post(f"{proxy.url}/api/v1/feedback", json=message) as answer:
        receipt: dict[str, str] = await answer.json()
        assert answer.status == 201, receipt
    return receipt["feedback_id"]


def new_account(folder: Path, settings: dict[str, str]) -> str:
    """Make an account beside the running processes, as an operator does; returns its password."""
    command = hotline_command(
        "user", "add", "lan", "--name", "Nguyễn Thị Lan", "--role", "triage_officer", "--screener"
    )
    environment = {**os.environ, **settings_for(folder, free_port(), **settings)}
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    (password,) = re.findall(r"\S{16,}", said.stdout)
    return str(password)


async def sign_in(client: aiohttp.ClientSession, proxy: Proxy, username: str, password: str) -> None:
    """Fill in the form of /sign-in and send it."""
    form = (await page_at(client, f"{proxy.url}/sign-in")).css_first("form#sign-in")
    hidden = {field.attributes["name"]: field.attributes.get("value") or "" for field in form.css("input[type=hidden]")}
    typed = {**hidden, "username": username, "password": password}
    async with client.post(f"{proxy.url}/sign-in", data=typed, allow_redirects=False) as answer:
        assert answer.status == 303
        assert all(cookie["secure"] for cookie in answer.cookies.values())


async def page_at(client: aiohttp.ClientSession, url: str) -> LexborHTMLParser:
    """Return a page that must be there."""
    async with client.get(url) as answer:
        assert (answer.status, str(answer.url)) == (200, url)
        return LexborHTMLParser(await answer.text())


async def page_when_there(client: aiohttp.ClientSession, url: str) -> LexborHTMLParser:
    """Return a page as soon as it is there: the ticket comes when respond has read the fact."""
    async with asyncio.timeout(TICKET_WAIT_S):
        while True:
            async with client.get(url) as answer:
                if answer.status == 200:
                    return LexborHTMLParser(await answer.text())
            await asyncio.sleep(0.5)
