"""Decides how a batch file of suggestion-box slips is read: CSV and JSONL here, XLSX in `batch_xlsx`.

Called by the import actions with the whole (bounded) file. What cannot be read at all raises Invalid for the file, what
concerns one row is named with its row; nothing is skipped in silence. Pure.
"""

import csv
import io
from collections.abc import Iterator

import msgspec

from services.ingest.batch_columns import Column, Header, column_named, read_header
from services.ingest.batch_rows import (
    HEADING_ROWS,
    MAX_BATCH_BYTES,
    BatchRow,
    RowError,
    Sheet,
    find_heading,
    holds_a_slip,
    is_formula,
    refuse,
    sheet_of,
)
from services.ingest.batch_xlsx import XLSX_MAGIC, read_xlsx

DELIMITERS = (",", ";", "\t")
OLD_EXCEL_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
LONGEST_CELL = 1_000_000


def read_batch(name: str, content: bytes) -> Sheet:
    """Return the slips of a CSV, XLSX or JSONL file, told apart by content and, for JSONL, by name.

    Raises Invalid, with the remedy, for a file that is empty, too large, of another kind or encoding, without a column
    for the text, or broken so that rows cannot be told apart.
    """
    if len(content) > MAX_BATCH_BYTES:
        refuse("batch_too_large", limit=str(MAX_BATCH_BYTES // 1024**2))
    if content.startswith(XLSX_MAGIC):
        return read_xlsx(content)
    if content.startswith(OLD_EXCEL_MAGIC):
        refuse("batch_old_excel")
    text = decode(content)
    if not text.strip():
        refuse("batch_empty")
    is_jsonl = name.lower().endswith((".jsonl", ".ndjson", ".json")) or text.lstrip().startswith("{")
    return read_jsonl(text) if is_jsonl else read_csv(text)


def decode(content: bytes) -> str:
    """Return the text of a UTF-8 or UTF-16 file, with or without BOM; raises Invalid for any other encoding."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif content[:200:2].count(0) > 20:
        encoding = "utf-16-be"
    elif content[1:200:2].count(0) > 20:
        encoding = "utf-16-le"
    else:
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        refuse("batch_encoding")


def read_csv(text: str) -> Sheet:
    """Return the slips of a CSV file whose cells are parted by comma, semicolon or tab, whichever fits its heading."""
    csv.field_size_limit(LONGEST_CELL)
    records = list(_records(text, _delimiter_of(text)))
    position, header = find_heading([record for _, record in records[:HEADING_ROWS]])
    width = len(records[position][1])
    slips = (entry for entry in records[position + 1 :] if holds_a_slip(entry[1], header))
    return sheet_of(tuple(_csv_row(number, record, header, width) for number, record in slips), header)


def _delimiter_of(text: str) -> str:
    """Return the mark between cells under which some line near the top names the most known columns."""
    lines = text[:LONGEST_CELL].split("\n", HEADING_ROWS)[:HEADING_ROWS]
    return max(DELIMITERS, key=lambda mark: max(len(read_header(_cells(line, mark)).positions) for line in lines))


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line.rstrip("\r")], delimiter=delimiter), [])


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Give each record with its row number; strict, so that a forgotten quotation mark never swallows later slips."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        started_on = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error:
            refuse("batch_broken_quotes", line=str(started_on))
        yield number, record


def _csv_row(number: int, record: list[str], header: Header, width: int) -> BatchRow:
    errors = []
    if any(cell.strip() for cell in record[width:]):
        errors.append(RowError(code="row_too_many_cells"))
    cells = {column: record[at].strip() for column, at in header.positions.items() if at < len(record)}
    errors += [RowError(code="row_formula", column=column) for column, cell in cells.items() if is_formula(cell)]
    return BatchRow(number=number, cells=cells, errors=tuple(errors))


def read_jsonl(text: str) -> Sheet:
    """Return the slips of a file with one JSON object a line, keys named as the columns are; blank lines are passed."""
    unknown: dict[str, None] = {}
    rows = tuple(
        _json_row(number, line, unknown) for number, line in enumerate(text.split("\n"), start=1) if line.strip()
    )
    if not any(Column.TEXT in row.cells for row in rows) and not any(row.errors for row in rows):
        refuse("batch_no_text_column", count=str(len(unknown)))
    return sheet_of(rows, Header(positions={}, unknown=tuple(unknown)))


def _json_row(number: int, line: str, unknown: dict[str, None]) -> BatchRow:
    try:
        said = msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return BatchRow(number=number, cells={}, errors=(RowError(code="row_not_json"),))
    cells: dict[Column, str] = {}
    errors: list[RowError] = []
    for key, value in said.items():
        column = column_named(key)
        if column is None:
            unknown[key[:40]] = None
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            cells.setdefault(column, str(value).strip())
        elif value is not None:
            errors.append(RowError(code="row_not_text", column=column))
    return BatchRow(number=number, cells=cells, errors=tuple(errors))
