"""What one IMAP command is made of, and what its handler may use."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, Generic, Protocol, TypeVar

from postroad.base.moments import Moment
from postroad.core.mailbox.append import Appending
from postroad.core.mailbox.metadata import Annotations
from postroad.core.mailbox.quota import Quotas
from postroad.core.mailbox.reach import Reach
from postroad.core.mailbox.service import MailboxService
from postroad.core.mailbox.sharing import Sharing
from postroad.core.mailbox.urlauth import UrlAuthority
from postroad.core.search.service import TextSearch
from postroad.model.comparator import Comparator
from postroad.model.ids import AccountId, MailboxId
from postroad.model.principal import Principal
from postroad.model.sharing import Place, Viewer
from postroad.model.workarounds import Workaround
from postroad.sessions.imap.annotating import Annotating
from postroad.sessions.imap.languages import DEFAULT, Language
from postroad.sessions.imap.settings import Cleartext, ImapSettings, Peer
from postroad.sessions.imap.view import Selected
from postroad.sessions.sasl.exchange import (
    NO_EVIDENCE,
    Authenticator,
    Circumstances,
    TlsEvidence,
)
from postroad.wire.errors import WireError
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.fetch import FetchAtt
from postroad.wire.imap.responses import Condition, Response, Status

CommandT = TypeVar("CommandT")


def _now() -> Moment:
    return Moment(time.time_ns() // 1000)


class State(Enum):
    """States of a connection (RFC 9051 section 3); logout is the end of the session."""

    NOT_AUTHENTICATED = auto()
    AUTHENTICATED = auto()
    SELECTED = auto()


EVERYWHERE = frozenset(State)
BEFORE_LOGIN = frozenset({State.NOT_AUTHENTICATED})
AFTER_LOGIN = frozenset({State.AUTHENTICATED, State.SELECTED})
ONLY_SELECTED = frozenset({State.SELECTED})


class News(Enum):
    """What is announced between the responses of a command and its end."""

    ALL = auto()
    WANTED = auto()  # the same, and they are what the client waits for
    ITS_OWN = auto()  # the same, and they answer the command, so NOTIFY cannot keep them back
    NO_EXPUNGE = auto()  # numbers must stay: RFC 9051 section 7.5.1
    NONE = auto()


class Extension(Enum):
    """What a client can turn on with ENABLE (RFC 9051 section 6.3.1); the value is its name."""

    IMAP4REV2 = b"IMAP4REV2"
    CONDSTORE = b"CONDSTORE"
    QRESYNC = b"QRESYNC"
    UTF8 = b"UTF8=ACCEPT"
    UIDONLY = b"UIDONLY"
    METADATA = b"METADATA"


class UidRequired(WireError):
    """Message numbers were used after ENABLE UIDONLY (RFC 9586 section 3)."""

    def __init__(self) -> None:
        super().__init__("UIDs instead of message numbers are needed after ENABLE UIDONLY")


class OtherMailboxes(Protocol):
    """Mailboxes that NOTIFY watches besides the selected one."""

    owners: frozenset[AccountId]
    """Whose changes the client waits for."""

    @property
    def wants_server_metadata(self) -> bool: ...

    @property
    def wants_mailbox_metadata(self) -> bool: ...

    def annotated_name(
        self, context: "Context", key: tuple[AccountId, MailboxId]
    ) -> str | None: ...

    async def look(self, context: "Context") -> list[Response]: ...


@dataclass(frozen=True, slots=True)
class Notifying:
    """What NOTIFY asked for (RFC 5465); the first four are about the selected mailbox."""

    counts: bool  # of messages that come and go
    flags: bool
    delayed: bool  # expunges wait for a command
    attributes: tuple[FetchAtt, ...]  # to be fetched of new messages
    others: OtherMailboxes | None


DEAF = Notifying(counts=False, flags=False, delayed=False, attributes=(), others=None)


class Utf8Required(WireError):
    """A command that may need UTF-8, before it was enabled (RFC 6855 section 6)."""

    def __init__(self) -> None:
        super().__init__("ENABLE UTF8=ACCEPT comes first here")


class Next(Enum):
    """What the connection does after the responses of a command."""

    READ = auto()
    START_TLS = auto()
    START_COMPRESSION = auto()
    STOP_COMPRESSION = auto()
    CLOSE = auto()


@dataclass(frozen=True, slots=True)
class Done:
    """How the command ends; without one it ends with OK. Nothing may be yielded after it."""

    text: str
    code: bytes = b""
    condition: Condition = Condition.OK


Reply = Response | Done
Replies = AsyncGenerator[Reply, None]


@dataclass(frozen=True, slots=True)
class Pending:
    """The command goes on with the client's next line, given to `go_on`.

    `idles` says that meanwhile the client wants to hear of changes (IDLE).
    """

    go_on: Callable[[bytes], Replies]
    idles: bool = False


@dataclass(slots=True)
class Progress:
    """How far a command is, counted in messages; `at` is called with how many are dealt with."""

    goal: int
    done: int = 0

    def at(self, done: int) -> None:
        self.done = done


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the core that commands use."""

    authenticator: Authenticator
    reach: Reach
    sharing: Sharing
    mailboxes: MailboxService
    appending: Appending
    search: TextSearch
    annotations: Annotations
    quotas: Quotas
    urls: UrlAuthority
    now: Callable[[], Moment] = _now


