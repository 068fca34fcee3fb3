"""A vault as another process has it, which may die at its work; used by `test_vaults.py`.

`python -m tests.stores.another_process <place> <upload|release>` dies inside: before an upload gets its name, or once a
released file has lost its own.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from hotline.plumbing.files import FileVault, Vault
from hotline.plumbing.files_gridfs import GridVault
from hotline.plumbing.mongo import MongoDatabase

OWNER = "answers"
CONTENT = b"%PDF-1.7\n" + b"0123456789abcdef" * 40_000 + b"\n%%EOF\n"
KILLED = 9


def die_before_rename(event: str, _: tuple[object, ...]) -> None:
    """Die where a file would get its name; an audit hook."""
    if event == "os.rename":
        os._exit(KILLED)


class DieBefore(CommandListener):
    """Dies when a command on a collection is about to be sent."""

    def __init__(self, command: str, collection: str) -> None:
        self.command = command
        self.collection = collection

    def started(self, event: CommandStartedEvent) -> None:
        """See `CommandListener`."""
        if event.command_name == self.command and event.command[self.command] == self.collection:
            os._exit(KILLED)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """See `CommandListener`."""

    def failed(self, event: CommandFailedEvent) -> None:
        """See `CommandListener`."""


DEATHS = {"upload": ("insert", f"files_{OWNER}.files"), "release": ("delete", f"files_{OWNER}.chunks")}


async def open_vault(place: str, listeners: Sequence[CommandListener] = ()) -> Vault:
    """Return the vault in a folder or a MongoDB database."""
    if place.startswith("mongodb://"):
        return GridVault(await MongoDatabase.open(place, listeners=listeners), OWNER)
    return FileVault(folder=Path(place))


async def close_vault(vault: Vault) -> None:
    """Let go of what `open_vault` holds."""
    if isinstance(vault, GridVault):
        await vault.database.close()


async def in_no_document(_: str) -> bool:
    """Nothing refers to the file."""
    return False


async def main(place: str, work: str) -> None:
    """Do the work, and die."""
    if not place.startswith("mongodb://"):
        sys.addaudithook(die_before_rename)
    vault = await open_vault(place, [DieBefore(*DEATHS[work])])
    file = await vault.keep("don.pdf", CONTENT, field="attachments")
    if isinstance(vault, GridVault):
        await vault.release([file.file_id], in_no_document)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
