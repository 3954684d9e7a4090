"""All settings, typed, with defaults that work. The reference in docs/ is made from this file."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Literal

from postroad.core.auth.throttle import ThrottleSettings
from postroad.core.queue.settings import QueueSettings

Workers = int | Literal["auto"]


class Cleartext(Enum):
    """Whether passwords may be sent without TLS."""

    NEVER = "never"
    LOOPBACK = "loopback"


class BareNewlines(Enum):
    """What becomes of a message in which a CR or LF stands alone."""

    REFUSE = "refuse"
    REPAIR = "repair"


class DeliveryMode(Enum):
    SANDBOX = "sandbox"
    LIVE = "live"


class LogFormat(Enum):
    TEXT = "text"
    JSON = "json"


class LogLevel(Enum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LiteralForm(Enum):
    PLUS = "LITERAL+"
    MINUS = "LITERAL-"


class SharedSeen(Enum):
    PRIVATE = "private"
    SHARED = "shared"


class RelayTls(Enum):
    REQUIRED = "required"
    OPPORTUNISTIC = "opportunistic"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenSettings:
    """Where each service listens: lists of `address:port`, by the services' IANA names."""

    smtp: tuple[str, ...] = ("127.0.0.1:2525",)
    """Mail from other servers (RFC 5321). In production: `0.0.0.0:25`, `[::]:25`."""
    submission: tuple[str, ...] = ("127.0.0.1:2587",)
    """Mail from our users, TLS by STARTTLS (RFC 6409)."""
    submissions: tuple[str, ...] = ("127.0.0.1:2465",)
    """Mail from our users, TLS from the first octet (RFC 8314)."""
    imap: tuple[str, ...] = ("127.0.0.1:2143",)
    """IMAP, TLS by STARTTLS (RFC 9051)."""
    imaps: tuple[str, ...] = ("127.0.0.1:2993",)
    """IMAP, TLS from the first octet (RFC 8314)."""
    http: tuple[str, ...] = ("127.0.0.1:8080",)
    """REST API, health checks and metrics, in the clear: for this machine or behind a proxy."""
    https: tuple[str, ...] = ("127.0.0.1:8443",)
    """The same over TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """The certificate for all services. Without one, a self-signed one is made."""

    certificate: Path | None = None
    """PEM file with the certificate and those above it. Changed files are taken up at once."""
    key: Path | None = None
    """PEM file with the private key, without a password."""


class Scram(Enum):
    """Of which passwords the keys of SCRAM are kept and taken."""

    OFF = "off"
    APP_PASSWORDS = "app_passwords"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class OauthSettings:
    """Access tokens of OAuth instead of passwords, for IMAP and submission.

    Set `jwks` or `introspection`; without either no token is taken.
    """

    issuer: str = ""
    """Who issues the tokens, exactly as their claim `iss` has it."""
    audience: str = ""
    """What the tokens are for: their claim `aud` must name it."""
    jwks: str = ""
    """The issuer's public keys, for tokens that are JWTs: a URL, or the path of a file."""
    introspection: str = ""
    """The URL where the issuer tells whether a token holds (RFC 7662)."""
    client_id: str = ""
    """Our own name at the issuer, for introspection."""
    client_secret: str = ""
    """Our own secret at the issuer, for introspection."""
    username_claim: str = "email"
    """The claim that has the address of the account."""
    scope: str = ""
    """A scope that tokens must have; empty: none is asked for."""
    private_networks: bool = False
    """Whether the URLs may be of private and loopback addresses, and without TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificateSettings:
    """Certificates of our users, for IMAP and submission, by the addresses that they name."""

    ca: Path | None = None
    """PEM file with the authorities whose certificates prove an address; without it none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """How people prove who they are."""

    cleartext: Cleartext = Cleartext.NEVER
    """`never`: passwords only over TLS. `loopback`: from this machine also without."""
    scram: Scram = Scram.OFF
    """Which passwords open by SCRAM: `off`: none, `app_passwords`: those alone, `all`: all."""
    oauth: OauthSettings = field(default_factory=OauthSettings)
    """Access tokens instead of passwords."""
    client_certificates: ClientCertificateSettings = field(
        default_factory=ClientCertificateSettings
    )
    """Certificates instead of passwords."""
    throttle: ThrottleSettings = field(default_factory=ThrottleSettings)
    """How failed logins are slowed down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """Mail on its way out."""

    mode: DeliveryMode = DeliveryMode.SANDBOX
    """`sandbox`: mail for elsewhere is kept in the owner's Sandbox mailbox. `live`: it is sent."""
    relay: str = ""
    """Send all through this server: `smtp://user:password@host:587`; `smtps://`: TLS at once."""
    relay_tls: RelayTls = RelayTls.REQUIRED
    """Whether the relay must offer TLS with a certificate that fits its name."""
    port: int = 25
    """The port of other mail servers; another one than 25 is for tests."""
    private_networks: bool = False
    """Whether mail may be sent to servers at private and loopback addresses."""
    queue: QueueSettings = field(default_factory=QueueSettings)
    """When mail is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3StorageSettings:
    """The bucket of `storage.blobs`, where that is one."""

    access_key_id: str = ""
    """Empty: from the environment (`AWS_ACCESS_KEY_ID`, ...) or from the machine's role."""
    secret_access_key: str = ""
    """What belongs to `access_key_id`."""
    timeout: timedelta = timedelta(seconds=30)
    """How long one operation is tried; what is large gets longer."""
    cache: Path = Path("blob-cache")
    """A folder for messages that were written or read lately; it may be lost, or emptied."""
    cache_octets: int = 2**30
    """About what that folder may hold; `0`: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSettings:
    """The database server, where `storage.metadata` names one."""

    connections: int = 8
    """Connections of one worker."""
    prepared_statements: bool = True
    """To be off behind a PgBouncer older than 1.21 that pools transactions."""
    statement_timeout: timedelta = timedelta(seconds=60)
    """The server ends statements that take longer, and transactions that stand still for it."""
    patience: timedelta = timedelta(seconds=10)
    """How long something is tried again while the server is away, before clients are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """Where mail is kept; relative paths are below `data_dir`."""

    metadata: str = "sqlite:postroad.db"
    """The database: `sqlite:PATH`, or `postgres://user:password@host:port/database`."""
    blobs: str = "segments:blobs"
    """The octets of messages: `segments:PATH`, a folder, or
    `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`, a bucket."""
    s3: S3StorageSettings = field(default_factory=S3StorageSettings)
    """The bucket of `storage.blobs`, where that is one."""
    postgres: PostgresSettings = field(default_factory=PostgresSettings)
    """How PostgreSQL is used, where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """Bounds that keep one client from harming the others."""

    message_octets: int = 50 * 2**20
    """The largest message taken in, by any way."""
    recipients: int = 1000
    """Recipients of one SMTP transaction."""
    connections: int = 20_000
    """Connections of all mail protocols at once."""
    connections_per_address: int = 500
    """Connections from one address at once; this machine itself is free of it."""
    smtp_errors: int = 20
    """Refused SMTP commands before the connection is closed."""
    smtp_session: timedelta = timedelta(hours=2)
    """An SMTP connection lasts no longer, however busy."""
    spool_memory_octets: int = 64 * 2**20
    """Messages on their way in take at most this much memory together; more goes to files."""
    free_disk_octets: int = 512 * 2**20
    """Below this much free disk no mail is taken in, long before a write fails."""
    snapshot_octets: int = 64 * 2**20
    """Memory for the lists of messages of mailboxes in use; half as much more for orders."""
    request_octets: int = 60_000_000
    """The largest body of an HTTP request."""
    annotation_octets: int = 32_768
    """The longest annotation of a mailbox or of the server (RFC 5464)."""
    annotations: int = 1000
    """Annotations of one mailbox, or of the server; those of each viewer are counted apart."""
    annotations_octets: int = 2**20
    """All annotations of one account together; those of each viewer are counted apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """Mail on its way in."""

    bare_newlines: BareNewlines = BareNewlines.REFUSE
    """A CR or LF alone: `refuse` the message, or `repair` it to CRLF, which breaks signatures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapSettings:
    """IMAP in particular."""

    literal: LiteralForm = LiteralForm.PLUS
    """Which of the two non-waiting literals is announced (RFC 7888); never both."""
    idle_timeout: timedelta = timedelta(minutes=31)
    """How long a client may be silent; RFC 9051 section 5.4 asks for at least 30 minutes."""
    shared_seen: SharedSeen = SharedSeen.PRIVATE
    """In mailboxes of others: whether everybody has a \\Seen of their own, or all have one."""
    gmail: bool = False
    """Labels, numbers and searches as at Gmail (X-GM-EXT-1), for programs that know them."""
    virtual: bool = False
    """Show `Virtual/All Mail`, `Virtual/Starred` and saved searches as mailboxes; programs that
    synchronise every mailbox then take their messages twice."""
    workarounds: tuple[str, ...] = ()
    """For old programs: `delay-newmail`, `tb-extra-mailbox-sep`, `idle-still-here` (see
    [mail programs](clients.md#workarounds))."""
    url_submitters: tuple[str, ...] = ()
    """Accounts of submission servers: they may fetch URLs made for `submit+` (RFC 4467)."""
    utf8_only: bool = False
    """Serve only clients that turn UTF-8 on with ENABLE UTF8=ACCEPT (RFC 6855 section 6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """How long things are kept."""

    undelete_days: int = 7
    """Expunged messages are kept this long."""
    submission_days: int = 30
    """Sent messages, as the API and `queue` show them, are kept this long after the last event."""
    story_days: int = 30
    """Events of messages are kept this long."""
    change_days: int = 60
    """Clients that were away for longer than this synchronise anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownSettings:
    grace: timedelta = timedelta(seconds=30)
    """After SIGTERM, transactions that are under way may take this long to finish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSettings:
    servers: tuple[str, ...] = ()
    """DNS servers as `address` or `address:port`; empty: those of the system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    level: LogLevel = LogLevel.INFO
    """What is logged: this and what is graver."""
    format: LogFormat = LogFormat.TEXT
    """`text` for people, `json` for machines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The tree of all settings."""

    data_dir: Path = Path("data")
    """The folder of everything that is kept. Relative paths begin where the program is started."""
    hostname: str = ""
    """Our name in the DNS: in greetings, `Received` and certificates. Empty: the system's name."""
    workers: Workers = 1
    """Processes that serve, side by side on the same data; `auto`: one for each processor."""
    master_key_file: Path = Path("master.key")
    """The key that seals all secrets, made by `init`; `POSTROAD_MASTER_KEY` (hex) wins over it."""
    listen: ListenSettings = field(default_factory=ListenSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    bus: str = ""
    """How nodes hear of each other's changes: `local:` (there is one), `postgres:` (the database;
    `postgres://…` where `storage.metadata` is a pool of transactions), `redis://HOST`,
    `redis+sentinel://HOST,HOST/SERVICE`, `nats://HOST,HOST`. Empty: what fits."""
    storage: StorageSettings = field(default_factory=StorageSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    smtp: SmtpSettings = field(default_factory=SmtpSettings)
    imap: ImapSettings = field(default_factory=ImapSettings)
    mail: MailSettings = field(default_factory=MailSettings)
    shutdown: ShutdownSettings = field(default_factory=ShutdownSettings)
    dns: DnsSettings = field(default_factory=DnsSettings)
    log: LogSettings = field(default_factory=LogSettings)

    def below_data(self, path: str | Path) -> Path:
        """A path of the settings, relative ones below `data_dir`."""
        return self.data_dir / path
