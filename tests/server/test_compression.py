"""COMPRESS=DEFLATE with a real stream, against sessions in memory."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.server.compression import Compression, Garbled
from postroad.server.conversation import Signal
from postroad.server.imap import ImapConversation, ImapPatience
from postroad.sessions.imap.session import ImapSession
from postroad.sessions.imap.settings import Peer
from postroad.wire.imap.responses import Condition, Status
from server.talking import imap
from sessions.imap.clients import Clients
from support.server import ALICE, RunningServer

LOGIN = b"a LOGIN alice@example.org secret\r\n"


class Client:
    """Compresses what it says, and inflates what it hears, while `compresses`."""

    def __init__(self) -> None:
        clients = Clients()
        session = ImapSession(
            clients.settings,
            Peer("192.0.2.1"),
            clients.services,
            has_tls=True,
            can_start_tls=False,
        )
        self.conversation = ImapConversation(session, ImapPatience())
        self.is_closed = False
        self.begin()
        self.compresses = False

    def begin(self) -> None:
        self.compresses = True
        self.deflate = zlib.compressobj(wbits=-15)
        self.inflate = zlib.decompressobj(-15)

    def packed(self, octets: bytes, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
        return self.deflate.compress(octets) + self.deflate.flush(flush)

    async def raw(self, octets: bytes) -> bytes:
        heard = b""
        async for output in self.conversation.receive(octets):
            if isinstance(output, Signal):
                assert output is Signal.CLOSE
                self.is_closed = True
            else:
                heard += output
        return heard

    async def say(self, octets: bytes) -> bytes:
        if not self.compresses:
            return await self.raw(octets)
        return self.inflate.decompress(await self.raw(self.packed(octets)))


async def compressing() -> Client:
    client = Client()
    await client.say(LOGIN)
    assert (await client.say(b"b COMPRESS DEFLATE\r\n")).startswith(b"b OK")
    client.begin()
    return client


async def test_commands_and_responses_are_compressed() -> None:
    client = await compressing()
    assert (await client.say(b"c NOOP\r\n")).startswith(b"c OK")
    told = await client.say(b"d CAPABILITY\r\n")
    assert b"COMPRESS" not in told
    assert told.endswith(b"\r\n")
    assert (await client.say(b"e COMPRESS DEFLATE\r\n")).startswith(b"e BAD [COMPRESSIONACTIVE]")
    assert (await client.say(b"f NOOP\r\n")).startswith(b"f OK")


async def test_octets_may_be_split_anywhere() -> None:
    client = await compressing()
    heard = b""
    for octet in client.packed(b"c NOOP\r\nd NOOP\r\n"):
        heard += client.inflate.decompress(await client.raw(bytes([octet])))
    assert [line[:4] for line in heard.splitlines()] == [b"c OK", b"d OK"]
    assert await client.raw(client.packed(b"e ")) == b""


async def test_what_comes_with_the_command_is_taken_for_compressed() -> None:
    client = Client()
    await client.say(LOGIN)
    heard = await client.raw(b"b COMPRESS DEFLATE\r\n" + client.packed(b"c NOOP\r\n"))
    plain, _, rest = heard.partition(b"\r\n")
    assert plain.startswith(b"b OK")
    assert client.inflate.decompress(rest).startswith(b"c OK")


@pytest.mark.parametrize("how", [zlib.Z_SYNC_FLUSH, zlib.Z_FINISH])
async def test_unauthenticate_ends_it_and_plain_commands_may_follow_at_once(how: int) -> None:
    client = await compressing()
    octets = client.packed(b"c UNAUTHENTICATE\r\n", how) + LOGIN + b"d NOOP\r\n"
    for cut in (len(octets), *range(1, len(octets))):
        other = await compressing()
        heard = await other.raw(octets[:cut])
        if cut < len(octets):
            heard += await other.raw(octets[cut:])
        packed, mark, plain = heard.partition(b"\0\0\xff\xff")
        assert other.inflate.decompress(packed + mark).startswith(b"c OK")
        assert [line[:4] for line in plain.splitlines()] == [b"a OK", b"d OK"]


async def test_who_goes_on_compressing_after_unauthenticate_is_cut_off() -> None:
    client = await compressing()
    heard = await client.raw(client.packed(b"c UNAUTHENTICATE\r\nd NOOP\r\n"))
    assert client.inflate.decompress(heard[: heard.index(b"\0\0\xff\xff") + 4]).startswith(b"c OK")
    other = await compressing()
    await other.raw(other.deflate.compress(b"c UNAUTHENTICATE\r\n") + other.deflate.flush(1))
    heard = await other.raw(other.packed(b"d NOOP\r\n"))
    assert heard.startswith(b"* BYE")
    assert other.is_closed


async def test_a_farewell_is_compressed_too() -> None:
    client = await compressing()
    assert client.inflate.decompress(client.conversation.timed_out()).startswith(b"* BYE")


async def test_what_is_said_meanwhile_is_compressed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    client = await compressing()
    said = Status(Condition.OK, "wait", b'INPROGRESS ("c" NIL NIL)')
    monkeypatch.setattr(ImapSession, "still_working", lambda self: said)
    heard = client.inflate.decompress(client.conversation.still_working())
    assert heard == b'* OK [INPROGRESS ("c" NIL NIL)] wait\r\n'
    assert (await client.say(b"d NOOP\r\n")).startswith(b"d OK")


async def test_what_is_no_deflate_stream_ends_the_connection() -> None:
    client = await compressing()
    heard = client.inflate.decompress(await client.raw(b"c NOOP\r\n\xff\xff"))
    assert heard.startswith(b"* BYE")
    assert client.is_closed


async def test_an_end_of_the_stream_is_the_end() -> None:
    client = await compressing()
    heard = await client.raw(client.packed(b"c NOOP\r\n", zlib.Z_FINISH))
    assert client.inflate.decompress(heard).startswith(b"c OK")
    assert client.inflate.decompress(await client.raw(b"d NOOP\r\n")).startswith(b"* BYE")
    assert client.is_closed


async def test_a_bomb_meets_the_limits_of_a_line() -> None:
    client = await compressing()
    heard = client.inflate.decompress(await client.raw(client.packed(b"x" * 10_000_000)))
    assert heard.startswith(b"* BYE [TOOBIG]")
    assert client.is_closed


def test_pieces_are_bounded() -> None:
    compression = Compression()
    deflate = zlib.compressobj(wbits=-15)
    bomb = deflate.compress(b"\0" * 50_000_000) + deflate.flush(zlib.Z_SYNC_FLUSH)
    sizes = [len(piece) for piece in compression.inflated(bomb)]
    assert max(sizes) == 65_536
    assert sum(sizes) == 50_000_000


@given(st.binary(max_size=200), st.integers(1, 20))
def test_whatever_comes(octets: bytes, step: int) -> None:
    compression = Compression()
    try:
        for start in range(0, len(octets), step):
            for _ in compression.inflated(octets[start : start + step]):
                pass
    except Garbled:
        pass


@given(st.lists(st.binary(max_size=2000), max_size=10), st.integers(1, 3000))
def test_there_and_back(said: list[bytes], step: int) -> None:
    here, there = Compression(), Compression()
    octets = b"".join(b"".join(here.deflated(each)) + here.flush() for each in said)
    heard = b""
    for start in range(0, len(octets), step):
        heard += b"".join(there.inflated(octets[start : start + step]))
    assert heard == b"".join(said)


def test_a_running_server_sorts_and_compresses(shared_server: RunningServer) -> None:
    """The new items of the rows, and a stream, as the real stores and sockets have them."""
    with imap(shared_server, ALICE) as client:
        assert client.do(b"CREATE sorted").startswith(b"t OK")
        appended = b""
        for number, subject in enumerate((b"B", b"Re: A", b"A")):
            text = (
                b"From: Zoe <a%d@example.org>\r\nSubject: %b\r\nMessage-ID: <%d@x>\r\n"
                b"References: <%d@x>\r\n\r\nText %d\r\n"
            ) % (number, subject, number, number + 1, number)
            appended += b" {%d+}\r\n%b" % (len(text), text)
        assert b" 1:3] " in client.do(b"APPEND sorted" + appended)
        assert client.do(b"SELECT sorted").startswith(b"t OK")
        for command, answer in (
            (b"SORT (SUBJECT) UTF-8 ALL", b"* SORT 2 3 1\r\n"),
            (b"SORT (REVERSE DISPLAYFROM REVERSE FROM) UTF-8 ALL", b"* SORT 3 2 1\r\n"),
            (b"SORT (CC TO SIZE DATE ARRIVAL) UTF-8 1:1", b"* SORT 1\r\n"),
            (b"THREAD REFERENCES UTF-8 ALL", b"* THREAD (3 2 1)\r\n"),
            (b"THREAD ORDEREDSUBJECT UTF-8 ALL", b"* THREAD (1)(2 3)\r\n"),
            (b"FETCH 1 PREVIEW", b'* 1 FETCH (PREVIEW "Text 0")\r\n'),
            (b"SEARCH YOUNGER 3600 SAVEDSINCE 1-Jan-2020", b"* SEARCH 1 2 3\r\n"),
            (b"SEARCH OLDER 3600", b"* SEARCH\r\n"),
        ):
            client.send(b"t " + command + b"\r\n")
            assert client.until(b"t ")[:-1] == [answer], command
        client.send(b"t UID FETCH 1 SAVEDATE\r\n")
        assert b" SAVEDATE " in client.until(b"t OK")[0]
        assert client.do(b"STATUS sorted (DELETED-STORAGE)").startswith(b"t OK")
        assert client.do(b"GETQUOTAROOT sorted").startswith(b"t OK")
        assert client.do(b"COMPRESS DEFLATE").startswith(b"t OK")
        deflate, inflate = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)
        client.send(deflate.compress(b"t FETCH 1:3 BODY[]\r\nu LOGOUT\r\n"))
        client.send(deflate.flush(zlib.Z_SYNC_FLUSH))
        lines = inflate.decompress(client.rest()).splitlines()
        assert sum(line.startswith(b"Text ") for line in lines) == 3
        assert lines[-1].startswith(b"u OK")
