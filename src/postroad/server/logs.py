"""Logs as events with fields, for people or for machines."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LAST = "worker"


class TextFormatter(logging.Formatter):
    """``12:01:02.345 info  postroad.server listening service=imap port=2143``"""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        line = f"{time}Z {record.levelname.lower():<7} {record.getMessage()}"
        fields = " ".join(f"{name}={_plain(value)}" for name, value in _fields(record).items())
        if fields:
            line += f"  {fields}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **_fields(record),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str)


def configure(level: str, *, as_json: bool) -> None:
    """Log to standard error from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def name_worker(number: int) -> None:
    """Every event of this process says from now on which worker it was."""
    make = logging.LogRecord

    def made(*args: Any, **kwargs: Any) -> logging.LogRecord:  # Any: as logging has it
        record = make(*args, **kwargs)
        record.worker = number
        return record

    logging.setLogRecordFactory(made)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    if _LAST in fields:
        fields[_LAST] = fields.pop(_LAST)
    return fields


def _plain(value: object) -> str:
    """One line, whatever a peer put into it."""
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)
