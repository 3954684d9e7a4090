"""The protocols over the services: what the session of each connection is given."""

from collections.abc import Callable, Sequence

from postroad.adapters.spool.folder import SpoolFolder
from postroad.adapters.spool.settings import SpoolSettings
from postroad.app.program import Program
from postroad.app.services import Services
from postroad.app.tokens import oauth_hint
from postroad.config.checks import split_listener
from postroad.config.settings import LiteralForm, Scram
from postroad.formats.mailaddress import normalise_address
from postroad.model.workarounds import Workaround
from postroad.server.connection import Connection, tls_facts
from postroad.server.conversation import Conversation
from postroad.server.imap import ImapConversation, ImapPatience
from postroad.server.listener import Service, is_loopback
from postroad.server.smtp import SmtpConversation, SmtpPatience
from postroad.sessions.imap import session as imap
from postroad.sessions.imap import settings as imap_settings
from postroad.sessions.imap.feature import Services as ImapServices
from postroad.sessions.sasl.exchange import Circumstances
from postroad.sessions.smtp import settings as smtp_settings
from postroad.sessions.smtp.ports import Peer as SmtpPeer
from postroad.sessions.smtp.ports import Tls
from postroad.sessions.smtp.server import SmtpSession

_SMTP_REFUSAL = b"421 4.3.2 Too many connections, try again later\r\n"
_IMAP_REFUSAL = b"* BYE [UNAVAILABLE] Too many connections, try again later\r\n"


def mail_services(program: Program, services: Services) -> list[Service]:
    """Every listener of the mail protocols, as the settings have it."""
    listen = program.settings.listen
    smtp = _smtp_maker(program, services)
    role = smtp_settings.Role
    imap_maker = _imap_maker(program, services)
    table: Sequence[tuple[str, tuple[str, ...], Callable[[Connection], Conversation], bytes]] = (
        ("smtp", listen.smtp, smtp(role.MX), _SMTP_REFUSAL),
        ("submission", listen.submission, smtp(role.SUBMISSION), _SMTP_REFUSAL),
        ("submissions", listen.submissions, smtp(role.SUBMISSIONS), _SMTP_REFUSAL),
        ("imap", listen.imap, imap_maker(has_tls=False), _IMAP_REFUSAL),
        ("imaps", listen.imaps, imap_maker(has_tls=True), _IMAP_REFUSAL),
    )
    return [
        Service(
            name,
            [split_listener(address) for address in addresses],
            make,
            refusal,
            implicit_tls=name in ("submissions", "imaps"),
            is_for_users=name != "smtp",
        )
        for name, addresses, make, refusal in table
    ]


def spools(program: Program) -> SpoolFolder:
    limits = program.settings.limits
    return SpoolFolder(
        program.settings.below_data("spool"),
        SpoolSettings(
            max_memory_octets=limits.spool_memory_octets, min_free_octets=limits.free_disk_octets
        ),
    )


def _smtp_maker(
    program: Program, services: Services
) -> Callable[[smtp_settings.Role], Callable[[Connection], Conversation]]:
    limits = program.settings.limits
    settings = smtp_settings.SmtpSettings(
        hostname=program.hostname,
        max_octets=limits.message_octets,
        max_recipients=limits.recipients,
        max_errors=limits.smtp_errors,
        cleartext=smtp_settings.Cleartext(program.settings.auth.cleartext.value),
        sasl=_sasl(program),
        bare_newlines=smtp_settings.BareNewlines(program.settings.smtp.bare_newlines.value),
    )
    patience = SmtpPatience(lifetime_seconds=limits.smtp_session.total_seconds())

    def for_role(role: smtp_settings.Role) -> Callable[[Connection], Conversation]:
        def make(connection: Connection) -> Conversation:
            version, cipher = tls_facts(connection.tls_object)
            session = SmtpSession(
                settings,
                role,
                SmtpPeer(connection.peer, is_loopback(connection.peer)),
                reception=services.reception,
                authenticator=services.authenticator,
                can_start_tls=role is not smtp_settings.Role.SUBMISSIONS,
                tls=Tls(version, cipher, connection.evidence) if version else None,
            )
            return SmtpConversation(session, patience)

        return make

    return for_role


def _sasl(program: Program) -> Circumstances:
    auth = program.settings.auth
    return Circumstances(scram=auth.scram is not Scram.OFF, oauth=oauth_hint(auth.oauth))


def _imap_maker(
    program: Program, services: Services
) -> Callable[..., Callable[[Connection], Conversation]]:
    settings = imap_settings.ImapSettings(
        hostname=program.hostname,
        cleartext=imap_settings.Cleartext(program.settings.auth.cleartext.value),
        sasl=_sasl(program),
        max_append_octets=program.settings.limits.message_octets,
        utf8_only=program.settings.imap.utf8_only,
        submitters=frozenset(map(normalise_address, program.settings.imap.url_submitters)),
        gmail=program.settings.imap.gmail,
        workarounds=frozenset(map(Workaround, program.settings.imap.workarounds)),
        literal_minus=program.settings.imap.literal is LiteralForm.MINUS,
    )
    patience = ImapPatience(after_login_seconds=program.settings.imap.idle_timeout.total_seconds())
    parts = ImapServices(
        authenticator=services.authenticator,
        reach=services.reach,
        sharing=services.sharing,
        mailboxes=services.mailboxes,
        appending=services.appending,
        search=services.search,
        annotations=services.annotations,
        quotas=services.quotas,
        urls=services.urls,
        now=program.clock.now,
    )

    def with_tls(*, has_tls: bool) -> Callable[[Connection], Conversation]:
        def make(connection: Connection) -> Conversation:
            session = imap.ImapSession(
                settings,
                imap_settings.Peer(connection.peer, is_loopback(connection.peer)),
                parts,
                has_tls=has_tls,
                can_start_tls=not has_tls,
                evidence=connection.evidence,
            )
            return ImapConversation(session, patience)

        return make

    return with_tls
