"""All commands, listed by hand; CAPABILITY is computed from the list."""

from postroad.sessions.imap.commands import (
    append,
    capability,
    close,
    copy,
    enable,
    expunge,
    fetch,
    id,
    idle,
    list,
    login,
    logout,
    mailbox,
    move,
    namespace,
    noop,
    search,
    select,
    starttls,
    status,
    store,
)
from postroad.sessions.imap.feature import AnyFeature, Context

FEATURES: tuple[AnyFeature, ...] = (
    capability.FEATURE,
    login.LOGIN,
    login.AUTHENTICATE,
    starttls.FEATURE,
    append.FEATURE,
    id.FEATURE,
    noop.NOOP,
    noop.CHECK,
    logout.FEATURE,
    enable.FEATURE,
    namespace.FEATURE,
    list.LIST,
    list.LSUB,
    status.FEATURE,
    mailbox.CREATE,
    mailbox.DELETE,
    mailbox.RENAME,
    mailbox.SUBSCRIBE,
    mailbox.UNSUBSCRIBE,
    select.SELECT,
    select.EXAMINE,
    close.CLOSE,
    close.UNSELECT,
    idle.FEATURE,
    fetch.FETCH,
    fetch.UID_FETCH,
    search.SEARCH,
    search.UID_SEARCH,
    store.STORE,
    store.UID_STORE,
    copy.COPY,
    copy.UID_COPY,
    move.MOVE,
    move.UID_MOVE,
    expunge.EXPUNGE,
    expunge.UID_EXPUNGE,
)


def capabilities(context: Context) -> tuple[bytes, ...]:
    """What is announced to this client now."""
    names = (name for feature in FEATURES for name in feature.capabilities(context))
    return tuple(dict.fromkeys(names))
