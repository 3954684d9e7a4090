"""Commands as RFC 5321 section 4.1 and the extensions write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.base.secret import Secret
from postroad.wire.errors import BadSyntax
from postroad.wire.smtp.commands import (
    Auth,
    BadCommand,
    Bdat,
    Command,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Mail,
    Noop,
    Parameter,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
    decode_xtext,
    parse_command,
)
from postroad.wire.smtp.paths import Mailbox

A = Mailbox("a", "example.com")

GOOD: list[tuple[bytes, Command]] = [
    (b"HELO bar.com", Helo("bar.com")),
    (b"ehlo [192.0.2.1] ", Ehlo("[192.0.2.1]")),
    (b"EHLO my_pc", Ehlo("my_pc")),
    (b"MAIL FROM:<a@example.com>", Mail(A)),
    (b"mail from:<a@example.com>", Mail(A)),
    (b"MAIL FROM: <a@example.com>", Mail(A)),
    (b"MAIL FROM:<>", Mail(None)),
    (
        b"MAIL FROM:<> SIZE=10 body=8BITMIME",
        Mail(None, (Parameter("SIZE", "10"), Parameter("BODY", "8BITMIME"))),
    ),
    (
        "MAIL FROM:<é@example.com> SMTPUTF8".encode(),
        Mail(Mailbox("é", "example.com"), (Parameter("SMTPUTF8"),)),
    ),
    (b"RCPT TO:<a@example.com>", Rcpt(A)),
    (b"RCPT TO:<Postmaster>", Rcpt(Mailbox("Postmaster", ""))),
    (b"RCPT TO:<@x.example,@y.example:a@example.com>", Rcpt(A)),
    (b"DATA", Data()),
    (b"DATA  ", Data()),
    (b"BDAT 0 LAST", Bdat(0, True)),
    (b"bdat 86 last", Bdat(86, True)),
    (b"BDAT 100000", Bdat(100000, False)),
    (b"RSET", Rset()),
    (b"NOOP", Noop()),
    (b"NOOP whatever", Noop()),
    (b"QUIT", Quit()),
    (b"VRFY a b", Vrfy("a b")),
    (b"EXPN l", Expn("l")),
    (b"HELP", Help()),
    (b"HELP mail", Help("MAIL")),
    (b"AUTH plain", Auth("PLAIN")),
    (b"AUTH PLAIN AGEAYg==", Auth("PLAIN", Secret("AGEAYg=="))),
    (b"AUTH PLAIN =", Auth("PLAIN", Secret("="))),
    (b"STARTTLS", StartTls()),
]

BAD = [
    (b"", 500, "5.5.2"),
    (b" NOOP", 500, "5.5.2"),
    (b"NOOP\tx", 500, "5.5.2"),
    (b"TURN", 500, "5.5.2"),
    (b"\xff\xff", 500, "5.5.2"),
    (b"NOOP \xff", 501, "5.5.2"),
    (b"NOOP \x00", 501, "5.5.2"),
    (b"NOOP\r\x00", 500, "5.5.2"),
    (b"NOOP a\nRSET", 501, "5.5.2"),
    (b"HELO", 501, "5.5.4"),
    (b"EHLO a b", 501, "5.5.4"),
    ("EHLO é".encode(), 501, "5.5.4"),
    (b"MAIL", 501, "5.5.4"),
    (b"MAIL TO:<a@example.com>", 501, "5.5.4"),
    (b"MAIL FROM:a@example.com", 501, "5.1.7"),
    (b"MAIL FROM:<a>", 501, "5.1.7"),
    (b"MAIL FROM:<Postmaster>", 501, "5.1.7"),
    (b"MAIL FROM:<a@example.com", 501, "5.1.7"),
    (b"MAIL FROM:<a@example.com>SIZE=1", 501, "5.5.4"),
    (b"MAIL FROM:<a@example.com> SIZE=1 SIZE=1", 501, "5.5.4"),
    (b"MAIL FROM:<a@example.com> =1", 501, "5.5.4"),
    (b"MAIL FROM:<a@example.com> A=b=c", 501, "5.5.4"),
    (b"MAIL FROM:<a@example.com>" + b" x" * 33, 501, "5.5.4"),
    ("MAIL FROM:<é@example.com>".encode(), 553, "5.6.7"),
    ("MAIL FROM:<é@example.com> XSMTPUTF8=1 SMTPUTF8=1".encode(), 553, "5.6.7"),
    (b"RCPT TO:<>", 501, "5.1.3"),
    (b"RCPT TO:<a@b@c>", 501, "5.1.3"),
    ("RCPT TO:<é@example.com>".encode(), 553, "5.6.7"),
    (b"DATA x", 501, "5.5.4"),
    (b"BDAT", 501, "5.5.4"),
    (b"BDAT -1", 501, "5.5.4"),
    (b"BDAT 1 FIRST", 501, "5.5.4"),
    ("BDAT \u0661".encode(), 501, "5.5.4"),  # an Arabic digit
    (b"BDAT 99999999999999", 501, "5.5.4"),
    (b"RSET x", 501, "5.5.4"),
    (b"QUIT x", 501, "5.5.4"),
    (b"VRFY", 501, "5.5.4"),
    (b"EXPN", 501, "5.5.4"),
    (b"AUTH", 501, "5.5.4"),
    (b"AUTH PLAIN a b", 501, "5.5.4"),
]


@pytest.mark.parametrize(("line", "command"), GOOD)
def test_a_command_is_read(line: bytes, command: Command) -> None:
    assert parse_command(line) == command


@pytest.mark.parametrize(("line", "code", "enhanced"), BAD)
def test_a_bad_command_has_its_reply(line: bytes, code: int, enhanced: str) -> None:
    with pytest.raises(BadCommand) as caught:
        parse_command(line)
    assert (caught.value.reply.code, caught.value.reply.enhanced) == (code, enhanced)


def test_rcpt_takes_utf8_when_the_transaction_asked_for_it() -> None:
    command = parse_command("RCPT TO:<é@bücher.example>".encode(), utf8=True)
    assert command == Rcpt(Mailbox("é", "bücher.example"))


def test_a_password_does_not_show() -> None:
    assert "AGEAYg" not in repr(parse_command(b"AUTH PLAIN AGEAYg=="))


@pytest.mark.parametrize(("text", "value"), [("a+3Db", "a=b"), ("+C3+A9", "é"), ("", "")])
def test_xtext_is_decoded(text: str, value: str) -> None:
    assert decode_xtext(text) == value


@pytest.mark.parametrize("text", ["a=b", "a+b", "+3d", "+FF", "é", "a b"])
def test_what_is_no_xtext_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        decode_xtext(text)


VERBS = st.sampled_from([b"MAIL FROM:<", b"RCPT TO:<", b"BDAT ", b"AUTH ", b"EHLO ", b""])
TOKENS = st.lists(
    st.sampled_from(
        [b"a", b"@", b".", b"<", b">", b'"', b"\\", b"[", b"]", b":", b",", b" ", b"="]
    )
    | st.binary(max_size=3),
    max_size=30,
).map(b"".join)


@given(VERBS, TOKENS, st.booleans())
def test_whatever_comes_only_bad_command_is_raised(verb: bytes, rest: bytes, utf8: bool) -> None:
    try:
        parse_command(verb + rest, utf8=utf8)
    except BadCommand as error:
        code = error.reply.code
    else:
        code = 500
    assert code in (500, 501, 553)
