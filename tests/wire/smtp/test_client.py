"""What the client writes is what the server reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax
from postroad.wire.smtp import client
from postroad.wire.smtp.commands import Auth, Bdat, Ehlo, Mail, Parameter, Rcpt, parse_command
from postroad.wire.smtp.framing import DataReceiver
from postroad.wire.smtp.lineends import LineEndMender
from postroad.wire.smtp.paths import Mailbox


def test_commands_go_there_and_back() -> None:
    def read(octets: bytes) -> object:
        assert octets.endswith(b"\r\n")
        return parse_command(octets[:-2])

    size = Parameter("SIZE", "10")
    assert read(client.hello("EHLO", "mx.example.org")) == Ehlo("mx.example.org")
    assert read(client.mail("")) == Mail(None)
    assert read(client.mail('"a b"@c', size)) == Mail(Mailbox("a b", "c"), (size,))
    assert read(client.rcpt("a@b")) == Rcpt(Mailbox("a", "b"))
    assert read(client.bdat(5, is_last=False)) == Bdat(5, False)
    assert read(client.bdat(5, is_last=True)) == Bdat(5, True)
    assert read(client.auth("LOGIN")) == Auth("LOGIN")
    assert client.auth("PLAIN", b"") == b"AUTH PLAIN =\r\n"


@pytest.mark.parametrize("path", ["a@b>\r\nRCPT TO:<c@d", "a@b\r\n", "a b@c", "a@b> X=1", "é@b"])
def test_an_address_cannot_become_a_command(path: str) -> None:
    with pytest.raises(BadSyntax):
        client.rcpt(path)
    with pytest.raises(BadSyntax):
        client.mail(path)


@pytest.mark.parametrize("name", ["", "a b", "a\r\nRSET", "é"])
def test_our_name_is_one_word(name: str) -> None:
    with pytest.raises(BadSyntax):
        client.hello("EHLO", name)


@given(
    st.lists(
        st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"x"])).map(b"".join),
        max_size=8,
    )
)
def test_dots_go_there_and_back(pieces: list[bytes]) -> None:
    stuffer = client.DotStuffer()
    sent = b"".join([stuffer.update(piece) for piece in pieces]) + stuffer.finish()
    receiver = DataReceiver()
    got, rest = receiver.feed(sent)
    mender = LineEndMender()
    wanted = mender.update(b"".join(pieces)) + mender.finish()
    if wanted and not wanted.endswith(b"\r\n"):
        wanted += b"\r\n"
    assert (got, rest, receiver.is_bare) == (wanted, b"", False)
