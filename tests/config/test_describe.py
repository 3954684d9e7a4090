"""The description of settings, for docs, `config show` and reloading."""

import dataclasses

import pytest

from postroad.config.describe import (
    LIVE,
    changed,
    described,
    needs_restart,
    section_text,
    shown,
    shown_value,
)
from postroad.config.fields import build, leaves, sections, value_of
from postroad.config.settings import LogLevel, Settings


def test_every_setting_has_a_text_of_its_own_or_of_its_class() -> None:
    assert [one.path for one in described() if not one.text] == []


def test_a_setting_is_described_in_the_words_of_the_file() -> None:
    found = {one.path: one for one in described()}
    limit = found["limits.message_octets"]
    assert (limit.kind, limit.default) == ("size", "50MiB")
    assert limit.text == "The largest message taken in, by any way."
    assert limit.variable == "POSTROAD_LIMITS__MESSAGE_OCTETS"
    assert found["delivery.mode"].kind == "`sandbox` or `live`"
    assert found["delivery.queue.lease"].default == "90s"
    assert found["delivery.private_networks"].default == "false"
    assert found["listen.smtp"].default == "127.0.0.1:2525"
    assert found["tls.key"].default == ""
    assert section_text("listen").startswith("Where each service listens")
    assert section_text("log") == ""


def test_the_tree_is_shown_without_the_password_of_the_relay() -> None:
    settings = build({"delivery.relay": "smtp://me:se%40cret@relay.example:587"})
    tree = shown(settings)
    assert isinstance(tree["delivery"], dict)
    assert tree["delivery"]["relay"] == "smtp://me:***@relay.example:587"
    assert "se%40cret" not in str(tree)
    assert tree["workers"] == 1
    plain = build({"delivery.relay": "smtp://relay.example"})
    assert shown_value(plain, "delivery.relay") == "smtp://relay.example"


@pytest.mark.parametrize(
    ("url", "shown_url"),
    [
        ("postgres://me:s3cret@a:1,b:2/mail", "postgres://me:***@a:1,b:2/mail"),
        ("postgres://db/mail?user=me&password=s3cret", "postgres://db/mail?user=me&password=***"),
        ("postgres://db/mail?sslpassword=s3cret&a=b", "postgres://db/mail?sslpassword=***&a=b"),
    ],
)
def test_the_password_of_the_database_is_not_shown(url: str, shown_url: str) -> None:
    assert shown_value(build({"storage.metadata": url}), "storage.metadata") == shown_url
    assert shown_value(build({"bus": url}), "bus") == shown_url


def test_a_secret_is_not_shown() -> None:
    settings = build({"auth.oauth.client_secret": "s3cret"})
    assert shown_value(settings, "auth.oauth.client_secret") == "***"
    assert shown_value(build({}), "auth.oauth.client_secret") == ""
    assert "s3cret" not in str(shown(settings))


def test_changes_are_told_with_those_that_want_a_restart() -> None:
    old = Settings()
    new = dataclasses.replace(
        old,
        hostname="mail.example.org",
        log=dataclasses.replace(old.log, level=LogLevel.DEBUG),
    )
    assert changed(old, new) == ["hostname", "log.level"]
    assert needs_restart(["hostname", "log.level", "tls.key"]) == ["hostname"]
    assert changed(old, old) == []


def test_what_is_live_exists() -> None:
    live = [one.path for one in described() if one.is_live]
    assert len(live) >= len(LIVE)
    assert "delivery.queue.first_retry" in live
    assert "listen.smtp" not in live


def test_the_flat_list_and_the_tree_agree() -> None:
    settings = Settings()
    assert build({}) == settings
    every = {path: value_of(settings, path) for path in leaves()}
    assert build(every) == settings
    assert not set(leaves()) & set(sections())
