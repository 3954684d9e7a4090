import email
import email.message
import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.mime.samples import RFC_2049, VECTORS, nonsense
from postroad.formats.mime.scanner import Message, Part, ScanLimits, scan


def shape(part: Part) -> object:
    name = f"{part.content.media_type}/{part.content.subtype}"
    return (name, [shape(child) for child in part.children]) if part.children else name


def bodies(octets: bytes) -> list[bytes]:
    return [
        octets[part.body_start : part.body_end]
        for part in scan(octets).root.walk()
        if not part.children
    ]


def crlf(text: str) -> bytes:
    return text.encode().replace(b"\n", b"\r\n")


def check(octets: bytes, message: Message) -> None:
    """What is true of every tree: parts lie in their parents, in order, and lines are counted."""
    assert message.size == len(octets)
    assert message.root.header_start == 0
    for part in message.root.walk():
        assert part.header_start <= part.body_start <= part.body_end <= len(octets)
        assert part.lines == octets.count(b"\n", part.body_start, part.body_end)
        at = part.body_start
        for child in part.children:
            assert at <= child.header_start
            at = child.body_end
        assert at <= part.body_end
        if part.is_message:
            (child,) = part.children
            assert child.header is not None
            assert (child.header_start, child.body_end) == (part.body_start, part.body_end)


TREES: list[tuple[str, str, object]] = [
    ("empty", "", "text/plain"),
    ("only a header", "Subject: x\n", "text/plain"),
    ("only a body", "\nbody\n", "text/plain"),
    (
        "no boundary parameter",
        "Content-Type: multipart/mixed\n\n--a\n\nx\n--a--\n",
        "multipart/mixed",
    ),
    ("boundary never met", "Content-Type: multipart/mixed; boundary=a\n\nx\n", "multipart/mixed"),
    ("no parts", "Content-Type: multipart/mixed; boundary=a\n\n--a--\n", "multipart/mixed"),
    (
        "one part, no close",
        "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n",
        ("multipart/mixed", ["text/plain"]),
    ),
    (
        "digest",
        "Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: x\n\nx\n--a\n"
        "Content-Type: text/html\n\nx\n--a--\n",
        ("multipart/digest", [("message/rfc822", ["text/plain"]), "text/html"]),
    ),
    (
        "outer boundary closes the inner multipart",
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; "
        "boundary=b\n\n--b\n\nx\n--a\n\ny\n--a--\n",
        ("multipart/mixed", [("multipart/mixed", ["text/plain"]), "text/plain"]),
    ),
    (
        "the outer boundary begins like the inner one",
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; "
        "boundary=ab\n\n--ab\n\nx\n--ab--\n--a\n\ny\n--a--\n",
        ("multipart/mixed", [("multipart/mixed", ["text/plain"]), "text/plain"]),
    ),
    (
        "the inner boundary begins like the outer one",
        "Content-Type: multipart/mixed; boundary=ab\n\n--ab\nContent-Type: multipart/mixed; "
        "boundary=a\n\n--a\n\nx\n--a--\n--ab\n\ny\n--ab--\n",
        ("multipart/mixed", [("multipart/mixed", ["text/plain"]), "text/plain"]),
    ),
    (
        "the same boundary twice",
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/related; "
        "boundary=a\n\n--a\n\nx\n--a--\n--a\n\ny\n--a--\n",
        ("multipart/mixed", [("multipart/related", ["text/plain"]), "text/plain"]),
    ),
    (
        "a message in a message",
        "Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nSubject: x\n\ny\n",
        ("message/rfc822", [("message/rfc822", ["text/plain"])]),
    ),
    (
        "an encoded message stays closed",
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeA==\n",
        "message/rfc822",
    ),
    (
        "message/global",
        "Content-Type: message/global\n\nSubject: x\n\ny\n",
        ("message/global", ["text/plain"]),
    ),
    (
        "the boundary of a multipart is not of the message around it",
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\n"
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n\n--a\n\ny\n--a--\n",
        (
            "multipart/mixed",
            [("message/rfc822", [("multipart/mixed", ["text/plain"])]), "text/plain"],
        ),
    ),
    ("nonsense for a type", "Content-Type: nonsense\n\nx\n", "text/plain"),
]


