"""The list of extensions is the list of their files."""

import pkgutil

from postroad.sessions.smtp import extensions
from postroad.sessions.smtp.extensions import EXTENSIONS


def test_every_file_is_listed_once() -> None:
    files = {module.name for module in pkgutil.iter_modules(extensions.__path__)}
    assert len({extension.name for extension in EXTENSIONS}) == len(EXTENSIONS) == len(files)
