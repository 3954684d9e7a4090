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


def _letter(
    subject: str,
    day: int,
    name: str = "",
    references: str = "",
    answers: str = "",
    sender: str = "Zoe <adam@example.org>",
) -> bytes:
    fields = [f"From: {sender}", f"Subject: {subject}", f"Date: {day} Jan 2024 10:00:00 +0000"]
    fields += [f"Message-ID: <{name}@example.org>"] if name else []
    fields += [f"References: {references}"] if references else []
    fields += [f"In-Reply-To: {answers}"] if answers else []
    fields += [f"To: {'Berta' if day % 2 else 'Anna'} <x{day}@example.org>"]
    return "\r\n".join([*fields, "", "Text", ""]).encode()


MESSAGES |= {
    "utf8text": (
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + "Grüße\r\n".encode()
    ),
    # A thread of three, its parts out of order.
    "plan": _letter("Plan", 3, "plan"),
    "plan-answer": _letter(
        "Re: Plan", 4, "answer", "<plan@example.org>", sender="Anton <zed@example.org>"
    ),
    "plan-again": _letter(
        "re: [list] plan (fwd)", 5, "again", "<plan@example.org> <answer@example.org>"
    ),
    # Two answers to a message that is not here.
    "lost-one": _letter("Re: Lost", 1, "one", "<lost@example.org>"),
    "lost-two": _letter("Found", 2, "two", answers='<"lost"@example.org> of yesterday'),
    # The same subject, and nothing else in common.
    "news": _letter("News", 6),
    "more-news": _letter("=?utf-8?q?Re:_news?=", 7),
    "same-news": _letter("news", 8, sender="bob@example.org"),
}

_CONTENT = bytes(range(256)) * 8000
MESSAGES["encoded"] = (
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + encodebytes(_CONTENT).replace(b"\n", b"\r\n")
)
