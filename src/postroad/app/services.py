"""The services that only a server needs: taking mail in, serving mailboxes, sending."""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from postroad.adapters.bus.siblings import SiblingBus
from postroad.app.mailboxes import build_mailboxes
from postroad.app.program import Program
from postroad.app.searching import Searching
from postroad.app.tokens import token_verifier
from postroad.base.errors import Invalid
from postroad.base.moments import Moment
from postroad.base.secret import Secret
from postroad.config.settings import DeliveryMode, RelayTls, Settings
from postroad.core.auth.service import Authenticator
from postroad.core.auth.throttle import FAILED, SUCCEEDED, Throttle
from postroad.core.delivery.local import LocalMail
from postroad.core.delivery.routing import Router
from postroad.core.mailbox.append import Appending
from postroad.core.mailbox.metadata import Annotations
from postroad.core.mailbox.quota import Quotas
from postroad.core.mailbox.reach import Reach
from postroad.core.mailbox.service import MailboxService
from postroad.core.mailbox.sharing import Sharing
from postroad.core.mailbox.urlauth import UrlAuthority
from postroad.core.queue.conversion import Converter
from postroad.core.queue.local import LocalQueue
from postroad.core.queue.notice import Notices
from postroad.core.queue.scheduler import Scheduler
from postroad.core.reception.service import Parts, Reception, ReceptionSettings
from postroad.core.search.service import TextSearch
from postroad.core.sending.submission import SubmittedMail
from postroad.core.upkeep.service import Retention, Upkeep
from postroad.model.metadata import AnnotationLimits
from postroad.ports.spool import Spools
from postroad.server.delivery import Relay, SmtpTransport
from postroad.sessions.smtp.client.settings import ClientSettings, TlsPolicy
from postroad.wire.sasl.plain import PlainCredentials

_DEFAULT_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Services:
    authenticator: Authenticator
    reception: Reception
    reach: Reach
    sharing: Sharing
    mailboxes: MailboxService
    appending: Appending
    search: TextSearch
    annotations: Annotations
    quotas: Quotas
    urls: UrlAuthority
    scheduler: Scheduler
    transport: SmtpTransport | None
    upkeep: Upkeep


def build_services(program: Program, spools: Spools, searching: Searching) -> Services:
    settings = program.settings
    mailboxes = build_mailboxes(program, searching)
    reach = mailboxes.reach
    live = settings.delivery.mode is DeliveryMode.LIVE
    router = Router(program.directory, program.hostname, only_verified=live)
    transport = outgoing(program) if live else None
    return Services(
        authenticator=Authenticator(
            program.directory,
            program.passwords,
            program.sealer,
            _throttle(program),
            program.clock,
            program.scram,
            program.metrics,
            token_verifier(program),
            program.verified,
        ),
        reception=_reception(program, router, spools),
        reach=reach,
        quotas=Quotas(program.mail, program.directory),
        sharing=Sharing(reach, program.sharing, program.directory, program.bus),
        mailboxes=mailboxes.service,
        appending=Appending(
            program.mail,
            program.blobs,
            spools,
            program.bus,
            program.tasks,
            program.clock,
            max_octets=settings.limits.message_octets,
            happenings=mailboxes.happenings,
        ),
        search=mailboxes.search,
        annotations=Annotations(
            reach, program.metadata, program.directory, program.bus, _annotations(settings)
        ),
        urls=UrlAuthority(reach, program.url_keys, program.directory, program.sealer),
        scheduler=_scheduler(program, router, spools, transport),
        transport=transport,
        upkeep=Upkeep(
            program.references,
            program.blobs,
            program.leases,
            program.clock,
            _retention(settings),
        ),
    )


def _throttle(program: Program) -> Throttle:
    """Failed logins, over all workers where there are some."""
    bus, settings = program.bus, program.settings.auth.throttle
    if not isinstance(bus, SiblingBus):
        return Throttle(settings)
    throttle = Throttle(settings, bus.tell)

    def failed(values: list[str | int]) -> None:
        account, peer, digest, at = values
        throttle.hear_failed(str(account), str(peer), str(digest), Moment(int(at)))

    def succeeded(values: list[str | int]) -> None:
        account, peer, *_ = values
        throttle.hear_succeeded(str(account), str(peer))

    bus.hear(FAILED, failed)
    bus.hear(SUCCEEDED, succeeded)
    return throttle


def outgoing(program: Program) -> SmtpTransport:
    """The way to other servers. Raises `Invalid` for a relay that is no URL."""
    delivery = program.settings.delivery
    relay = None
    if delivery.relay:
        relay = parse_relay(delivery.relay, delivery.relay_tls)
    return SmtpTransport(
        program.resolver,
        ClientSettings(hostname=program.hostname),
        relay=relay,
        port=delivery.port,
        may_connect=_anywhere if delivery.private_networks else _public,
    )


def parse_relay(url: str, tls: RelayTls) -> Relay:
    """``smtp://user:password@host:port``. Raises `Invalid`; the password is never shown."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid(f"delivery.relay is not a URL: {error}") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise Invalid("delivery.relay has to be smtp://host:port or smtps://host:port")
    credentials = None
    if parts.username is not None:
        password = Secret(unquote(parts.password or ""))
        credentials = PlainCredentials(unquote(parts.username), password)
    return Relay(
        host=parts.hostname,
        port=port or _DEFAULT_PORTS[parts.scheme],
        implicit_tls=parts.scheme == "smtps",
        credentials=credentials,
        tls=TlsPolicy(tls.value),
    )


def _reception(program: Program, router: Router, spools: Spools) -> Reception:
    limits = program.settings.limits
    parts = Parts(
        router=router,
        local=LocalMail(
            program.mail,
            program.queue,
            program.blobs,
            program.directory,
            program.bus,
            program.tasks,
            program.clock,
        ),
        submitted=SubmittedMail(
            router,
            program.identities,
            program.sending,
            spools,
            program.clock,
            program.hostname,
        ),
        identities=program.identities,
        spools=spools,
        clock=program.clock,
        tasks=program.tasks,
        counters=program.metrics,
    )
    settings = ReceptionSettings(program.hostname, limits.message_octets, limits.recipients)
    return Reception(settings, parts)


def _scheduler(
    program: Program, router: Router, spools: Spools, transport: SmtpTransport | None
) -> Scheduler:
    return Scheduler(
        program.settings.delivery.queue,
        program.queue,
        program.blobs,
        LocalQueue(
            program.mail,
            program.blobs,
            program.directory,
            router,
            spools,
            program.bus,
            program.tasks,
            program.clock,
        ),
        transport,
        Converter(program.blobs, program.signer, spools, program.tasks),
        Notices(program.blobs, program.signer, program.hostname),
        program.bus,
        program.tasks,
        program.clock,
        program.metrics,
    )


def _retention(settings: Settings) -> Retention:
    mail = settings.mail
    return Retention(
        expunged=timedelta(days=mail.undelete_days),
        submissions=timedelta(days=mail.submission_days),
        events=timedelta(days=mail.story_days),
        changes=timedelta(days=mail.change_days),
    )


def _annotations(settings: Settings) -> AnnotationLimits:
    limits = settings.limits
    return AnnotationLimits(
        limits.annotation_octets, limits.annotations, limits.annotations_octets
    )


def _anywhere(address: str) -> bool:
    return True


def _public(address: str) -> bool:
    """Security: an MX record may point at anything; mail does not go to our own networks."""
    return ipaddress.ip_address(address).is_global
