"""From the octets of a request to typed values, with errors that name the field."""

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from postroad.http.contract.problems import Problem, RequestError, unprocessable

T = TypeVar("T")

_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`(?: - at `(?P<at>.*)`)?\Z")
_WRONG = re.compile(r"(?P<what>.*?) - at `(?P<at>[^`]*)`\Z", re.DOTALL)


def decode_json(octets: bytes, kind: type[T] | object) -> T:
    """The value of a JSON text. Raises `RequestError`: 400 if it is no JSON, 422 if another."""
    if not octets.strip():
        octets = b"{}"
    try:
        value: T = msgspec.json.decode(octets, type=kind)
    except msgspec.ValidationError as error:
        raise validation_problem(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"The request body is not valid JSON: {error}."
        raise RequestError(Problem(400, "validation_error", message)) from None
    except RecursionError:
        message = "The request body is nested too deeply."
        raise RequestError(Problem(400, "validation_error", message)) from None
    return value


def decode_query(query: Mapping[str, str], kind: type[T]) -> T:
    """The parameters after the question mark. Raises `RequestError`."""
    try:
        return msgspec.convert(dict(query), type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise validation_problem(error) from None


def validation_problem(error: msgspec.ValidationError) -> RequestError:
    """The words of the Resend API for what msgspec found wrong."""
    text = str(error)
    if missing := _MISSING.match(text):
        inside = _place(missing["at"] or "")
        field = f"{inside}.{missing['field']}" if inside else missing["field"]
        return unprocessable("missing_required_field", f"Missing `{field}` field.")
    if wrong := _WRONG.match(text):
        what = wrong["what"][:1].lower() + wrong["what"][1:]
        return unprocessable("validation_error", f"The `{_place(wrong['at'])}` field: {what}.")
    return unprocessable("validation_error", f"The request is not valid: {text}.")


def _place(path: str) -> str:
    return path.removeprefix("$").removeprefix(".")
