"""Fuzz what makes text of octets: charsets, HTML, transfer encodings, encoded words, dates."""

import sys

from postroad.formats.mime import date, encodedwords, msgid, thread, transfer
from postroad.formats.text import charset, html


def one_input(data: bytes) -> None:
    """A charset's label, an empty line, and octets."""
    label, _, octets = data.partition(b"\n\n")
    text = charset.decode(octets, label.decode("latin-1"))
    charset.decode_beginning(octets, label.decode("latin-1"))
    assert len(html.to_text(text, 100)) <= 100
    encodedwords.decode(text)
    date.parse(text)
    msgid.find_all(text)
    thread.collation_key(thread.base_subject(text))
    for encoding in ("base64", "quoted-printable"):
        whole = transfer.decode(octets, encoding)
        pieces = [octets[at : at + 3] for at in range(0, len(octets), 3)]
        assert b"".join(transfer.decode_chunks(pieces, encoding)) == whole


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
