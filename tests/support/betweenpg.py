"""A proxy before PostgreSQL that loses what it is told to lose."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path

SOCKET = ".s.PGSQL.5432"


class Loss(Enum):
    NOTHING = "nothing"
    REQUEST = "the request is lost, and the connection"
    ANSWER = "the request comes through, the answer is lost, and the connection"
    LATE = "the request comes through when it is let go, nothing else does"


class Between:
    """Loses one COMMIT as `loss` says, and then nothing more."""

    def __init__(self, server: Path) -> None:
        self.loss = Loss.NOTHING
        self.let_go = asyncio.Event()
        self.done = asyncio.Event()
        """The held request was answered, or refused."""
        self._server = server

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_unix_connection(str(self._server / SOCKET))
        back = asyncio.ensure_future(_pump(there[0], writer))
        try:
            while octets := await reader.read(65536):
                loss = self.loss if b"COMMIT\0" in octets else Loss.NOTHING
                if loss is not Loss.NOTHING:
                    self.loss = Loss.NOTHING
                    back.cancel()
                    await asyncio.gather(back, return_exceptions=True)
                    await self._lose(loss, octets, *there, writer)
                    return
                there[1].write(octets)
                await there[1].drain()
        except OSError:
            pass
        finally:
            back.cancel()
            for one in (writer, there[1]):
                one.close()

    async def _lose(
        self,
        loss: Loss,
        octets: bytes,
        reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        if loss is Loss.REQUEST:
            return
        if loss is Loss.LATE:
            client.close()
            await self.let_go.wait()
        server.write(octets)
        await server.drain()
        await reader.read(65536)
        self.done.set()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while octets := await reader.read(65536):
            writer.write(octets)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def between(server: Path, folder: Path) -> AsyncIterator[Between]:
    """Listens in `folder` as PostgreSQL does in the folder `server`."""
    proxy = Between(server)
    listening = await asyncio.start_unix_server(proxy.serve, str(folder / SOCKET))
    try:
        yield proxy
    finally:
        listening.close()
