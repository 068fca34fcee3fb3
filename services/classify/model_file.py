"""Keeps trained models on disk: one file per version in the models folder, written whole or not at all.

Called by the scoring process, `learning` and the commands. A model file is a pickle: it is only ever read from the
operator's own models folder, under the name this release's data and code give it or one that `models.json` knows with
its digest, never from an upload or a download.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

import joblib

from services.classify.fitting import Progress
from services.classify.model import Model
from services.classify.model_log import LEARNED, Version, read_log, running_version
from services.classify.train import model_version, train

# Quick to read and half the size; more costs the start and gains little.
COMPRESSION = 3


class ModelFileBroken(Exception):
    """A model file cannot be read; the message names the file and what to do."""


def path_of(models_dir: Path, version: str) -> Path:
    """Where the model of a version lies."""
    return models_dir / f"{version}.joblib"


def load_running(models_dir: Path, progress: Progress = lambda: None) -> Model:
    """The model that `models.json` says runs: one that learned from corrections, else the packaged one of this release.

    Raises ModelFileBroken, ModelLogBroken: no other model takes the place of a damaged one silently.
    """
    log, base = read_log(models_dir), model_version()
    version = running_version(log, base)
    return (
        load_or_train(models_dir, progress)
        if version == base
        else load_checked(models_dir, version, log.entry(version))
    )


def load_checked(models_dir: Path, version: str, entry: Version | None) -> Model:
    """Read a version's file; one that learned must be as it was written, the packaged one can be made again.

    Raises ModelFileBroken.
    """
    path = path_of(models_dir, version)
    # Before a byte of it is unpickled: a damaged file can do worse than fail.
    if entry is not None and entry.labels and path.exists() and digest_of(path) != entry.digest:
        raise ModelFileBroken(_remedy(path, "its content was changed"))
    return load(path)


def load_or_train(models_dir: Path, progress: Progress = lambda: None) -> Model:
    """The packaged model of this release: read when its file is there, else trained (some minutes) and written.

    Raises ModelFileBroken for a file that is damaged or holds another version: nothing is trained over it silently.
    """
    path = path_of(models_dir, model_version())
    if path.exists():
        return load(path)
    return train_and_save(models_dir, progress)


def train_and_save(models_dir: Path, progress: Progress = lambda: None, make: Callable[..., Model] = train) -> Model:
    """Train anew and put the file in place of any older one of this version."""
    model = make(progress=progress)
    save(model, models_dir)
    return model


def load(path: Path) -> Model:
    """Read a model file of our own. Raises ModelFileBroken."""
    try:
        model = joblib.load(path)
    except Exception as error:  # a damaged pickle can raise anything
        raise ModelFileBroken(_remedy(path, f"{type(error).__name__} while reading it")) from error
    if not isinstance(model, Model):
        raise ModelFileBroken(_remedy(path, "it holds no model"))
    if model.version != path.stem:
        raise ModelFileBroken(_remedy(path, f"it holds the version {model.version}"))
    return model


def save(model: Model, models_dir: Path) -> Path:
    """Write a model beside its place and move it there, so that no reader ever sees half a file. Returns the path."""
    models_dir.mkdir(parents=True, exist_ok=True)
    path = path_of(models_dir, model.version)
    with NamedTemporaryFile(dir=models_dir, prefix=".writing-", delete=False) as file:
        temporary = Path(file.name)
        try:
            joblib.dump(model, file, compress=COMPRESSION)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    temporary.replace(path)
    return path


def digest_of(path: Path) -> str:
    """SHA-256 of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remedy(path: Path, what: str) -> str:
    damage = f"the model file {path} is damaged ({what})"
    if LEARNED in path.name:
        return f"{damage}: `hotline models rollback` runs the version before, `hotline train` makes it again"
    return f"{damage}: run `hotline train --packaged` to make it again"
