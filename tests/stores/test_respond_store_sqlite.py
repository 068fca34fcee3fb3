"""What the embedded database alone must prove of respond's store: no question of it reads or sorts a whole table."""

from concurrent.futures import ThreadPoolExecutor

from hotline.plumbing.backend import Backend
from hotline.plumbing.sqlite import Database
from services.respond.opening import open_store
from tests.stores.respond_questions import ask_everything
from tests.stores.tickets import LETTER

PLANNED = ("select", "insert", "update", "delete")
# A list over several statuses is merged from one part of the index for each.
SORTED_AFTER_ALL = "a.status in ("


async def plan_of(database: Database, statement: str) -> list[str]:
    """Return the steps of a statement's plan, as the database says them."""
    rows = await database.read(lambda connection: connection.execute(f"explain query plan {statement}").fetchall())
    return [row["detail"] for row in rows]


async def test_no_question_reads_or_sorts_a_whole_table(sqlite_backend: Backend) -> None:
    database = sqlite_backend.database
    assert isinstance(database, Database)
    # One reader, so that it can be listened to.
    database.readers = ThreadPoolExecutor(1)
    store = await open_store(sqlite_backend)
    file = await sqlite_backend.vault("answers").keep("tra loi.pdf", LETTER, field="draft.files")
    said: list[str] = []
    for use in (database.read, database.write):
        await use(lambda connection: connection.set_trace_callback(said.append))
    await ask_everything(store, file)
    for use in (database.read, database.write):
        await use(lambda connection: connection.set_trace_callback(None))
    asked = [statement for statement in dict.fromkeys(said) if statement.startswith(PLANNED)]
    assert sum("respond_" in statement for statement in asked) > 20
    for statement in asked:
        for detail in await plan_of(database, statement):
            reads_all = detail.startswith("SCAN respond_") and " INDEX " not in detail
            sorts = "TEMP B-TREE" in detail and SORTED_AFTER_ALL not in statement
            assert not reads_all and not sorts, f"{statement}: {detail}"
