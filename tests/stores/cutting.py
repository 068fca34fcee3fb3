"""A connection that a test can cut and mend: how a database that is away looks to who needs it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

CHUNK_BYTES = 64 * 1024


class Cuttable:
    """Passes bytes on between its own port and a server's, while it is whole."""

    def __init__(self, host: str, port: int) -> None:
        self.to = (host, port)
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()

    async def mend(self) -> None:
        """Take connections, on the same port as before."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection and take no more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*self._passing)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._pass_on(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection(*self.to)
        await asyncio.gather(self._copy(reader, to_writer), self._copy(to_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                writer.write(chunk)
                await writer.drain()
        self._open.discard(writer)
        writer.close()


@contextlib.asynccontextmanager
async def cuttable(url: str) -> AsyncIterator[tuple[Cuttable, str]]:
    """Yield a cuttable way to one MongoDB server, whole, and the address of the same database by that way."""
    place = urlsplit(url)
    way = Cuttable(place.hostname or "", place.port or 27017)
    await way.mend()
    # Else the driver would ask the server for its own address, and go there.
    yield way, f"mongodb://127.0.0.1:{way.port}{place.path}?directConnection=true"
    await way.cut()
