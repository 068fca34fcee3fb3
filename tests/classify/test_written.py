"""The messages and phrases written for training: enough of each, no two alike, read by two."""

import json
from collections import Counter
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from hotline.taxonomy import PetitionKind, load_taxonomy
from services.classify.normalise import normalise
from services.classify.train import FOLDS, folds_of
from services.classify.training_data import DATA, REAL_CONTENT, load_cues, load_messages, read_row
from services.classify.training_data import WRITTEN as WRITTEN_ORIGIN


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the messages of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


WRITTEN = [row for path in sorted((DATA / "written").glob("*.jsonl")) for row in rows_of(path)]
UNSEEN = rows_of(DATA / "unseen.jsonl")
KEYS = {"id", "text", "channel", "code", "second", "petition_kind", "urgent", "origin", "pair"}
FEWEST = {PetitionKind.TO_CAO: 500, PetitionKind.TIN_BAO_TOI_PHAM: 300, PetitionKind.KHAN_CAP: 300}
LIKENESS = 0.6
SHARED = 6
ROWS_AT_ONCE = 500


def test_there_are_enough_messages_of_every_label_and_of_the_grave_kinds() -> None:
    assert len(WRITTEN) >= 4000
    assert set(load_taxonomy().labels) == {row["code"] for row in WRITTEN}
    kinds = Counter(row["petition_kind"] for row in WRITTEN)
    assert {kind: kinds[kind] >= fewest for kind, fewest in FEWEST.items()} == dict.fromkeys(FEWEST, True)


def test_every_message_has_all_labels_and_an_id_of_its_own() -> None:
    labels = {*load_taxonomy().labels, None}
    assert all(set(row) == KEYS for row in WRITTEN)
    assert {row["channel"] for row in WRITTEN} == {"hotline", "web", "box"}
    assert {row["origin"] for row in WRITTEN} == {"written"}
    assert {row["second"] for row in WRITTEN} <= labels
    assert all(row["urgent"] for row in WRITTEN if row["petition_kind"] == PetitionKind.KHAN_CAP)
    ids = [message.id for message in load_messages()]
    assert len(set(ids)) == len(ids)
    assert {row["pair"] for row in WRITTEN} - {None} <= set(ids)


def test_every_code_has_sixty_phrases_and_all_have_two_thousand() -> None:
    cues = Counter(cue.code for cue in load_cues() if cue.code)
    assert {code: cues[code] for code in load_taxonomy().labels if cues[code] < 60} == {}
    assert sum(cues.values()) >= 2000


def test_what_two_readers_read_otherwise_is_one_message_in_twenty_at_most_and_a_third_decided_it() -> None:
    lines = (DATA / "written" / "disagreements.tsv").read_text(encoding="utf-8").splitlines()[1:]
    labels = {row["id"]: [row["code"], row["petition_kind"], str(int(row["urgent"]))] for row in WRITTEN}
    assert 0 < len(lines) <= len(WRITTEN) / 20
    for line in lines:
        name, *readings = line.split("\t")
        assert readings[:3] != readings[3:6] and readings[6:] == labels[name], name


def test_what_is_kept_to_measure_is_never_learnt_and_well_formed() -> None:
    learnt = {example.text for example in (*load_messages(), *load_cues())}
    read = [read_row(json.dumps(row)) for row in UNSEEN]
    assert {message.origin for message in read} == {WRITTEN_ORIGIN, REAL_CONTENT}
    assert not {message.text for message in read} & learnt
    assert not {row["id"] for row in UNSEEN} & {message.id for message in load_messages()}
    assert {row["code"] for row in UNSEEN} == set(load_taxonomy().labels)


@pytest.mark.slow
def test_a_contrast_is_never_learnt_while_its_other_half_is_measured() -> None:
    messages = load_messages()
    fold_of = {messages[place].id: number for number, held in enumerate(folds_of(messages, FOLDS)) for place in held}
    assert all(fold_of[message.id] == fold_of[message.pair] for message in messages if message.pair)


@pytest.mark.slow
def test_no_two_messages_are_alike_but_contrasts() -> None:
    rows = WRITTEN + UNSEEN
    pieces = [grams(row["text"]) for row in rows]
    alike = [(rows[i], rows[j]) for i, j in likely_alike(pieces) if jaccard(pieces[i], pieces[j]) > LIKENESS]
    assert alike != []
    assert [(one["id"], other["id"]) for one, other in alike if not is_pair(one, other)] == []


def likely_alike(pieces: list[set[str]]) -> Iterator[tuple[int, int]]:
    """Yield each pair that can be more alike than LIKENESS: both have SHARED of their rarest pieces in common.

    Whoever shares that share of all its pieces shares so many of the rarest of the rest and SHARED more.
    """
    often = Counter(gram for row in pieces for gram in row)
    columns = {gram: place for place, gram in enumerate(sorted(often, key=lambda gram: (often[gram], gram)))}
    least = [ceil(LIKENESS * len(row)) for row in pieces]
    rarest = [
        sorted(columns[gram] for gram in row)[: len(row) - enough + SHARED]
        for row, enough in zip(pieces, least, strict=True)
    ]
    ends = np.cumsum([0, *(len(row) for row in rarest)])
    indices = [column for row in rarest for column in row]
    rows = sp.csr_matrix((np.ones(len(indices), dtype=np.int16), indices, ends), shape=(len(pieces), len(columns)))
    needed = np.minimum(least, SHARED)
    for start in range(0, len(pieces), ROWS_AT_ONCE):
        shared = (rows[start : start + ROWS_AT_ONCE] @ rows.T).tocoo()
        first, second = shared.row + start, shared.col
        found = (first < second) & (shared.data >= np.minimum(needed[first], needed[second]))
        yield from zip(first[found].tolist(), second[found].tolist(), strict=True)


def jaccard(one: set[str], other: set[str]) -> float:
    """Return what two sets share of what either holds."""
    return len(one & other) / len(one | other)


def grams(text: str) -> set[str]:
    """Return the stretches of four characters of a text."""
    lower = " ".join(text.lower().split())
    return {lower[place : place + 4] for place in range(len(lower) - 3)}


def is_pair(one: dict[str, str], other: dict[str, str]) -> bool:
    """Say whether one is marked as the contrast of the other."""
    return one["pair"] == other["id"] or other["pair"] == one["id"]


@pytest.mark.slow
def test_the_messages_hold_six_thousand_words() -> None:
    words: set[str] = set()
    for row in WRITTEN:
        read = normalise(row["text"])
        words.update(" ".join(read.words[start:end]) for start, end in read.compounds)
        if len(words) >= 6000:
            return
    raise AssertionError(f"{len(words)} words")
