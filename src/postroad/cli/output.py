"""What commands print: text for people, or JSON for scripts."""

import json
import re
import sys
from collections.abc import Mapping, Sequence

Json = Mapping[str, object] | Sequence[object]

# Security: a peer's octets (replies, subjects) must not steer the operator's terminal.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def counted(count: int, one: str, many: str = "") -> str:
    """How many there are, in words: 1 message, 2 messages."""
    return f"{count} {one if count == 1 else many or one + 's'}"


class Output:
    """Results go to stdout, notes to stderr, so that a result can be piped."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def result(self, value: Json, *lines: str) -> None:
        """Print the value as JSON, or else the lines."""
        if self.as_json:
            print(json.dumps(value, indent=2, ensure_ascii=False))
            return
        for line in lines:
            print(clean(line))
        sys.stdout.flush()  # a server's log, which goes elsewhere, may follow

    def table(
        self,
        value: Json,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        empty: str,
    ) -> None:
        """Print the value as JSON, or else rows below their columns, or what to do if none."""
        if self.as_json or not rows:
            self.result(value, empty)
            return
        print_table(columns, rows)

    def note(self, text: str) -> None:
        """Something beside the result."""
        print(clean(text), file=sys.stderr)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """In a pipe each row is one line, whatever its width; a terminal folds long cells."""
    cleaned = [[clean(cell).replace("\n", " ") for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw_table(columns, cleaned)
        return
    widths = [max(map(len, column)) for column in zip(columns, *cleaned, strict=True)]
    for row in (columns, *cleaned):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def clean(text: str) -> str:
    """Control characters spelled out; line ends and tabs stay."""
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _draw_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(markup=False, highlight=False, emoji=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
