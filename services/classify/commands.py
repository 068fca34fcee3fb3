"""`hotline classify` and `hotline evaluate`: the model at the command line; `command_models` adds how it is made.

Called by services/cli.py. Reads files named by the caller, writes JSON lines to standard output and, at first use, a
model below the data folder. Needs no database. Never sends a text anywhere.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click
import msgspec

from services.classify.command_models import bar, explained, folder_of, models_dir_option
from services.classify.command_models import commands as model_commands

if TYPE_CHECKING:
    from services.classify.classification import Judgement
    from services.classify.model import Model
    from services.classify.training_data import Example

BATCH = 64
_BEGIN, _END = "<!-- figures: written by `hotline evaluate` -->", "<!-- end of figures -->"


class _Line(msgspec.Struct, frozen=True):
    text: str
    id: str | int | None = None


@click.command()
@click.argument("file", type=click.File("rb"))
@models_dir_option
def classify(file: BinaryIO, models_dir: Path | None) -> None:
    """Classify messages: one JSON object a line in FILE (`-` reads standard input), one a line out.

    A line needs only "text"; an "id" is given back. A line that cannot be read is named on standard error, the others
    are still answered, and the command ends with 1.
    """
    model = _load(models_dir)
    faults = 0
    batch: list[_Line] = []
    for number, raw in enumerate(file, start=1):
        if not raw.strip():
            continue
        try:
            batch.append(_read_line(raw))
        except (msgspec.MsgspecError, UnicodeError, ValueError) as error:
            faults += 1
            click.echo(f"line {number}: {error}", err=True)
        if len(batch) == BATCH:
            _answer(model, batch)
            batch = []
    _answer(model, batch)
    if faults:
        raise click.ClickException(f"{faults} line(s) could not be read; the others were answered")


@click.command()
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--cross-validate", is_flag=True, help="Measure on the packaged messages, in folds (minutes).")
@click.option("--learning-curve", "with_curve", is_flag=True, help="Beside it, learn from parts of them too.")
@click.option(
    "--write",
    "page",
    type=click.Path(dir_okay=False, path_type=Path, exists=True),
    help="Also put the tables into this page, between its two marks (docs/classifier.md).",
)
@models_dir_option
def evaluate(
    file: BinaryIO | None, cross_validate: bool, with_curve: bool, page: Path | None, models_dir: Path | None
) -> None:
    """Measure the model on labelled messages: FILE holds a JSON object a line with text, code and petition_kind."""
    if (file is None) != cross_validate:
        raise click.UsageError("give either a FILE of labelled messages or --cross-validate")
    text = _measure_packaged(with_curve=with_curve) if file is None else _measure_file(file, _load(models_dir))
    click.echo(text)
    if page is not None:
        _put_into(page, text)


commands: tuple[click.Command, ...] = (classify, evaluate, *model_commands)


def _read_line(raw: bytes) -> _Line:
    line = msgspec.json.decode(raw, type=_Line)
    if "\x00" in line.text:
        raise ValueError("text holds a NUL character")
    return line


def _answer(model: Model, batch: list[_Line]) -> None:
    from services.classify.judging import judge

    for line, judgement in zip(batch, judge(model, [line.text for line in batch]), strict=True):
        sys.stdout.write(msgspec.json.encode(_row(line, judgement)).decode() + "\n")
    sys.stdout.flush()


def _row(line: _Line, judgement: Judgement) -> dict[str, object]:
    return {
        "id": line.id,
        "code": judgement.code,
        "second": judgement.second,
        "scores": {code: round(score, 4) for code, score in judgement.scores},
        "petition_kind": judgement.petition_kind,
        "restricted": judgement.restricted,
        "urgent": judgement.urgent,
        "language": judgement.language,
        "needs_review": judgement.needs_review,
        "why": judgement.why,
        "reasons": judgement.reasons,
    }


def _measure_packaged(*, with_curve: bool) -> str:
    from services.classify.evaluate import FOLDS, SHARES, cross_validate, learning_curve
    from services.classify.report import curve, tables
    from services.classify.train import FITS
    from services.classify.training_data import load_cues, load_messages

    models = FOLDS + len(SHARES) if with_curve else FOLDS
    with bar(models * FITS, "cross-validation") as tick:
        evaluation = cross_validate(load_messages(), load_cues(), tick)
        points = learning_curve(load_messages(), load_cues(), tick) if with_curve else ()
    text = tables(evaluation, f"Cross-validation in {FOLDS} folds on the packaged messages")
    return f"{text}\n{curve(points, 'Learning curve, one fold judged')}" if points else text


def _measure_file(file: BinaryIO, model: Model) -> str:
    from services.classify.evaluate import evaluate as measure
    from services.classify.report import tables

    rows = _labelled(file)
    if not rows:
        raise click.ClickException(f"{file.name} holds no labelled message")
    return tables(measure(rows, model), f"Model {model.version} on {len(rows)} messages")


def _labelled(file: BinaryIO) -> list[Example]:
    from services.classify.training_data import BadRow, read_row

    rows = []
    for number, raw in enumerate(file, start=1):
        if not raw.strip():
            continue
        try:
            rows.append(read_row(raw))
        except BadRow as error:
            raise click.ClickException(f"line {number}: {error}") from error
    return rows


def _put_into(page: Path, text: str) -> None:
    old = page.read_text(encoding="utf-8")
    head, begin, rest = old.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not begin or not end:
        raise click.ClickException(f"{page} lacks the two marks {_BEGIN} and {_END}")
    page.write_text(f"{head}{begin}\n{text}{end}{tail}", encoding="utf-8")


def _load(models_dir: Path | None) -> Model:
    from services.classify.model_file import load_running
    from services.classify.train import FITS

    folder = folder_of(models_dir)
    with explained(folder), bar(FITS, "training (first use)") as tick:
        return load_running(folder, tick)
