"""Leases in MongoDB: of several replicas one holds a name, until it lets go or its time runs out.

Used by the relay and the migrations, who pass `now`. Replicas whose clocks disagree by more than the lease, or a holder
that hangs for longer, make two holders at once: whoever uses one must be safe with that.
"""

from datetime import datetime, timedelta

from hotline.plumbing.mongo import AlreadyThere, MongoDatabase

LEASES = "meta_lease"


async def hold(mongo: MongoDatabase, name: str, holder: str, *, now: datetime, period: timedelta) -> bool:
    """Take or renew a lease until `now + period`; says whether `holder` has it."""
    query = {"_id": name, "$or": [{"holder": holder}, {"expires_at": {"$lt": now}}]}
    take = {"$set": {"holder": holder, "expires_at": now + period}}
    try:
        return await mongo.collection(LEASES).update_one(query, take, upsert=True)
    except AlreadyThere:
        return False


async def let_go(mongo: MongoDatabase, name: str, holder: str) -> None:
    """Give a lease up, so that another need not wait; nothing happens when `holder` has it no more."""
    await mongo.collection(LEASES).delete_one({"_id": name, "holder": holder})
