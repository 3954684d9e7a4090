"""How mailboxes are reached, shown and searched, put together."""

from dataclasses import dataclass

from postroad.app.program import Program
from postroad.app.searching import Searching
from postroad.config.settings import SharedSeen
from postroad.core.mailbox.cache import SnapshotCache
from postroad.core.mailbox.extras import Extras
from postroad.core.mailbox.happenings import Happenings
from postroad.core.mailbox.reach import Reach
from postroad.core.mailbox.service import MailboxLimits, MailboxService
from postroad.core.mailbox.virtual import VirtualMailboxes
from postroad.core.search.service import TextSearch
from postroad.sessions.imap.saved import SavedSearches


@dataclass(frozen=True, slots=True)
class Mailboxes:
    reach: Reach
    service: MailboxService
    search: TextSearch
    happenings: Happenings


def build_mailboxes(program: Program, searching: Searching) -> Mailboxes:
    imap, mail = program.settings.imap, program.mail
    cache = SnapshotCache(mail, program.settings.limits.snapshot_octets)
    search = TextSearch(mail, program.blobs, cache, program.tasks, searching.index, searching.wake)
    extras = Extras(program.settings.limits.snapshot_octets // 2)
    common = mail, program.blobs, program.bus, cache, MailboxLimits()
    virtual = None
    if imap.virtual:
        plain = MailboxService(*common, extras=extras)
        searches = SavedSearches(plain, search, program.clock.now)
        virtual = VirtualMailboxes(program.virtual, mail, searches)
    private_seen = imap.shared_seen is SharedSeen.PRIVATE
    reach = Reach(mail, program.sharing, private_seen=private_seen, virtual=virtual)
    happenings = Happenings(program.bus, program.metrics)
    service = MailboxService(*common, virtual, extras, happenings)
    return Mailboxes(reach, service, search, happenings)
