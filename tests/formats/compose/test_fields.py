"""RFC 2047, RFC 2231: what we write is read back as it was."""

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.base.errors import Invalid
from postroad.formats.compose.fields import (
    demand_clean,
    demand_name,
    encode_text,
    fold,
    unstructured,
    with_parameters,
)

CLEAN = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\x85\u2028\u2029"),
    max_size=200,
)


def read_back(field: bytes) -> str:
    value = field.partition(b":")[2].removeprefix(b" ").removesuffix(b"\r\n")
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", value).decode("ascii")
    return str(make_header(decode_header(unfolded)))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("Hello", b"Subject: Hello\r\n"),
        ("", b"Subject: \r\n"),
        ("a  b", b"Subject: a  b\r\n"),
        ("Re: h\u00e9llo you", b"Subject: Re: =?utf-8?q?h=C3=A9llo?= you\r\n"),
        ("\u4f60\u597d", b"Subject: =?utf-8?b?5L2g5aW9?=\r\n"),
        ("a =?x?= b", b"Subject: a =?utf-8?b?PT94Pz0=?= b\r\n"),
        (" x", b"Subject: =?utf-8?q?_x?=\r\n"),
        (
            "word " * 20 + "end",
            b"Subject: " + b"word " * 12 + b"word\r\n" + b" word" * 7 + b" end\r\n",
        ),
    ],
)
def test_subjects(text: str, field: bytes) -> None:
    assert unstructured("Subject", text) == field


@given(CLEAN)
def test_text_is_read_back_and_lines_are_short(text: str) -> None:
    field = unstructured("X-Text", text)
    if text.strip() and not re.search(r"\s\s|\A\s|\s\Z", text) and "=?" not in text:
        assert " ".join(read_back(field).split()) == " ".join(text.split())
    assert field.isascii()
    assert field.count(b"\r\n") == len(re.findall(rb"\r\n(?=[ ]|\Z)", field))
    assert all(len(line) <= 76 or b" " not in line[8:].strip() for line in field.split(b"\r\n"))


@given(CLEAN)
def test_an_encoded_word_is_short_and_whole(text: str) -> None:
    words = list(encode_text(text))
    assert all(len(word) <= 75 for word in words)
    decoded = [str(make_header(decode_header(word))) for word in words]
    assert "".join(decoded) == text


def test_a_word_too_long_for_a_line_is_encoded() -> None:
    field = unstructured("X-Json", "x" * 5000)
    assert max(map(len, field.split(b"\r\n"))) <= 76
    assert read_back(field) == "x" * 5000


@pytest.mark.parametrize(
    "name",
    [
        "a.txt",
        'we "quote" \\ it.txt',
        "h\u00e9.pdf",
        "\u4f60\u597d" * 40 + ".pdf",
        "long " * 40,
        "a;b=c",
    ],
)
def test_parameters_are_read_back(name: str) -> None:
    field = with_parameters("Content-Disposition", "attachment", [("filename", name)])
    assert max(map(len, field.split(b"\r\n"))) <= 78
    message = message_from_bytes(field + b"\r\n", policy=default)
    assert message["content-disposition"].params["filename"] == name


@pytest.mark.parametrize("text", ["a\r\nBcc: x@example.com", "a\rb", "a\nb", "a\x00b", "a\x1bb"])
def test_line_breaks_and_controls_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="`subject` must not contain"):
        demand_clean(text, "subject")
    with pytest.raises(Invalid, match="not valid Unicode"):
        demand_clean("\ud800", "subject")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "\u00e9", "x" * 77])
def test_names_that_are_no_names(name: str) -> None:
    with pytest.raises(Invalid):
        demand_name(name)


def test_folding_never_makes_an_empty_line() -> None:
    field = fold("X", ["a" * 70, "", "", "b" * 70, ""])
    assert all(line.strip() for line in field.removesuffix(b"\r\n").split(b"\r\n"))
