"""RFC 6376 section 3.2: tag lists."""

import pytest

from postroad.formats.dkim.tags import decode_base64, names, parse_tags


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2;", {"a": "1", "b": "2"}),
        (" a \r\n = x y ; ", {"a": "x y"}),
        ("p=", {"p": ""}),
        ("p=a=b", {"p": "a=b"}),
        ("", {}),
        ("a=1; a=2", None),
        ("a", None),
        ("a=1;;b=2", None),
        ("1a=1", None),
        ("=1", None),
    ],
)
def test_tag_lists(text: str, tags: dict[str, str] | None) -> None:
    assert parse_tags(text) == tags


def test_values() -> None:
    assert names("From : To:\r\n  Subject") == ("from", "to", "subject")
    assert decode_base64("YW\r\n Jj") == b"abc"
    assert decode_base64("YW*j") is None
    assert decode_base64("é") is None
