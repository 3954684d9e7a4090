"""Decode a transfer encoding of octets that arrive in chunks one has to wait for."""

from collections.abc import Callable

from postroad.formats.mime import transfer

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_OTHERS = bytes(octet for octet in range(256) if octet not in _LETTERS)
_MOST_HELD = 64 * 1024


class Decoder:
    """Holds back what cannot be decoded without the next chunk, at most 64 KiB and a chunk."""

    def __init__(
        self, decode: Callable[[bytes], bytes], split: Callable[[bytes], tuple[bytes, bytes]]
    ) -> None:
        self._decode = decode
        self._split = split
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        whole, self._held = self._split(self._held + chunk)
        return self._decode(whole) if whole else b""

    def finish(self) -> bytes:
        held, self._held = self._held, b""
        return self._decode(held) if held else b""


def decoder(encoding: str) -> Decoder:
    """A decoder for one of `transfer.KNOWN`, in lower case."""
    if encoding == "base64":
        return Decoder(transfer.decode_base64, _split_base64)
    if encoding == "quoted-printable":
        return Decoder(transfer.decode_quoted_printable, _split_lines)
    return Decoder(lambda octets: octets, lambda octets: (octets, b""))


def _split_base64(octets: bytes) -> tuple[bytes, bytes]:
    """Whole groups of four letters, counted from the last padding."""
    letters = octets.translate(None, _OTHERS)
    padded = letters.rfind(b"=") + 1
    whole = padded + (len(letters) - padded) // 4 * 4
    return letters[:whole], letters[whole:]


def _split_lines(octets: bytes) -> tuple[bytes, bytes]:
    whole = octets.rfind(b"\n") + 1
    if not whole and len(octets) > _MOST_HELD:
        # Limit: a line this long is cut, but never inside an escape.
        escape = octets.find(b"=", len(octets) - 3)
        whole = len(octets) - 1 if escape < 0 else escape
    return octets[:whole], octets[whole:]
