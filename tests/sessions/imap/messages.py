"""Messages that the conversations use."""

from base64 import encodebytes

_SMALL = """\
From: Alice <alice@example.org>
To: Bob <bob@example.com>
Subject: Hello
Date: Mon, 7 Feb 1994 21:52:25 -0800
Message-ID: <1@example.org>

Hello Joe, do you think we can meet?
"""

_MIXED = """\
From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>
To: alice@example.org
Subject: Parts
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

One
--b
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

AAECAw==
--b
Content-Type: application/octet-stream
Content-Transfer-Encoding: x-strange

???
--b--
"""

_UTF8 = """\
From: Jürgen <j@example.org>
Subject: Grüße

x
"""

MESSAGES = {
    "utf8": _UTF8.replace("\n", "\r\n").encode(),
    "small": _SMALL.replace("\n", "\r\n").encode(),
    "mixed": _MIXED.replace("\n", "\r\n").encode(),
    "large": (_SMALL + "x" * 70 + "\n").replace("\n", "\r\n").encode()
    + (b"y" * 98 + b"\r\n") * 15_000,
}

_CONTENT = bytes(range(256)) * 8000
MESSAGES["encoded"] = (
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + encodebytes(_CONTENT).replace(b"\n", b"\r\n")
)
