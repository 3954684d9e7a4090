import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.text import charset

CASES = [
    (b"caf\xc3\xa9", "utf-8", "café"),
    (b"caf\xe9", "ISO-8859-1", "café"),
    (b"\x93x\x94", "iso-8859-1", "“x”"),
    (b"caf\xe9", "Windows-1252", "café"),
    (b"caf\xe9", "utf-8", "café"),
    (b"caf\xe9", "us-ascii", "café"),
    (b"caf\xc3\xa9", None, "café"),
    (b"caf\xe9", None, "café"),
    (b"caf\xc3\xa9", "x-unknown", "café"),
    (b"\xc3\xa9\xc3", "utf-8", "é\ufffd"),
    (b"\x83e\x83X\x83g", "Shift_JIS", "テスト"),
    (b"\x1b$B%F%9%H\x1b(B", "ISO-2022-JP", "テスト"),
    (b"\xc5\xd7\xbd\xba\xc6\xae", "ks_c_5601-1987", "테스트"),
    (b"\xb2\xe2\xca\xd4", "GB2312", "测试"),
    (b"\xb4\xfa\xb8\xd5", "big5", "測試"),
    (b"\xd4\xc5\xd3\xd4", "KOI8-R", "тест"),
    (b"\xf2\xe5\xf1\xf2", "cp-1251", "òåñò"),
    (b"\xf2\xe5\xf1\xf2", "windows-1251", "тест"),
    (b"\xe3\xe4", "iso-8859-8-i", "דה"),
    (b"a+AOk-", "utf-7", "aé"),
    (b"a&AOk-", "imap4-utf-7", "a&AOk-"),
    (b"a", "rot13", "a"),
    (b"YQ==", "base64", "YQ=="),
    (b"\xe9", "latin1", "é"),
    (b"a", "x" * 100, "a"),
    (b"\xff", "utf-16-le", "\ufffd"),
]


@pytest.mark.parametrize(("octets", "label", "expected"), CASES)
def test_decode(octets: bytes, label: str | None, expected: str) -> None:
    assert charset.decode(octets, label) == expected


@pytest.mark.parametrize(
    "label",
    ["idna", "hex", "zlib", "rot_13", "punycode", "unicode_escape", "mbcs", "undefined", "os", ""],
)
def test_what_is_no_charset_of_mail_has_no_codec(label: str) -> None:
    assert charset.find_codec(label) is None


def test_every_label_of_the_table_decodes() -> None:
    for label in charset._BY_LABEL:
        assert charset.decode(b"a\xff\x00\x1b$", label) is not None
        assert charset.decode_beginning(b"a\xff\x00\x1b$", label) is not None


@given(st.binary(max_size=60), st.sampled_from(sorted(charset._BY_LABEL)))
def test_any_octets_are_text(octets: bytes, label: str) -> None:
    charset.decode(octets, label).encode("utf-8", "surrogatepass")
    charset.decode_beginning(octets, label)


@given(st.text())
def test_any_label_is_looked_up(label: str) -> None:
    charset.find_codec(label)


def test_a_beginning_may_end_within_a_character() -> None:
    assert charset.decode_beginning("aé".encode()[:2], "utf-8") == "a"
    assert charset.decode_beginning("aé".encode()[:2], None) == "a"
    assert charset.decode_beginning(b"caf\xe9!", "utf-8") == "café!"
    assert charset.decode_beginning("テ".encode("cp932")[:1], "shift_jis") == ""
