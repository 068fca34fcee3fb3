"""Slips of suggestion boxes: every row accepted or named, nothing doubled, a killed import goes on."""

import asyncio
import io
import json
import unicodedata
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import Workbook

from hotline.errors import Invalid
from hotline.working_days import VN
from services.ingest.batch_columns import Column, column_named
from services.ingest.batch_files import read_batch
from services.ingest.batch_rows import UnreadableInstant, read_local_instant
from services.ingest.batches import CHUNK_ROWS, batch_id_of, import_sheet
from services.ingest.commands import import_file
from services.ingest.documents import Batch
from tests.ingest.builders import SECRET, Desk

OPENED = datetime(2026, 11, 23, 8, 0, tzinfo=VN)


def csv_of(*rows: str, heading: str = "nội dung,xã/phường") -> bytes:
    """Return a CSV file as UTF-8."""
    return "\n".join((heading, *rows)).encode()


async def take(
    desk: Desk, content: bytes, *, name: str = "slips.csv", box: str = "Hòm 1", opened_at: datetime | None = OPENED,
    report: Callable[[Batch], None] = lambda _: None,
) -> Batch:  # fmt: skip
    """Import a file as the page and the command do."""
    return await import_sheet(
        desk.intake, read_batch(name, content), batch_id=batch_id_of(content, box, opened_at), file_name=name,
        box_id=box, opened_at=opened_at, entered_by="test", clock=desk.clock, report=report,
    )  # fmt: skip


def faults(batch: Batch) -> list[tuple[int, str, str]]:
    """Return row, column and code of every fault."""
    return [(fault.row, fault.field, fault.code) for fault in batch.faults]


async def test_a_second_import_of_a_file_adds_nothing(desk: Desk) -> None:
    content = csv_of("Đường hỏng,", "Mất nước,ngoc duong")
    first = await take(desk, content)
    assert (first.accepted, first.known, first.faults) == (2, 0, ())
    second = await take(desk, content)
    assert (second.accepted, second.known) == (0, 2)
    assert await desk.count("ingest_feedback") == 2
    assert len(await desk.facts()) == 2


async def test_a_corrected_file_with_shifted_rows_adds_only_what_is_new(desk: Desk) -> None:
    await take(desk, csv_of("Đường hỏng,", "Mất nước,"))
    batch = await take(desk, csv_of("Cầu gãy,", "Mất nước,", "", "Đường hỏng,"))
    assert (batch.accepted, batch.known) == (1, 2)


async def test_two_equal_slips_in_one_box_are_two_and_stay_two(desk: Desk) -> None:
    content = csv_of("Mất nước,", "Đường hỏng,", "Mất nước,")
    assert (await take(desk, content)).accepted == 3
    assert (await take(desk, csv_of("Mất nước,", "Mất nước,", "Đường hỏng,"))).accepted == 0
    assert (await take(desk, csv_of("mat  nuoc,", "Mất nước,", "Mất nước,"))).accepted == 1


async def test_the_same_words_in_another_box_or_opening_are_another_slip(desk: Desk) -> None:
    content = csv_of("Mất nước,")
    await take(desk, content)
    assert (await take(desk, content, box="Hòm 2")).accepted == 1
    assert (await take(desk, content, opened_at=OPENED.replace(day=22))).accepted == 1


async def test_the_clocks_run_from_the_opening_of_the_box(desk: Desk) -> None:
    await take(desk, csv_of("Mất nước,"))
    (fact,) = await desk.facts()
    stored = await desk.intake.store.get(fact.feedback_id)
    assert stored is not None and stored.received_at == OPENED and stored.slip is not None
    assert (stored.slip.box_id, stored.slip.row) == ("Hòm 1", 2)


