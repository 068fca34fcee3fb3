"""The machine is gone at night; in the morning the town works on from the backup, with what it had promised."""

from pathlib import Path

import pytest

from hotline.config import load_settings
from hotline.plumbing.backend import open_backend
from services.backup import take_backup
from services.parts import SERVICES
from services.reconcile import reconcile
from services.restore import restore_backup
from tests.journeys.conftest import running_town
from tests.journeys.town import LEAD_NAME, SECRET, Receipt, Town

pytestmark = pytest.mark.slow

WORDS = "Đường vào tổ 5 hỏng nặng, nhiều ổ gà, xe máy ngã nhiều lần."
ANSWER = "Đã vá 200 m đường tổ 5."
DUE = "27/11/2026"


def nothing(what: str, count: int) -> None:
    """Hear of progress and go on."""


async def test_the_town_goes_on_from_its_backup(town: Town, photo: bytes, tmp_path: Path) -> None:
    await town.hire_everyone()
    town.citizen()
    receipt = await town.submit(
        text=WORDS,
        place__commune="phuong ha giang 2",
        reporter__phone="0912 345 678",
        files={"attachments": [("duong.jpg", photo, "image/jpeg")]},
    )
    feedback_id = await town.feedback_id(receipt.code)
    await take_backup(town.backend, tmp_path / "backup", nothing)
    later = await town.submit(text="Mất nước ba ngày nay ở tổ 2.", place__commune="phuong ha giang 2")

    settings = load_settings({"DATA_DIR": str(tmp_path / "new"), "SECRET_KEY": SECRET})
    async with open_backend(settings, town.clock) as backend:
        await restore_backup(backend, tmp_path / "backup", SERVICES, nothing)
    async with running_town(tmp_path / "new", town.clock) as restored:
        assert not any((await reconcile(restored.backend, nothing)).apart.values())
        await restored.settle()
        await citizen_finds_what_was_promised(restored, receipt)
        assert (await restored.browser.http.get(f"/api/v1/feedback/{later.code}")).status == 404
        await staff_answers(restored, feedback_id)
        assert ANSWER in (await restored.follow(receipt.code)).text


async def citizen_finds_what_was_promised(town: Town, receipt: Receipt) -> None:
    """The code shows the same day and the same agency."""
    page = await town.follow(receipt.code)
    assert DUE in receipt.page.text and DUE in page.text and LEAD_NAME in page.text


async def staff_answers(town: Town, feedback_id: str) -> None:
    """Everybody signs in as before; the operator sees the number, the agency answers."""
    await town.sign_in("tongdai")
    assert "0912 345 678" in (await town.browser.get(f"/operator/contact/{feedback_id}")).text
    await town.open(feedback_id)
    await town.do("acknowledge", how="phone")
    await town.sign_in("canbo")
    await town.open(feedback_id)
    await town.do("start")
    await town.do("draft", text=ANSWER, outcome="settled")
    await town.do("submit")
    await town.sign_in("lanhdao")
    await town.open(feedback_id)
    await town.do("sign", number="12/UBND", signed_on="18/11/2026", signatory="Nguyễn Văn Bình")
