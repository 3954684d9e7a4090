"""The stream under an outgoing SMTP connection."""

import asyncio
import contextlib
import ssl

from postroad.sessions.smtp.client.ports import PATIENCE, Stream, Wait
from postroad.sessions.smtp.ports import Tls

_CONNECT_SECONDS = 30.0
_TLS_SECONDS = 30.0
_READ_OCTETS = 65_536
_WRITE_SECONDS = 180.0


class PeerStream(Stream):
    """asyncio's streams with the deadlines of RFC 5321 section 4.5.3.2."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: ssl.SSLContext,
        host: str,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._context = context
        self._host = host
        self.is_kept = False

    @property
    def tls(self) -> Tls | None:
        found = self._writer.get_extra_info("ssl_object")
        if found is None:
            return None
        cipher = found.cipher()
        return Tls(found.version() or "", cipher[0] if cipher else "")

    async def read(self, wait: Wait) -> bytes:
        async with asyncio.timeout(PATIENCE[wait].total_seconds()):
            return await self._reader.read(_READ_OCTETS)

    async def write(self, octets: bytes) -> None:
        self._writer.write(octets)
        async with asyncio.timeout(_WRITE_SECONDS):
            await self._writer.drain()

    async def start_tls(self) -> Tls:
        await self._writer.start_tls(
            self._context, server_hostname=self._host, ssl_handshake_timeout=_TLS_SECONDS
        )
        found = self.tls
        if found is None:
            raise ConnectionError("the handshake gave no TLS")
        return found

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.close()


async def connect(
    address: str, port: int, host: str, context: ssl.SSLContext, *, implicit_tls: bool
) -> PeerStream:
    """Raises `OSError`, `TimeoutError` among them."""
    async with asyncio.timeout(_CONNECT_SECONDS):
        reader, writer = await asyncio.open_connection(
            address,
            port,
            ssl=context if implicit_tls else None,
            server_hostname=host if implicit_tls else None,
        )
    return PeerStream(reader, writer, context, host)
