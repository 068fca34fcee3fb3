"""Decides whether a model that has learned from persons' corrections is better than the one that runs.

Called by `hotline train` and `hotline models` with the store's labels and the time. Candidate and running model are
measured on the same fixed set, a fifth of the packaged messages that neither was trained on for the measuring; what
runs afterwards is trained on everything. The same packaged data and the same labels give the same file to the byte.
Labels are held in memory while a model is made, and written nowhere; their words stay in the model as its features.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from hotline.taxonomy import PetitionKind, load_taxonomy
from hotline.text import fold, nfc
from services.classify.evaluate import judge_rows
from services.classify.fitting import Progress
from services.classify.model import Model
from services.classify.model_file import ModelFileBroken, digest_of, load, load_checked, path_of, save
from services.classify.model_log import (
    LEARNED,
    Event,
    Figures,
    ModelLog,
    Version,
    What,
    base_of,
    change_log,
    running_version,
    version_before,
)
from services.classify.store import Label
from services.classify.train import model_version, train
from services.classify.training_data import Example, load_cues, load_messages

LABEL = "label"
ONE_IN = 5
DIGITS = 12


class Refused(Exception):
    """A version cannot be made to run; the message says why and what to do."""


class Verdict(StrEnum):
    """What `learn` came to."""

    NOTHING_NEW = "nothing_new"
    PROMOTED = "promoted"
    KEPT = "kept"
    WITHDRAWN = "withdrawn"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The packaged data that every model of a release learns."""

    messages: Sequence[Example]
    cues: Sequence[Example]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The verdict, with both models as measured; `must_forget`: the running one knows labels that are gone."""

    verdict: Verdict
    running: str
    candidate: Version | None = None
    against: Figures | None = None
    must_forget: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where models are made and kept: the folder, the packaged data, the time, and who hears of each fit."""

    models_dir: Path
    material: Material
    at: datetime
    progress: Progress

    def train_on(self, lessons: Sequence[Example]) -> Model:
        """Return the model of all packaged data and these lessons."""
        return self.named(train([*self.material.messages, *lessons], self.material.cues, self.progress), lessons)

    def named(self, model: Model, lessons: Sequence[Example]) -> Model:
        """Return the model under the name that its lessons give it."""
        counts = {"messages": len(self.material.messages), "cues": len(self.material.cues), "labels": len(lessons)}
        return replace(model, version=name_of(model_version(), lessons), trained_on=counts)

    def measure(self, lessons: Sequence[Example]) -> Figures:
        """Train without the fixed set, and without lessons that repeat a text of it, and measure on it."""
        fixed = [message for message in self.material.messages if is_held_out(message)]
        rest = [message for message in self.material.messages if not is_held_out(message)]
        known = {fold(message.text) for message in fixed}
        fair = [lesson for lesson in lessons if fold(lesson.text) not in known]
        return figures_of(train([*rest, *fair], self.material.cues, self.progress), fixed)

    def version_of(self, lessons: Sequence[Example], until: datetime | None, known: Version | None) -> Version:
        """Return the entry of the model of these lessons, measured and its file in place; what is there is kept."""
        name = name_of(model_version(), lessons)
        path = path_of(self.models_dir, name)
        if known is not None and path.exists() and digest_of(path) == known.digest:
            return replace(known, is_removed=False)
        figures = known.figures if known is not None else self.measure(lessons)
        if lessons or not path.exists():
            save(self.train_on(lessons), self.models_dir)
        else:
            # What is to be gone back to one night must be whole today.
            load(path)
        return Version(
            version=name,
            at=self.at,
            digest=digest_of(path),
            messages=len(self.material.messages),
            cues=len(self.material.cues),
            labels=len(lessons),
            labels_digest=labels_digest(lessons),
            learned_until=until,
            figures=figures,
        )


def packaged() -> Material:
    """The data of this release."""
    return Material(messages=load_messages(), cues=load_cues())


def is_held_out(message: Example) -> bool:
    """Whether a packaged message is of the fixed set: one in five, by its words alone, however they are typed."""
    digest = hashlib.sha256(fold(message.text).encode()).digest()
    return int.from_bytes(digest[:4], "big") % ONE_IN == 0


