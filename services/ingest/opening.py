"""Opens ingest's store over what the settings name; shared by the service and its commands."""

from hotline.plumbing.backend import Backend
from hotline.plumbing.records import Records
from hotline.plumbing.sqlite import Database
from services.ingest.store import FeedbackStore

# Where over MongoDB facts wait for the relay.
RELAYED = ("ingest_feedback", "ingest_erased")


async def open_store(backend: Backend) -> FeedbackStore:
    """Make the tables where they are missing and return the store; raises SchemaTooNew, StoreUnavailable."""
    if isinstance(backend.database, Database):
        from services.ingest.store_sqlite import open_store as open_embedded

        return await open_embedded(backend)
    from services.ingest.store_mongo import open_store as open_mongo

    return await open_mongo(backend)


async def open_records(backend: Backend) -> Records:
    """Open the store and return it as a backup sees it; raises as `open_store` does."""
    store = await open_store(backend)
    if isinstance(backend.database, Database):
        from services.ingest.store_sqlite_records import open_records as records_of_embedded

        return records_of_embedded(store)
    from services.ingest.store_mongo_records import open_records as records_of_mongo

    return records_of_mongo(store)
