"""The helpers of the stores' tests see what they must see, or a store's test proves nothing."""

import pytest

from hotline.plumbing.backend import Backend
from hotline.plumbing.mongo import Collection, Index, MongoDatabase
from hotline.plumbing.outbox import PENDING_INDEX, more_pending
from tests.contract.facts_for_tests import received
from tests.stores.watching import Plans, assert_no_collection_scan, carried

pytestmark = pytest.mark.live
BY_COLOUR = Index(name="by_colour", keys=(("colour", 1), ("size", -1), ("_id", 1)))


@pytest.fixture
async def things(mongo: MongoDatabase, plans: Plans) -> Collection:
    """A collection of one thing, with one index beside that of the id."""
    await mongo.ensure_indexes("things", (BY_COLOUR, PENDING_INDEX))
    things = mongo.collection("things")
    await things.insert_one({"_id": "a", "colour": "red", "size": 1, "weight": 2, "pending": []})
    plans.forget()
    return things


async def test_queries_by_an_index_pass(mongodb_backend: Backend, plans: Plans, things: Collection) -> None:
    await things.find_one({"_id": "a"})
    await things.find({"colour": "red"}, sort=[("size", -1), ("_id", 1)], skip=1, limit=2)
    await things.count({"colour": "red"})
    await things.update_one({"_id": "a", "weight": 2}, {"$set": {"weight": 3}})
    await things.find_one_and_update({"_id": "a"}, {"$set": {"weight": 4}})
    await things.update_one({"colour": "red", "weight": 4}, {"$set": {"weight": 5}})
    await things.delete_many({"colour": "red"})
    await assert_no_collection_scan(mongodb_backend, plans)


ASKED_BADLY = {
    "find": lambda things: things.find({"weight": 2}),
    "find_one": lambda things: things.find_one({"weight": 2}),
    "find more": lambda things: things.find({"size": 1, "weight": 2}),
    "sort": lambda things: things.find({"colour": "red"}, sort=[("weight", 1)]),
    "count": lambda things: things.count({"weight": 2}),
    "update_one": lambda things: things.update_one({"weight": 2}, {"$set": {"weight": 3}}),
    "update_many": lambda things: things.update_many({"weight": 2}, {"$set": {"weight": 3}}),
    "find_one_and_update": lambda things: things.find_one_and_update({"weight": 2}, {"$set": {"weight": 3}}),
    "delete_one": lambda things: things.delete_one({"weight": 9}),
    "delete_many": lambda things: things.delete_many({"weight": 9}),
    "aggregate": lambda things: things.aggregate([{"$match": {"weight": 2}}]),
}


@pytest.mark.parametrize("how", ASKED_BADLY)
async def test_a_query_without_an_index_is_named(
    mongodb_backend: Backend, plans: Plans, things: Collection, how: str
) -> None:
    await ASKED_BADLY[how](things)
    with pytest.raises(AssertionError, match="weight"):
        await assert_no_collection_scan(mongodb_backend, plans)


async def test_a_test_that_asked_nothing_proves_nothing(mongodb_backend: Backend, plans: Plans) -> None:
    plans.forget()
    with pytest.raises(AssertionError, match="proves nothing"):
        await assert_no_collection_scan(mongodb_backend, plans)


async def test_facts_in_documents_are_carried_and_read_as_often_as_one_asks(
    mongodb_backend: Backend, things: Collection
) -> None:
    assert await carried(mongodb_backend, "things", ["things"]) == []
    facts = [received("f1"), received("f1", seq=2)]
    await things.update_one({"_id": "a"}, more_pending(facts, mongodb_backend.sealer))
    assert await carried(mongodb_backend, "things", ["things"]) == facts
    assert await carried(mongodb_backend, "things", ["things"]) == facts


async def test_what_is_on_the_bus_of_each_backend_is_read(backend: Backend) -> None:
    await backend.bus.publish([received("f1")])
    assert await carried(backend, "things", ["things"]) == [received("f1")]
