"""`hotline train` and `hotline models`: make a model, learn from persons' corrections, say which model runs, go back.

Added to the command line by `commands`. All work beside a running server, which takes another model up with the next
text. Labels are read through the store and printed nowhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from hotline.config import Settings, sqlite_path
from hotline.plumbing.backend import open_backend, utc_now
from hotline.plumbing.command_line import read_settings, run_or_explain
from services.classify.model_log import LEARNED, Figures, ModelLog, ModelLogBroken, Version, read_log, running_version
from services.classify.opening import open_store
from services.classify.store import Label

if TYPE_CHECKING:
    from services.classify.learning import Outcome

models_dir_option = click.option(
    "--models-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of trained models. Default: $MODELS_DIR, $DATA_DIR/models, or var/models.",
)


@click.command()
@click.option("--packaged", is_flag=True, help="Make the packaged model alone, without asking the store for labels.")
@models_dir_option
def train(packaged: bool, models_dir: Path | None) -> None:
    """Make the classifier's model, and let it learn from the corrections of the review desk when there are any.

    Without corrections: train from the packaged messages and cues, in place of an older file. With corrections: make a
    candidate from both, measure it and the running model on packaged messages that neither saw, and let the candidate
    run only if it is better (docs/classifier.md). Takes a quarter of an hour; a server may run meanwhile.
    """
    folder = folder_of(models_dir)
    labels = () if packaged else labels_of(read_settings())
    with explained(folder):
        running = has_learned(folder)
        if labels or (running and not packaged):
            tell(learned(folder, labels))
        else:
            train_packaged(folder)


@click.group()
def models() -> None:
    """The models there are: list them, let another run, go back to the one before."""


@models.command("list")
@models_dir_option
def list_models(models_dir: Path | None) -> None:
    """Print one JSON object a model, the oldest first, with its figures on the fixed set; `running` marks one."""
    from services.classify.train import model_version

    folder = folder_of(models_dir)
    with explained(folder):
        log = read_log(folder)
        running = running_version(log, model_version())
        if log.entry(running) is None:
            click.echo(msgspec.json.encode({"version": running, "running": True}).decode())
        for entry in log.versions:
            click.echo(msgspec.json.encode(row_of(entry, log, running)).decode())


@models.command("promote")
@click.argument("version")
@models_dir_option
def promote(version: str, models_dir: Path | None) -> None:
    """Let VERSION run, whatever its figures. The server takes it up with the next text."""
    from services.classify.learning import choose

    folder = folder_of(models_dir)
    with explained(folder):
        click.echo(choose(folder, version, at=utc_now()))


@models.command("rollback")
@models_dir_option
def rollback(models_dir: Path | None) -> None:
    """Let the version before run again. The server takes it up with the next text."""
    from services.classify.learning import roll_back

    folder = folder_of(models_dir)
    with explained(folder):
        click.echo(roll_back(folder, at=utc_now()))


def folder_of(models_dir: Path | None) -> Path:
    """Return the folder of models: as given, else as the environment says."""
    given = os.environ.get("MODELS_DIR") or os.path.join(os.environ.get("DATA_DIR", "var"), "models")
    return models_dir or Path(given)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """End the command with one sentence when models cannot be read, written or chosen."""
    from services.classify.fitting import FitKilled
    from services.classify.learning import Refused
    from services.classify.model_file import ModelFileBroken

    try:
        yield
    except (FitKilled, ModelFileBroken, ModelLogBroken, Refused) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"the models folder {folder} cannot be used ({error.strerror}): name one that can be written in MODELS_DIR"
        ) from error


@contextmanager
def bar(total: int | None, what: str) -> Iterator[Callable[[], None]]:
    """A progress bar on standard error that only appears when the first step is done."""
    from tqdm import tqdm

    bars: list[tqdm[None]] = []

    def tick() -> None:
        if not bars:
            bars.append(tqdm(total=total, desc=what, unit="fit", file=sys.stderr))
        bars[0].update()

    try:
        yield tick
    finally:
        for shown in bars:
            shown.close()


def labels_of(settings: Settings) -> Sequence[Label]:
    """Return the labels of the store that the settings name; none where there is no store yet."""
    if settings.is_embedded and not sqlite_path(settings.store_url).exists():
        return ()
    found: list[Label] = []

    async def read() -> None:
        async with open_backend(settings, utc_now) as backend:
            found.extend(await (await open_store(backend)).labels())

    run_or_explain(read())
    return found


def has_learned(folder: Path) -> bool:
    """Say whether a model was ever made from labels here: then even no label is news."""
    return any(LEARNED in entry.version for entry in read_log(folder).versions)


def train_packaged(folder: Path) -> None:
    """Train from the packaged data in place of an older file of the same version and print where it lies."""
    from services.classify.model_file import path_of, train_and_save
    from services.classify.train import FITS

    with bar(FITS, "training") as tick:
        model = train_and_save(folder, tick)
    click.echo(str(path_of(folder, model.version)))


def learned(folder: Path, labels: Sequence[Label]) -> Outcome:
    """Learn from labels, with a bar that counts the fits."""
    from services.classify.learning import learn

    with bar(None, "learning") as tick:
        return learn(folder, labels, at=utc_now(), progress=tick)


def tell(outcome: Outcome) -> None:
    """Print what came of learning, figures beside figures."""
    candidate, against = outcome.candidate, outcome.against
    if candidate is None or against is None:
        click.echo(f"nothing new to learn: {outcome.running} knows every correction there is")
        return
    click.echo(f"candidate {candidate.version} ({candidate.labels} corrections): {in_words(candidate.figures)}")
    click.echo(f"running model: {in_words(against)}")
    click.echo(f"{outcome.verdict}: {outcome.running} runs")
    if outcome.must_forget and outcome.running != candidate.version:
        click.echo(
            "the running model knows words of feedback that was erased or restricted since, the candidate does not: "
            f"`hotline models promote {candidate.version}` lets it run all the same",
            err=True,
        )


def in_words(figures: Figures) -> str:
    """Return the three figures that decide, with what each is out of."""
    return (
        f"{figures.right} of {figures.messages} codes right, {figures.restricted_found} of {figures.restricted} "
        f"restricted and {figures.urgent_found} of {figures.urgent} urgent found"
    )


def row_of(entry: Version, log: ModelLog, running: str) -> dict[str, object]:
    """Return a version as it is listed, with the last that was done about it."""
    said = [event for event in log.events if event.version == entry.version]
    return {
        "version": entry.version,
        "running": entry.version == running,
        "made_at": entry.at,
        "messages": entry.messages,
        "cues": entry.cues,
        "labels": entry.labels,
        "learned_until": entry.learned_until,
        "figures": entry.figures,
        "digest": entry.digest,
        "removed": entry.is_removed,
        "last": {"what": said[-1].what, "at": said[-1].at} if said else None,
    }


commands: tuple[click.Command, ...] = (train, models)
