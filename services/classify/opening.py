"""Opens classify's store over what the settings name; shared by the service and its commands."""

from hotline.plumbing.backend import Backend
from services.classify.store import ClassifyStore
from services.classify.store_sqlite import open_store as open_embedded


async def open_store(backend: Backend) -> ClassifyStore:
    """Make the tables where they are missing and return the store; raises SchemaTooNew, StoreUnavailable."""
    return await open_embedded(backend)
