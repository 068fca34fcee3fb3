"""The verbs `hotline import` and `hotline erase`; both work beside a running server.

They reach storage through the actions only. What is wrong with a file or a row is told in Vietnamese, as clerks read it
(`--lang en` for English), on standard error; the exit code is 1 when anything was refused.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import click
from tqdm import tqdm

from hotline.errors import Invalid
from hotline.plumbing.backend import Backend, open_backend, utc_now
from hotline.plumbing.command_line import read_settings, run_or_explain
from hotline.plumbing.log import configure_logging
from hotline.web.messages import LANGUAGES, Messages, load_messages
from services.ingest import actions
from services.ingest.app import HERE, open_intake
from services.ingest.batch_files import read_batch
from services.ingest.batch_rows import Sheet, UnreadableInstant, read_local_instant
from services.ingest.batches import batch_id_of, import_sheet
from services.ingest.documents import Batch

WHOLE_ROW = "row"


class OpeningType(click.ParamType[datetime]):
    """An instant as a clerk writes it; without an offset it is Vietnamese time."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the aware instant or fail with the remedy."""
        if isinstance(value, datetime):
            return value
        try:
            return read_local_instant(str(value))
        except UnreadableInstant:
            self.fail("write it as 2026-11-24T08:30+07:00 or 24/11/2026 08:30", param, ctx)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--box", "box_id", default="", help="The suggestion box, for rows that name none.")
@click.option("--opened-at", type=OpeningType(), help="When the box was opened, for rows that name no instant.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="vi", show_default=True, help="Language of the faults.")
def import_file(file: Path, box_id: str, opened_at: datetime | None, lang: str) -> None:
    """Take the slips of a suggestion box in from FILE (CSV, XLSX or JSONL).

    Every row is accepted or named with its fault. Importing the file again, or a corrected one, adds only what is new;
    a killed import goes on where it stopped. The clocks of a slip run from the opening of its box.
    """
    run(lambda backend: _import(backend, file, box_id.strip(), opened_at, load_messages([HERE]), lang))


@click.command("erase")
@click.argument("feedback_id")
@click.confirmation_option(prompt="Erase this feedback from every service, for good?")
def erase(feedback_id: str) -> None:
    """Erase the feedback FEEDBACK_ID from the stores, the log and the files, and tell the other services."""
    run(lambda backend: _erase(backend, feedback_id))


commands: tuple[click.Command, ...] = (import_file, erase)


def run(work: Callable[[Backend], Awaitable[None]]) -> None:
    """Open the backend of the settings and run `work`; what is wrong is told in one sentence."""
    settings = read_settings()
    configure_logging("WARNING")

    async def opened() -> None:
        async with open_backend(settings, utc_now) as backend:
            await work(backend)

    run_or_explain(opened())


async def _import(
    backend: Backend, file: Path, box_id: str, opened_at: datetime | None, messages: Messages, lang: str
) -> None:
    content = await asyncio.to_thread(file.read_bytes)
    sheet = read_or_explain(file.name, content, messages, lang)
    intake = await open_intake(backend)
    with tqdm(total=len(sheet.rows), unit="row", disable=None, leave=False) as bar:

        def report(batch: Batch) -> None:
            bar.update(batch.done - bar.n)

        batch = await import_sheet(
            intake,
            sheet,
            batch_id=batch_id_of(content, box_id, opened_at),
            file_name=file.name,
            box_id=box_id,
            opened_at=opened_at,
            entered_by="command line",
            clock=backend.clock,
            report=report,
        )
    tell(batch, messages, lang)


def read_or_explain(name: str, content: bytes, messages: Messages, lang: str) -> Sheet:
    """Return the file's slips, or end with its faults."""
    try:
        return read_batch(name, content)
    except Invalid as invalid:
        said = " ".join(messages.message(lang, f"errors.{error.code}", error.params) for error in invalid.errors)
        raise click.ClickException(said) from invalid


def tell(batch: Batch, messages: Messages, lang: str) -> None:
    """Print how the batch went; ends with 1 when rows were refused."""
    refused = {fault.row for fault in batch.faults}
    counts = {"accepted": batch.accepted, "known": batch.known, "refused": len(refused)}
    click.echo(messages.message(lang, "ingest.batch.summary", counts))
    for title in batch.ignored_columns:
        click.echo(messages.message(lang, "ingest.batch.ignored_column", {"name": title}), err=True)
    for title in batch.ignored_sheets:
        click.echo(messages.message(lang, "ingest.batch.ignored_sheet", {"name": title}), err=True)
    for fault in batch.faults:
        said = messages.message(lang, f"errors.{fault.code}", dict(fault.params))
        column = messages.message(lang, f"ingest.column.{fault.field}")
        told = {"row": fault.row, "field": column, "said": said}
        sentence = "row_unread" if fault.field == WHOLE_ROW else "row_fault"
        click.echo(messages.message(lang, f"ingest.batch.{sentence}", told), err=True)
    if refused:
        raise click.exceptions.Exit(1)


async def _erase(backend: Backend, feedback_id: str) -> None:
    intake = await open_intake(backend)
    if not await actions.erase(intake, feedback_id, now=backend.clock()):
        raise click.ClickException(f"no feedback {feedback_id}: nothing was erased")
    click.echo(f"erased {feedback_id}")
