import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime import encodedwords

# The first ones are RFC 2047 section 8.
WORDS = [
    ("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),
    ("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <k>", "Keld Jørn Simonsen <k>"),
    ("=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"),
    (
        "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= "
        "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
        "If you can read this you understand the example.",
    ),
    ("(=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=)", "(םולש ןב ילטפנ)"),
    ("(=?ISO-8859-1?Q?a?=)", "(a)"),
    ("(=?ISO-8859-1?Q?a?= b)", "(a b)"),
    ("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
    ("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"),
    ("(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
    ("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
    # Tolerated.
    ("=?utf-8?B?w6?= =?utf-8?B?w6k=?=", "\ufffdé"),
    ("=?nonsense?q?caf=E9?=", "café"),
    ("=?utf-8*de?q?=C3=A9?=", "é"),
    ("=?utf-8?q?a b?=", "a b"),
    ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
    ("=?utf-8?q?a", "=?utf-8?q?a"),
    ("=?utf-8?q??=", ""),
    ("=?utf-8?b?!!!?=", ""),
    ("=?=?utf-8?q?a?=", "=?a"),
    ("x=?utf-8?q?a?=y", "xay"),
    ("=?utf-8?q?=ZZ=?=", "=ZZ"),
]


@pytest.mark.parametrize(("text", "expected"), WORDS)
def test_decode(text: str, expected: str) -> None:
    assert encodedwords.decode(text) == expected


def test_a_character_over_two_words_is_joined() -> None:
    assert encodedwords.decode("=?utf-8?q?=C3?= =?UTF-8?Q?=A9?=") == "é"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_there_and_back(text: str) -> None:
    words = encodedwords.encode(text)
    assert all(len(word) <= 75 and word.isascii() for word in words)
    assert encodedwords.decode(" ".join(words)) == text


@given(st.text("=?utf8-1qQbB_ \té"))
def test_any_text_can_be_decoded(text: str) -> None:
    encodedwords.decode(text)
