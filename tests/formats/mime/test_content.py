import pytest

from postroad.formats.mime import content
from postroad.formats.mime.content import Content, Disposition
from postroad.formats.mime.headers import Header

CASES = [
    (b"Subject: x", content.DEFAULT),
    (b"Content-Type: TEXT/Html", Content("text", "html")),
    (
        b"Content-Type: text/html (comment); charset=x (y)",
        Content("text", "html", (("charset", "x"),)),
    ),
    (b"Content-Type: text", content.DEFAULT),
    (b"Content-Type: ;", content.DEFAULT),
    (
        b"Content-Transfer-Encoding: (x) BASE64 (y)",
        Content(parameters=content.US_ASCII, encoding="base64"),
    ),
    (b"Content-Transfer-Encoding:", content.DEFAULT),
    (
        b"Content-Disposition: Attachment; filename=a",
        Content(
            parameters=content.US_ASCII,
            disposition=Disposition("attachment", (("filename", "a"),)),
        ),
    ),
    (
        b"Content-Disposition: ; filename=a",
        Content(
            parameters=content.US_ASCII,
            disposition=Disposition("attachment", (("filename", "a"),)),
        ),
    ),
    (b"Content-Disposition:", content.DEFAULT),
    (
        b"Content-Language: en (English) , de",
        Content(parameters=content.US_ASCII, language=("en", "de")),
    ),
    (
        b"Content-Location: http://a/\r\n b c",
        Content(parameters=content.US_ASCII, location="http://a/bc"),
    ),
]


@pytest.mark.parametrize(("header", "expected"), CASES)
def test_read(header: bytes, expected: Content) -> None:
    assert content.read(Header(header)) == expected


def test_filename() -> None:
    def name(header: bytes) -> str | None:
        return content.read(Header(header)).filename

    assert name(b"Content-Type: a/b; name=c") == "c"
    assert (
        name(b"Content-Type: a/b; name=c\r\nContent-Disposition: inline; filename*=utf-8''%C3%A9")
        == "é"
    )
    assert name(b"Content-Type: a/b; name=c\r\nContent-Disposition: inline") == "c"
    assert name(b"Content-Type: a/b") is None


def test_a_digest_has_another_default() -> None:
    assert content.read(Header(b""), content.DEFAULT_IN_DIGEST).media_type == "message"
    assert (
        content.read(Header(b"Content-ID: <a>"), content.DEFAULT_IN_DIGEST).media_type == "message"
    )
