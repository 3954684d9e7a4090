"""The languages that a session can speak (RFC 5255 section 3); the code speaks English.

Each of the others is a file beside this one, which is read when the program starts.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from postroad.base.phrases import Phrase


@dataclass(frozen=True, slots=True)
class Language:
    """`texts` are by their English templates; empty for what is said in English."""

    tag: str
    texts: Mapping[str, str]
    other_users: str = ""
    """What people call the namespace, and the shared one; empty: by its name."""
    shared: str = ""

    @property
    def is_translated(self) -> bool:
        return bool(self.texts)

    def say(self, said: str) -> str:
        """The same in this language; what it has no words for, in general words or in English."""
        if not self.texts:
            return said
        if not isinstance(said, Phrase):
            return self.texts.get(said, said)
        values = {
            name: self.say(value) if isinstance(value, Phrase) else value
            for name, value in said.values.items()
        }
        template = self.texts.get(said.template)
        if template is None and said.general:
            template = self.texts.get(said.general)
        return (template or said.template).format_map(values)


def _read(tag: str) -> Language:
    found = tomllib.loads(resources.files(__name__).joinpath(f"{tag}.toml").read_text("utf-8"))
    return Language(tag, found["texts"], found["other_users"], found["shared"])


DEFAULT = Language("i-default", {})  # RFC 2277 section 4.5: English, in ASCII
LANGUAGES = {
    each.tag: each for each in (Language("en", {}), _read("de"), _read("fr"), _read("es"), DEFAULT)
}


def find(language_range: str) -> Language | None:
    """The language that a range means, by lookup (RFC 4647 section 3.4)."""
    wanted = language_range.lower()
    if wanted in ("default", "*"):  # the preferred one is that of who has said nothing
        return DEFAULT
    while wanted:
        if wanted in LANGUAGES:
            return LANGUAGES[wanted]
        wanted = wanted.rpartition("-")[0]
    return None