def lessons_of(labels: Sequence[Label], until: datetime | None = None) -> tuple[Example, ...]:
    """What persons said last of each feedback (until an instant), as texts to learn, in an order of their own.

    None that its label itself would close: no training set may hold a denunciation (Luật BVBMNN 117/2025). None of
    an emergency that a person did not find urgent: it says two things.
    """
    last = {label.feedback_id: label for label in labels if until is None or label.at <= until}
    codes = set(load_taxonomy().labels)
    found = [(label, example_of(label)) for label in last.values() if label.code in codes]
    kept = [lesson for label, lesson in found if lesson.is_urgent == label.urgent and not lesson.is_restricted]
    return tuple(sorted(kept, key=_content))


def example_of(label: Label) -> Example:
    """A label as a text to learn."""
    return Example(
        id=LABEL,
        text=nfc(label.text),
        code=label.code,
        kind=PetitionKind(label.petition_kind),
        origin=LABEL,
        urgent=label.urgent,
    )


def labels_digest(lessons: Sequence[Example]) -> str:
    """SHA-256 over the lessons, which tells one set of labels from any other."""
    return hashlib.sha256(msgspec.json.encode([_content(lesson) for lesson in lessons])).hexdigest()


def name_of(base: str, lessons: Sequence[Example]) -> str:
    """The version of the model that a release makes of these lessons; without any it is the packaged one."""
    return f"{base}{LEARNED}{labels_digest(lessons)[:DIGITS]}" if lessons else base


def figures_of(model: Model, fixed: Sequence[Example]) -> Figures:
    """Count what a model gets right of the fixed set."""
    pairs = judge_rows(model, fixed)
    return Figures(
        messages=len(pairs),
        right=sum(row.code == said.code for row, said in pairs),
        restricted=sum(row.is_restricted for row, _ in pairs),
        restricted_found=sum(row.is_restricted and said.restricted for row, said in pairs),
        urgent=sum(row.is_urgent for row, _ in pairs),
        urgent_found=sum(row.is_urgent and said.urgent for row, said in pairs),
        closed=sum(said.restricted for _, said in pairs),
    )


def is_worse(candidate: Figures, running: Figures) -> bool:
    """Whether the candidate has fewer codes right, or finds fewer restricted or fewer urgent messages."""
    return any(ours < theirs for ours, theirs in _compared(candidate, running))


def is_better(candidate: Figures, running: Figures) -> bool:
    """Whether the candidate is worse in none of the three and better in one; a tie keeps what runs."""
    return not is_worse(candidate, running) and any(ours > theirs for ours, theirs in _compared(candidate, running))


def learn(
    models_dir: Path,
    labels: Sequence[Label],
    *,
    at: datetime,
    progress: Progress = lambda: None,
    material: Material | None = None,
) -> Outcome:
    """Make the model of the packaged data and these labels, measure it and let it run if it is better.

    The same labels again change nothing, and what a person went back from does not run again by itself. A running model
    that knows labels which are gone (erased, restricted since) gives way to one that is not worse. `at` must be aware.
    Raises ModelLogBroken, ModelFileBroken, OSError.
    """
    workshop = Workshop(models_dir=models_dir, material=material or packaged(), at=at, progress=progress)
    base, lessons = model_version(), lessons_of(labels)
    log = change_log(models_dir, lambda log: forget(models_dir, log, labels))
    running = running_version(log, base)
    name, until = name_of(base, lessons), max((label.at for label in labels), default=None)
    if name == running:
        mend(workshop, lessons, until, log.entry(name))
        return Outcome(verdict=Verdict.NOTHING_NEW, running=running)
    # The packaged model comes first: whatever happens there is something to go back to.
    below = workshop.version_of((), None, log.entry(base))
    candidate = workshop.version_of(lessons, until, log.entry(name)) if lessons else below
    against = below if running == base else log.entry(running)
    assert against is not None, "a learned model runs only when the log knows it"
    must_forget = is_outdated(against, labels)
    wins = is_better(candidate.figures, against.figures) or (
        must_forget and not is_worse(candidate.figures, against.figures)
    )
    verdict = Verdict.WITHDRAWN if was_left(log, name) else Verdict.PROMOTED if wins else Verdict.KEPT

    def settle(now: ModelLog) -> ModelLog:
        nonlocal verdict
        after = now.with_entry(below).with_entry(candidate)
        if running_version(now, base) != running:
            verdict = Verdict.OVERTAKEN
        elif verdict is Verdict.PROMOTED:
            after = after.with_event(Event(at=at, what=What.PROMOTED, version=candidate.version))
        return forget(models_dir, after, labels)

    after = change_log(models_dir, settle)
    return Outcome(
        verdict=verdict,
        running=running_version(after, base),
        candidate=candidate,
        against=against.figures,
        must_forget=must_forget,
    )


