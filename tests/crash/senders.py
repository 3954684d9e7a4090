"""Clients that send: other servers, people with mail programs, and programs over REST."""

import http.client
import json
import smtplib
import threading
from dataclasses import dataclass

from crash.ledger import Letter, Sending, Violation, message_of
from crash.sink import REFUSED
from crash.workers import CAROL, DAVE, Desk, Worker
from support.server import ALICE, BOB

_SECONDS = 30
_STRANGER = "stranger@elsewhere.test"
_DOMAINS = ("elsewhere.test", "other.test")
_SENDINGS = 40  # in one connection


class _Smtp(Worker):
    """One transaction after the other; each ends with a reply, or nobody knows."""

    def _transact(
        self, smtp: smtplib.SMTP, sending: Sending, author: str, paths: list[str]
    ) -> None:
        self.desk.ledger.begin(sending)
        message = message_of(sending.letters[0].key, author)
        may_fail = self.desk.may_fail
        for code, text in (smtp.mail(author), *(smtp.rcpt(path) for path in paths)):
            _check(code, text, may_fail=may_fail)
        if smtp.has_extn("chunking") and self.desk.chance.random() < 0.3:
            half = self.desk.chance.randrange(1, len(message))
            smtp.send(b"BDAT %d\r\n" % half + message[:half])
            smtp.send(b"BDAT %d LAST\r\n" % (len(message) - half) + message[half:])
            _check(*smtp.getreply(), may_fail=may_fail)
            code, text = smtp.getreply()
        else:
            code, text = smtp.data(message)
        _check(code, text, may_fail=may_fail)
        sending.is_acknowledged = True


def _check(code: int, text: bytes, *, may_fail: bool) -> None:
    if code == 421 or (may_fail and 400 <= code < 500):
        raise smtplib.SMTPServerDisconnected("shutting down")
    if code != 250:
        raise Violation(f"refused: {code} {text!r}")


class MailExchanger(_Smtp):
    """Another server, on port 25: 250 means that it is in the mailbox."""

    def session(self, stop: threading.Event) -> None:
        chance = self.desk.chance
        port = self.desk.server.ports["smtp"]
        with smtplib.SMTP(local_hostname="mx.elsewhere.test", timeout=_SECONDS) as smtp:
            smtp.connect("127.0.0.1", port)
            smtp.ehlo()
            for _ in range(_SENDINGS):
                if stop.is_set():
                    break
                mailboxes = tuple(chance.choice([[ALICE], [BOB], [ALICE, BOB]]))
                sending = Sending((Letter(self.new_key(), mailboxes),), is_queued=False)
                self._transact(smtp, sending, _STRANGER, list(mailboxes))
                stop.wait(chance.random() * 0.02)


class Submitter(_Smtp):
    """A mail program: to people here, elsewhere, and some whom the other side refuses."""

    def session(self, stop: threading.Event) -> None:
        server = self.desk.server
        with smtplib.SMTP(local_hostname="pc", timeout=_SECONDS) as smtp:
            smtp.connect("127.0.0.1", server.ports["submission"])
            smtp.ehlo()
            smtp.login(DAVE, server.passwords[DAVE], initial_response_ok=True)
            for _ in range(_SENDINGS):
                if stop.is_set():
                    break
                letter = _letter(self.desk, self.new_key(), may_be_refused=True)
                sending = Sending((letter,), is_queued=True)
                paths = [*letter.mailboxes, *letter.remote, *letter.refused]
                self._transact(smtp, sending, DAVE, paths)
                stop.wait(self.desk.chance.random() * 0.05)


def _letter(desk: Desk, key: str, *, may_be_refused: bool) -> Letter:
    chance = desk.chance
    remote = tuple(
        f"to-{key}-{number}@{chance.choice(_DOMAINS)}" for number in range(chance.randrange(3))
    )
    refused: tuple[str, ...] = ()
    if may_be_refused and chance.random() < 0.1:
        refused = (f"{REFUSED}-{key}@{_DOMAINS[0]}",)
    mailboxes: tuple[str, ...] = (chance.choice([ALICE, BOB]),)
    if (remote or refused) and chance.random() < 0.6:
        mailboxes = ()
    return Letter(key, mailboxes, remote, refused)


@dataclass(slots=True)
class _Request:
    path: str
    body: bytes
    idempotency_key: str | None
    sending: Sending


class Program(Worker):
    """A program over REST. What it has no answer to is asked again, if it gave it a key."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._unanswered: list[_Request] = []

    def recover(self) -> None:
        """Repeat what has a key: it must then have been done once."""
        again, self._unanswered = self._unanswered, []
        connection = self._connection()
        for request in again:
            self._ask(connection, request)
        connection.close()

    def session(self, stop: threading.Event) -> None:
        connection = self._connection()
        try:
            while not stop.is_set():
                self._ask(connection, self._new_request())
                stop.wait(self.desk.chance.random() * 0.05)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        port = self.desk.server.ports["http"]
        return http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)

    def _new_request(self) -> _Request:
        chance = self.desk.chance
        is_batch = chance.random() < 0.3
        letters = tuple(
            _letter(self.desk, self.new_key(), may_be_refused=False)
            for _ in range(3 if is_batch else 1)
        )
        emails = [_email(letter) for letter in letters]
        sending = self.desk.ledger.begin(Sending(letters, is_queued=True))
        key = f"key-{letters[0].key}" if chance.random() < 0.7 else None
        body: object = emails if is_batch else emails[0]
        path = "/emails/batch" if is_batch else "/emails"
        return _Request(path, json.dumps(body).encode(), key, sending)

    def _ask(self, connection: http.client.HTTPConnection, request: _Request) -> None:
        if request.idempotency_key is not None:
            self._unanswered.append(request)
        headers = {
            "Authorization": f"Bearer {self.desk.server.api_key}",
            "Content-Type": "application/json",
        }
        if request.idempotency_key is not None:
            headers["Idempotency-Key"] = request.idempotency_key
        connection.request("POST", request.path, request.body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if self.desk.may_fail and answer.status in (409, 503):
            raise http.client.HTTPException(text)
        if answer.status != 200:
            raise Violation(f"{request.path}: {answer.status} {text!r}")
        request.sending.is_acknowledged = True
        if request.idempotency_key is not None:
            self._unanswered.remove(request)


def _email(letter: Letter) -> dict[str, object]:
    return {
        "from": f"Carol <{CAROL}>",
        "to": [*letter.mailboxes, *letter.remote],
        "subject": f"ledger-{letter.key}",
        "text": f"The message {letter.key}.",
    }
