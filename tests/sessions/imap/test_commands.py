"""The list of features, and what is announced because of it."""

from pathlib import Path

import postroad.sessions.imap.commands as package
from postroad.sessions.imap.commands import FEATURES, capabilities
from postroad.sessions.imap.feature import AnyFeature, Context, Feature
from postroad.sessions.imap.settings import Cleartext, ImapSettings, Peer
from sessions.imap.clients import Clients


def context(*, has_tls: bool, cleartext: Cleartext = Cleartext.NEVER) -> Context:
    settings = ImapSettings("mail.example.org", cleartext=cleartext)
    peer = Peer("127.0.0.1", is_loopback=True)
    services = Clients().services
    return Context(services, settings, peer, has_tls, True, capabilities=capabilities)


def test_every_file_of_the_folder_is_in_the_list() -> None:
    folder = Path(str(package.__file__)).parent
    listed: set[int] = {id(feature) for feature in FEATURES}
    for path in folder.glob("[!_]*.py"):
        found: list[AnyFeature] = [
            each
            for each in vars(getattr(package, path.stem)).values()
            if isinstance(each, Feature)
        ]
        assert found, path
        assert all(id(feature) in listed for feature in found), path


def test_names_are_different() -> None:
    assert len({feature.name for feature in FEATURES}) == len(FEATURES)


def test_what_is_promised_is_announced() -> None:
    announced = capabilities(context(has_tls=True))
    wanted = (
        b"IMAP4rev1 IMAP4rev2 IDLE NAMESPACE UIDPLUS MOVE UNSELECT ENABLE SASL-IR LITERAL+ ID "
        b"CHILDREN ESEARCH SEARCHRES SPECIAL-USE CREATE-SPECIAL-USE STATUS=SIZE LIST-EXTENDED "
        b"LIST-STATUS CONDSTORE QRESYNC OBJECTID BINARY UTF8=ACCEPT SORT SORT=DISPLAY ESORT "
        b"THREAD=ORDEREDSUBJECT THREAD=REFERENCES WITHIN SAVEDATE PREVIEW PARTIAL "
        b"UNAUTHENTICATE COMPRESS=DEFLATE QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE "
        b"QUOTA=RES-MAILBOX QUOTASET UIDONLY MULTIAPPEND"
    )
    assert not set(wanted.split()) - set(announced)
    assert b"LOGINDISABLED" not in announced
    assert b"STARTTLS" not in announced


def test_passwords_are_not_offered_in_the_clear() -> None:
    announced = capabilities(context(has_tls=False))
    assert b"LOGINDISABLED" in announced
    assert b"STARTTLS" in announced
    assert not any(name.startswith(b"AUTH=") for name in announced)


def test_passwords_may_be_allowed_from_this_machine() -> None:
    announced = capabilities(context(has_tls=False, cleartext=Cleartext.LOOPBACK))
    assert b"AUTH=PLAIN" in announced
    assert b"LOGINDISABLED" not in announced
