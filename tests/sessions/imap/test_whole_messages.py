"""FETCH of messages as they are: small ones are read together, large ones come in chunks."""

from hypothesis import given
from hypothesis import strategies as st

from postroad.sessions.imap.bodies import LARGE, portions
from sessions.imap.clients import Clients

SIZES = [40, LARGE + 7, 50, LARGE - 30, 60, LARGE // 2, LARGE // 2 + 1, 3 * LARGE, 41, 42]


def message(size: int) -> bytes:
    return b"Subject: %07d\r\n\r\n" % size + b"%\0" * ((size - 20) // 2) + b"x" * (size % 2)


async def answer(command: bytes) -> tuple[list[bytes], list[bytes]]:
    """The pieces that are sent, and the messages."""
    clients = Clients()
    await clients.prepare("mailbox INBOX")
    messages = [message(size) for size in SIZES]
    for octets in messages:
        await clients.mail.put(clients.mail.box().mailbox_id, octets)
    await clients.send("1", b"s SELECT INBOX\r\n")
    session = clients.sessions["1"]
    outputs = [output async for output in session.receive(command)]
    return [output.encode() for output in outputs], messages  # type: ignore[union-attr]  # no end


async def test_small_and_large_ones_in_their_order() -> None:
    pieces, messages = await answer(b"a UID FETCH 1:* (BODY.PEEK[])\r\n")
    assert (
        b"".join(pieces)
        == b"".join(
            b"* %d FETCH (UID %d BODY[] {%d}\r\n%b)\r\n" % (n, n, len(octets), octets)
            for n, octets in enumerate(messages, 1)
        )
        + b"a OK Fetched\r\n"
    )
    assert max(map(len, pieces)) < LARGE + 1000


async def test_the_old_name_and_nothing_beside_it() -> None:
    pieces, messages = await answer(b"a FETCH 3,9:10 RFC822\r\n")
    expected = b"".join(
        b"* %d FETCH (FLAGS (\\Recent \\Seen) RFC822 {%d}\r\n%b)\r\n" % (n, len(octets), octets)
        for n, octets in ((n, messages[n - 1]) for n in (3, 9, 10))
    )
    assert b"".join(pieces).startswith(expected)


@given(st.lists(st.integers(0, 2 * LARGE), max_size=50))
def test_portions_are_bounded_and_leave_nothing_out(sizes: list[int]) -> None:
    parts = [sizes[part] for part in portions(sizes)]
    assert [size for part in parts for size in part] == sizes
    assert all(sum(part) <= LARGE or len(part) == 1 for part in parts)
