"""Opens respond's store and rules over a backend; shared by the service and its commands."""

from hotline.plumbing.backend import Backend
from hotline.plumbing.records import Records
from hotline.plumbing.sqlite import Database
from services.respond.actions import Desk
from services.respond.rules import load_rules
from services.respond.store import RespondStore

# The collections in whose documents facts wait for the relay.
RELAYED = ("respond_ticket", "respond_account")


async def open_desk(backend: Backend) -> Desk:
    """Make the tables where they are missing and read the locality's rules; raises what a broken profile says."""
    settings = backend.settings
    rules = load_rules(settings.locality, settings.calendar_notices)
    return Desk(store=await open_store(backend), rules=rules, vault=backend.vault("answers"))


async def open_store(backend: Backend) -> RespondStore:
    """Make the tables where they are missing and return the store; raises SchemaTooNew, StoreUnavailable."""
    if isinstance(backend.database, Database):
        from services.respond.store_sqlite import open_store as open_embedded

        return await open_embedded(backend)
    from services.respond.store_mongo import open_store as open_mongo

    return await open_mongo(backend)


async def open_records(backend: Backend) -> Records:
    """Open the store and return it as a backup sees it; raises as `open_store` does."""
    store = await open_store(backend)
    if isinstance(backend.database, Database):
        from services.respond.store_sqlite_records import open_records as records_of_embedded

        return records_of_embedded(store)
    from services.respond.store_mongo_records import open_records as records_of_mongo

    return records_of_mongo(store)
