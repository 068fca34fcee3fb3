"""The right to be forgotten: `hotline erase` beside the running server leaves no word in any file."""

import asyncio
import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.journeys.town import SECRET, Town
from tools.processes import ROOT, hotline_command, settings_for

pytestmark = pytest.mark.slow

WORDS = "Đường vào tổ 5 hỏng nặng, nhiều ổ gà; cổng nhà tôi sơn màu huyết dụ."
MORE = "Gần cây gạo cụt ngọn"
QUESTION = "Có phải gần nhà bà Tráng Thị Súa không?"
ANSWER = "Đã vá đoạn trước cổng màu huyết dụ."
KEPT = "Đường vào tổ 7 hỏng nặng, nhiều ổ gà, mong sớm được sửa chữa."
TRACES = ("huyết dụ", "cây gạo cụt", "Tráng Thị Súa", "0912345678", "912345678", "Ma Văn Quên", "quen@example.vn")


async def test_erased_means_gone_from_every_file(town: Town, photo: bytes) -> None:
    await town.hire_everyone()
    code, feedback_id = await somebody_is_answered(town, photo)
    kept = (await town.submit(text=KEPT, place__commune="Hà Giang 2")).code
    town.checkpoint()
    # So that the search below is known to find what is there.
    assert "huyết dụ" in traces(town.data_dir) and kept_files(town)

    done = await run_erase(town, feedback_id)
    assert (done.returncode, done.stdout.strip()) == (0, f"erased {feedback_id}")
    await town.settle()

    town.checkpoint()
    assert traces(town.data_dir) == []
    assert kept_files(town) == []
    assert await town.query("select count(*) from respond_ticket where feedback_id = ?", feedback_id) == [(0,)]
    await nobody_finds_it(town, code, feedback_id)
    await it_stays_gone(town, feedback_id)
    assert KEPT in (await town.follow(kept)).text


async def somebody_is_answered(town: Town, photo: bytes) -> tuple[str, str]:
    """With a photo, a name, a number, an address, a question, an addition and an answer."""
    citizen = town.citizen()
    await citizen.get("/")
    page = await citizen.submit(
        "gui",
        text=WORDS,
        place__commune="Hà Giang 2",
        reporter__name="Ma Văn Quên",
        reporter__phone="0912345678",
        reporter__email="quen@example.vn",
        files={"attachments": [("cong.jpg", photo, "image/jpeg")]},
    )
    code = page.select(".code-number")[0].text(strip=True).replace(" ", "")
    await town.settle()
    feedback_id = await town.feedback_id(code)
    await town.sign_in("canbo")
    await town.open(feedback_id)
    await town.do("ask_citizen", question=QUESTION)
    await town.follow(code)
    await town.browser.submit("bo-sung", information=MORE)
    await town.settle()
    await town.sign_in("lanhdao")
    await town.open(feedback_id)
    await town.do("draft", text=ANSWER, outcome="settled")
    await town.do("sign", number="1/KTHT", signatory="Nguyễn Văn Bình")
    await town.sign_in("dieuphoi")
    await town.browser.get(f"/review/{feedback_id}")
    await town.browser.submit("verdict")
    await town.settle()
    return code, feedback_id


async def nobody_finds_it(town: Town, code: str, feedback_id: str) -> None:
    """Neither the citizen by the code nor any of the staff."""
    await town.citizen().get("/tra-cuu")
    await town.browser.submit("tra-cuu", tracking_code=code, status=404)
    for username in ("tongdai", "dieuphoi", "canbo", "thanhtra"):
        await town.sign_in(username)
        await town.open(feedback_id, status=404)
    await town.browser.get(f"/review/{feedback_id}", status=404)
    assert feedback_id not in (await town.browser.get("/inspector/export.csv")).html


async def it_stays_gone(town: Town, feedback_id: str) -> None:
    """A second time says that there is nothing; the same words by the same form key are not taken again by mistake."""
    done = await run_erase(town, feedback_id)
    assert done.returncode == 1
    assert done.stderr.strip() == f"Error: no feedback {feedback_id}: nothing was erased"


async def run_erase(town: Town, feedback_id: str) -> "subprocess.CompletedProcess[str]":
    """Run `hotline erase` with this town's settings, beside it."""
    return await asyncio.to_thread(
        subprocess.run,
        hotline_command("erase", "--yes", feedback_id),
        cwd=ROOT,
        env=settings_for(town.data_dir, 0, SECRET_KEY=SECRET),
        capture_output=True,
        text=True,
    )


def traces(folder: Path) -> list[str]:
    """Return which of the telling words stand in any file of the folder, models left out.

    Another process looks: closing a file that SQLite has open here would let go of its locks.
    """
    look = [
        "grep",
        "--recursive",
        "--text",
        "--only-matching",
        "--no-filename",
        "--fixed-strings",
        "--exclude-dir=models",
    ]
    patterns = [option for words in TRACES for option in ("-e", words)]
    done = subprocess.run([*look, "--exclude-dir=models", *patterns, "."], cwd=folder, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return sorted(set(done.stdout.split("\n")) - {""})


def kept_files(town: Town) -> list[str]:
    """Return the attachments that lie in the folder, by the hash of what they hold."""
    folder = town.backend.settings.files_dir
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()]
