"""Mail to measure with: always the same for the same number, of sizes as people get them."""

import base64
import math
import random
from functools import lru_cache

_TEXT = """
the project meeting about a new customer contract will be on the first day of next week so please
read this report and send your questions before then we found many good ideas for our small group
last year and should keep the best of them quarterly figures are in the attached file as always
if you want to talk about it just call me back or write to everyone on the list thank you very much
"""
_NAMES = ("Anna", "Björn", "Chen", "Dana", "Elif", "Farid", "Greta", "Inés", "João", "Łucja")
_WORDS = _TEXT.split()
_LARGEST = 2_000_000
_DOT_LINE = b"\r\n."


def message(number: int, *, median_octets: int = 12_000) -> bytes:
    """The message of that number: text, text beside HTML, or text with a file, CRLF throughout.

    Sizes are log-normal around the median, a third of the messages answer an earlier one.
    """
    dice = random.Random(f"{number}/{median_octets}")
    octets = min(int(dice.lognormvariate(math.log(median_octets), 1.35)), _LARGEST)
    parts = _parts(dice, max(octets - 900, 100))
    return ("\r\n".join([*_header(dice, number), *parts, ""])).encode()


def dot_stuffed(octets: bytes) -> bytes:
    """As it goes after DATA, with its end (RFC 5321 section 4.5.2)."""
    return octets.replace(_DOT_LINE, _DOT_LINE + b".") + b".\r\n"


def _header(dice: random.Random, number: int) -> list[str]:
    topic = number if dice.random() > 0.35 or not number else dice.randrange(number)
    words = random.Random(f"topic {topic}").sample(_WORDS, 6)
    name = dice.choice(_NAMES)
    if not name.isascii():
        name = f"=?utf-8?b?{base64.b64encode(name.encode()).decode()}?="
    lines = [
        f"Received: from mx{dice.randrange(9)}.example.net (mx.example.net [192.0.2.7])",
        f"\tby in.example.org with ESMTPS id {dice.getrandbits(48):x};",
        f"\tMon, {1 + number % 28} Sep 2025 10:{number % 60:02}:00 +0000",
        f"From: {name} <sender{dice.randrange(500)}@example.net>",
        f"To: somebody{dice.randrange(50)}@bench.test, team@example.org",
        f"Subject: {'Re: ' if topic != number else ''}{' '.join(words)}",
        f"Date: Mon, {1 + number % 28} Sep 2025 10:{number % 60:02}:00 +0000",
        f"Message-ID: <{number}.bench@example.net>",
        "MIME-Version: 1.0",
    ]
    if topic != number:
        lines += [f"{name}: <{topic}.bench@example.net>" for name in ("In-Reply-To", "References")]
    return lines


def _parts(dice: random.Random, octets: int) -> list[str]:
    if octets < 6_000 or dice.random() < 0.2:
        return ["Content-Type: text/plain; charset=us-ascii", "", *_text(dice, octets)]
    boundary = f"=_{dice.getrandbits(64):x}"
    has_file = octets > 20_000
    kind = "mixed" if has_file else "alternative"
    text_octets = dice.randrange(500, 5_000)
    lines = [
        f'Content-Type: multipart/{kind}; boundary="{boundary}"', "", f"--{boundary}",
        "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "",
        *_text(dice, text_octets), "Grüße", f"--{boundary}",
    ]  # fmt: skip
    rest = octets - text_octets
    if has_file:
        lines += [
            "Content-Type: application/pdf",
            f'Content-Disposition: attachment; filename="report {dice.randrange(99)}.pdf"',
            "Content-Transfer-Encoding: base64",
            "",
            *_base64(dice, rest),
        ]
    else:
        lines += ["Content-Type: text/html; charset=utf-8", "", "<html><body>"]
        lines += [f"<p>{line}</p>" for line in _text(dice, rest)]
        lines += ["</body></html>"]
    return [*lines, f"--{boundary}--"]


@lru_cache(1)
def _lines() -> list[str]:
    """Lines to make texts of, as they cost too much to make for each message."""
    dice = random.Random("lines")
    return [" ".join(dice.choices(_WORDS, k=12))[:72] for _ in range(4_000)]


def _text(dice: random.Random, octets: int) -> list[str]:
    lines = _lines()
    start = dice.randrange(len(lines))
    count = max(1, octets // 64)
    return [lines[(start + n) % len(lines)] for n in range(count)]


def _base64(dice: random.Random, octets: int) -> list[str]:
    coded = base64.b64encode(dice.randbytes(max(octets, 76) * 3 // 4)).decode()
    return [coded[at : at + 76] for at in range(0, len(coded), 76)]
