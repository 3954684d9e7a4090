"""`postroad version`."""

import platform

from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation


def number() -> str:
    """The version of the installed package."""
    from importlib.metadata import version as installed

    return installed("postroad")


def version(*, invocation: Invocation = EVERYTHING_DEFAULT) -> None:
    """Print the version.

    **Examples**

        postroad version
    """
    python = platform.python_version()
    invocation.output.result(
        {"version": number(), "python": python}, f"postroad {number()} (Python {python})"
    )
