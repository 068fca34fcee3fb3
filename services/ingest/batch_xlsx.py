"""Decides how an Excel workbook of suggestion-box slips is read, within bounds that a hostile file cannot break.

Called by `batch_files.read_batch`. Formulas, macros and packed bombs are refused; nothing is ever computed. XML is read
through defusedxml, which openpyxl uses when it is installed.
"""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from itertools import islice
from typing import Protocol

from openpyxl import DEFUSEDXML, load_workbook
from openpyxl.cell.cell import TYPE_ERROR, TYPE_FORMULA
from openpyxl.workbook.workbook import Workbook

from hotline.errors import Invalid
from services.ingest.batch_columns import Header
from services.ingest.batch_rows import (
    HEADING_ROWS,
    MAX_COLUMNS,
    MAX_ROWS,
    BatchRow,
    RowError,
    Sheet,
    find_heading,
    holds_a_slip,
    is_formula,
    refuse,
    sheet_of,
)

XLSX_MAGIC = b"PK\x03\x04"
# Of all parts together, as the package declares them: zipfile never unpacks a part further than it declares.
MAX_UNPACKED_BYTES = 100 * 1024 * 1024
MAX_PARTS = 2_000
MACRO_PART = "vbaProject.bin"


class Cell(Protocol):
    """What a read-only workbook gives of a cell."""

    value: object
    data_type: str


if not DEFUSEDXML:  # pragma: no cover - the lock installs it
    raise ImportError("defusedxml must be installed: workbooks come from outside")


def read_xlsx(content: bytes) -> Sheet:
    """Return the slips of the first visible sheet; sheets after it that hold anything are named in `ignored_sheets`.

    Raises Invalid for what is no workbook, has macros, unpacks to more than the bound, or lacks a text column.
    """
    _check_package(content)
    try:
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        first, others = _visible_sheets(workbook)
        cells = _read_cells(workbook, first)
    except Invalid:
        raise
    except Exception:  # noqa: BLE001 - whatever a hostile or cut-off workbook breaks, the remedy is the same
        refuse("batch_not_xlsx")
    position, header = find_heading([_titles(row) for row in cells[:HEADING_ROWS]])
    width = len(_titles(cells[position]))
    slips = (
        (number, row)
        for number, row in enumerate(cells[position + 1 :], start=position + 2)
        if holds_a_slip([_cell_text(cell) for cell in row], header)
    )
    return sheet_of(tuple(_xlsx_row(number, row, header, width) for number, row in slips), header, others)


def _titles(row: Sequence[Cell]) -> list[str]:
    titles = [_cell_text(cell) for cell in row]
    while titles and not titles[-1]:
        titles.pop()
    return titles


def _check_package(content: bytes) -> None:
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        refuse("batch_not_xlsx")
    if any(part.filename.endswith(MACRO_PART) for part in parts):
        refuse("batch_macros")
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        refuse("batch_bomb", limit=str(MAX_UNPACKED_BYTES // 1024**2))


def _visible_sheets(workbook: Workbook) -> tuple[str, tuple[str, ...]]:
    names = [sheet.title for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    if not names:
        refuse("batch_empty")
    return names[0], tuple(names[1:])


def _read_cells(workbook: Workbook, name: str) -> list[tuple[Cell, ...]]:
    """Read one row more than may be, so that too many are noticed; the size a file claims is not believed."""
    sheet = workbook[name]
    sheet.reset_dimensions()
    rows = list(islice(sheet.iter_rows(max_col=MAX_COLUMNS + 1), MAX_ROWS + 2))
    workbook.close()
    return rows


def _xlsx_row(number: int, row: Sequence[Cell], header: Header, width: int) -> BatchRow:
    errors = [
        RowError(code="row_formula" if cell.data_type == TYPE_FORMULA else "row_cell_error", column=column)
        for column, at in header.positions.items()
        if at < len(row) and (cell := row[at]).data_type in {TYPE_FORMULA, TYPE_ERROR}
    ]
    cells = {column: _cell_text(row[at]) for column, at in header.positions.items() if at < len(row)}
    faulty = {error.column for error in errors}
    errors += [
        RowError(code="row_formula", column=column)
        for column, cell in cells.items()
        if is_formula(cell) and column not in faulty
    ]
    if any(_cell_text(cell) for cell in row[width:]):
        errors.append(RowError(code="row_too_many_cells"))
    return BatchRow(number=number, cells={c: v for c, v in cells.items() if v}, errors=tuple(errors))


def _cell_text(cell: Cell) -> str:
    """Return the cell as text; a number typed without decimals has none, a date is ISO 8601 in local time."""
    value = cell.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()
