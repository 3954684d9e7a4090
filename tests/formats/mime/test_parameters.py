import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime import parameters

# RFC 2231 sections 3 and 4 are in it.
CASES: list[tuple[str, dict[str, str]]] = [
    ("text/plain; charset=us-ascii", {"charset": "us-ascii"}),
    (
        'text/plain; CHARSET="us-ascii" ; name = "a \\"b\\".txt"',
        {"charset": "us-ascii", "name": 'a "b".txt'},
    ),
    ("text/plain;;; a=b;", {"a": "b"}),
    ("text/plain; name=my file.txt; a=b", {"name": "my file.txt", "a": "b"}),
    ('text/plain; name="open', {"name": "open"}),
    ("text/plain; a; b=c", {"b": "c"}),
    ("text/plain; a=b; a=c", {"a": "b"}),
    ("text/plain; a=", {"a": ""}),
    (
        'message/external-body; access-type=URL; URL*0="ftp://"; URL*1="cs.utk.edu/pub"',
        {"access-type": "URL", "url": "ftp://cs.utk.edu/pub"},
    ),
    (
        "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
        {"title*": "us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A"},
    ),
    (
        "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;"
        ' title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn\'t it!"',
        {
            "title*": "us-ascii'en'This%20is%20even%20more%20"
            "%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it%21"
        },
    ),
    ("x; a*1=b; a*2=c", {}),
    ("x; a*0=b; a*2=c", {"a": "b"}),
    ("x; a*0=é; a*1*=%20b", {"a*": "''%C3%A9%20b"}),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_parse(text: str, expected: dict[str, str]) -> None:
    assert dict(parameters.parse(text)) == expected


FOUND = [
    (
        "x; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20;"
        ' title*2="isn\'t it!"',
        "This is even more ***fun*** isn't it!",
    ),
    ("x; title*=iso-8859-1''caf%E9", "café"),
    ("x; title*=utf-8''caf%C3%A9; title=cafe", "café"),
    ("x; title*=caf%C3%A9", "café"),
    ("x; title*=nonsense''caf%C3%A9", "café"),
    ('x; title="=?utf-8?q?caf=C3=A9?="', "café"),
    ("x; other=a", None),
]


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_find(text: str, expected: str | None) -> None:
    assert parameters.find(parameters.parse(text), "title") == expected


@given(st.text())
def test_any_value_is_encoded_for_ascii_and_found_again(value: str) -> None:
    name, encoded = parameters.encode_extended("title", value)
    assert encoded.isascii()
    shown = value.encode("utf-8", "replace").decode()
    assert parameters.find(((name, encoded),), "title") == shown


@given(st.text("a*0=;\" '%\\()é1"))
def test_any_text_has_parameters(text: str) -> None:
    found = parameters.parse(text)
    for name, _ in found:
        parameters.find(found, name.removesuffix("*"))


def test_there_is_a_limit() -> None:
    assert len(parameters.parse("".join(f";a{n}=b" for n in range(1000)))) == 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "a"),
        ("a (b) c", "a   c"),
        ("a(b(c)\\)d)e", "a e"),
        ('"(a)"', '"(a)"'),
        ("a(open", "a"),
        ("a)b", "a)b"),
    ],
)
def test_comments(text: str, expected: str) -> None:
    assert parameters.strip_comments(text) == expected
