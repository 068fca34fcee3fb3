"""The drill's counting from outside: it must see what is lost and what is there twice, or a drill proves nothing."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tools.stores import DATABASE, dead_letters, facts_unread, take_census

TABLES = """
create table ingest_feedback (id text primary key, doc blob);
create table ingest_notice (id integer primary key, feedback_id text, cause text, kind text, recipient text);
create table respond_ticket (row integer primary key, feedback_id text, doc blob);
create table bus_fact (position integer primary key, fact_id text, feedback_id text, producer text, kind text,
                       cause text);
create table bus_offset (group_name text primary key, position integer);
create table bus_dead_letter (group_name text, kind text, error text);
"""
ROUTED = {"account_id": "system", "action": "assign", "subject": "ubnd-xa-00694"}
CLASSIFIED = {"account_id": "system", "action": "classify", "subject": ""}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database with one feedback `f1` under the key `k1`, with its ticket, a notice and a fact."""
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as connection:
        connection.executescript(TABLES)
        add_feedback(connection, "f1", "k1")
        add_ticket(connection, "f1", CLASSIFIED, ROUTED)
        add_notice(connection, "received")
        add_fact(connection, "received:web")
        yield connection


def add_feedback(connection: sqlite3.Connection, feedback_id: str, key: str) -> None:
    connection.execute(
        "insert into ingest_feedback values (?, ?)", (feedback_id, json.dumps({"external_id": key}).encode())
    )


def add_ticket(connection: sqlite3.Connection, feedback_id: str, *history: dict[str, str]) -> None:
    document = json.dumps({"schema": 1, "ticket": {"history": history}}).encode()
    connection.execute("insert into respond_ticket (feedback_id, doc) values (?, ?)", (feedback_id, document))


def add_notice(connection: sqlite3.Connection, cause: str) -> None:
    connection.execute(
        "insert into ingest_notice (feedback_id, cause, kind, recipient) values ('f1', ?, 'received', 'email')",
        (cause,),
    )


def add_fact(connection: sqlite3.Connection, cause: str) -> None:
    connection.execute(
        "insert into bus_fact (feedback_id, producer, kind, cause) values ('f1', 'ingest', 'feedback.received', ?)",
        (cause,),
    )


def test_what_is_stored_once_is_neither_lost_nor_doubled(database: sqlite3.Connection, tmp_path: Path) -> None:
    census = take_census(tmp_path)
    assert census.lost([("k1", "f1")]) == []
    assert census.without_ticket([("k1", "f1")]) == []
    assert census.doubled == ()


def test_a_promised_feedback_that_is_not_stored_is_lost(database: sqlite3.Connection, tmp_path: Path) -> None:
    assert take_census(tmp_path).lost([("k1", "f1"), ("k2", "f2")]) == ["k2"]


def test_a_key_stored_under_another_id_than_promised_is_lost(database: sqlite3.Connection, tmp_path: Path) -> None:
    assert take_census(tmp_path).lost([("k1", "f9")]) == ["k1"]


def test_a_feedback_without_ticket_is_named(database: sqlite3.Connection, tmp_path: Path) -> None:
    add_feedback(database, "f2", "k2")
    assert take_census(tmp_path).without_ticket([("k1", "f1"), ("k2", "f2")]) == ["k2"]


@pytest.mark.parametrize(
    ("double", "named"),
    [
        (lambda connection: add_feedback(connection, "f2", "k1"), "2 feedbacks of k1"),
        (lambda connection: add_ticket(connection, "f1"), "2 tickets of f1"),
        (lambda connection: add_notice(connection, "received"), "2 notices received of f1"),
        (lambda connection: add_fact(connection, "received:web"), "2 facts feedback.received received:web of f1"),
    ],
)
def test_what_is_there_twice_is_named(database: sqlite3.Connection, tmp_path: Path, double, named: str) -> None:  # type: ignore[no-untyped-def]
    double(database)
    assert take_census(tmp_path).doubled == (named,)


def test_a_history_that_says_the_same_twice_is_named(database: sqlite3.Connection, tmp_path: Path) -> None:
    add_ticket(database, "f2", CLASSIFIED, ROUTED, ROUTED)
    assert take_census(tmp_path).doubled == ("2 times assign ubnd-xa-00694 in f2",)


def test_a_fact_offered_again_on_purpose_is_not_doubled(database: sqlite3.Connection, tmp_path: Path) -> None:
    add_fact(database, "offered_again")
    add_fact(database, "offered_again")
    assert take_census(tmp_path).doubled == ()


def test_the_slowest_group_says_how_many_facts_are_unread(database: sqlite3.Connection, tmp_path: Path) -> None:
    add_fact(database, "added")
    database.execute("insert into bus_offset values ('ingest', 2), ('classify', 2)")
    assert facts_unread(tmp_path) == 2
    database.execute("insert into bus_offset values ('respond', 1)")
    assert facts_unread(tmp_path) == 1


def test_a_dead_letter_is_told_with_its_group(database: sqlite3.Connection, tmp_path: Path) -> None:
    database.execute("insert into bus_dead_letter values ('respond', 'feedback.received', 'KeyError at x.py:1')")
    assert dead_letters(tmp_path) == ["respond: feedback.received: KeyError at x.py:1"]
