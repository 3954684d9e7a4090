"""SMTP commands as values, and how they are read (RFC 5321 section 4.1)."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from postroad.base.secret import Secret
from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.smtp.paths import Mailbox, parse_path
from postroad.wire.smtp.replies import Reply

MAX_CHUNK = 1 << 40
"""The greatest BDAT size that is a number and not an attack."""
_MAX_PARAMETERS = 32

_VERB = re.compile(rb"([A-Za-z]{1,16})(?: (.*))?\Z", re.DOTALL)
_FROM = re.compile(r"FROM: *", re.IGNORECASE)
_TO = re.compile(r"TO: *", re.IGNORECASE)
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9\-]*)(?:=([!-<>-~\u00a1-\U0010ffff]+))?\Z")
_BDAT = re.compile(r"(\d{1,20})(?: +(LAST))?\Z", re.IGNORECASE | re.ASCII)
_AUTH = re.compile(r"([A-Za-z0-9_\-]{1,20})(?: +(\S+))?\Z", re.ASCII)
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*\Z")
_HEX = re.compile(r"\+([0-9A-F]{2})")


class BadCommand(WireError):
    """A command that is not understood, with the reply that RFC 5321 has for it."""

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        super().__init__(text)
        self.reply = Reply(code, enhanced, text)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A MAIL or RCPT parameter; the keyword in capitals, the value None when there is no ``=``."""

    keyword: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Helo:
    name: str


@dataclass(frozen=True, slots=True)
class Ehlo:
    name: str


@dataclass(frozen=True, slots=True)
class Mail:
    reverse_path: Mailbox | None  # None is <>
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Rcpt:
    forward_path: Mailbox
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Data:
    pass


@dataclass(frozen=True, slots=True)
class Bdat:
    octets: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class Rset:
    pass


@dataclass(frozen=True, slots=True)
class Noop:
    pass


@dataclass(frozen=True, slots=True)
class Quit:
    pass


@dataclass(frozen=True, slots=True)
class Vrfy:
    text: str


@dataclass(frozen=True, slots=True)
class Expn:
    text: str


@dataclass(frozen=True, slots=True)
class Help:
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Auth:
    mechanism: str  # in capitals
    initial_response: Secret | None = None  # still in base64; "=" stands for an empty one


@dataclass(frozen=True, slots=True)
class StartTls:
    pass


Command = (
    Helo
    | Ehlo
    | Mail
    | Rcpt
    | Data
    | Bdat
    | Rset
    | Noop
    | Quit
    | Vrfy
    | Expn
    | Help
    | Auth
    | StartTls
)


def parse_command(line: bytes, *, utf8: bool = False) -> Command:
    """Read one line without its CRLF.

    `utf8` says that the open transaction asked for SMTPUTF8, so that a RCPT may use it; a MAIL
    says so itself (RFC 6531 section 3.4). Raises `BadCommand`, and nothing else.
    """
    match = _VERB.match(line)
    parser = _PARSERS.get(match[1].upper()) if match else None
    if match is None or parser is None:
        raise BadCommand(500, "5.5.2", "Command not recognized")
    return parser(_text(match[2] or b""), utf8)


def decode_xtext(text: str) -> str:
    """What an xtext means (RFC 3461 section 4). Raises `BadSyntax`."""
    if not _XTEXT.match(text):
        raise BadSyntax("xtext", 0)
    octets = _HEX.sub(lambda found: chr(int(found[1], 16)), text).encode("latin-1")
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise BadSyntax("xtext of UTF-8", error.start) from error


def _text(octets: bytes) -> str:
    """The argument of a command, without spaces at its ends."""
    try:
        text = octets.decode().strip(" ")
    except UnicodeDecodeError as error:
        raise BadCommand(501, "5.5.2", "The command is not valid UTF-8") from error
    if not text.isprintable():
        raise BadCommand(501, "5.5.2", "Control characters are not allowed in a command")
    return text


def _greeting(text: str) -> str:
    """The name a client gives itself.

    Interop: many give no domain name, so anything of printable ASCII without spaces is taken.
    """
    if not text or " " in text or not text.isascii() or len(text) > 255:
        raise BadCommand(501, "5.5.4", "A domain name or an address literal is needed")
    return text


def _helo(text: str, utf8: bool) -> Helo:
    return Helo(_greeting(text))


def _ehlo(text: str, utf8: bool) -> Ehlo:
    return Ehlo(_greeting(text))


