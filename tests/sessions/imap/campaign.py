"""Every command as it should be, and then with each of its arguments spoilt in many ways."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from postroad.sessions.imap.commands import FEATURES

EXAMPLES: dict[bytes, tuple[bytes, ...]] = {
    b"CAPABILITY": (b"",),
    b"LOGIN": (b'alice@example.org "secret"',),
    b"AUTHENTICATE": (b"PLAIN AGFsaWNlAHNlY3JldA==",),
    b"STARTTLS": (b"",),
    b"APPEND": (
        b'INBOX (\\Seen) "17-Jul-1996 02:44:25 -0700" {9+}\r\na: b\r\n\r\nc',
        b"INBOX (\\Seen $a) ~{9+}\r\na: b\r\n\r\nc (\\Draft) {9+}\r\na: b\r\n\r\nd",
        b'INBOX CATENATE (URL "/INBOX/;UID=1" TEXT {3+}\r\nabc)',
    ),
    b"REPLACE": (b"1 INBOX (\\Seen) {9+}\r\na: b\r\n\r\nc",),
    b"UID REPLACE": (b"1 INBOX {9+}\r\na: b\r\n\r\nc",),
    b"ID": (b'("name" "x" "version" NIL)', b"NIL"),
    b"NOOP": (b"",),
    b"CHECK": (b"",),
    b"LOGOUT": (b"",),
    b"UNAUTHENTICATE": (b"",),
    b"COMPRESS": (b"DEFLATE",),
    b"ENABLE": (b"CONDSTORE QRESYNC UTF8=ACCEPT",),
    b"NAMESPACE": (b"",),
    b"GETACL": (b"INBOX",),
    b"SETACL": (b"INBOX bob@example.org +lrs",),
    b"DELETEACL": (b"INBOX bob@example.org",),
    b"LISTRIGHTS": (b"INBOX bob@example.org",),
    b"MYRIGHTS": (b"INBOX",),
    b"GETQUOTA": (b'"a"',),
    b"GETQUOTAROOT": (b"INBOX",),
    b"SETQUOTA": (b'"" (STORAGE 512)',),
    b"GENURLAUTH": (b'"imap://a@b.test/INBOX/;uid=1;urlauth=authuser" INTERNAL',),
    b"RESETKEY": (b"",),
    b"URLFETCH": (b"x", b"x (y BODY) (z BINARY BODYPARTSTRUCTURE)"),
    b"GETMETADATA": (b"INBOX (/private/comment /shared/comment)", b"(MAXSIZE 9) INBOX /shared"),
    b"SETMETADATA": (b'INBOX (/private/comment "x")',),
    b"NOTIFY": (
        b"NONE",
        b"SET STATUS (selected (MessageNew (UID BODY[TEXT]) MessageExpunge))"
        b" (subtree (a b) (MailboxName)) (personal NONE)",
    ),
    b"ESEARCH": (b"IN (mailboxes Old subtree (a b) personal) RETURN (MIN COUNT) SUBJECT x",),
    b"COMPARATOR": (b"", b'default "i;*"'),
    b"LANGUAGE": (b"", b'de-IT "fr"'),
    b"CANCELUPDATE": (b'"x" "y"',),
    b"LIST": (
        b'"" *',
        b'(SUBSCRIBED RECURSIVEMATCH) "" (% "a/%") RETURN (CHILDREN STATUS (MESSAGES SIZE))',
    ),
    b"LSUB": (b'"" *',),
    b"STATUS": (b"INBOX (MESSAGES UIDNEXT HIGHESTMODSEQ)",),
    b"CREATE": (b"New/Deep (USE (\\Junk))",),
    b"DELETE": (b"Old",),
    b"RENAME": (b"Old Newer",),
    b"SUBSCRIBE": (b"INBOX",),
    b"UNSUBSCRIBE": (b"INBOX",),
    b"SELECT": (b"INBOX (CONDSTORE)", b"INBOX (QRESYNC (67890007 20050715 41:211 (1,2 5,6)))"),
    b"EXAMINE": (b"INBOX",),
    b"CLOSE": (b"",),
    b"UNSELECT": (b"",),
    b"IDLE": (b"",),
    b"FETCH": (
        b"1:2 (FLAGS BODY.PEEK[1.HEADER.FIELDS (A B)]<0.9> BINARY.SIZE[1] PREVIEW (LAZY))",
        b"1:2 ALL (CHANGEDSINCE 12)",
        b"1:2 BODY[]",
    ),
    b"UID FETCH": (b"1:2 (BINARY.PEEK[1] ENVELOPE) (PARTIAL -1:-50 CHANGEDSINCE 1)",),
    b"SEARCH": (
        b'RETURN (MIN MAX COUNT) CHARSET UTF-8 OR (1:2 FROM "x") NOT SINCE 1-Feb-1994',
        b'UID 1:2 HEADER Subject "y" MODSEQ "/flags/\\\\draft" all 7 LARGER 9 YOUNGER 3',
    ),
    b"UID SEARCH": (b'RETURN (PARTIAL 1:500) BODY "hello" KEYWORD $a',),
    b"SORT": (b'RETURN (ALL) (REVERSE DATE SUBJECT) UTF-8 TEXT "x"',),
    b"UID SORT": (b"(DISPLAYFROM ARRIVAL) US-ASCII ALL",),
    b"THREAD": (b"REFERENCES UTF-8 ALL",),
    b"UID THREAD": (b"ORDEREDSUBJECT UTF-8 1:2",),
    b"STORE": (b"1:2 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen $a)", b"1:2 FLAGS \\Seen"),
    b"UID STORE": (b"1:2 -FLAGS (\\Seen)",),
    b"COPY": (b"1:2 Old",),
    b"UID COPY": (b"1:2 Old",),
    b"MOVE": (b"1:2 Old",),
    b"UID MOVE": (b"1:2 Old",),
    b"EXPUNGE": (b"",),
    b"UID EXPUNGE": (b"1:2",),
}
"""Arguments that are understood; `1:2` stands only where a set of messages is meant."""

_PIECE = re.compile(rb'"(?:[^"\\]|\\.)*"|~?\{\d+\+\}\r\n|[^\s()"]+|[()]| ')
_STRANGE = (
    b'""', b"NIL", b"*", b"%", b"&", b"&AAAA", b"&AAAA-", b"[", b"]", b"<", b"BODY[", b"$", b"+",
    b"0", b"-1", b"4294967295", b"4294967296", b"9" * 40, b"1:4294967295", b"*:*", b"*:1",
    b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"1.5",
    b"\xff\xfe", b"\xc3\xa9", b'"\xc3\xa9"', b"x" * 5_000, b'"' + b"y" * 60_000 + b'"',
    b"z/" * 2_000, b"()", b"((()))", b"(" * 3_000 + b")" * 3_000, b"\\Recent", b"\\*", b"\\",
    b"31-Feb-2024", b'"99-Foo-2024 25:61:61 +9999"', b"{5+}\r\nhello", b"{0+}\r\n",
    b"~{3+}\r\na\0b", b"{5+}\r\n\0\0\0\0\0", b"../../etc/passwd", b"INBOX//x", b"/", b"//",
    b"INBOX/",
)  # fmt: skip
_WRONG = (
    b'"open',
    b'"\\x"',
    b"(",
    b")",
    b"a\0b",
    b'"a\0b"',
    b'"a\rb"',
    b"a\rb",
    b"{3",
    b"{x}",
    b"{-1}",
)
_WRONG_SETS = (
    b"0",
    b"4294967296",
    b"1:0",
    b",1",
    b"1,",
    b"1:2:3",
    b"1:-1",
    b"a",
    b"1 :2",
    b"*,",
    b":",
)
_HUGE_SETS = (
    b"1:4294967295", b"*:*", b"*:1", b"4294967295", b",".join([b"1:*"] * 10_000),
    b",".join(b"%d" % number for number in range(1, 11_000)), b",".join([b"*"] * 30_000),
    b",".join(b"%d:%d" % (4_294_967_295 - number, number + 1) for number in range(3_000)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attempt:
    """A command without its tag; `must_fail` says that OK would be wrong."""

    command: bytes
    must_fail: bool = False


def attempts(name: bytes) -> Iterator[Attempt]:
    for example in EXAMPLES[name]:
        yield Attempt(_joined(name, example))
        yield Attempt(_joined(name, example).lower())
        yield from _at_the_end(name, example)
        yield from _inside(name, example)


def _joined(name: bytes, arguments: bytes) -> bytes:
    return name + b" " + arguments if arguments else name


def _at_the_end(name: bytes, example: bytes) -> Iterator[Attempt]:
    whole = _joined(name, example)
    yield Attempt(name, must_fail=b"" not in EXAMPLES[name])
    yield Attempt(name + b" ", must_fail=True)
    for more in (b" ", b"\0", b'"', b")", b" (", b' "', b"\t", b"\r", b" {4"):
        yield Attempt(whole + more, must_fail=True)
    for more in (b" extra", b" ()", b" " + b"x " * 9_000):
        yield Attempt(whole + more, must_fail=not example)


def _inside(name: bytes, example: bytes) -> Iterator[Attempt]:
    """Each piece left out, doubled, and replaced."""
    head = b"" if b"\r\n" not in example else example
    pieces = _PIECE.findall(example) if not head else _PIECE.findall(head.partition(b"{")[0])
    rest = example[len(b"".join(pieces)) :]
    for at, piece in enumerate(pieces):
        before, behind = b"".join(pieces[:at]), b"".join(pieces[at + 1 :]) + rest

        def made(new: bytes, before: bytes = before, behind: bytes = behind) -> bytes:
            return _joined(name, before + new + behind)

        yield Attempt(made(b""))
        yield Attempt(made(piece + piece), must_fail=piece == b" ")
        if piece in (b" ", b"(", b")"):
            continue
        yield Attempt(made(piece + b" " + piece))
        for new in _STRANGE:
            yield Attempt(made(new))
        for new in _WRONG:
            yield Attempt(made(new), must_fail=True)
        if piece == b"1:2":
            for new in _WRONG_SETS:
                yield Attempt(made(new), must_fail=True)
            for new in _HUGE_SETS:
                yield Attempt(made(new))


def every() -> Iterator[Attempt]:
    for feature in FEATURES:
        yield from attempts(feature.name)
