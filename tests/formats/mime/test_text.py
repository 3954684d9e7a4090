from hypothesis import given
from hypothesis import strategies as st

from formats.mime.samples import RFC_2049, nonsense
from postroad.formats.mime import text
from postroad.formats.mime.parttable import PartRow, row
from postroad.formats.mime.scanner import scan


def crlf(octets: str) -> bytes:
    return octets.encode().replace(b"\n", b"\r\n")


def table(octets: bytes) -> PartRow:
    return row(scan(octets).root)


def preview(octets: bytes) -> str:
    return text.preview(octets, table(octets))


ALTERNATIVE = crlf(
    "Content-Type: multipart/alternative; boundary=a\n\n--a\n"
    "Content-Type: text/html\n\n<p>in html</p>\n"
    "--a\nContent-Type: text/plain; charset=iso-8859-1\n"
    "Content-Transfer-Encoding: quoted-printable\n\n"
    "caf=E9 \n\n  au   lait\n--a--\n"
)


def test_preview_is_the_plain_text_collapsed() -> None:
    assert preview(ALTERNATIVE) == "café au lait"


def test_preview_of_html() -> None:
    octets = crlf(
        "Content-Type: text/html\n\n<style>x</style><p>a&nbsp;<b>b</b>\u200b</p><p>c</p>"
    )
    assert preview(octets) == "a b c"


def test_preview_is_at_most_200_characters() -> None:
    assert preview(crlf("\n" + "é" * 5000)) == "é" * 200
    assert preview(crlf("\n" + "é " * 5000)) == ("é " * 100).strip()


def test_preview_leaves_out_attachments_and_inner_messages() -> None:
    octets = crlf(
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Disposition: attachment\n\nx\n"
        "--a\nContent-Type: message/rfc822\n\n\ny\n--a\nContent-Type: image/gif\n\nz\n"
        "--a\n\n \n--a\nContent-Transfer-Encoding: x-unknown\n\nu\n--a\n\nthis\n--a--\n"
    )
    assert preview(octets) == "this"
    assert preview(b"") == ""


def test_the_texts_to_search() -> None:
    assert list(text.body_texts(ALTERNATIVE, table(ALTERNATIVE), max_chars=1000)) == [
        "in html", "café\r\n\r\n  au   lait",
    ]  # fmt: skip
    found = list(text.body_texts(RFC_2049, table(RFC_2049), max_chars=10_000))
    assert len(found) == 5
    assert "Subject: (subject in US-ASCII)" in found[3]
    assert found[4].endswith("café")


def test_the_texts_are_bounded() -> None:
    found = list(text.body_texts(RFC_2049, table(RFC_2049), max_chars=60))
    assert sum(map(len, found)) == 60


def test_header_text() -> None:
    block = b"Subject: =?utf-8?q?caf=C3=A9?=\r\n  b\r\nTo: a@b\r\n\r\n"
    assert text.header_text(block) == "Subject: café  b\nTo: a@b"


@given(st.integers(0, 2**32))
def test_any_order_of_lines_has_text(seed: int) -> None:
    octets = nonsense(seed)
    assert len(preview(octets)) <= 200
    assert sum(map(len, text.body_texts(octets, table(octets), max_chars=100))) <= 100
