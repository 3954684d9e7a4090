"""All that the program may say to a person by IMAP, read from its source."""

import ast
from collections.abc import Iterator
from pathlib import Path

from postroad.base import errors
from postroad.sessions.imap import errors as imap_errors

SOURCE = Path(__file__).parents[3] / "src" / "postroad"
# Who says something to a client of IMAP, but for disks and other servers that do not work.
_SPEAKERS = (
    "base/syntax.py",
    "sessions/imap",
    "sessions/sasl",
    "core/auth/passwords.py",
    "core/auth/service.py",
    "core/mailbox",
    "core/message/binary.py",
    "adapters/sql/mail",
    "adapters/sql/owners.py",
    "model/labels.py",
)
_ERRORS = {
    name
    for module in (errors, imap_errors)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, errors.MailError)
}
# The place of the text among the arguments.
_SAID = {
    "phrase": 0,
    "_bye": 0,
    "Done": 0,
    "Status": 1,
    "no_update": 1,
    "BadUrl": 1,
    "UndefinedFilter": 1,
}


def said() -> dict[str, str]:
    """Templates, and where they are said."""
    found: dict[str, str] = {}
    for speaker in _SPEAKERS:
        path = SOURCE / speaker
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            where = str(file.relative_to(SOURCE))
            for template in _in(file):
                found.setdefault(template, where)
    for template in imap_errors.GENERAL.values():
        found.setdefault(template, "sessions/imap/errors.py")
    return found


def _in(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and (place := _place(node)) is not None:
            for argument in node.args[place : place + 1]:
                yield from _texts(argument, f"{file}:{node.lineno}")


def _place(call: ast.Call) -> int | None:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return _SAID.get(name, 0 if name in _ERRORS or _is_own_error(call) else None)


def _is_own_error(call: ast.Call) -> bool:
    """``super().__init__("...")`` of an error."""
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "__init__"
        and ast.unparse(function.value) == "super()"
    )


def _texts(argument: ast.expr, where: str) -> Iterator[str]:
    match argument:
        case ast.Constant(value=str() as template):
            yield template
        case ast.IfExp():
            yield from _texts(argument.body, where)
            yield from _texts(argument.orelse, where)
        case ast.JoinedStr():
            raise AssertionError(f"{where}: a text with values is made by phrase()")
