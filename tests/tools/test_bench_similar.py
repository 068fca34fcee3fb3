"""The measuring of looks for messages alike: what it fills is found again, and what it reads is bounded."""

import random
from itertools import islice
from pathlib import Path

from hotline.plumbing.sqlite import connect
from services.classify.likeness import PER_KEY, keys_of
from services.classify.store_sqlite import MIGRATIONS
from tools.bench_similar import fill, look, measure, messages


def test_what_is_filled_in_is_found_and_what_is_read_is_bounded(tmp_path: Path) -> None:
    connection = connect(tmp_path / "archive.db")
    for statement in (statement for migration in MIGRATIONS for statement in migration.statements):
        connection.execute(statement)
    texts = ["Đường trước cổng trường có ổ gà rất sâu, xe máy hay ngã, đề nghị sửa"]
    fill(connection, messages(texts, random.Random(1)), 400)
    (stored,) = islice(messages(texts, random.Random(1)), 1)
    new = list(islice(messages(texts, random.Random(2)), 5))
    measured = measure(connection, new)
    assert look(connection, stored)[0] >= 1
    assert 0 < measured["steps_median"] <= measured["steps_most"]
    assert measured["documents_read_most"] <= PER_KEY * len(keys_of(stored))
    connection.close()
