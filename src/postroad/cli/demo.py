"""`postroad demo`: a server with two people to play with, for `make run`."""

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from postroad.base.errors import Invalid
from postroad.base.secret import Secret
from postroad.cli.founding import found
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation

if TYPE_CHECKING:
    from postroad.config.settings import Settings

_DOMAIN = "example.test"
_ALICE, _BOB = f"alice@{_DOMAIN}", f"bob@{_DOMAIN}"
_KEPT = "demo.json"
_SERVED = ("submission", "imaps", "http")


def demo(*, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """Make a demonstration on the first start, print its credentials, and serve.

    **Examples**

        postroad demo
    """
    from postroad.app.serving import run

    settings = invocation.settings()
    credentials = asyncio.run(prepare(settings))
    invocation.output.result(credentials, *text(settings, credentials))
    run(settings, source=invocation.source())


async def prepare(settings: "Settings") -> dict[str, str]:
    """Alice (the admin), Bob and a key: their secrets by name, the same at each start.

    Raises `Invalid` in a data folder that is not a demonstration's.
    """
    from postroad.app.program import initialise, open_program
    from postroad.core.auth.passwords import new_password

    file = settings.below_data(_KEPT)
    if not file.exists() and settings.below_data(settings.master_key_file).exists():
        raise Invalid(
            f"{settings.data_dir} is in use and is no demonstration. "
            "Start it with postroad serve, or choose another --data-dir."
        )
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = _load(file)
    # Kept before the accounts are made: a start that is cut short is finished by the next one.
    for address in (_ALICE, _BOB):
        kept.setdefault(address, new_password().reveal())
    _keep(file, kept)
    await initialise(settings)
    async with open_program(settings) as program:
        founded = await found(program, _DOMAIN, _ALICE, Secret(kept[_ALICE]))
        if founded.api_key is not None:
            kept["api_key"] = founded.api_key.reveal()
            _keep(file, kept)
        if await program.directory.find_account(_BOB) is None:
            await program.accounts.create(_BOB, Secret(kept[_BOB]))
    return kept


def text(settings: "Settings", credentials: dict[str, str]) -> list[str]:
    """What to read before the log begins: who there is, and three commands to try."""
    folder = settings.data_dir
    return [
        f"A demonstration in {folder}/ (delete the folder to start anew). Mail for elsewhere",
        f"stays here, in the Sandbox mailbox of {_ALICE}.",
        "",
        f"  {_ALICE}  password {credentials[_ALICE]}  (admin)",
        f"  {_BOB}    password {credentials[_BOB]}",
        f"  API key            {credentials.get('api_key', 'made by an earlier start')}",
        "",
        "Three commands to try, in another terminal:",
        *_commands(settings, credentials),
        "",
        f"Where did it go? postroad --data-dir {folder} queue list; postroad trace ID",
        "Ctrl-C ends the server.",
        "",
    ]


def _commands(settings: "Settings", credentials: dict[str, str]) -> list[str]:
    listen = settings.listen
    places = {name: next(iter(getattr(listen, name)), "") for name in _SERVED}
    commands = []
    if places["http"]:
        email = {"from": _ALICE, "to": _BOB, "subject": "Hello", "text": "By REST."}
        commands += [
            f"  curl -s http://{places['http']}/emails -H 'Content-Type: application/json' \\",
            f"    -H 'Authorization: Bearer {credentials.get('api_key', 'KEY')}' \\",
            f"    -d '{json.dumps(email)}'",
        ]
    if places["submission"]:
        login = f"-u {_BOB}:{credentials[_BOB]}"
        commands += [
            rf"  printf 'From: {_BOB}\r\nTo: {_ALICE}\r\nSubject: Hello\r\n\r\nBy SMTP.\r\n' |",
            f"    curl -sk --ssl-reqd smtp://{places['submission']} {login} \\",
            f"    --mail-from {_BOB} --mail-rcpt {_ALICE} -T -",
        ]
    if places["imaps"]:
        commands += [
            f"  curl -sk 'imaps://{places['imaps']}/INBOX;MAILINDEX=1' "
            f"-u {_BOB}:{credentials[_BOB]}",
        ]
    return commands


def _load(file: Path) -> dict[str, str]:
    try:
        kept = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Invalid(f"{file} cannot be read: {error}") from error
    if not isinstance(kept, dict) or not all(isinstance(one, str) for one in kept.values()):
        raise Invalid(f"{file} is not what a demonstration keeps there; delete the data folder")
    return kept


def _keep(file: Path, kept: dict[str, str]) -> None:
    """Whole or not at all, and for its owner's eyes only."""
    fresh = file.with_suffix(".new")
    made = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(made, "w") as out:
        out.write(json.dumps(kept, indent=2) + "\n")
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
