"""Whatever a peer or the DNS gives as a signature or a key, nothing but an answer comes of it."""

from hypothesis import example, given
from hypothesis import strategies as st

from postroad.formats.dkim.keys import parse_record
from postroad.formats.dkim.signature import parse_signature, without_signature

PIECES = st.sampled_from(
    ["v=1", "v=DKIM1", "a=rsa-sha256", "a=ed25519-sha256", "b=", "bh=", "d=example.test", "s=s",
     "h=from:to", "c=relaxed/simple", "i=@example.test", "l=-1", "t=1", "x=0", "k=rsa",
     "k=ed25519", "p=", "p=QUJD", "p=MIIB", ";", "; ", "=", " ", "\r\n\t", ":", "\u00e9", "\0"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=20).map("".join))


@given(TEXTS)
@example("v=DKIM1; k=ed25519; p=QUJD")
@example("v=DKIM1; p=" + "A" * 20_000)
def test_a_key_record(text: str) -> None:
    parse_record(text)


@given(TEXTS)
@example("v=1; l=" + "9" * 5000)
def test_a_signature(text: str) -> None:
    octets = text.encode()
    parse_signature(octets)
    without_signature(octets)
