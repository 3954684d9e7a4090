"""The pages of docs/reference/, made from the code: `python -m postroad.cli.reference FOLDER`."""

import inspect
import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cyclopts import App
from rich.console import Console

from postroad.cli.main import app
from postroad.config.describe import Described, described, section_text
from postroad.http.contract.openapi import Json
from postroad.http.rest.application import description
from postroad.model.events import EventKind

_MADE = (
    "<!-- Made by `python -m postroad.cli.reference docs/reference`: change the code instead. -->"
)
_WIDTH = 92
_MEMBER = re.compile(r'^    ([A-Z_]+) = "[a-z_]+"(?:  # (.*))?$', re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")
_GLOBAL_PANEL = "╭─ Global options"  # said once, at the top of the page
_PLAIN_EVENTS = {
    EventKind.DELIVERED: "the next server, or the mailbox here, has taken it",
    EventKind.DELAYED: "the attempt failed, and another one follows",
    EventKind.BOUNCED: "given up, with the reason",
    EventKind.HELD: "kept back by the operator, or after a restore",
    EventKind.RELEASED: "let go again by the operator",
    EventKind.CANCELED: "given up because somebody asked for it",
    EventKind.SCHEDULED: "accepted, to be sent at the time that was asked for",
}


def main(folder: Path) -> None:
    """Write all pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    return {
        "settings.md": _page("Settings", _settings()),
        "cli.md": _page("Command line", _commands()),
        "events.md": _page("Events", _events()),
        "api.md": _page("REST API", _api(description())),
    }


def _page(title: str, lines: Iterator[str]) -> str:
    return "\n".join([f"# {title}", "", _MADE, "", *lines]).rstrip() + "\n"


# Settings


def _settings() -> Iterator[str]:
    yield from (
        "Settings come from `postroad.yaml` (`--config FILE`, the variable `POSTROAD_CONFIG`, the",
        "current folder, or the data folder), then from the environment, then from the command",
        "line; later ones win. `postroad config check` explains every fault with its line, and",
        "`postroad config show` prints what holds.",
        "",
        "A *duration* is written `90s`, `5m`, `4h`, `7d` or `1h30m`; a *size* is a number of",
        "octets, or `50MiB` (1024 times 1024), `512MB` (a million). In the environment a *list*",
        "is parted by commas, or JSON. Values in YAML that begin with a bracket want quotes:",
        '`"[::]:25"`.',
        "*Live* settings are taken up by a running server; all others at its next start.",
        "",
        "Two variables are no settings: `POSTROAD_CONFIG` names the file, and",
        "`POSTROAD_MASTER_KEY` (64 hex digits) is the master key itself.",
        "",
    )
    section: str | None = None
    for one in described():
        here = one.path.rpartition(".")[0]
        if here != section:
            section = here
            yield from _section(here)
        yield _setting(one)


def _section(path: str) -> Iterator[str]:
    yield from ("", f"## {path or 'At the top'}", "")
    text = section_text(path)
    if path and text:
        yield from (text, "")
    yield "| Setting | Kind | Default | Meaning |"
    yield "| --- | --- | --- | --- |"


def _setting(one: Described) -> str:
    name = f"`{one.path}`<br>`{one.variable}`"
    default = f"`{one.default}`" if one.default else "none"
    live = " *Live.*" if one.is_live else ""
    return f"| {name} | {_cell(one.kind)} | {default} | {_cell(one.text)}{live} |"


# Command line


def _commands() -> Iterator[str]:
    yield from (
        "Every command takes `--config FILE`, `--data-dir DIR` and `--json`, before or after its",
        "name. It exits with 0 when it is done, 1 when it failed (the reason is on stderr) and 2",
        "when it was not understood. Commands work beside a running server, which notices what",
        "they change within a second.",
        "",
    )
    for words in command_names(app):
        yield from (f"## postroad {' '.join(words)}", "", "```text", _help(words), "```", "")


def command_names(group: App, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command that is shown, in alphabetical order."""
    found: list[tuple[str, ...]] = []
    for name in sorted(group):
        command = group[name]
        if name.startswith("-") or not command.show:
            continue
        inner = command_names(command, (*above, name))
        found.extend(inner or [(*above, name)])
    return found


def _help(words: Sequence[str]) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=_WIDTH, force_terminal=False, color_system=None, legacy_windows=False
    )
    app.help_print(list(words), console=console)
    text = "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())
    return _BLANK_LINES.sub("\n\n", text.partition(_GLOBAL_PANEL)[0]).rstrip()


# Events


def _events() -> Iterator[str]:
    yield from (
        "What happens to a message is kept as events with one trace id. `postroad trace ID` and",
        "`GET /emails/{email_id}/events` show them, for as long as `mail.story_days` says.",
        "",
        "| Event | When |",
        "| --- | --- |",
    )
    comments = dict(_MEMBER.findall(inspect.getsource(EventKind)))
    for kind in EventKind:
        yield f"| `{kind.value}` | {_cell(comments.get(kind.name) or _PLAIN_EVENTS[kind])} |"


# REST API


def _api(document: Json) -> Iterator[str]:
    info = document["info"]
    yield from (
        info["description"],
        "",
        "The same as OpenAPI is at `/openapi.json`, and as a page at `/docs`, of every server.",
        "",
    )
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield from _operation(method.upper(), path, operation)
    yield from ("## Objects", "")
    for name, schema in document["components"]["schemas"].items():
        yield from _schema(name, schema)


def _operation(method: str, path: str, operation: Json) -> Iterator[str]:
    yield from (
        f"## {method} {path}",
        "",
        f"{operation['summary']} {operation['description']}",
        "",
    )
    parameters = operation["parameters"]
    if parameters:
        yield from ("| Parameter | In | Kind | Meaning |", "| --- | --- | --- | --- |")
    for one in parameters:
        about = _cell(one.get("description", ""))
        yield f"| `{one['name']}` | {one['in']} | {_kind(one['schema'])} | {about} |"
    if parameters:
        yield ""
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        yield from (f"Request: {_kind(schema)}.", "")
    for status, response in operation["responses"].items():
        schema = response["content"]["application/json"]["schema"]
        if status != "default" and schema:
            yield from (f"Answer {status}: {_kind(schema)}.", "")


def _schema(name: str, schema: Json) -> Iterator[str]:
    yield from (f"### {name}", "")
    if schema.get("description"):
        yield from (schema["description"], "")
    fields = schema.get("properties", {})
    if not fields:
        yield from (f"{_kind(schema)}.", "")
        return
    required = schema.get("required", ())
    yield from ("| Field | Kind | Required |", "| --- | --- | --- |")
    for field, kind in fields.items():
        yield f"| `{field}` | {_kind(kind)} | {'yes' if field in required else 'no'} |"
    yield ""


def _kind(schema: Json) -> str:
    """A type of JSON Schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_kind(one) for one in schema[several])
    if "enum" in schema:
        return " or ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
