"""A client that calls an ASGI application without a socket."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application answered."""

    status: int
    headers: Mapping[str, str]
    octets: bytes

    @property
    def json(self) -> Any:  # JSON
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.octets)

    @property
    def problem(self) -> tuple[int, str, str]:
        """Status, name and message of a refusal."""
        assert self.json["statusCode"] == self.status
        return self.status, self.json["name"], self.json["message"]


async def ask(
    app: ASGIApp,
    method: str,
    target: str,
    body: object = None,
    *,
    headers: Mapping[str, str] | None = None,
    chunks: Sequence[bytes] | None = None,
    peer: str = "127.0.0.1",
    fails_with: type[Exception] | None = None,
) -> Answer:
    """One request; `body` goes as JSON, `chunks` as they are.

    An application that `fails_with` an error answers first, and raises it for the server's log.
    """
    octets = b"" if body is None else json.dumps(body).encode()
    pieces = list(chunks) if chunks is not None else [octets]
    fields = {"host": "api.example.com", **(headers or {})}
    if chunks is None:
        fields.setdefault("content-length", str(len(octets)))
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
        "client": (peer, 50000),
        "server": ("api.example.com", 80),
    }
    messages: list[Message] = []
    waiting = [
        {"type": "http.request", "body": piece, "more_body": index < len(pieces) - 1}
        for index, piece in enumerate(pieces)
    ]

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        messages.append(message)

    try:
        await app(scope, receive, send)
    except Exception as error:
        if fails_with is None or not isinstance(error, fails_with):
            raise
    start = messages[0]
    answer = b"".join(message.get("body", b"") for message in messages[1:])
    names = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], names, answer)
