"""`postroad serve`: the server."""

from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation


def serve(*, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """Serve mail until Ctrl-C or SIGTERM; what is under way is finished first.

    With --json the log is JSON, a line for each event.

    **Examples**

        postroad serve

        postroad --config /etc/postroad.yaml serve
    """
    from dataclasses import replace

    from postroad.app.serving import run
    from postroad.config.settings import LogFormat

    settings = invocation.settings()
    if invocation.json:
        settings = replace(settings, log=replace(settings.log, format=LogFormat.JSON))
    run(settings, source=invocation.source())
