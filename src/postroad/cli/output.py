"""What commands print: text for people, or JSON for scripts."""

import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence

Json = Mapping[str, object] | Sequence[object]

# Security: a peer's octets (replies, subjects) must not steer the operator's terminal.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


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
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    console = Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)
    table = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=not sys.stdout.isatty())
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    console.print(table)


def clean(text: str) -> str:
    """Control characters spelled out; line ends and tabs stay."""
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
