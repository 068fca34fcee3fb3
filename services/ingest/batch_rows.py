"""Decides what the rows of a suggestion-box batch are: one `BatchRow` a slip, faults named by row.

The readers (`batch_files`, `batch_xlsx`) fill it; `channels.row_draft` turns a row into a draft. Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from hotline.errors import FieldError, Invalid
from hotline.text import clean
from hotline.working_days import VN
from services.ingest.batch_columns import Column, Header, read_header

MAX_ROWS = 50_000
MAX_COLUMNS = 60
HEADING_ROWS = 10
MAX_BATCH_BYTES = 30 * 1024 * 1024

_VIETNAMESE_INSTANT = re.compile(
    r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})"
    r"(?:[ ,]+(?:lúc )?(?P<hour>\d{1,2})[:hg](?P<minute>\d{2})?(?::\d{2})?)?"
)
_HOUR_FIRST = re.compile(
    r"(?P<hour>\d{1,2})[:hg](?P<minute>\d{2})?[ ,]+(?:ngày )?(?P<date>\d{1,2}[/.-]\d{1,2}[/.-]\d{4})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """One fault of one cell or of the row itself (`column` is None)."""

    code: str
    column: Column | None = None
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """One slip as the file has it. `number` is the row as a spreadsheet shows it (the heading is row 1)."""

    number: int
    cells: Mapping[Column, str]
    errors: tuple[RowError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The slips of one file, with what of the file is not used."""

    rows: tuple[BatchRow, ...]
    ignored_columns: tuple[str, ...] = ()
    ignored_sheets: tuple[str, ...] = ()


class UnreadableInstant(Exception):
    """The text says no day and hour that can be read."""


def read_local_instant(typed: str) -> datetime:
    """Return the aware instant a clerk wrote: `24/11/2026 08:30`, `8h30 ngày 24/11/2026`, or ISO 8601.

    Without an offset it is Vietnamese time; a day alone is its first moment, the reading that favours the citizen.
    Raises UnreadableInstant.
    """
    said = " ".join(clean(typed).split())
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        at = _read_vietnamese(said)
    return at if at.tzinfo else at.replace(tzinfo=VN)


def _read_vietnamese(said: str) -> datetime:
    hour_first = _HOUR_FIRST.fullmatch(said)
    if hour_first:
        said = f"{hour_first['date']} {hour_first['hour']}:{hour_first['minute'] or '00'}"
    match = _VIETNAMESE_INSTANT.fullmatch(said)
    if not match:
        raise UnreadableInstant
    year, month, day, hour, minute = (int(match[part] or 0) for part in ("year", "month", "day", "hour", "minute"))
    try:
        return datetime(year, month, day, hour, minute, tzinfo=VN)
    except ValueError as error:
        raise UnreadableInstant from error


def refuse(code: str, **params: str) -> NoReturn:
    """Refuse the whole file."""
    raise Invalid([FieldError(field="file", code=code, params=params)])


def find_heading(rows: Sequence[Sequence[str]]) -> tuple[int, Header]:
    """Return the position of the heading among a file's first rows (a title may stand above it), and the heading.

    Raises Invalid when none of them names a column for the text, or one has too many columns.
    """
    for position, titles in enumerate(rows[:HEADING_ROWS]):
        if len(titles) > MAX_COLUMNS:
            refuse("batch_too_many_columns", limit=str(MAX_COLUMNS))
        header = read_header(titles)
        if Column.TEXT in header.positions:
            return position, header
    # Without a heading the first row is a citizen's words: only the number of its cells is told.
    refuse("batch_no_text_column", count=str(len(rows[0]) if rows else 0))


def holds_a_slip(cells: Sequence[str], header: Header) -> bool:
    """Say whether a row holds anything; a number printed in advance on an empty row is nothing."""
    numbered = header.positions.get(Column.ROW)
    return any(cell.strip() for position, cell in enumerate(cells) if position != numbered)


def sheet_of(rows: tuple[BatchRow, ...], header: Header, ignored_sheets: Iterable[str] = ()) -> Sheet:
    """Return the sheet; raises Invalid for one without rows or with too many."""
    if not rows:
        refuse("batch_empty")
    if len(rows) > MAX_ROWS:
        refuse("batch_too_many_rows", limit=str(MAX_ROWS))
    return Sheet(rows=rows, ignored_columns=header.unknown + header.doubled, ignored_sheets=tuple(ignored_sheets))


def is_formula(cell: str) -> bool:
    """Say whether a spreadsheet would compute this cell instead of showing it; "- text" and "+84" are none."""
    return len(cell) > 1 and cell[0] == "=" and not cell[1].isspace() and cell.strip("=") != ""
