"""What a header says of a message's ancestors (RFC 5256 section 3)."""

import pytest

from postroad.formats.mime.origin import Origin, key
from postroad.sessions.imap.origins import origin_of


@pytest.mark.parametrize(
    ("header", "origin"),
    [
        (b"", Origin(None, (), False)),
        (b"Message-ID: <a@b>\r\nSubject: x\r\n", Origin("a@b", (), False)),
        (
            b'Message-ID: <"01KF8JCEOCBS0045PS"@xxx.yyy.com>\r\n',
            Origin("01KF8JCEOCBS0045PS@xxx.yyy.com", (), False),
        ),
        (
            b"References: <1@x>\r\n <2@x>\r\nIn-Reply-To: <3@x>\r\n",
            Origin(None, ("1@x", "2@x"), False),
        ),
        (b"References: none\r\nIn-Reply-To: <3@x> of <a@x>\r\n", Origin(None, ("3@x",), False)),
        (b"In-Reply-To: your letter of a@b\r\n", Origin(None, (), False)),
        (b"Subject: =?utf-8?q?Re=3A?= x\r\n", Origin(None, (), True)),
        (b"Subject: x (fwd)\r\n", Origin(None, (), True)),
        (b"Subject: [fwd: x]\r\n", Origin(None, (), True)),
        (b"Subject: Regarding x\r\n", Origin(None, (), False)),
    ],
)
def test_origins(header: bytes, origin: Origin) -> None:
    found = origin_of(header + b"X-Other: <no@x>\r\n\r\n")
    assert found == Origin(
        _key(origin.message_id), (*map(_key, origin.references),), origin.is_reply
    )


def _key(identifier: object) -> int | None:
    return None if identifier is None else key(str(identifier))
