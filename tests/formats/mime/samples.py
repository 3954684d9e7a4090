"""Messages that several tests look at."""

import random
from pathlib import Path

VECTORS = Path(__file__).resolve().parents[3].parent / "shared" / "vectors"

# RFC 2049 appendix A, with text in the places it leaves open.
RFC_2049 = b"""MIME-Version: 1.0
From: Nathaniel Borenstein <nsb@nsb.fv.com>
To: Ned Freed <ned@innosoft.com>
Date: Fri, 07 Oct 1994 16:15:05 -0700 (PDT)
Subject: A multipart example
Content-Type: multipart/mixed;
              boundary=unique-boundary-1

This is the preamble area of a multipart message.
Mail readers that understand multipart format
should ignore this preamble.

If you are reading this text, you might want to
consider changing to a mail reader that understands
how to properly display multipart messages.

--unique-boundary-1

  ... Some text appears here ...
--unique-boundary-1
Content-type: text/plain; charset=US-ASCII

This could have been part of the previous part, but
illustrates explicit versus implicit typing of body
parts.
--unique-boundary-1
Content-Type: multipart/parallel; boundary=unique-boundary-2

--unique-boundary-2
Content-Type: audio/basic
Content-Transfer-Encoding: base64

AAECAwQ=
--unique-boundary-2
Content-Type: image/jpeg
Content-Transfer-Encoding: base64

/9j/4AAQ
--unique-boundary-2--

--unique-boundary-1
Content-type: text/enriched

This is <bold><italic>enriched.</italic></bold>
<smaller>as defined in RFC 1896</smaller>

Isn't it
<bigger><bigger>cool?</bigger></bigger>
--unique-boundary-1
Content-Type: message/rfc822

From: (mailbox in US-ASCII)
To: (address in US-ASCII)
Subject: (subject in US-ASCII)
Content-Type: Text/plain; charset=ISO-8859-1
Content-Transfer-Encoding: Quoted-printable

  ... Additional text in ISO-8859-1 goes here ... caf=E9
--unique-boundary-1--
""".replace(b"\n", b"\r\n")

_LINES = (
    b"--a", b"--a--", b"--b", b"--ab", b"--b--", b"", b"", b"text", b"--", b"--a  ",
    b"Content-Type: multipart/mixed; boundary=a", b"Content-Type: multipart/digest; boundary=b",
    b"Content-Type: multipart/alternative; boundary=\"ab\"", b"Content-Type: message/rfc822",
    b"Content-Transfer-Encoding: base64", b"Subject: =?utf-8?q?x?=", b"To: a@b, c: d;",
    b"Content-Disposition: attachment; filename*0*=utf-8''%C3; filename*1=x", b"\xff\xfe: \x00",
    b"From: \xc3\xa9 <a@\xc3\xa9.example>", b"Content-Type: text/html", b" folded",
)  # fmt: skip


def nonsense(seed: int, lines: int = 40) -> bytes:
    """Lines that mean something to the scanner, in any order."""
    chance = random.Random(seed)  # noqa: S311
    return b"".join(
        chance.choice(_LINES) + chance.choice((b"\r\n", b"\r\n", b"\n")) for _ in range(lines)
    )