def was_left(log: ModelLog, version: str) -> bool:
    """Whether a model that learned ran once; of one that does not run now this says that a person went back from it."""
    return LEARNED in version and any(event.version == version for event in log.events)


def mend(workshop: Workshop, lessons: Sequence[Example], until: datetime | None, known: Version | None) -> None:
    """Make the file of a running model that learned again where it is damaged or missing."""
    if lessons:
        entry = workshop.version_of(lessons, until, known)
        change_log(workshop.models_dir, lambda log: log.with_entry(entry) if log.entry(entry.version) != entry else log)


def is_outdated(entry: Version, labels: Sequence[Label]) -> bool:
    """Whether a model learned from labels that are not there any more: their feedback was erased or restricted."""
    return bool(entry.labels) and labels_digest(lessons_of(labels, entry.learned_until)) != entry.labels_digest


def forget(models_dir: Path, log: ModelLog, labels: Sequence[Label]) -> ModelLog:
    """Remove the files of models that do not run and know labels which are gone: their words are in them."""
    running = running_version(log, model_version())
    gone = {
        entry.version
        for entry in log.versions
        if entry.version != running and not entry.is_removed and is_outdated(entry, labels)
    }
    for version in gone:
        path_of(models_dir, version).unlink(missing_ok=True)
    return log.without_files(gone)


def choose(models_dir: Path, version: str, *, at: datetime) -> str:
    """Let a version run because a person says so; returns it. Raises Refused, ModelLogBroken, OSError."""

    def change(log: ModelLog) -> ModelLog:
        if running_version(log, model_version()) == version:
            raise Refused(f"{version} runs already")
        check_runnable(models_dir, log, version)
        return log.with_event(Event(at=at, what=What.CHOSEN, version=version))

    change_log(models_dir, change)
    return version


def roll_back(models_dir: Path, *, at: datetime) -> str:
    """Let the version before run again; returns it. Raises Refused, ModelLogBroken, OSError."""

    def change(log: ModelLog) -> ModelLog:
        before = version_before(log, model_version())
        if before is None:
            raise Refused("the packaged model of this release runs: there is nothing before it")
        check_runnable(models_dir, log, before)
        return log.with_event(Event(at=at, what=What.ROLLED_BACK, version=before))

    return running_version(change_log(models_dir, change), model_version())


def check_runnable(models_dir: Path, log: ModelLog, version: str) -> None:
    """Raise Refused unless the version is of this release and its file is whole."""
    base, entry = model_version(), log.entry(version)
    if version != base and entry is None:
        raise Refused(f"there is no version {version}: `hotline models list` names those there are")
    if base_of(version) != base:
        raise Refused(f"{version} was made by another release, whose code reads words differently: run `hotline train`")
    if entry is not None and entry.is_removed:
        raise Refused(f"the file of {version} was removed: it knew words of feedback that was erased or restricted")
    try:
        load_checked(models_dir, version, entry)
    except ModelFileBroken as error:
        raise Refused(str(error)) from error


def _compared(candidate: Figures, running: Figures) -> tuple[tuple[int, int], ...]:
    return (
        (candidate.right, running.right),
        (candidate.restricted_found, running.restricted_found),
        (candidate.urgent_found, running.urgent_found),
    )


def _content(lesson: Example) -> tuple[str, str, str, bool]:
    return lesson.text, lesson.code or "", str(lesson.kind), lesson.is_urgent