@pytest.mark.parametrize(
    ("octets", "tree"), [case[1:] for case in TREES], ids=[c[0] for c in TREES]
)
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"], ids=["crlf", "lf"])
def test_trees(octets: str, tree: object, line_end: bytes) -> None:
    message = octets.encode().replace(b"\n", line_end)
    found = scan(message)
    assert shape(found.root) == tree
    check(message, found)


def test_rfc_2049_appendix_a() -> None:
    message = scan(RFC_2049)
    check(RFC_2049, message)
    assert shape(message.root) == (
        "multipart/mixed",
        [
            "text/plain",
            "text/plain",
            ("multipart/parallel", ["audio/basic", "image/jpeg"]),
            "text/enriched",
            ("message/rfc822", ["text/plain"]),
        ],
    )
    assert bodies(RFC_2049)[0] == b"  ... Some text appears here ..."


BODIES = [
    ("Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a\n\n--a--\nepilogue", [b"x", b""]),
    ("Content-Type: multipart/mixed; boundary=a\n\n--a \t\n\nx\n\n--a--", [b"x\r\n"]),
    (
        "Content-Type: multipart/mixed; boundary=a\n\n--a\n\n--ax\n--a x\n --a\n--a--",
        [b"--ax\r\n--a x\r\n --a"],
    ),
    ("Content-Type: multipart/mixed; boundary=a\n\n--a\nX: y\n--a\n\nz", [b"", b"z"]),
    ('Content-Type: multipart/mixed; boundary="a--"\n\n--a--\n\nx\n--a----\n', [b"x"]),
    ('Content-Type: multipart/mixed; boundary="a b "\n\n--a b\n\nx\n--a b--\n', [b"x"]),
    ("Content-Type: multipart/mixed; boundary=a\n\npre\n--a\n\nx\n--a--\n--a\n\ny\n", [b"x"]),
]


@pytest.mark.parametrize(("octets", "expected"), BODIES)
def test_bodies(octets: str, expected: list[bytes]) -> None:
    assert bodies(crlf(octets)) == expected


def test_a_part_without_an_empty_line_has_a_header_and_no_body() -> None:
    octets = crlf(
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/html\n--a--\n"
    )
    (part,) = scan(octets).root.children
    assert part.content.subtype == "html"
    assert octets[part.header_start : part.body_start] == b"Content-Type: text/html\r\n"
    assert part.size == 0


def nested(depth: int) -> bytes:
    pieces = []
    for level in range(depth):
        pieces.append(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        )
    return b"".join(pieces) + b"\r\nx\r\n"


