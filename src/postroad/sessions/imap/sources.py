"""Which mailboxes a filter of NOTIFY or ESEARCH means (RFC 5465 section 6, RFC 7377)."""

from collections.abc import Set

from postroad.core.mailbox.service import DELIMITER
from postroad.model.ids import MailboxName
from postroad.sessions.imap.feature import Context
from postroad.wire.imap.notify import MailboxFilter, Watched


def means(context: Context, wanted: MailboxFilter, name: str, subscribed: Set[str]) -> bool:
    """Whether a mailbox of that name is among them; the selected one is not told by its name."""
    match wanted.watched:
        case Watched.PERSONAL | Watched.INBOXES:
            # Mail may be delivered to any mailbox, so these two are the same.
            return not context.reach.is_foreign(MailboxName(name))
        case Watched.SUBSCRIBED:
            return name in subscribed
        case Watched.MAILBOXES:
            return name in wanted.names
        case Watched.SUBTREE | Watched.SUBTREE_ONE:
            one = wanted.watched is Watched.SUBTREE_ONE
            return any(_is_below(name, top, one=one) for top in wanted.names)
        case Watched.SELECTED | Watched.SELECTED_DELAYED:
            return False


def _is_below(name: str, top: str, *, one: bool) -> bool:
    start = top.removesuffix(DELIMITER) + DELIMITER
    if name == top:
        return True
    return name.startswith(start) and not (one and DELIMITER in name[len(start) :])
