"""Calls to the REST API with a key."""

from starlette.types import ASGIApp

from restapi.asgi import Answer, ask
from restapi.fakes import FULL

ABSENT = "00000000-0000-7000-8000-000000000000"


async def call(
    app: ASGIApp, method: str, target: str, body: object = None, *, key: str = FULL, **more: str
) -> Answer:
    """One request; `more` are header fields, with underscores for hyphens."""
    fields = {name.replace("_", "-"): value for name, value in more.items()}
    return await ask(
        app, method, target, body, headers={"authorization": f"Bearer {key}", **fields}
    )
