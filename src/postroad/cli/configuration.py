"""`postroad config`: what the settings are, and what is wrong with them."""

import os
from typing import TYPE_CHECKING

from cyclopts import App

from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation

if TYPE_CHECKING:
    from postroad.config.settings import Settings

app = App(name="config", help="The settings of file and environment.")


@app.command
def check(*, invocation: Invocation = EVERYTHING_DEFAULT) -> int:
    """Look for faults in the settings, and tell of all of them at once.

    **Examples**

        postroad config check

        postroad --config /etc/postroad.yaml config check --json
    """
    import ssl

    from postroad.config.loader import find_file
    from postroad.config.problems import ConfigError
    from postroad.server.tls import Certificates, ask_for_certificates

    file = find_file(invocation.config, os.environ, data_dir=invocation.data_dir)
    source = "defaults and environment (there is no postroad.yaml)" if file is None else str(file)
    name = None if file is None else str(file)
    try:
        settings = invocation.settings()
    except ConfigError as error:
        if not invocation.json:
            raise
        problems = [{"place": one.place, "what": one.what} for one in error.problems]
        invocation.output.result({"file": name, "ok": False, "problems": problems})
        return 1
    if settings.tls.certificate is not None and settings.tls.key is not None:
        # Raises `Invalid` for files that are not there or do not belong together.
        Certificates(settings.tls.certificate, settings.tls.key)
    if settings.auth.client_certificates.ca is not None:
        ask_for_certificates(
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), settings.auth.client_certificates.ca
        )
    invocation.output.result(
        {"file": name, "ok": True, "problems": []},
        f"No faults in {source}.",
        "Next: postroad serve; a running server has to be restarted for what is not marked live "
        "in postroad config show.",
    )
    return 0


@app.command
def show(
    *,
    changed: bool = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Show the settings that hold, passwords left out.

    **Examples**

        postroad config show --changed

        POSTROAD_DELIVERY__MODE=live postroad config show --json

    Parameters
    ----------
    changed:
        Only those that are not the default.
    """
    from postroad.config.describe import changed as differing
    from postroad.config.describe import shown
    from postroad.config.settings import Settings

    settings = invocation.settings()
    different = set(differing(Settings(), settings))
    if invocation.json:
        invocation.output.result(_only(shown(settings), different) if changed else shown(settings))
        return
    rows = _rows(settings, different, only_different=changed)
    invocation.output.table(
        {}, ("Setting", "Value", ""), rows, empty="Every setting has its default."
    )


def _rows(
    settings: "Settings", different: set[str], *, only_different: bool
) -> list[tuple[str, str, str]]:
    from postroad.config.describe import described, shown_value

    rows = []
    for one in described():
        if only_different and one.path not in different:
            continue
        value = shown_value(settings, one.path)
        text = ", ".join(value) if isinstance(value, list) else _word(value)
        marks = [
            *(["changed"] if one.path in different else []),
            *(["live"] if one.is_live else []),
        ]
        rows.append((one.path, text, ", ".join(marks)))
    return rows


def _word(value: object) -> str:
    if value is None or value == "":
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _only(tree: dict[str, object], paths: set[str], prefix: str = "") -> dict[str, object]:
    """The branches that lead to the paths."""
    kept: dict[str, object] = {}
    for name, value in tree.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            inner = _only(value, paths, f"{path}.")
            if inner:
                kept[name] = inner
        elif path in paths:
            kept[name] = value
    return kept
