"""The log: one line for an event, whatever a peer put into it."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from postroad.base.secret import Secret
from postroad.server.logs import JsonFormatter, TextFormatter, configure


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back afterwards."""
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    yield root
    root.handlers[:] = kept
    root.setLevel(level)


def _record(message: str = "queued", **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("postroad.x", logging.INFO, __file__, 1, message, (), None)
    vars(made).update(fields)
    return made


def test_text_has_the_fields_behind_the_event() -> None:
    line = TextFormatter().format(_record(octets=12, peer="192.0.2.1"))
    assert line.endswith("Z info    queued  octets=12 peer=192.0.2.1")


@pytest.mark.parametrize("text", ["a\nb", "a b", "\x1b[31m", "a\r\nfake  x=1", "\u2028", ""])
def test_a_peer_cannot_begin_a_line_of_its_own(text: str) -> None:
    line = TextFormatter().format(_record(reply=text))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_json_is_one_object() -> None:
    event = json.loads(JsonFormatter().format(_record(reply="a\nb", to=Secret("hidden"))))
    assert event["event"] == "queued"
    assert event["logger"] == "postroad.x"
    assert event["reply"] == "a\nb"
    assert "hidden" not in json.dumps(event)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_an_error_brings_its_traceback_and_no_secret(formatter: logging.Formatter) -> None:
    secret = Secret("".join(("hid", "den")))  # not as it would stand in the source line
    try:
        raise RuntimeError(f"broken with {secret}")
    except RuntimeError:
        made = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", (), sys.exc_info())
    line = formatter.format(made)
    assert "RuntimeError" in line
    assert "hidden" not in line


def test_the_level_is_kept_and_chatty_libraries_are_quiet(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("debug", as_json=False)
    logging.getLogger("postroad.test").debug("seen")
    logging.getLogger("asyncio").info("not seen")
    configure("warning", as_json=True)
    logging.getLogger("postroad.test").info("not seen either")
    said = capsys.readouterr().err
    assert "seen" in said
    assert "not seen" not in said