async def test_every_faulty_row_is_named_and_the_others_are_taken(desk: Desk) -> None:
    content = csv_of(
        "Đường hỏng,,0912345678",
        ",,",
        "   ,,0912345678",
        "Mất nước,Xã Không Có,",
        "Mất điện,,12",
        "=HYPERLINK(\"http://x\"),,",
        "Cầu gãy,,,thừa",
        heading="nội dung,xã/phường,điện thoại",
    )  # fmt: skip
    batch = await take(desk, content)
    assert batch.accepted == 1
    assert faults(batch) == [
        (4, "text", "text_empty"),
        (5, "commune", "place_commune_unknown"),
        (6, "phone", "phone_invalid"),
        (7, "text", "row_formula"),
        (8, "row", "row_too_many_cells"),
    ]


async def test_a_killed_import_goes_on_where_it_stopped(desk: Desk) -> None:
    rows = [f"Việc số {number}," for number in range(CHUNK_ROWS * 2 + 7)]
    content = csv_of(*rows)

    class Killed(Exception):
        """The process ends here."""

    def die_after_one_chunk(batch: Batch) -> None:
        if batch.done:
            raise Killed

    with pytest.raises(Killed):
        await take(desk, content, report=die_after_one_chunk)
    assert await desk.count("ingest_feedback") == CHUNK_ROWS
    seen: list[int] = []
    batch = await take(desk, content, report=lambda batch: seen.append(batch.done))
    assert seen[0] == CHUNK_ROWS
    assert (batch.accepted, batch.known, batch.total) == (len(rows), 0, len(rows))
    assert await desk.count("ingest_feedback") == len(rows)


async def test_a_row_without_box_or_opening_is_named(desk: Desk) -> None:
    batch = await take(desk, csv_of("Mất nước,"), box="", opened_at=None)
    assert faults(batch) == [(2, "opened_at", "opened_at_missing"), (2, "box", "box_missing")]


