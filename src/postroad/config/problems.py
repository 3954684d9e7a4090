"""What is wrong with a configuration: all of it at once, each with its place."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postroad.base.errors import Invalid


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. `place` is a file with its line, or the name of a variable."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


class ConfigError(Invalid):
    """The configuration cannot be used; its text has a line for each fault."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def suggestion(wrong: str, right: Iterable[str]) -> str:
    """`` (did you mean ...?)`` for the nearest of the right ones, or nothing."""
    known = {one.lower(): one for one in right}
    near = difflib.get_close_matches(wrong.lower(), known, n=1, cutoff=0.6)
    return f" (did you mean {known[near[0]]}?)" if near else ""
