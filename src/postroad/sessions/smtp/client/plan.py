"""Decide how a message is sent to a server with these capabilities, before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass

from postroad.model.queue import Needs
from postroad.ports.transport import Outgoing, PermanentFailure, Unsupported
from postroad.wire.smtp.commands import Parameter
from postroad.wire.smtp.replies import Reply

Capabilities = Mapping[str, str]
"""EHLO keywords in capitals, and what stands behind them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The parameters of MAIL, and whether the content goes by BDAT."""

    parameters: tuple[Parameter, ...]
    by_chunks: bool
    utf8: bool


def capabilities_of(reply: Reply) -> Capabilities:
    """What a positive reply to EHLO announces (RFC 5321 section 4.1.1.1)."""
    found: dict[str, str] = {}
    for line in reply.lines[1:]:
        keyword, _, rest = line.strip().partition(" ")
        found[keyword.upper()] = rest.strip()
    return found


def plan(message: Outgoing, capabilities: Capabilities) -> Plan | Unsupported | PermanentFailure:
    if too_large := _too_large(message, capabilities):
        return too_large
    needs = message.needs
    takes_binary = "BINARYMIME" in capabilities and "CHUNKING" in capabilities
    # What has no lines, or too long ones, can go as it is only where lines do not count.
    by_chunks = takes_binary and (needs.binary or needs.long_lines)
    utf8 = needs.utf8 or not message.reverse_path.isascii()
    lacks = Needs(
        eight_bit=needs.eight_bit and not by_chunks and "8BITMIME" not in capabilities,
        utf8=utf8 and "SMTPUTF8" not in capabilities,
        binary=needs.binary and not takes_binary,
        long_lines=needs.long_lines and not takes_binary,
    )
    if lacks != Needs():
        return Unsupported(lacks)
    utf8 = utf8 or not all(path.isascii() for path in message.forward_paths)
    utf8 = utf8 and "SMTPUTF8" in capabilities
    return Plan(_parameters(message, capabilities, by_chunks, utf8), by_chunks, utf8)


def _too_large(message: Outgoing, capabilities: Capabilities) -> PermanentFailure | None:
    """RFC 1870 section 6.1: a limit of 0, or none, says nothing."""
    limit = capabilities.get("SIZE", "")
    if not (limit.isascii() and limit.isdigit()) or len(limit) > 20 or int(limit) == 0:
        return None
    if message.size <= int(limit):
        return None
    text = f"the message has {message.size} octets, the server takes {int(limit)}"
    return PermanentFailure(text, 552, "5.3.4")


def _parameters(
    message: Outgoing, capabilities: Capabilities, by_chunks: bool, utf8: bool
) -> tuple[Parameter, ...]:
    parameters = []
    if "SIZE" in capabilities:
        parameters.append(Parameter("SIZE", str(message.size)))
    if by_chunks:
        parameters.append(Parameter("BODY", "BINARYMIME"))
    elif message.needs.eight_bit:
        parameters.append(Parameter("BODY", "8BITMIME"))
    if utf8:
        parameters.append(Parameter("SMTPUTF8"))
    return tuple(parameters)
