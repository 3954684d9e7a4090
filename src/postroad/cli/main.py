"""The operator's command: `postroad`.

Exit codes: 0 done, 1 failed with the reason on stderr, 2 wrong usage.
"""

import asyncio
import inspect
import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from postroad.base.errors import MailError
from postroad.cli import (
    account,
    alias,
    apppassword,
    backup,
    configuration,
    demo,
    doctor,
    domain,
    init,
    key,
    mailbox,
    migratestore,
    node,
    queue,
    serve,
    trace,
    undelete,
    verify,
    version,
)
from postroad.cli.invocation import VALUE_OPTIONS, WrongUsage
from postroad.cli.output import clean

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def _default_shown(value: object) -> str | None:
    """Help tells the defaults that are not just "no"."""
    return str(value) if value else None


app = App(
    name="postroad",
    help="The whole mail of a person, a team or a product, in one program.\n\n"
    "Start with `postroad init --domain DOMAIN --admin ADDRESS`, then `postroad serve`.",
    help_format="markdown",
    version=version.number,
    default_parameter=Parameter(negative="", show_default=_default_shown),
)
for function in (init.init, serve.serve, trace.trace, verify.verify, doctor.doctor):
    app.command(function)
app.command(migratestore.migrate_store)
app.command(version.version)
app.command(demo.demo, show=False)
for group in (
    configuration.app,
    domain.app,
    account.app,
    alias.app,
    apppassword.app,
    mailbox.app,
    key.app,
    node.app,
    queue.app,
    undelete.app,
    backup.app,
):
    app.command(group)


def main() -> None:
    """Entry point."""
    # Security: mail and keys are nobody else's business, whatever the shell's habit is.
    os.umask(0o077)
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe has seen enough; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    sys.exit(code)


def run(words: Sequence[str]) -> int:
    """Run one command line and return its exit code; all errors are printed."""
    tokens = _global_options_last(list(words))
    try:
        if _lacks_command(tokens):
            return WRONG_USAGE
        return _call(tokens)
    except CycloptsError as error:
        return _fail(_sentence(error), WRONG_USAGE, f"See {_help_of(tokens)}")
    except WrongUsage as error:
        return _fail(str(error), WRONG_USAGE, f"See {_help_of(tokens)}")
    except MailError as error:
        again = "Try again; if it stays, see postroad doctor." if error.temporary else None
        return _fail(str(error), FAILED, again)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _fail(str(error), FAILED, "See postroad doctor.")
    except KeyboardInterrupt:
        return INTERRUPTED


def _call(tokens: list[str]) -> int:
    command, bound, _ = app.parse_args(tokens, print_error=False, exit_on_error=False)
    result = command(*bound.args, **bound.kwargs)
    if inspect.iscoroutine(result):
        result = asyncio.run(result)
    return result if isinstance(result, int) else DONE


def _global_options_last(words: list[str]) -> list[str]:
    """``postroad --json account list`` means the same as ``postroad account list --json``."""
    moved: list[str] = []
    while words:
        if words[0] in VALUE_OPTIONS and len(words) > 1:
            moved += [words.pop(0), words.pop(0)]
        elif words[0] == "--json" or words[0].startswith(tuple(f"{o}=" for o in VALUE_OPTIONS)):
            moved.append(words.pop(0))
        else:
            break
    end = words.index("--") if "--" in words else len(words)
    return [*words[:end], *moved, *words[end:]]


def _lacks_command(tokens: list[str]) -> bool:
    """Whether only a group is named; its help is shown then."""
    names, apps, rest = app.parse_commands(tokens)
    without_command = apps[-1].default_command is None
    if without_command and (not rest or rest[0] in ("--json", *VALUE_OPTIONS)):
        print(f"postroad: {' '.join(('postroad', *names))} needs a command", file=sys.stderr)
        app.help_print(list(names))
        return True
    return False


def _help_of(tokens: list[str]) -> str:
    names = app.parse_commands(tokens)[0]
    return " ".join(("postroad", *names, "--help"))


def _sentence(error: CycloptsError) -> str:
    return " ".join(str(error).split())


def _fail(reason: str, code: int, advice: str | None) -> int:
    for line in reason.splitlines() or ["failed"]:
        print(f"postroad: {clean(line)}", file=sys.stderr)
    if advice is not None:
        print(advice, file=sys.stderr)
    return code