def prefixes(count: int) -> bytes:
    """Each boundary is the beginning of the next one."""
    pieces = []
    for level in range(count):
        name = b"a" * (level + 1)
        pieces.append(b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n" % (name, name))
    lines = b"".join(b"--%b!\r\n" % (b"a" * (n % 250)) for n in range(count * 20))
    return b"".join(pieces) + b"\r\n" + lines


def messages(depth: int) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * depth


def unterminated(count: int) -> bytes:
    """No part has an empty line, so that each header could last to the end."""
    return b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\nX: y\r\n" * count


HOSTILE: list[Callable[[int], bytes]] = [
    nested,
    prefixes,
    messages,
    unterminated,
    lambda count: unterminated(count).replace(b"\r\n", b"\n"),
    lambda count: b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--\r\n" * count,
    lambda count: b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\n" * count,
    lambda count: b"a" * count * 10,
    lambda count: b"a: b\r\n" * count,
    lambda count: b"Content-Type: text/plain" + b";" * count + b'a="' * count,
]


@pytest.mark.parametrize("make", HOSTILE)
def test_limits_hold_and_ten_times_the_octets_cost_about_ten_times_the_work(
    make: Callable[[int], bytes],
) -> None:
    def cost(octets: bytes) -> float:
        best = 1e9
        for _ in range(3):
            begin = time.process_time()
            message = scan(octets)
            best = min(best, time.process_time() - begin)
        check(octets, message)
        limits = ScanLimits()
        assert sum(1 for _ in message.root.walk()) <= limits.max_parts
        return best

    small, large = cost(make(1_000)), cost(make(10_000))
    assert large < 40 * small + 0.2


def test_a_part_beyond_the_depth_is_opaque() -> None:
    message = scan(nested(200), ScanLimits(max_depth=5))
    assert len(list(message.root.walk())) == 6
    assert not list(message.root.walk())[-1].children


def test_parts_beyond_the_limit_are_not_taken_apart() -> None:
    octets = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\nx\r\n" * 50
    message = scan(octets, ScanLimits(max_parts=10))
    check(octets, message)
    assert len(message.root.children) == 9


def test_a_header_beyond_the_limit_is_not_read_but_is_a_header() -> None:
    octets = b"A: b\r\n" * 100 + b"Content-Type: text/html\r\n\r\nbody"
    message = scan(octets, ScanLimits(max_header_octets=300))
    assert message.root.content.subtype == "plain"
    assert octets[message.root.body_start :] == b"body"


@given(st.binary(max_size=300))
def test_any_octets_have_a_tree(octets: bytes) -> None:
    check(octets, scan(octets))


@given(st.integers(0, 2**32))
def test_any_order_of_lines_has_a_tree(seed: int) -> None:
    octets = nonsense(seed)
    check(octets, scan(octets))


def test_a_mapped_file_has_the_same_tree(tmp_path: Path) -> None:
    path = tmp_path / "message"
    for octets in (RFC_2049, nonsense(1), nonsense(2), nonsense(3)):
        path.write_bytes(octets)
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        ):
            assert shape(scan(mapped).root) == shape(scan(octets).root)
            check(octets, scan(mapped))


def vectors() -> list[Path]:
    if not VECTORS.is_dir():
        return []
    folders = (VECTORS / "mime-cpython" / "data", VECTORS / "bounces")
    return sorted(path for folder in folders for path in folder.glob("*.txt"))


def with_crlf(path: Path) -> bytes:
    return path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@pytest.mark.skipif(
    not VECTORS.is_dir(), reason="THE PUBLIC VECTORS ARE NOT HERE: ../shared/vectors"
)
@pytest.mark.parametrize("path", vectors() or [Path(os.devnull)], ids=lambda path: path.stem)
def test_public_messages(path: Path) -> None:
    octets = with_crlf(path)
    check(octets, scan(octets))


# The standard library takes delimiter lines after each other for one.
OTHERWISE = {"msg_37"}


def well_formed() -> list[Path]:
    return [
        path
        for path in vectors()
        if path.stem not in OTHERWISE
        and not any(part.defects for part in email.message_from_bytes(with_crlf(path)).walk())
    ]


@pytest.mark.skipif(
    not VECTORS.is_dir(), reason="THE PUBLIC VECTORS ARE NOT HERE: ../shared/vectors"
)
@pytest.mark.parametrize("path", well_formed() or [Path(os.devnull)], ids=lambda path: path.stem)
def test_well_formed_messages_are_as_the_standard_library_sees_them(path: Path) -> None:
    octets = with_crlf(path)
    theirs = email.message_from_bytes(octets)
    ours = [f"{p.content.media_type}/{p.content.subtype}" for p in scan(octets).root.walk()]
    expected: list[str] = []
    waiting: list[email.message.Message] = [theirs]
    while waiting:
        part = waiting.pop()
        expected.append(part.get_content_type())
        payload = part.get_payload()
        # The standard library takes message/delivery-status and others apart; MIME does not.
        is_open = part.is_multipart() and part.get_content_type() in (
            "message/rfc822",
            "message/global",
        )
        if isinstance(payload, list) and (is_open or part.get_content_maintype() == "multipart"):
            waiting.extend(
                reversed([one for one in payload if isinstance(one, email.message.Message)])
            )
    assert ours == expected
