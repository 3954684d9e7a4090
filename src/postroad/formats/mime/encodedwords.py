"""Encoded words in header fields (RFC 2047), read tolerantly and written strictly."""

import re
from base64 import b64encode
from binascii import a2b_qp
from typing import NamedTuple

from postroad.formats.mime.transfer import decode_base64
from postroad.formats.text import charset

# The language of RFC 2231 section 5 is read and dropped. Interop: spaces inside the text, which
# RFC 2047 section 2 forbids, are sent by old mailers.
_WORD = re.compile(r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,60})?\?([bBqQ])\?([^?\n]*+)\?=")

# RFC 2047 section 2: an encoded word has at most 75 characters.
_OCTETS_PER_B = 45
_OCTETS_PER_Q = 20

_Q_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")
_Q = [chr(n) if n in _Q_SAFE else "_" if n == 0x20 else f"={n:02X}" for n in range(256)]


class _Run(NamedTuple):
    """Octets of one charset, from one or more adjacent encoded words."""

    label: str
    octets: bytes


def decode(text: str) -> str:
    """The text with its encoded words decoded (RFC 2047 section 6), whatever is wrong with them.

    White space between adjacent words is dropped (section 6.2). Adjacent words of one charset
    are joined before they are decoded. Interop: some mailers split a character over two words.
    """
    if "=?" not in text:
        return text
    pieces: list[str] = []
    labels: list[_Run] = []
    end = 0
    for found in _WORD.finditer(text):
        gap = text[end : found.start()]
        if gap and not (labels and gap.isspace()):
            pieces += (_join(labels), gap)
            labels = []
        labels.append(_Run(found[1].lower(), _octets_of(found[2], found[3])))
        end = found.end()
    pieces += (_join(labels), text[end:])
    return "".join(pieces)


def _octets_of(encoding: str, word: str) -> bytes:
    octets = word.encode("utf-8", "replace")
    if encoding in "bB":
        return decode_base64(octets)
    return a2b_qp(octets, header=True)


def _join(runs: list[_Run]) -> str:
    text: list[str] = []
    at = 0
    while at < len(runs):
        label = runs[at].label
        first = at
        while at < len(runs) and runs[at].label == label:
            at += 1
        text.append(charset.decode(b"".join(run.octets for run in runs[first:at]), label))
    return "".join(text)


def encode(text: str) -> list[str]:
    """Encoded words in UTF-8 for the text, each at most 75 characters, to be joined with SP.

    The shorter of the Q and the B form is taken (RFC 2047 section 4); Q in the form that is
    allowed in a phrase too (section 5). A character is never split over two words.
    """
    octets = text.encode("utf-8", "replace")
    unsafe = sum(1 for octet in octets if octet not in _Q_SAFE and octet != 0x20)
    in_q = unsafe * 2 < len(octets) // 3 + 2
    words: list[str] = []
    for piece in _pieces(octets, _OCTETS_PER_Q if in_q else _OCTETS_PER_B):
        if in_q:
            words.append(f"=?utf-8?q?{''.join([_Q[octet] for octet in piece])}?=")
        else:
            words.append(f"=?utf-8?b?{b64encode(piece).decode('ascii')}?=")
    return words


def _pieces(octets: bytes, most: int) -> list[bytes]:
    """The octets in pieces of at most `most`, cut between characters of UTF-8."""
    pieces: list[bytes] = []
    at = 0
    while at < len(octets):
        end = min(at + most, len(octets))
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(octets[at:end])
        at = end
    return pieces
