"""Takes a batch of suggestion-box slips in: every row accepted, known already, or named with its fault.

Called by the operator's upload page and `hotline import`. Chunks of rows are stored in one write with the progress, so
a killed import goes on where it stopped, and importing the same or a corrected file again adds only what is new.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from hotline.errors import FieldError, Invalid
from hotline.facts import Fact, FactKind
from hotline.plumbing.log import step
from services.ingest.actions import Intake, checked
from services.ingest.batch_rows import BatchRow, Sheet
from services.ingest.channels import row_drafts
from services.ingest.documents import Batch, Feedback, RowFault, fact_of
from services.ingest.feedback import Draft
from services.ingest.store import TrackingCodeTaken

CHUNK_ROWS = 200
ATTEMPTS = 5

Row = tuple[BatchRow, Draft | tuple[FieldError, ...]]


def batch_id_of(content: bytes, box_id: str, opened_at: datetime | None) -> str:
    """Return the id of this file for this box and opening: the same again for the same import."""
    opening = opened_at.astimezone(UTC).isoformat() if opened_at else ""
    named = f"{box_id}\n{opening}\n{hashlib.sha256(content).hexdigest()}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


async def import_sheet(
    intake: Intake,
    sheet: Sheet,
    *,
    batch_id: str,
    file_name: str,
    box_id: str,
    opened_at: datetime | None,
    entered_by: str,
    clock: Callable[[], datetime],
    report: Callable[[Batch], None],
) -> Batch:
    """Take the sheet's slips in and return the finished batch; `report` hears the progress after each chunk.

    Goes on where an import of the same batch was cut off; a finished one is gone through again, which adds nothing.
    Raises only for the store.
    """
    rows = row_drafts(sheet.rows, box_id=box_id, opened_at=opened_at, entered_by=entered_by)
    batch = await intake.store.import_progress(batch_id)
    if batch is None or batch.is_finished:
        batch = Batch(
            batch_id=batch_id,
            file_name=file_name[:200],
            started_at=clock(),
            entered_by=entered_by,
            total=len(rows),
            ignored_columns=sheet.ignored_columns,
            ignored_sheets=sheet.ignored_sheets,
        )
    report(batch)
    while not batch.is_finished:
        chunk = rows[batch.done : batch.done + CHUNK_ROWS]
        batch = await _take_chunk(intake, chunk, batch, now=clock())
        report(batch)
    step("batch_imported", batch_id=batch_id, count=batch.accepted)
    return batch


async def _take_chunk(intake: Intake, chunk: Sequence[Row], batch: Batch, *, now: datetime) -> Batch:
    for _ in range(ATTEMPTS):
        # Off the event loop: a chunk with many misspelt places takes a second.
        good, faults = await asyncio.to_thread(_read_chunk, intake, chunk, now)
        ahead = replace(batch, done=batch.done + len(chunk), faults=(*batch.faults, *faults))
        try:
            return await intake.store.add_chunk(good, ahead)
        except TrackingCodeTaken:
            continue
    raise TrackingCodeTaken


def _read_chunk(
    intake: Intake, chunk: Sequence[Row], now: datetime
) -> tuple[list[tuple[Feedback, Fact]], list[RowFault]]:
    good: list[tuple[Feedback, Fact]] = []
    faults: list[RowFault] = []
    for row, draft in chunk:
        try:
            if not isinstance(draft, Draft):
                raise Invalid(draft)
            feedback = replace(checked(intake.rules, draft, now=now), epoch=intake.store.epoch)
        except Invalid as invalid:
            faults += [row_fault(row.number, error) for error in invalid.errors]
        else:
            good.append((feedback, fact_of(feedback, FactKind.FEEDBACK_RECEIVED, cause="received:box", at=now)))
    return good, faults


def row_fault(row: int, error: FieldError) -> RowFault:
    """Return a fault as the batch keeps it."""
    field = error.field.split(": ", 1)[-1]
    return RowFault(row=row, field=field, code=error.code, params=tuple(error.params.items()))
