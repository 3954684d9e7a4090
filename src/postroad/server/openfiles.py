"""How many files and connections this process may have open."""

import sys


def allow_open_files(wanted: int) -> int:
    """Raise the process's own limit as far as is wanted and allowed; the limit that holds now.

    Interop: login shells and systemd give 1024 to begin with, since programs that use select()
    break above; the hard limit is far higher, and meant to be used by programs like this.
    """
    if sys.platform == "win32":
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    most = wanted if hard == unlimited else min(wanted, hard)
    if soft != unlimited and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    return wanted if soft == unlimited else soft
