"""`python -m tools.bench_similar`: what looking for messages alike costs for one more message, by the archive's size.

Fills classify's embedded store with messages of many communes over a year, grown step by step, each a packaged message
with some words changed, so that every trouble has come up again and again. At each size new messages are looked up: the
instructions that SQLite's machine took for one look, and how long it took with the signature made anew. Prints a table
and writes `var/bench_similar.json`. The instructions must not grow; the time also tells of caches and of the disk.
"""

import json
import random
import shutil
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

import click

from hotline.facts import Channel, ClassificationState
from hotline.plumbing.sqlite import connect
from hotline.taxonomy import SCHEME, PetitionKind
from services.classify.documents import Classification
from services.classify.likeness import PER_KEY, WINDOW, keys_of, likest, signature_of
from services.classify.store_sqlite import INSERT, MIGRATIONS, columns_of
from services.classify.store_sqlite_likeness import documents_alike, rows_of
from services.classify.training_data import load_messages
from tools.messages import ROOT

BENCH_DIR = ROOT / "var" / "bench_similar"
REPORT = ROOT / "var" / "bench_similar.json"
SIZES = (10_000, 100_000, 1_000_000)
COMMUNES = 3_321
SPAN = timedelta(days=365)
LAST = datetime(2026, 11, 20, tzinfo=UTC)
LOOKS = 200
PART = 20_000
# Of the words of a message that repeats another's trouble, how many are others.
CHANGED = 0.2
WORDINGS = 8
FILL_CACHE_KB = 2_000_000
READ_CACHE_KB = 65_536
SAID = ClassificationState(
    scheme=SCHEME, scheme_version="2023", code="6.3#giao_thong", petition_kind=PetitionKind.PHAN_ANH_KIEN_NGHI,
    restricted=False, urgent=False, language="vi", confidence=0.9, needs_review=False, model_version="bench",
    decided_by="model", decided_at=LAST,
)  # fmt: skip


def messages(texts: Sequence[str], chance: random.Random) -> Iterator[Classification]:
    """Yield messages without end: each repeats one of some thousand wordings, somewhere, some day."""
    wordings = [(text, signature_of(text)) for text in worded(texts, chance)]
    number = 0
    while True:
        number += 1
        text, signature = chance.choice(wordings)
        yield Classification(
            feedback_id=f"{number:08x}-{chance.getrandbits(48):012x}",
            channel=Channel.WEB,
            received_at=LAST - SPAN * chance.random(),
            text=text,
            place_name="",
            source_order=(0, 1),
            # Communes are not alike in size: the squared chance makes some of them crowded.
            commune_code=f"{int(COMMUNES * chance.random() ** 2):05}",
            signature=signature,
            suggested=SAID,
            state=SAID,
        )


def worded(texts: Sequence[str], chance: random.Random) -> Iterator[str]:
    """Yield each text in several wordings: some of its words are others."""
    vocabulary = sorted({word for text in texts for word in text.split()})
    for text in texts:
        for _ in range(WORDINGS):
            yield " ".join(chance.choice(vocabulary) if chance.random() < CHANGED else word for word in text.split())


def fill(connection: sqlite3.Connection, source: Iterator[Classification], count: int) -> None:
    """Store so many messages more, a part at a time, each part in the order of its keys."""
    connection.execute(f"pragma cache_size = -{FILL_CACHE_KB}")
    while count:
        part = [next(source) for _ in range(min(PART, count))]
        count -= len(part)
        connection.execute("begin")
        connection.executemany(
            f"insert into classify_classification {INSERT}",
            [columns_of(document) for document in part],
        )
        rows = sorted(row for document in part for row in rows_of(document))
        connection.executemany("insert into classify_likeness values (?,?,?)", rows)
        connection.execute("commit")
    connection.execute(f"pragma cache_size = -{READ_CACHE_KB}")


def steps_of(connection: sqlite3.Connection, work: Callable[[], object]) -> int:
    """Return how many instructions SQLite's machine takes for the work."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(step, 1)
    try:
        work()
    finally:
        connection.set_progress_handler(None, 0)
    return count


def look(connection: sqlite3.Connection, document: Classification) -> tuple[int, int]:
    """Look up what is like a message, as classify does; return how many were read, and how many are like it."""
    at = document.received_at
    found = documents_alike(connection, keys_of(document), at - WINDOW, at + WINDOW, PER_KEY)
    return len(found), len(likest(document, found))


def measure(connection: sqlite3.Connection, new: Sequence[Classification]) -> dict[str, float]:
    """Look for each new message and return what it cost."""
    times, read, alike = [], [], []
    for document in new:
        began = time.perf_counter()
        signature_of(document.text)
        found, like = look(connection, document)
        times.append(1_000 * (time.perf_counter() - began))
        read.append(found)
        alike.append(like)
    steps = [steps_of(connection, partial(look, connection, document)) for document in new]
    return {
        "steps_median": statistics.median(steps),
        "steps_most": max(steps),
        "documents_read_median": statistics.median(read),
        "documents_read_most": max(read),
        "alike_mean": statistics.mean(alike),
        "ms_median": round(statistics.median(times), 2),
        "ms_p99": round(statistics.quantiles(times, n=100)[98], 2),
    }


@click.command()
@click.option("--most", default=SIZES[-1], show_default=True, help="The largest archive to fill.")
def main(most: int) -> None:
    """Measure, print a table and write var/bench_similar.json."""
    shutil.rmtree(BENCH_DIR, ignore_errors=True)
    BENCH_DIR.mkdir(parents=True)
    connection = connect(BENCH_DIR / "archive.db")
    for migration in MIGRATIONS:
        for statement in migration.statements:
            connection.execute(statement)
    texts = [example.text for example in load_messages()]
    source, report, stored = messages(texts, random.Random(1)), {}, 0
    new = list(islice(messages(texts, random.Random(2)), LOOKS))
    for size in (size for size in SIZES if size <= most):
        fill(connection, source, size - stored)
        stored = size
        report[size] = measure(connection, new)
        click.echo(f"{size:>9,} messages: {report[size]}")
    connection.close()
    REPORT.write_text(json.dumps(report, indent=2), encoding="utf-8")
    shutil.rmtree(BENCH_DIR)


if __name__ == "__main__":
    main()
