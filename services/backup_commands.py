"""The verbs `hotline backup`, `hotline restore` and `hotline reconcile`. Added to the command by `services/cli.py`."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import click

from hotline.config import Settings
from hotline.plumbing.backend import Backend, only_server, open_backend, utc_now
from hotline.plumbing.command_line import read_settings, run_or_explain
from hotline.plumbing.log import configure_logging
from hotline.working_days import local_date

FOLDER = click.Path(file_okay=False, path_type=Path)
NAMES = ("ingest", "classify", "respond")


@click.command("backup")
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--dated", is_flag=True, help="Into a folder in DIR named by the day, as for a timer.")
def backup(folder: Path, dated: bool) -> None:
    """Write everything into DIR, beside a running server; said again after a kill, it goes on.

    DIR holds the citizens' words: keep it as the database. SECRET_KEY and SEAL_KEYS are not in it: keep them apart, as
    nothing can be restored without them.
    """
    today = local_date(utc_now()).isoformat()
    run(lambda backend: _backup(backend, folder / today if dated else folder))


@click.command("restore")
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.argument("services", nargs=-1, type=click.Choice(NAMES))
def restore(folder: Path, services: tuple[str, ...]) -> None:
    """Put the backup in DIR back into empty stores, of the named services alone when some are named.

    Stop hotline first. Said again after a kill, it goes on. Then start hotline and say `hotline reconcile`.
    """
    settings = read_settings()
    configure_logging("WARNING")

    async def opened() -> None:
        with only_server(settings):
            async with open_backend(settings) as backend:
                await _restore(backend, folder, services or NAMES)

    with disk_named(folder):
        run_or_explain(opened())


@click.command("reconcile")
def reconcile() -> None:
    """Let every service tell again what it knows: after a restore, beside the running server. Safe to say twice."""
    run(_reconcile)


commands: tuple[click.Command, ...] = (backup, restore, reconcile)


def run(work: Callable[[Backend], Awaitable[None]]) -> None:
    """Open the backend of the settings and run `work`; what is wrong is told in one sentence."""
    settings: Settings = read_settings()
    configure_logging("WARNING")

    async def opened() -> None:
        async with open_backend(settings) as backend:
            await work(backend)

    with disk_named(settings.data_dir):
        run_or_explain(opened())


@contextlib.contextmanager
def disk_named(folder: Path) -> Iterator[None]:
    """Say in a sentence what is wrong with a disk."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise click.ClickException(
            f"{where} cannot be used ({error.strerror}): mend it and say the same again"
        ) from error


@contextlib.contextmanager
def progress(total: int | None = None) -> Iterator[Callable[[str, int], None]]:
    """Show on a terminal what is being done, how much is done and, where that is known, of how much."""
    from tqdm import tqdm

    with tqdm(total=total, unit="", disable=None, leave=False) as bar:

        def report(what: str, count: int) -> None:
            bar.set_description(what, refresh=False)
            bar.update(count)

        yield report


async def _backup(backend: Backend, folder: Path) -> None:
    from services.backup import take_backup

    with progress() as report:
        taken = await take_backup(backend, folder, report)
    for name in taken.missing:
        click.echo(
            f"file {name}: a document refers to it, and it is missing or damaged; the backup is whole without it",
            err=True,
        )
    manifest = taken.manifest
    counts = {name: part.count for name, part in manifest.parts.items()}
    counts["files"] = sum(owner.count for owner in manifest.files.values())
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    click.echo(f"backup {manifest.begun.backup_id} in {folder} is whole: {said}")


async def _restore(backend: Backend, folder: Path, names: tuple[str, ...]) -> None:
    from hotline.plumbing.backup_folder import BackupFolder
    from services.restore import restore_backup, steps_of

    with progress(steps_of(BackupFolder(folder).manifest())) as report:
        restored = await restore_backup(backend, folder, names, report)
    if restored.are_facts_left_out:
        click.echo("the bus holds facts already: those of the backup were left out", err=True)
    if not restored.now:
        click.echo("this backup is restored here already: nothing was done")
        return
    click.echo(f"restored {', '.join(restored.now)}: now start hotline, then say `hotline reconcile`")


async def _reconcile(backend: Backend) -> None:
    from services.reconcile import reconcile as bring_together

    with progress() as report:
        done = await bring_together(backend, report)
    click.echo("told again: " + ", ".join(f"{count} {word}" for word, count in done.told.items()))
    for word, ids in done.apart.items():
        for known in ids:
            click.echo(f"{word}: {known}")
    if done.apart["feedback without a ticket"]:
        click.echo("feedbacks without a ticket get one while hotline runs; look again later", err=True)
