"""Fuzz the bodies of the REST API, and the messages that are made of them."""

import sys
from contextlib import suppress

from postroad.base.errors import MailError
from postroad.base.moments import Moment
from postroad.http.contract.decoding import decode_json
from postroad.http.contract.problems import RequestError
from postroad.http.rest.emails import ENDPOINTS
from postroad.http.rest.sendemail import SendEmail, plan

NOW = Moment(1_767_323_045_000_000)
BATCH = next(endpoint for endpoint in ENDPOINTS if endpoint.path == "/emails/batch")


def one_input(data: bytes) -> None:
    """A request is refused by name, or becomes a message of short lines."""
    with suppress(RequestError):
        BATCH.body_of(data)
    try:
        email: SendEmail = decode_json(data, SendEmail)
        message = plan(email, NOW, {}).build()
    except (RequestError, MailError):
        return
    octets = bytes(message.octets)
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
