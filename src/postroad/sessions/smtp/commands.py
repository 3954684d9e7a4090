"""The commands of RFC 5321 section 4.1 that no extension brings."""

from dataclasses import replace

from postroad.core.message.facts import Facts, MailParameters, Way
from postroad.sessions.smtp.context import (
    Answer,
    AnyVerb,
    Body,
    Context,
    Hangup,
    Hello,
    Incoming,
    MailOptions,
    OpenMail,
    ReadData,
    Verb,
    may_log_in_without_tls,
    may_not_begin_content,
)
from postroad.sessions.smtp.extensions import EXTENSIONS
from postroad.wire.smtp.commands import (
    BadCommand,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Mail,
    Noop,
    Parameter,
    Quit,
    Rcpt,
    Rset,
    Vrfy,
)
from postroad.wire.smtp.replies import Reply


async def _helo(context: Context, command: Helo) -> Answer:
    context.abort_mail()
    context.hello = Hello(command.name, is_extended=False)
    context.offered = ()
    return Answer(Reply(250, "", context.settings.hostname))


async def _ehlo(context: Context, command: Ehlo) -> Answer:
    """RFC 5321 section 4.1.1.1: EHLO also does what RSET does."""
    context.abort_mail()
    context.hello = Hello(command.name, is_extended=True)
    lines = [(extension, extension.ehlo(context)) for extension in EXTENSIONS]
    context.offered = tuple(extension for extension, line in lines if line is not None)
    said = [line for _, line in lines if line is not None]
    return Answer(Reply(250, "", "\n".join([context.settings.hostname, *said])))


async def _mail(context: Context, command: Mail) -> Answer:
    if refusal := _may_not_send(context):
        return Answer(refusal)
    options = MailOptions()
    for parameter in command.parameters:
        options = _with_parameter(context, options, parameter)
    reverse_path = command.reverse_path.address if command.reverse_path else ""
    transaction = await context.reception.open(
        _facts(context, options), reverse_path, _parameters(options)
    )
    context.mail = OpenMail(options, transaction)
    return Answer(Reply(250, "2.1.0", "Sender ok"))


def _may_not_send(context: Context) -> Reply | None:
    """Why MAIL is not allowed now, or None."""
    if context.hello is None:
        return Reply(503, "5.5.1", "Say EHLO first")
    if context.mail is not None:
        return Reply(503, "5.5.1", "A transaction is open already")
    if not context.role.is_submission or context.principal is not None:
        return None
    needs_tls = context.tls is None and not may_log_in_without_tls(context)
    if needs_tls:
        return Reply(530, "5.7.0", "Say STARTTLS first")
    return Reply(530, "5.7.0", "Authentication required")


def _with_parameter(context: Context, options: MailOptions, parameter: Parameter) -> MailOptions:
    for extension in context.offered:
        apply = extension.mail_parameters.get(parameter.keyword)
        if apply is not None:
            return apply(context, options, parameter.value)
    raise BadCommand(555, "5.5.4", f"{parameter.keyword} is not supported")


def _facts(context: Context, options: MailOptions) -> Facts:
    protocol = context.protocol
    if options.smtputf8:
        protocol = "UTF8SMTP" + protocol.removeprefix("ESMTP")  # RFC 6531 section 4.3
    return Facts(
        way=Way.SUBMISSION if context.role.is_submission else Way.MX,
        peer=context.peer.address,
        helo=context.hello.name if context.hello else "",
        protocol=protocol,
        tls=str(context.tls) if context.tls else "",
        principal=context.principal,
    )


def _parameters(options: MailOptions) -> MailParameters:
    return MailParameters(
        size=options.announced_octets, body=options.body.value, utf8=options.smtputf8
    )


async def _rcpt(context: Context, command: Rcpt) -> Answer:
    mail = context.mail
    if mail is None:
        return Answer(Reply(503, "5.5.1", "Say MAIL first"))
    if mail.incoming is not None:
        return Answer(Reply(503, "5.5.1", "The content has begun"))
    mail.tried_recipients += 1
    if command.parameters:
        raise BadCommand(555, "5.5.4", f"{command.parameters[0].keyword} is not supported")
    if mail.recipients >= context.settings.max_recipients:
        # RFC 5321 section 4.5.3.1.10: the client sends the rest in another transaction.
        return Answer(Reply(452, "4.5.3", "Too many recipients"))
    path = command.forward_path
    if not path.domain:  # <Postmaster>, who is ours (RFC 5321 section 4.5.1)
        path = replace(path, domain=context.settings.hostname)
    await mail.transaction.add_recipient(path.address)
    mail.recipients += 1
    return Answer(Reply(250, "2.1.5", "Recipient ok"))


async def _data(context: Context, command: Data) -> Answer:
    mail = context.mail
    if refusal := may_not_begin_content(mail):
        return Answer(refusal)
    if mail is None or mail.incoming is not None:
        return Answer(Reply(503, "5.5.1", "BDAT has begun; DATA cannot be mixed with it"))
    if mail.options.body is Body.BINARY:
        return Answer(Reply(503, "5.5.1", "BINARYMIME needs BDAT"))  # RFC 3030 section 3
    mail.incoming = Incoming.of(mail, context.settings)
    return Answer(Reply(354, "", "Send the message, end it with <CRLF>.<CRLF>"), ReadData())


async def _rset(context: Context, command: Rset) -> Answer:
    context.abort_mail()
    return Answer(Reply(250, "2.0.0", "Ok"))


async def _noop(context: Context, command: Noop) -> Answer:
    return Answer(Reply(250, "2.0.0", "Ok"))


async def _quit(context: Context, command: Quit) -> Answer:
    context.abort_mail()
    return Answer(Reply(221, "2.0.0", "Bye"), Hangup())


async def _vrfy(context: Context, command: Vrfy) -> Answer:
    """Security: it is not said who there is (RFC 5321 section 7.3)."""
    return Answer(Reply(252, "2.0.0", "Send some mail, and it will be tried"))


async def _expn(context: Context, command: Expn) -> Answer:
    return Answer(Reply(502, "5.5.1", "Lists are not shown"))


async def _help(context: Context, command: Help) -> Answer:
    return Answer(Reply(214, "2.0.0", "Commands: " + " ".join(verb.name for verb in VERBS)))


_BASE: tuple[AnyVerb, ...] = (
    Verb("HELO", Helo, _helo),
    Verb("EHLO", Ehlo, _ehlo),
    Verb("MAIL", Mail, _mail),
    Verb("RCPT", Rcpt, _rcpt),
    Verb("DATA", Data, _data),
    Verb("RSET", Rset, _rset),
    Verb("NOOP", Noop, _noop),
    Verb("QUIT", Quit, _quit),
    Verb("VRFY", Vrfy, _vrfy),
    Verb("EXPN", Expn, _expn),
    Verb("HELP", Help, _help),
)
VERBS: tuple[AnyVerb, ...] = _BASE + tuple(
    verb for extension in EXTENSIONS for verb in extension.verbs
)
