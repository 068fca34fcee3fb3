"""The drill's counting in MongoDB from outside: it must see what is lost and what is there twice."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from tests.servers import unique_name, with_database
from tools.stores_mongo import facts_waiting, take_census

pytestmark = pytest.mark.live

ROUTED = {"account_id": "system", "action": "assign", "subject": "ubnd-xa-00694"}
CLASSIFIED = {"account_id": "system", "action": "classify", "subject": ""}
RECEIVED = {"kind": "received", "cause": "received", "recipient": "email"}

Documents = Database[dict[str, Any]]


@pytest.fixture
def url(mongodb_url: str) -> str:
    return with_database(mongodb_url, unique_name("census"))


@pytest.fixture
def database(url: str) -> Iterator[Documents]:
    """A database with one feedback `f1` under the key `k1`, a notice, and its ticket."""
    client: MongoClient[dict[str, Any]] = MongoClient(url)
    documents = client.get_default_database()
    add_feedback(documents, "f1", "k1", RECEIVED)
    add_ticket(documents, "f1", CLASSIFIED, ROUTED)
    yield documents
    client.drop_database(documents.name)
    client.close()


def add_feedback(database: Documents, feedback_id: str, key: str, *notices: dict[str, str], heard: bool = True) -> None:
    ticket = {"status": "assigned"} if heard else None
    document = json.dumps({"external_id": key, "ticket": ticket}).encode()
    database["ingest_feedback"].insert_one({"_id": feedback_id, "doc": document, "notices": list(notices)})


def add_ticket(database: Documents, feedback_id: str, *history: dict[str, str], **parts: object) -> None:
    ticket = {"history": history, "feedback": {}, "classification": {}, **parts}
    document = json.dumps({"schema": 1, "ticket": ticket}).encode()
    database["respond_ticket"].insert_one({"_id": feedback_id, "doc": document})


def test_what_is_stored_once_is_neither_lost_nor_doubled(database: Documents, url: str) -> None:
    census = take_census(url)
    assert census.lost([("k1", "f1")]) == []
    assert census.without_ticket([("k1", "f1")]) == []
    assert census.doubled == ()


def test_a_promised_feedback_that_is_not_stored_is_lost(database: Documents, url: str) -> None:
    assert take_census(url).lost([("k1", "f1"), ("k2", "f2"), ("k1", "f9")]) == ["k2", "k1"]


@pytest.mark.parametrize("missing", ["feedback", "classification", "heard", "ticket", "erased"])
def test_a_ticket_counts_only_when_it_is_whole_and_known_to_ingest(database: Documents, url: str, missing: str) -> None:
    add_feedback(database, "f2", "k2", heard=missing != "heard")
    if missing == "erased":
        database["respond_ticket"].insert_one({"_id": "f2", "is_erased": True})
    elif missing != "ticket":
        add_ticket(database, "f2", **{missing: None})
    assert take_census(url).without_ticket([("k1", "f1"), ("k2", "f2")]) == ["k2"]


def test_what_is_there_twice_is_named(database: Documents, url: str) -> None:
    add_feedback(database, "f2", "k1", RECEIVED, RECEIVED)
    add_ticket(database, "f2", CLASSIFIED, ROUTED, ROUTED)
    assert sorted(take_census(url).doubled) == [
        "2 feedbacks of k1",
        "2 notices received of f2",
        "2 times assign ubnd-xa-00694 in f2",
    ]


def test_facts_that_no_relay_has_carried_are_counted_by_document(database: Documents, url: str) -> None:
    assert facts_waiting(url) == 0
    database["ingest_erased"].insert_one({"_id": "f3", "pending_since": 1})
    database["respond_account"].insert_one({"_id": "a1", "pending_since": 1})
    assert facts_waiting(url) == 2
