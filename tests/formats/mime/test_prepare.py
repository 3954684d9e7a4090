import mmap
import os
import time
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.mime.imapgrammar import check_body, check_envelope, read
from formats.mime.samples import RFC_2049, VECTORS, nonsense
from formats.mime.test_envelope import INTERNATIONAL, SAMPLE, SAMPLE_ENVELOPE
from formats.mime.test_scanner import HOSTILE, vectors
from postroad.formats.mime import origin, parttable
from postroad.formats.mime.headers import select_fields
from postroad.formats.mime.origin import key
from postroad.formats.mime.prepare import Prepared, measure, prepare


def crlf(text: str) -> bytes:
    return text.encode().replace(b"\n", b"\r\n")


def test_the_sample_of_rfc_9051() -> None:
    octets = SAMPLE + b"References: <a@b>\r\n\r\nHello,\r\n  world\r\n"
    table = prepare(octets).part_table
    assert prepare(octets) == Prepared(
        size=len(octets),
        envelope=SAMPLE_ENVELOPE,
        envelope_utf8=None,
        body=b'("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 17 2)',
        body_structure=b'("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 17 2 '
        b"NIL NIL NIL NIL)",
        body_structure_utf8=None,
        part_table=table,
        preview="Hello, world",
        sent_at=837_595_405_000_000,
        sent_on=date(1996, 7, 17),
        subject_base="IMAP4rev2 WG mtg summary and minutes",
        sort_from="GRAY",
        sort_to="IMAP",
        sort_cc="MINUTES",
        sort_subject="IMAP4REV2 WG MTG SUMMARY AND MINUTES",
        message_id="B27397-0100000@cac.washington.edu",
        references=("a@b",),
        header_fields=SAMPLE + b"References: <a@b>\r\n",
        origin=b"\0"
        + b"".join(
            key(each).to_bytes(8, "big") for each in ("B27397-0100000@cac.washington.edu", "a@b")
        ),
        has_attachment=False,
        needs_8bit=False,
        has_nul=False,
        longest_line=0,
        header_octets=len(octets) - 17,
    )
    assert parttable.resolve(parttable.decode(table), (1,)) == (len(octets) - 17, len(octets))


def test_the_second_form_is_kept_only_where_it_differs() -> None:
    prepared = prepare(INTERNATIONAL + b"\r\n")
    assert prepared.envelope.isascii()
    assert prepared.envelope_utf8 is not None
    assert "josé" in prepared.envelope_utf8.decode()
    assert prepared.body_structure_utf8 is None
    prepared = prepare(crlf("Content-Type: text/plain; name=é\n\n"))
    assert prepared.envelope_utf8 is None
    assert prepared.body_structure_utf8 is not None
    prepared = prepare(crlf("Content-Type: text/plain; name*=utf-8''%C3%A9\n\n"))
    assert prepared.body_structure_utf8 is not None
    assert "é" in prepared.body_structure_utf8.decode()


def test_what_the_octets_need() -> None:
    prepared = prepare(b"\r\n" + b"x" * 1000 + b"\r\n\0\xff")
    assert (prepared.needs_8bit, prepared.has_nul, prepared.longest_line) == (True, True, 1000)


PICTURE = "--a\nContent-Type: image/png\nContent-Disposition: {}\nContent-ID: <x>\n\nx\n"
ATTACHED = [
    ("\nx", False),
    ("Content-Type: application/pdf\n\nx", True),
    ("Content-Type: text/plain\nContent-Disposition: attachment\n\nx", True),
    ("Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n" + PICTURE.format("inline"), False),
    (
        "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n" + PICTURE.format("attachment"),
        True,
    ),
    (
        "Content-Type: multipart/related; boundary=a\n\n--a\n\nx\n" + PICTURE.format("inline"),
        False,
    ),
    (
        "Content-Type: multipart/related; boundary=a\n\n--a\n\nx\n" + PICTURE.format("attachment"),
        True,
    ),
    (
        "Content-Type: multipart/alternative; boundary=a\n\n--a\n\nx\n"
        "--a\nContent-Type: text/html\n\nx",
        False,
    ),
    (
        "Content-Type: multipart/signed; boundary=a\n\n--a\n\nx\n"
        "--a\nContent-Type: application/pgp-signature\n\nx",
        False,
    ),
    (
        "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n"
        "--a\nContent-Type: message/rfc822\n\n\nx",
        True,
    ),
    ("Content-Type: multipart/mixed; boundary=a\n\nx", False),
]


@pytest.mark.parametrize(("octets", "expected"), ATTACHED)
def test_has_attachment(octets: str, expected: bool) -> None:
    assert prepare(crlf(octets)).has_attachment is expected


def check(octets: bytes) -> Prepared:
    prepared = prepare(octets)
    assert prepared.size == len(octets)
    measured = measure(octets)
    for field in fields(measured):
        assert getattr(measured, field.name) == getattr(prepared, field.name), field.name
    check_envelope(read(prepared.envelope))
    check_body(read(prepared.body), extensible=False)
    check_body(read(prepared.body_structure), extensible=True)
    if prepared.envelope_utf8 is not None:
        check_envelope(read(prepared.envelope_utf8))
    if prepared.body_structure_utf8 is not None:
        check_body(read(prepared.body_structure_utf8), extensible=True)
    table = parttable.decode(prepared.part_table)
    assert parttable.resolve(table, ()) == (0, len(octets))
    if prepared.header_fields is not None:
        block = octets[: prepared.header_octets]
        for names in (["subject"], ["from", "date", "to"]):
            assert select_fields(prepared.header_fields, names) == select_fields(block, names)
    assert isinstance(origin.decode(prepared.origin), origin.Origin)
    for field in fields(prepared):
        value = getattr(prepared, field.name)
        if isinstance(value, str):
            assert "\0" not in value
            value.encode("utf-8")
    return prepared


@given(st.binary(max_size=300))
def test_any_octets_are_prepared(octets: bytes) -> None:
    check(octets)


@given(st.integers(0, 2**32))
def test_any_order_of_lines_is_prepared(seed: int) -> None:
    check(nonsense(seed))


def test_a_mapped_file_is_prepared_alike(tmp_path: Path) -> None:
    path = tmp_path / "message"
    for octets in (
        RFC_2049,
        INTERNATIONAL,
        SAMPLE + b"\r\n" + b"x" * 2000,
        *map(nonsense, range(20)),
    ):
        path.write_bytes(octets)
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        ):
            assert prepare(mapped) == prepare(octets)


@pytest.mark.skipif(
    not VECTORS.is_dir(), reason="THE PUBLIC VECTORS ARE NOT HERE: ../shared/vectors"
)
@pytest.mark.parametrize("path", vectors() or [Path(os.devnull)], ids=lambda path: path.stem)
def test_public_messages(path: Path) -> None:
    check(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("make", HOSTILE)
def test_ten_times_the_octets_cost_about_ten_times_the_work(make: object) -> None:
    assert callable(make)

    def cost(octets: bytes) -> float:
        begin = time.process_time()
        check(octets)
        return time.process_time() - begin

    small, large = cost(make(500)), cost(make(5000))
    assert large < 40 * small + 0.5
