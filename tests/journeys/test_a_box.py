"""Slips of a suggestion box: uploaded by the desk, imported again on the command line, never taken twice.

The command reads the real clock, so this story plays now; the box was opened yesterday.
"""

import asyncio
import csv
import subprocess
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest

from hotline.promises import load_policies, promise
from hotline.web.filters import vn_datetime
from hotline.working_days import VN, load_calendar
from tests.journeys.town import SECRET, Town
from tools.processes import ROOT, hotline_command, settings_for

pytestmark = pytest.mark.slow

ROAD = "Đường thôn Tà Vải lầy lội, xe không vào được, học sinh phải đi bộ."
WASTE = "Rac o suoi khong ai don, mui hoi thoi bay vao nha."
LIGHT = "Đèn đường tổ 4 tắt đã hai tháng, đi làm ca đêm rất sợ."
HEADING = ["STT", "Nội dung", "Xã/Phường", "Điện thoại", "Ghi chú của văn thư"]


async def test_slips_by_page_and_by_command(town: Town, tmp_path: Path) -> None:
    town.clock.now = datetime.now(UTC).replace(second=0, microsecond=0)
    opened_at = town.clock.now - timedelta(days=1)
    await town.hire_everyone()
    await desk_uploads(town, opened_at)
    await clocks_run_from_the_opening(town, opened_at)
    await clerk_imports_the_corrected_file(town, tmp_path, opened_at)
    await importing_again_adds_nothing(town, tmp_path, opened_at)
    await inspector_counts_three(town)


async def desk_uploads(town: Town, opened_at: datetime) -> None:
    """Two good slips and two bad ones: the bad are named by row, with how to mend them."""
    rows = [["1", ROAD, "Phường Hà Giang 2", "", ""], ["2", "", "", "", "giấy trắng"],
            ["3", WASTE, "Phuong Ha Giang 2", "", ""], ["4", LIGHT, "Phường Không Có", "12", ""]]  # fmt: skip
    await town.sign_in("tongdai")
    await town.browser.get("/operator/import")
    page = await town.browser.submit(
        "import",
        box="HT-00691-01",
        opened_at=opened_at.astimezone(VN).strftime("%d/%m/%Y %H:%M"),
        files={"file": [("phieu.csv", sheet(rows), "text/csv")]},
    )
    assert page.heading == "Kết quả nhập phiếu"
    assert "Phiếu mới 2" in page.text and "Dòng có lỗi 2" in page.text and "Ghi chú của văn thư" in page.text
    faults = [[cell.text(strip=True) for cell in row.css("td")] for row in page.select("tbody tr")]
    assert sorted({(row[0], row[1]) for row in faults}) == [("3", "nội dung"), ("5", "xã/phường"), ("5", "điện thoại")]
    assert LIGHT not in page.text
    await town.settle()


async def clocks_run_from_the_opening(town: Town, opened_at: datetime) -> None:
    """What waited in the box counts against the desk."""
    told = promise(opened_at, load_policies().choose("ha-giang-2023", "box"), load_calendar("ha-giang-2023"))
    assert told.acknowledgement_due_at == opened_at + timedelta(hours=24)
    for text in (ROAD, WASTE):
        await town.sign_in("tongdai")
        page = await town.browser.get("/desk")
        link = next(a for a in page.select("a.row-link") if text[:30] in a.text())
        page = await town.browser.get(str(link.attributes["href"]))
        assert "Hòm thư góp ý" in page.text
        assert vn_datetime(opened_at) in page.text and vn_datetime(told.response_due_at) in page.text


async def clerk_imports_the_corrected_file(town: Town, folder: Path, opened_at: datetime) -> None:
    """Beside the running server: only the mended row is new."""
    rows = [["1", ROAD, "Phường Hà Giang 2", "", ""], ["3", WASTE, "Phuong Ha Giang 2", "", ""],
            ["4", LIGHT, "Phường Hà Giang 2", "0912 345 678", ""]]  # fmt: skip
    (folder / "phieu-sua.csv").write_bytes(sheet(rows))
    done = await run_import(town, folder / "phieu-sua.csv", opened_at)
    assert (done.returncode, done.stdout.strip()) == (0, "1 phiếu mới, 2 phiếu đã có, 0 dòng có lỗi.")
    assert done.stderr.strip() == "Cột không dùng đến: Ghi chú của văn thư"
    await town.settle()
    assert await town.query("select count(*) from respond_ticket") == [(3,)]


async def importing_again_adds_nothing(town: Town, folder: Path, opened_at: datetime) -> None:
    """By command or by page, the same file or another that holds the same slips."""
    done = await run_import(town, folder / "phieu-sua.csv", opened_at)
    assert (done.returncode, done.stdout.strip()) == (0, "0 phiếu mới, 3 phiếu đã có, 0 dòng có lỗi.")
    bad = folder / "khong-cot.csv"
    bad.write_text("Nhận xét\nkhông biết\n", encoding="utf-8")
    done = await run_import(town, bad, opened_at)
    assert done.returncode == 1 and "Không thấy cột “nội dung”" in done.stderr and "Traceback" not in done.stderr
    await town.sign_in("tongdai")
    await town.browser.get("/operator/import")
    page = await town.browser.submit(
        "import",
        box="HT-00691-01",
        opened_at=opened_at.isoformat(),
        files={"file": [("bản khác.csv", sheet([["9", ROAD, "Phường Hà Giang 2", "", ""]]), "text/csv")]},
    )
    assert "Phiếu mới 0" in page.text and "Đã có từ trước 1" in page.text
    await town.settle()
    assert await town.query("select count(*) from ingest_feedback") == [(3,)]


async def inspector_counts_three(town: Town) -> None:
    """The register names the channel; nobody who left no number can be asked or called."""
    await town.sign_in("thanhtra")
    rows = list(csv.DictReader(StringIO((await town.browser.get("/inspector/export.csv")).html.removeprefix("\ufeff"))))
    assert [row["Kênh"] for row in rows] == ["Hòm thư góp ý"] * 3


async def run_import(town: Town, file: Path, opened_at: datetime) -> "subprocess.CompletedProcess[str]":
    """Run `hotline import` with this town's settings, beside it."""
    return await asyncio.to_thread(
        subprocess.run,
        hotline_command("import", str(file), "--box", "HT-00691-01", "--opened-at", opened_at.isoformat()),
        cwd=ROOT,
        env=settings_for(town.data_dir, 0, SECRET_KEY=SECRET),
        capture_output=True,
        text=True,
    )


def sheet(rows: list[list[str]]) -> bytes:
    """Return a CSV as a spreadsheet of this country writes it."""
    text = StringIO()
    csv.writer(text, delimiter=";").writerows([HEADING, *rows])
    return text.getvalue().encode("utf-8-sig")
