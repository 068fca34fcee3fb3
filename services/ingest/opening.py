"""Opens ingest's store over what the settings name; shared by the service and its commands."""

from hotline.plumbing.backend import Backend
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