def _mail(text: str, utf8: bool) -> Mail:
    """Interop: a space behind the colon is taken, as many programs send it."""
    prefix = _FROM.match(text)
    if prefix is None:
        raise BadCommand(501, "5.5.4", "Syntax: MAIL FROM:<address>")
    # A quoted local part cannot fake this: the path must still end where the parameters begin.
    asked = " SMTPUTF8" in text.upper()
    path, rest = _path(text[prefix.end() :], "5.1.7", utf8=asked)
    if path is not None and not path.domain:
        raise BadCommand(501, "5.1.7", "The sender address needs a domain")
    parameters = _parameters(rest)
    if path is not None and not path.is_ascii and Parameter("SMTPUTF8") not in parameters:
        raise BadCommand(553, "5.6.7", "Non-ASCII addresses need SMTPUTF8")
    return Mail(path, parameters)


def _rcpt(text: str, utf8: bool) -> Rcpt:
    prefix = _TO.match(text)
    if prefix is None:
        raise BadCommand(501, "5.5.4", "Syntax: RCPT TO:<address>")
    path, rest = _path(text[prefix.end() :], "5.1.3", utf8=utf8)
    if path is None:
        raise BadCommand(501, "5.1.3", "The recipient address is empty")
    return Rcpt(path, _parameters(rest))


def _path(text: str, enhanced: str, *, utf8: bool) -> tuple[Mailbox | None, str]:
    try:
        return parse_path(text, utf8=utf8)
    except BadSyntax as error:
        if not utf8 and not text.isascii():
            raise BadCommand(553, "5.6.7", "Non-ASCII addresses need SMTPUTF8") from error
        raise BadCommand(501, enhanced, f"Bad address: expected {error.expected}") from error


def _parameters(text: str) -> tuple[Parameter, ...]:
    if not text:
        return ()
    if not text.startswith(" "):
        raise BadCommand(501, "5.5.4", "A space is needed behind the address")
    words = text.split()
    if len(words) > _MAX_PARAMETERS:
        raise BadCommand(501, "5.5.4", "Too many parameters")
    found: dict[str, Parameter] = {}
    for word in words:
        match = _PARAMETER.match(word)
        if match is None:
            raise BadCommand(501, "5.5.4", f"Bad parameter: {word[:80]}")
        keyword = match[1].upper()
        if keyword in found:
            raise BadCommand(501, "5.5.4", f"{keyword} is given twice")
        found[keyword] = Parameter(keyword, match[2])
    return tuple(found.values())


def _bdat(text: str, utf8: bool) -> Bdat:
    match = _BDAT.match(text)
    if match is None or int(match[1]) > MAX_CHUNK:
        raise BadCommand(501, "5.5.4", "Syntax: BDAT octets [LAST]")
    return Bdat(int(match[1]), match[2] is not None)


def _auth(text: str, utf8: bool) -> Auth:
    match = _AUTH.match(text)
    if match is None:
        raise BadCommand(501, "5.5.4", "Syntax: AUTH mechanism [initial-response]")
    return Auth(match[1].upper(), Secret(match[2]) if match[2] else None)


def _vrfy(text: str, utf8: bool) -> Vrfy:
    if not text:
        raise BadCommand(501, "5.5.4", "Syntax: VRFY name")
    return Vrfy(text)


def _expn(text: str, utf8: bool) -> Expn:
    if not text:
        raise BadCommand(501, "5.5.4", "Syntax: EXPN list")
    return Expn(text)


def _noop(text: str, utf8: bool) -> Noop:
    return Noop()


def _help(text: str, utf8: bool) -> Help:
    return Help(text.upper())


def _alone(verb: str, command: Command) -> Callable[[str, bool], Command]:
    """A parser for a command that takes no argument."""

    def parse(text: str, utf8: bool) -> Command:
        if text:
            raise BadCommand(501, "5.5.4", f"{verb} takes no argument")
        return command

    return parse


_PARSERS: dict[bytes, Callable[[str, bool], Command]] = {
    b"HELO": _helo,
    b"EHLO": _ehlo,
    b"MAIL": _mail,
    b"RCPT": _rcpt,
    b"DATA": _alone("DATA", Data()),
    b"BDAT": _bdat,
    b"RSET": _alone("RSET", Rset()),
    b"NOOP": _noop,
    b"QUIT": _alone("QUIT", Quit()),
    b"VRFY": _vrfy,
    b"EXPN": _expn,
    b"HELP": _help,
    b"AUTH": _auth,
    b"STARTTLS": _alone("STARTTLS", StartTls()),
}
