"""Text for people that can be said in another language: an English template with its values."""

from collections.abc import Mapping


class Phrase(str):
    """Reads as English; `template` names the places of its `values` in braces."""

    template: str
    values: Mapping[str, object]
    general: str
    """A template that says less, for who cannot say this one; may be empty."""


def phrase(template: str, /, *, general: str = "", **values: object) -> Phrase:
    """A value that is a `Phrase` itself is said in the other language too."""
    made = Phrase(template.format_map(values))
    made.template, made.values, made.general = template, values, general
    return made


def said_by(error: Exception) -> str:
    """What an error says, as it was given: `str` of it would forget a template."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, str) else str(error)
