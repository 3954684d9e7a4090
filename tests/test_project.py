"""The project keeps its own rules: lists are whole, files small, links alive."""

import importlib
import inspect
import pkgutil
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

from postroad.adapters.sql.migrations import migrations
from postroad.base import errors
from postroad.base.errors import MailError
from postroad.http.rest.errors import ERRORS as HTTP_ERRORS
from postroad.sessions.imap import commands
from postroad.sessions.imap.commands import FEATURES
from postroad.sessions.imap.errors import CODES as IMAP_ERRORS
from postroad.sessions.imap.feature import Feature
from postroad.sessions.smtp import extensions
from postroad.sessions.smtp.context import Extension
from postroad.sessions.smtp.errors import REPLIES as SMTP_ERRORS
from postroad.sessions.smtp.extensions import EXTENSIONS
from stores import every_contract

ROOT = Path(__file__).parents[1]
MAX_LINES = 500
TABLES: dict[str, Mapping[type[MailError], object]] = {
    "IMAP": IMAP_ERRORS,
    "SMTP": SMTP_ERRORS,
    "HTTP": HTTP_ERRORS,
}
# Written in halves, so that this file does not hold what it looks for.
FORBIDDEN = ["/" + "work" + "/", "bash_" + "jobs"]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*```.*?^[ \t]*```", re.MULTILINE | re.DOTALL)


def tracked() -> list[Path]:
    """The files of the project: those that git knows, and those that are not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("NOT A GIT CHECKOUT: the files of the project are not known")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def modules_of(package: ModuleType) -> list[ModuleType]:
    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("changes/*.md"), *ROOT.glob("docs/**/*.md")])


def anchors(page: Path) -> set[str]:
    """The names of the headings of a page, as a Git host makes them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(text)]
    return {heading.strip().replace(" ", "-") for heading in plain}


def kinds_of_errors() -> list[type[MailError]]:
    found = inspect.getmembers(errors, inspect.isclass)
    return [kind for _, kind in found if issubclass(kind, MailError)]


@pytest.mark.parametrize("module", modules_of(commands), ids=lambda module: module.__name__)
def test_every_imap_command_is_listed(module: ModuleType) -> None:
    found = [value for value in vars(module).values() if isinstance(value, Feature)]
    assert found
    listed = {id(feature) for feature in FEATURES}
    assert all(id(feature) in listed for feature in found), "list it in commands/__init__.py"


def test_no_imap_command_is_listed_twice() -> None:
    names = [feature.name for feature in FEATURES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("module", modules_of(extensions), ids=lambda module: module.__name__)
def test_every_smtp_extension_is_listed(module: ModuleType) -> None:
    found = [value for value in vars(module).values() if isinstance(value, Extension)]
    assert len(found) == 1
    assert found[0] in EXTENSIONS, "list it in extensions/__init__.py"


@pytest.mark.parametrize("protocol", TABLES)
@pytest.mark.parametrize("kind", kinds_of_errors())
def test_every_error_has_words_in_every_protocol(kind: type[MailError], protocol: str) -> None:
    """An entry of its own, or that of a nearer ancestor than the base of all."""
    table = TABLES[protocol]
    assert MailError in table
    assert any(one in table for one in kind.__mro__ if one is not MailError or kind is MailError)


def test_files_are_small() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "src").rglob("*.py")
        if (lines := path.read_bytes().count(b"\n")) > MAX_LINES
    }
    assert long == {}, "which second subject moved in?"


def test_migrations_have_numbers_of_their_own() -> None:
    """There may be gaps: a number is taken before its migration is there."""
    numbers = [migration.number for migration in migrations()]
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))
    folder = ROOT / "src/postroad/adapters/sql/schema"
    assert len(list(folder.glob("*.sql"))) == len(numbers), "a file whose name is no number"


def test_the_commands_of_the_pages_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = set[str]()
    for page in pages():
        text = page.read_text(encoding="utf-8")
        told |= set(re.findall(r"(?:^|\$ |`|&& )make (?:-C \S+ )?([a-z]+)", text, re.MULTILINE))
    assert told >= {"run", "test"}
    assert told <= targets


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), link


def test_decisions_are_numbered_and_listed() -> None:
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    found = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [int(name[:4]) for name in found] == list(range(1, len(found) + 1))
    for name in found:
        assert f"({name})" in index, name
        text = (folder / name).read_text(encoding="utf-8")
        assert text.startswith(f"# {name[:4]}: "), name
        for word in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert word in text, (name, word)


def test_what_the_code_says_of_the_docs_is_there() -> None:
    """References such as docs/decisions/0002 or docs/design/store.md in source and tests."""
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "src").rglob("*.sql")]:
        text = path.read_text(encoding="utf-8")
        for number in re.findall(r"docs/decisions/(\d{4})", text):
            assert list((ROOT / "docs/decisions").glob(f"{number}-*.md")), (path, number)
        for name in re.findall(r"docs/[\w/-]+\.(?:md|toml)", text):
            assert (ROOT / name).is_file(), (path, name)


def test_no_page_and_no_code_names_the_place_it_was_made_at() -> None:
    found = []
    for path in tracked():
        octets = path.read_bytes()
        if b"\0" in octets:
            continue
        text = octets.decode("utf-8", "replace")
        found += [(str(path.relative_to(ROOT)), one) for one in FORBIDDEN if one in text]
    assert found == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120


def test_every_contract_is_collected() -> None:
    """One that is not in `__all__` would run nowhere, and nobody would notice."""
    named = {name for name in vars(every_contract) if name.startswith("Test")}
    assert named == set(every_contract.__all__)
