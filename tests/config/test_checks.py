"""Addresses to listen on."""

import pytest

from postroad.config.checks import split_listener


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:25", "127.0.0.1", 25),
        ("[::]:25", "::", 25),
        ("[fe80::1%eth0]:25", "fe80::1%eth0", 25),
        ("localhost:0", "localhost", 0),
        ("mail.example.org:65535", "mail.example.org", 65535),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert split_listener(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    ["", "25", ":25", "::1:25", "[127.0.0.1]:25", "[::1:25", "a b:25", "h:-1", "h:65536", "h:٣",
     "h:", "1.2.3:25", "[]:25", "h:0000025"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address|the port is|is neither"):
        split_listener(text)