async def test_a_future_opening_is_named_as_the_column(desk: Desk) -> None:
    batch = await take(desk, csv_of("Mất nước,25/12/2026", heading="nội dung,ngày mở"))
    assert faults(batch) == [(2, "opened_at", "received_at_future")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_csv_is_read_with_each_delimiter_and_encoding(delimiter: str, encoding: str) -> None:
    lines = (("Nội dung", "Họ tên", "Điện thoại"), ('"Mất nước, 3 ngày"', "Mẩy", "912345678"))
    text = "\r\n".join(delimiter.join(cells) for cells in lines)
    (row,) = read_batch("a.csv", text.encode(encoding)).rows
    assert row.cells == {Column.TEXT: "Mất nước, 3 ngày", Column.NAME: "Mẩy", Column.PHONE: "912345678"}


def test_decomposed_and_undiacritised_headings_are_known() -> None:
    assert column_named(unicodedata.normalize("NFD", "NỘI DUNG")) is Column.TEXT
    assert column_named("Xã / phường:") is Column.COMMUNE
    assert column_named("so dien thoai") is Column.PHONE
    assert column_named("màu sắc") is None


def test_unknown_columns_are_named() -> None:
    assert read_batch("a.csv", csv_of("Mất nước,đỏ", heading="nội dung,màu")).ignored_columns == ("màu",)


def workbook(*rows: tuple[object, ...], sheets: tuple[str, ...] = ()) -> bytes:
    """Return an XLSX file."""
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    for title in sheets:
        book.create_sheet(title).append(["x"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_is_read_with_dates_and_numbers() -> None:
    content = workbook(
        ("Nội dung", "Ngày mở", "Điện thoại", "Số dòng"),
        ("Mất nước", datetime(2026, 11, 20, 8, 30), 912345678.0, 4),  # noqa: DTZ001
        (None, None, None, None),
        ("Đường hỏng", "20/11/2026", "0912 345 678", None),
        sheets=("Ghi chú",),
    )  # fmt: skip
    sheet = read_batch("a.xlsx", content)
    assert [row.number for row in sheet.rows] == [2, 4]
    assert sheet.rows[0].cells == {
        Column.TEXT: "Mất nước", Column.OPENED_AT: "2026-11-20T08:30:00", Column.PHONE: "912345678", Column.ROW: "4",
    }  # fmt: skip
    assert sheet.ignored_sheets == ("Ghi chú",)


def test_a_title_may_stand_above_the_heading_and_rows_keep_their_numbers() -> None:
    heading, slip = ("STT", "Nội dung"), (1, "Mất nước")
    from_excel = read_batch("a.xlsx", workbook(("DANH SÁCH PHIẾU",), (None,), heading, slip))
    from_csv = read_batch("a.csv", "DANH SÁCH PHIẾU;\n;\nSTT;Nội dung\n1;Mất nước\n".encode())
    for sheet in (from_excel, from_csv):
        assert [(row.number, row.cells[Column.TEXT]) for row in sheet.rows] == [(4, "Mất nước")]


def test_a_row_numbered_in_advance_is_no_slip_but_one_without_words_is_named() -> None:
    rows = (("STT", "Nội dung", "màu"), (1, "Mất nước", None), (2, None, None), (3, None, "đỏ"))
    assert [row.number for row in read_batch("a.xlsx", workbook(*rows)).rows] == [2, 4]
    assert [row.number for row in read_batch("a.csv", "STT;Nội dung;màu\n1;Mất nước;\n2; ;\n3;;đỏ".encode()).rows] == [
        2,
        4,
    ]


def test_a_workbook_cut_off_in_the_middle_is_refused() -> None:
    content = workbook(("nội dung",), *((f"Việc {number}",) for number in range(500)))
    broken = content[:600] + b"\x00" * 200 + content[800:]
    for part in (broken, content[: len(content) // 2]):
        with pytest.raises(Invalid) as refused:
            read_batch("a.xlsx", part)
        assert refused.value.errors[0].code == "batch_not_xlsx"


def test_a_formula_cell_is_named_not_computed() -> None:
    (row,) = read_batch("a.xlsx", workbook(("nội dung", "họ tên"), ("=1+1", "Mẩy"))).rows
    assert [(error.column, error.code) for error in row.errors] == [(Column.TEXT, "row_formula")]


def zipped(**parts: bytes) -> bytes:
    """Return a zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """Return the zip file with one more part."""
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, part)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", b"", "batch_empty"),
        ("a.csv", b"\xef\xbb\xbf", "batch_empty"),
        ("a.csv", csv_of(), "batch_empty"),
        ("a.csv", "nội dung\nĐường hỏng".encode("cp1258", "replace"), "batch_encoding"),
        ("a.csv", b"n\xe9i dung\n\xd0\xdd", "batch_encoding"),
        ("a.csv", csv_of("Mất nước|x", heading="nội dung|xã"), "batch_no_text_column"),
        ("a.csv", "Đường hỏng\nMất nước".encode(), "batch_no_text_column"),
        ("a.csv", csv_of('"Mất nước,x', "Đường hỏng,"), "batch_broken_quotes"),
        ("a.csv", csv_of('"Mất" nước,x'), "batch_broken_quotes"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 100, "batch_old_excel"),
        ("a.xlsx", b"PK\x03\x04 no zip at all", "batch_not_xlsx"),
        ("a.xlsx", zipped(hello=b"x"), "batch_not_xlsx"),
        ("a.xlsx", workbook(("màu",), ("đỏ",)), "batch_no_text_column"),
        ("a.xlsx", workbook(("nội dung",)), "batch_empty"),
        ("a.xlsx", with_part(workbook(("nội dung",), ("x",)), "xl/vbaProject.bin", b"x"), "batch_macros"),
        ("a.xlsx", with_part(workbook(("nội dung",), ("x",)), "xl/bomb.xml", b"\x00" * 101 * 1024**2), "batch_bomb"),
        ("a.jsonl", b'{"mau": "do"}', "batch_no_text_column"),
        ("a.csv", csv_of(heading=",".join(["nội dung"] + [f"c{n}" for n in range(70)])), "batch_too_many_columns"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_why(name: str, content: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_batch(name, content)
    assert [(error.field, error.code) for error in refused.value.errors] == [("file", code)]


def test_an_entity_bomb_in_a_workbook_is_refused() -> None:
    content = workbook(("nội dung",), ("x",))
    bomb = b'<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as good, zipfile.ZipFile(out, "w") as bad:
        for item in good.infolist():
            is_sheet = item.filename.endswith("sheet1.xml")
            bad.writestr(item.filename, bomb if is_sheet else good.read(item))
    with pytest.raises(Invalid) as refused:
        read_batch("a.xlsx", out.getvalue())
    assert refused.value.errors[0].code == "batch_not_xlsx"


def test_jsonl_rows_are_read_and_broken_ones_named() -> None:
    lines = [json.dumps({"nội dung": "Mất nước", "row": 3}, ensure_ascii=False), "", "{no", '{"text": ["x"]}', "[1]"]
    rows = read_batch("a.jsonl", "\n".join(lines).encode()).rows
    assert [(row.number, [error.code for error in row.errors]) for row in rows] == [
        (1, []), (3, ["row_not_json"]), (4, ["row_not_text"]), (5, ["row_not_json"]),
    ]  # fmt: skip
    assert rows[0].cells == {Column.TEXT: "Mất nước", Column.ROW: "3"}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("24/11/2026 08:30", "2026-11-24T08:30:00+07:00"),
        ("24-11-2026", "2026-11-24T00:00:00+07:00"),
        ("8h30 ngày 24/11/2026", "2026-11-24T08:30:00+07:00"),
        ("8h 24/11/2026", "2026-11-24T08:00:00+07:00"),
        ("24.11.2026 8g05", "2026-11-24T08:05:00+07:00"),
        ("2026-11-24", "2026-11-24T00:00:00+07:00"),
        ("2026-11-24T01:30:00Z", "2026-11-24T08:30:00+07:00"),
    ],
)
def test_the_ways_clerks_write_an_instant(typed: str, expected: str) -> None:
    assert read_local_instant(typed).astimezone(VN).isoformat() == expected


@pytest.mark.parametrize("typed", ["", "hôm qua", "31/02/2026", "24/11/26", "25:00 24/11/2026"])
def test_an_instant_that_cannot_be_read_is_refused(typed: str) -> None:
    with pytest.raises(UnreadableInstant):
        read_local_instant(typed)


async def test_the_command_works_beside_a_running_server_and_names_faulty_rows(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "slips.csv"
    file.write_bytes(csv_of("Mất nước,", "?!,"))
    environment = {"DATA_DIR": str(tmp_path), "SECRET_KEY": SECRET}
    arguments = [str(file), "--box", "Hòm 1", "--opened-at", "2026-11-23T08:00+07:00"]
    first = await asyncio.to_thread(CliRunner().invoke, import_file, arguments, env=environment)
    assert first.exit_code == 1
    assert "1 phiếu mới, 0 phiếu đã có, 1 dòng có lỗi." in first.output
    assert "Dòng 3, cột nội dung: Nội dung chỉ có ký hiệu. Hãy viết bằng chữ." in first.output
    file.write_bytes(csv_of("Mất nước,", "Đường hỏng,"))
    second = await asyncio.to_thread(CliRunner().invoke, import_file, arguments, env=environment)
    assert (second.exit_code, second.output) == (0, "1 phiếu mới, 1 phiếu đã có, 0 dòng có lỗi.\n")
    assert await desk.count("ingest_feedback") == 2


def test_the_command_explains_a_file_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "slips.csv"
    file.write_bytes(b"n\xe9i dung")
    result = CliRunner().invoke(import_file, [str(file)], env={"DATA_DIR": str(tmp_path / "var"), "SECRET_KEY": SECRET})
    assert result.exit_code == 1
    assert result.output.startswith("Error: Bảng mã của tệp không phải Unicode.")