@dataclass(slots=True)
class Context:
    """What a handler works with: the client's account, its view, and the services."""

    services: Services
    settings: ImapSettings
    peer: Peer
    has_tls: bool
    can_start_tls: bool
    capabilities: "Callable[[Context], tuple[bytes, ...]]"
    evidence: TlsEvidence = NO_EVIDENCE
    tag: bytes = b"*"  # of the command that is being carried out
    progress: Progress | None = None  # of this command, as far as it is known
    principal: Principal | None = None
    view: Selected | None = None
    enabled: set[Extension] = field(default_factory=set)
    pending: Pending | None = None
    next: Next = Next.READ
    compresses: bool = False  # COMPRESS is active (RFC 4978)
    failed_logins: int = 0
    left: bool = False  # by UNAUTHENTICATE
    annotating: Annotating = field(default_factory=Annotating)
    comparator: Comparator = Comparator.UNICODE  # the active one (RFC 5255 section 4.2)
    language: Language = DEFAULT
    notify: Notifying | None = None  # None: NOTIFY was not used
    touched: set[str] = field(default_factory=set)  # names that the client itself changed
    own_uids: set[int] = field(default_factory=set)  # that it put into the selected mailbox
    owes_mod_seq: bool = False  # HIGHESTMODSEQ of what is selected (RFC 7162 section 3.1)

    @property
    def state(self) -> State:
        if self.principal is None:
            return State.NOT_AUTHENTICATED
        return State.AUTHENTICATED if self.view is None else State.SELECTED

    @property
    def account(self) -> AccountId:
        """The account; for commands that are only allowed after the login."""
        if self.principal is None:
            raise RuntimeError("the dispatcher let a command through in the wrong state")
        return self.principal.account_id

    @property
    def viewer(self) -> Viewer:
        """Who asks for mailboxes by name."""
        if self.principal is None:
            raise RuntimeError("the dispatcher let a command through in the wrong state")
        return Viewer(self.principal.account_id, self.principal.account.tenant_id)

    @property
    def selected(self) -> Selected:
        """The selected mailbox; for commands that are only allowed with one."""
        if self.view is None:
            raise RuntimeError("the dispatcher let a command through in the wrong state")
        return self.view

    @property
    def reach(self) -> Reach:
        return self.services.reach

    @property
    def mailboxes(self) -> MailboxService:
        return self.services.mailboxes

    @property
    def utf8(self) -> bool:
        """Names and strings are UTF-8 (RFC 6855 section 3, RFC 9051 section 5.1)."""
        return Extension.UTF8 in self.enabled or Extension.IMAP4REV2 in self.enabled

    @property
    def lacks_utf8(self) -> bool:
        """UTF-8 has to be enabled before anything else, and is not yet."""
        return self.settings.utf8_only and self.principal is not None and not self.utf8

    @property
    def delays_news(self) -> bool:
        """Who knows of modification sequences is told in the order of these."""
        return Workaround.DELAY_NEWMAIL in self.settings.workarounds and not self.condstore

    @property
    def rev2(self) -> bool:
        return Extension.IMAP4REV2 in self.enabled

    @property
    def condstore(self) -> bool:
        return Extension.CONDSTORE in self.enabled

    @property
    def qresync(self) -> bool:
        return Extension.QRESYNC in self.enabled

    @property
    def uid_only(self) -> bool:
        """Neither side says message numbers (RFC 9586)."""
        return Extension.UIDONLY in self.enabled

    @property
    def may_log_in(self) -> bool:
        """Whether a password may be sent over this connection."""
        if self.has_tls:
            return True
        return self.settings.cleartext is Cleartext.LOOPBACK and self.peer.is_loopback

    @property
    def circumstances(self) -> Circumstances:
        """What may prove somebody on this connection."""
        return replace(self.settings.sasl, evidence=self.evidence)

    @property
    def was_used(self) -> bool:
        return self.principal is not None or self.left

    def spoken(self, status: Status) -> Status:
        """The same in the language of the session, in ASCII where other letters are not due."""
        text = self.language.say(status.text)
        if not (self.language.is_translated or self.utf8 or text.isascii()):
            text = text.encode("ascii", "replace").decode()  # RFC 3501 section 9: TEXT-CHAR
        return status if text is status.text else replace(status, text=text)

    def begin(self, goal: int) -> Callable[[int], None]:
        """What follows deals with so many messages; what is given is told how far it is."""
        self.progress = Progress(goal)
        return self.progress.at

    def touch(self, *names: str) -> None:
        """The client itself made, removed or renamed these (RFC 5465 section 5)."""
        if self.notify is not None and self.notify.others is not None:
            self.touched.update(names)

    def put_in(self, target: Place, uids: Iterable[int]) -> None:
        """The client itself put these messages there (RFC 5465 section 5.2)."""
        view = self.view
        if view is None or self.notify is None or not self.notify.attributes:
            return
        if (view.account, view.mailbox_id) == (target.owner, target.mailbox.mailbox_id):
            self.own_uids.update(uids)

    def forget_login(self) -> None:
        """Everything but the connection itself and its failed logins (RFC 8437 section 4.1)."""
        self.principal = self.view = self.pending = None
        self.left = True
        self.owes_mod_seq = False
        self.annotating = Annotating()
        self.comparator = Comparator.UNICODE
        self.language = DEFAULT  # RFC 8437 section 4.1
        self.notify = None
        self.touched.clear()
        self.own_uids.clear()
        self.enabled.clear()

    def enable(self, extension: Extension) -> None:
        """Turn it on for the rest of the connection; QRESYNC includes CONDSTORE."""
        if extension in (Extension.CONDSTORE, Extension.QRESYNC) and not self.condstore:
            self.owes_mod_seq = self.view is not None
        self.enabled.add(extension)
        if extension is Extension.QRESYNC:  # RFC 7162 section 3.2.3
            self.enabled.add(Extension.CONDSTORE)


