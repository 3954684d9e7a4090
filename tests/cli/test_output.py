"""What is printed, in a pipe and on a terminal."""

import sys

import pytest

from postroad.cli.output import Output, clean, print_table


def test_control_characters_are_spelled_out() -> None:
    assert clean("a\x1b[2J\r\x07\u202e\x9bb\tc\nd") == "a\\x1b[2J\\x0d\\x07\\x202e\\x9bb\tc\nd"


def test_rows_in_a_pipe_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "Long"), [("x" * 200, "y"), ("1\n2", "")])
    assert capsys.readouterr().out.splitlines() == [
        f"{'A':200}  Long",
        f"{'x' * 200}  y",
        "1 2",
    ]


def test_rows_on_a_terminal_are_folded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "dumb")
    print_table(("A", "B"), [("x" * 60, "[bold]y")])
    out = capsys.readouterr().out
    assert "[bold]y" in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_json_keeps_letters_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).result({"name": "Bücher"}, "not this")
    assert capsys.readouterr().out == '{\n  "name": "Bücher"\n}\n'


def test_notes_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).note("look")
    assert capsys.readouterr() == ("", "look\n")
