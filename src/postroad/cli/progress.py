"""How far a long command is."""

import sys


class Progress:
    """A line on the terminal that is written over; nothing where stderr is none."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet or not sys.stderr.isatty()
        self._shown = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        line = f"{what} {100 * done // total if total else 100} %"
        if self._quiet or line == self._shown:
            return
        print(f"\r{line:<{len(self._shown)}}", end="", file=sys.stderr, flush=True)
        self._shown = line

    def end(self) -> None:
        """Wipe the line."""
        if self._shown:
            print(f"\r{'':<{len(self._shown)}}\r", end="", file=sys.stderr, flush=True)
            self._shown = ""
