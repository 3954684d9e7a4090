"""Messages with NUL octets, which no mailbox may hold as they are.

BODY[...] is a string, and in those is no NUL (RFC 9051 section 4.3.1), so binary parts are kept
in base64; RFC 3516 section 4.4 lets a server change the transfer encoding of what it takes in.
"""

from postroad.base.errors import Invalid
from postroad.base.phrases import phrase
from postroad.formats.convert.convert import CannotConvert, convert
from postroad.model.queue import Needs
from postroad.ports.spool import Octets, Spool, Spools
from postroad.ports.tasks import Tasks


async def encode_binary(octets: Octets, spools: Spools, tasks: Tasks) -> Spool | None:
    """The message with its binary parts encoded; None where it has none.

    The caller closes the spool. Raises `Invalid` for NUL where nothing can be encoded, such as
    in a header; `LowSpace`, `TryLater`.
    """
    if octets.find(b"\0") < 0:
        return None
    converted = await tasks.offload(lambda: convert(octets, Needs(binary=True)))
    if isinstance(converted, CannotConvert):
        raise Invalid(phrase("NUL octets are not taken there: {reason}", reason=converted.reason))
    spool = spools.open()
    try:
        for chunk in converted.chunks():
            await spool.write(chunk)
    except BaseException:
        spool.close()
        raise
    return spool
