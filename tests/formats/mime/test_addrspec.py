import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.base.syntax import BadSyntax
from postroad.formats.mime.addrspec import AddrSpec, normalise, parse_addr_spec

GOOD = [
    ("a@b.test", "a", "b.test"),
    ("a.b+c@b.test", "a.b+c", "b.test"),
    ('"a b"@b.test', "a b", "b.test"),
    ('"a\\"b"@b.test', 'a"b', "b.test"),
    ("a@localhost", "a", "localhost"),
    ("a@[192.0.2.1]", "a", "[192.0.2.1]"),
    ("a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]"),
    ("a@[tag:value]", "a", "[tag:value]"),
    ("jörg@bücher.test", "jörg", "bücher.test"),
    ("a" * 64 + "@b.test", "a" * 64, "b.test"),
]


@pytest.mark.parametrize(("text", "local_part", "domain"), GOOD)
def test_valid_addresses(text: str, local_part: str, domain: str) -> None:
    address = parse_addr_spec(text)
    assert address == AddrSpec(local_part, domain)
    assert str(address) == text


BAD = [
    "",
    "a",
    "@b.test",
    "a@",
    "a@@b.test",
    "a b@b.test",
    "a..b@b.test",
    ".a@b.test",
    "a.@b.test",
    "a@b..test",
    "a@.test",
    "a@b.test.",
    "a@b.test ",
    " a@b.test",
    "<a@b.test>",
    "a@-b.test",
    "a@b-.test",
    "a@b_!.test",
    "a@[192.0.2.256]",
    "a@[IPv6:zz]",
    "a@[]",
    "a@[192.0.2.1",
    '"a@b.test',
    '"a\n"@b.test',
    "a\r\n@b.test",
    "a@b.test\n",
    "a\0@b.test",
    "a" * 65 + "@b.test",
    "é" * 33 + "@b.test",
    "a@" + "b" * 64 + ".test",
    "a@" + "b." * 128 + "test",
    "a@\u2028.test",
    "\ud800@b.test",
    "a,b@c.test",
]


@pytest.mark.parametrize("text", BAD)
def test_invalid_addresses(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_addr_spec(text)


@given(st.text())
def test_only_bad_syntax_is_raised(text: str) -> None:
    try:
        address = parse_addr_spec(text)
    except BadSyntax:
        return
    assert parse_addr_spec(str(address)) == address


def test_domains_compare_as_a_labels_in_lower_case() -> None:
    unicode_form, ascii_form = (
        parse_addr_spec("A@BÜCHER.test"),
        parse_addr_spec("A@xn--bcher-kva.TEST"),
    )
    assert normalise(unicode_form) == normalise(ascii_form) == AddrSpec("A", "xn--bcher-kva.test")
    assert unicode_form.lookup_key == "a@xn--bcher-kva.test"
    assert unicode_form.needs_smtputf8
    assert not ascii_form.needs_smtputf8