class Stream(Protocol):
    """A command whose literal comes in chunks, such as APPEND."""

    async def write(self, chunk: bytes) -> None: ...

    async def next(self, cursor: Cursor) -> None:
        """Another literal comes; `cursor` is at the arguments as far as they were read."""
        ...

    def finish(self, cursor: Cursor) -> Replies:
        """Carry the command out; `cursor` is at the beginning of its arguments."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Feature(Generic[CommandT]):
    """One command: its name, where it is allowed, how it is read and carried out.

    `capabilities` says what is announced because of it. `begin` is for commands with a
    streamed literal; it gets the cursor at the arguments as far as they were read.
    """

    name: bytes
    states: frozenset[State]
    parse: Callable[[Cursor], CommandT]
    handle: Callable[[Context, CommandT], Replies]
    capabilities: "Callable[[Context], tuple[bytes, ...]]" = lambda _: ()
    news: News = News.ALL
    refreshes: bool = False  # the handler reads the mailbox itself, after what it changed
    begin: Callable[[Context, Cursor], Awaitable[Stream]] | None = None
    by_number: bool = False  # its arguments or its responses are message numbers


AnyFeature = Feature[Any]  # Any: each feature has a command type of its own


def always(*capabilities: bytes) -> Callable[[Context], tuple[bytes, ...]]:
    """Capabilities that are announced in every state."""
    return lambda _: capabilities


def no_arguments(cursor: Cursor) -> None:
    """`parse` of commands that are only a name."""
    cursor.end()
