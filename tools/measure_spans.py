"""What share of the names, numbers, places and bodies in annotated messages `hotline.spans` finds: the tables of
docs/spans.md.

Called by hand (`python -m tools.measure_spans --write docs/spans.md`) and by the test that holds the floors. A span
counts when kind, start and end are those of the annotation. Of the held out (`held_out`) none was looked at while the
rules were made. The messages are invented, by hand, and name nobody.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import click

from hotline.spans import SpanKind, find_spans
from hotline.text import has_diacritics, nfc

MESSAGES = Path(__file__).resolve().parent.parent / "tests" / "data" / "spans.jsonl"
BEGIN, END = "<!-- figures: written by `python -m tools.measure_spans` -->", "<!-- end of figures -->"

Mark = tuple[int, int, str]
Find = Callable[[str], set[Mark]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotated:
    """A message with what a person marked in it: start, end (in the NFC text) and kind."""

    id: str
    text: str
    marks: frozenset[Mark]
    is_held_out: bool

    @property
    def is_plain(self) -> bool:
        """Whether it was typed without diacritics."""
        return not has_diacritics(self.text)


@dataclass(frozen=True, slots=True)
class Score:
    """How many were marked, found and rightly found, of one kind in one part of the messages."""

    marked: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    def precision(self, kind: str) -> float:
        """The share of the found that is right; 1 where nothing was found."""
        return self.right[kind] / self.found[kind] if self.found[kind] else 1.0

    def recall(self, kind: str) -> float:
        """The share of the marked that was found; 1 where nothing is marked."""
        return self.right[kind] / self.marked[kind] if self.marked[kind] else 1.0


@cache
def load_annotated() -> tuple[Annotated, ...]:
    """Return the annotated messages in the order of their file."""
    with MESSAGES.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(
        Annotated(
            id=row["id"],
            text=row["text"],
            marks=frozenset((start, end, kind) for start, end, kind in row["spans"]),
            is_held_out=row["held_out"],
        )
        for row in rows
    )


def measure(messages: Iterable[Annotated], find: Find | None = None) -> Score:
    """Hold what is found against what is marked."""
    score = Score()
    for message in messages:
        found = (find or found_in)(message.text)
        score.marked.update(kind for _, _, kind in message.marks)
        score.found.update(kind for _, _, kind in found)
        score.right.update(kind for _, _, kind in message.marks & found)
    return score


def found_in(text: str) -> set[Mark]:
    """Return what `hotline.spans` finds, as annotations are written."""
    return {(span.start, span.end, str(span.kind)) for span in find_spans(text)}


def persons_by_ner(text: str) -> set[Mark]:
    """Return the persons that underthesea's packaged model (CRF, 2017) finds; it runs offline."""
    from underthesea import ner

    composed, marks, at = nfc(text), set[Mark](), 0
    begin = end = -1
    for word, _, _, tag in [*ner(composed), ("", "", "", "O")]:
        if tag != "I-PER" and begin >= 0:
            marks.add((begin, end, str(SpanKind.PERSON)))
            begin = -1
        place = composed.find(word, at)
        if place < 0:
            continue
        at = place + len(word)
        if tag == "B-PER":
            begin = place
        if tag.endswith("-PER") and begin >= 0:
            end = at
    return marks


def tables(messages: Sequence[Annotated]) -> str:
    """Return the tables of docs/spans.md: each kind over all, the held out and the plain; persons beside the model."""
    held_out = [message for message in messages if message.is_held_out]
    plain = [message for message in messages if message.is_plain]
    parts = [measure(messages), measure(held_out), measure(plain)]
    lines = [
        f"{len(messages)} messages, {len(held_out)} of them held out, {len(plain)} without diacritics.",
        "",
        f"| kind | {' | '.join(f'{part}marked | precision | recall' for part in ('', 'held out: ', 'plain: '))} |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind in SpanKind:
        cells = [cell for part in parts for cell in _cells(part, kind)]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    lines += ["", "Persons, beside the model that underthesea brings with it:", ""]
    lines += [
        "| persons found by | precision | recall | plain: precision | recall |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, find in (("our rules", found_in), ("underthesea `ner`", persons_by_ner)):
        scores = [measure(part, find) for part in (messages, plain)]
        cells = [cell for score in scores for cell in _cells(score, SpanKind.PERSON)[1:]]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cells(score: Score, kind: str) -> list[str]:
    return [str(score.marked[kind]), f"{score.precision(kind):.3f}", f"{score.recall(kind):.3f}"]


@click.command()
@click.option("--write", "page", type=click.Path(dir_okay=False, path_type=Path, exists=True), help="Put them into it.")
def main(page: Path | None) -> None:
    """Measure the finders of names, numbers, places and bodies on the annotated messages."""
    text = tables(load_annotated())
    click.echo(text)
    if page is not None:
        head, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        _, _, tail = rest.partition(END)
        page.write_text(f"{head}{BEGIN}\n{text}{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
