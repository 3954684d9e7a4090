"""Passwords from a pipe or from the keyboard, never from the command line's words."""

import getpass
import sys

from postroad.base.errors import Invalid
from postroad.base.secret import Secret
from postroad.cli.invocation import WrongUsage

_MAX_OCTETS = 4096


def read_password(*, from_stdin: bool, whose: str) -> Secret:
    """The first line of stdin, or what is typed twice. Raises `Invalid`, `WrongUsage`."""
    if from_stdin:
        return read_piped_password()
    if not sys.stdin.isatty():
        raise WrongUsage(
            "there is no terminal to ask for the password: pipe it in and add --password-stdin"
        )
    first = getpass.getpass(f"Password for {whose}: ")
    if first != getpass.getpass("The same again: "):
        raise Invalid("the two passwords differ; nothing was changed")
    return Secret(first)


def read_piped_password() -> Secret:
    """The first line of stdin, without its line end. Raises `Invalid` when it is empty."""
    octets = sys.stdin.buffer.readline(_MAX_OCTETS).rstrip(b"\r\n")
    if not octets:
        raise Invalid(
            "no password came in on stdin; write: printf '%s\\n' \"$PASSWORD\" | postroad ..."
        )
    try:
        return Secret(octets.decode())
    except UnicodeDecodeError as error:
        raise Invalid("the password on stdin is not UTF-8") from error
