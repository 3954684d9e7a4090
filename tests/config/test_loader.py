"""Sources, their order, and the text of every fault."""

from datetime import timedelta
from pathlib import Path

import pytest

from postroad.config.loader import effective_hostname, find_file, load
from postroad.config.problems import ConfigError
from postroad.config.settings import Cleartext, DeliveryMode, OauthSettings, Settings


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(text: str, name: str = "postroad.yaml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def faults(text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(written(text), environ or {})
    return str(caught.value).splitlines()


def test_without_any_source_the_defaults_hold() -> None:
    assert load(None, {"HOME": "/root", "PATH": "/bin"}) == Settings()


def test_a_file_sets_values_of_every_kind() -> None:
    settings = load(
        written(
            """
hostname: mail.example.org
tls: {certificate: /etc/c.pem, key: /etc/k.pem}
auth: {cleartext: loopback}
delivery:
  mode: live
  relay: smtp://me:secret@relay.example:587
  private_networks: true
  queue: {first_retry: 30s, growth: 1.5, at_once: 7}
listen:
  smtp: ["0.0.0.0:25", "[::]:25"]
  imap: []
  http: localhost:80
limits: {message_octets: 10MiB, request_octets: 1_000_000, smtp_session: 1h30m}
storage:
dns: {servers: [192.0.2.1, "192.0.2.1:5353", "[2001:db8::1]:53", "2001:db8::1"]}
"""
        ),
        {},
    )
    assert settings.hostname == "mail.example.org"
    assert settings.tls.certificate == Path("/etc/c.pem")
    assert settings.auth.cleartext is Cleartext.LOOPBACK
    assert settings.delivery.mode is DeliveryMode.LIVE
    assert settings.delivery.private_networks is True
    assert settings.delivery.queue.first_retry == timedelta(seconds=30)
    assert settings.delivery.queue.growth == 1.5
    assert settings.delivery.queue.at_once == 7
    assert settings.delivery.queue.longest_retry == timedelta(hours=4)
    assert settings.listen.smtp == ("0.0.0.0:25", "[::]:25")  # what was written
    assert settings.listen.imap == ()
    assert settings.listen.http == ("localhost:80",)
    assert settings.limits.message_octets == 10 * 2**20
    assert settings.limits.request_octets == 1_000_000
    assert settings.limits.smtp_session == timedelta(minutes=90)
    assert len(settings.dns.servers) == 4


def test_later_sources_win() -> None:
    path = written("data_dir: fromfile\nhostname: file.example\nlog: {level: debug}\n")
    environ = {"POSTROAD_DATA_DIR": "fromvariable", "POSTROAD_HOSTNAME": "variable.example"}
    settings = load(path, environ, data_dir=Path("fromcommand"))
    assert settings.data_dir == Path("fromcommand")
    assert settings.hostname == "variable.example"
    assert settings.log.level.value == "debug"
    assert load(path, environ).data_dir == Path("fromvariable")


def test_the_environment_reaches_every_depth() -> None:
    settings = load(
        None,
        {
            "POSTROAD_DELIVERY__QUEUE__FIRST_RETRY": "250ms",
            "POSTROAD_LISTEN__SMTP": "127.0.0.1:25, [::1]:25",
            "POSTROAD_LISTEN__IMAP": '["127.0.0.1:143"]',
            "POSTROAD_LISTEN__HTTP": "",
            "POSTROAD_TLS__KEY": "",
        },
    )
    assert settings.delivery.queue.first_retry == timedelta(milliseconds=250)
    assert settings.listen.smtp == ("127.0.0.1:25", "[::1]:25")
    assert settings.listen.imap == ("127.0.0.1:143",)
    assert settings.listen.http == ()
    assert settings.tls.key is None


def test_what_is_no_setting_of_ours_is_left_alone() -> None:
    environ = {
        "POSTROAD_MASTER_KEY": "00" * 32,
        "POSTROAD_SERVICE_HOST": "10.0.0.1",
        "POSTROAD_PORT_25_TCP": "tcp://10.0.0.1:25",
    }
    assert load(None, environ) == Settings()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "delivery:\n  mode: livee\n",
            'postroad.yaml:2: delivery.mode: "livee" is not one of sandbox, live '
            "(did you mean live?)",
        ),
        (
            "delivery: {mode: '7'}",
            'postroad.yaml:1: delivery.mode: "7" is not one of sandbox, live',
        ),
        (
            "\n\nlistn: {}\n",
            "postroad.yaml:3: listn: there is no such setting (did you mean listen?)",
        ),
        (
            "delivery: {mod: live}",
            "postroad.yaml:1: delivery.mod: there is no such setting "
            "(did you mean delivery.mode?)",
        ),
        ("zzz: 1", "postroad.yaml:1: zzz: there is no such setting"),
        ("[1]: 1", "postroad.yaml:1: ?: there is no such setting"),
        (
            "hostname: a.example\nworkers: 1\nhostname: b.example\n",
            "postroad.yaml:3: hostname: is set twice, first in line 1",
        ),
        (
            "workers: 65",
            "postroad.yaml:1: workers: 65 workers are not possible: "
            "auto, or a number from 1 to 64",
        ),
        ("workers: two", 'postroad.yaml:1: workers: "two" is neither a whole number nor auto'),
        (
            "shutdown: {grace: 30}",
            'postroad.yaml:1: shutdown.grace: "30" is not a duration such as 90s, 5m, 4h or 7d',
        ),
        (
            "limits: {smtp_session: 0s}",
            "postroad.yaml:1: limits.smtp_session: must be longer than 0s",
        ),
        (
            "limits: {smtp_session: 9999999d}",
            'postroad.yaml:1: limits.smtp_session: "9999999d" is longer than 3650d',
        ),
        (
            "limits: {message_octets: lots}",
            'postroad.yaml:1: limits.message_octets: "lots" is not a size such as 50MiB, 512MB '
            "or 1000000",
        ),
        (
            "limits: {message_octets: 1KiB}",
            "postroad.yaml:1: limits.message_octets: 1024 is too small: at least 65536",
        ),
        (
            "limits: {annotation_octets: 64MB}",
            "postroad.yaml:1: limits.annotation_octets: 64000000 is not from 1024 to 65536",
        ),
        (
            "limits: {annotations: 9}",
            "postroad.yaml:1: limits.annotations: 9 is too small: at least 10",
        ),
        (
            "limits: {connections: 0}",
            "postroad.yaml:1: limits.connections: 0 is too small: at least 1",
        ),
        (
            "listen:\n  smtp:\n    - 127.0.0.1\n",
            'postroad.yaml:3: listen.smtp: "127.0.0.1" is not an address such as 127.0.0.1:25 '
            "or [::]:25",
        ),
        (
            "listen: {smtp: ['::1:25']}",
            'postroad.yaml:1: listen.smtp: "::1:25" is not an address such as 127.0.0.1:25 '
            "or [::]:25",
        ),
        (
            "listen: {smtp: ['127.0.0.1:99999']}",
            'postroad.yaml:1: listen.smtp: "127.0.0.1:99999": '
            "the port is a number from 0 to 65535",
        ),
        (
            "listen: {smtp: ['127.0.0.999:25']}",
            'postroad.yaml:1: listen.smtp: "127.0.0.999:25": 127.0.0.999 is neither an IP address '
            "nor a host name",
        ),
        (
            "listen:\n  smtp:\n    - [::]:25\n",
            "postroad.yaml:3: is not YAML: expected <block end>, but found '<scalar>'",
        ),
        (
            "listen:\n  smtp: [[a]]\n",
            "postroad.yaml:2: listen.smtp: a list of texts is wanted here; quote what has "
            'brackets: "[::]:25"',
        ),
        (
            "listen: {smtp: ['127.0.0.1:25'], imap: ['127.0.0.1:25']}",
            "postroad.yaml:1: listen.imap: 127.0.0.1:25 is taken by listen.smtp already",
        ),
        ("hostname: [a]", "postroad.yaml:1: hostname: one value is wanted here"),
        (
            "hostname: -x-",
            'postroad.yaml:1: hostname: "-x-" is not a host name such as mail.example.org',
        ),
        (
            "hostname:",
            "postroad.yaml:1: hostname: has no value; leave the line out for the default",
        ),
        (
            "delivery: {port: 0}",
            "postroad.yaml:1: delivery.port: 0 is not a port: a number from 1 to 65535",
        ),
        (
            "delivery: {private_networks: yes}",
            'postroad.yaml:1: delivery.private_networks: "yes" is not true or false',
        ),
        (
            "delivery: {queue: {jitter: 1}}",
            "postroad.yaml:1: delivery.queue.jitter: 1.0 is not at least 0 and below 1",
        ),
        (
            "delivery: {queue: {growth: a}}",
            'postroad.yaml:1: delivery.queue.growth: "a" is not a number',
        ),
        (
            "delivery: {queue: {growth: 0.5}}",
            "postroad.yaml:1: delivery.queue.growth: 0.5 is not between 1 and 10",
        ),
        (
            "delivery: {queue: {first_retry: 5h}}",
            "postroad.yaml:1: delivery.queue.first_retry: is longer than "
            "delivery.queue.longest_retry",
        ),
        (
            "storage: {metadata: 'mysql://u:secret@h/d'}",
            "postroad.yaml:1: storage.metadata: is neither sqlite:PATH nor "
            "postgres://user:password@host:port/database",
        ),
        (
            "storage: {metadata: 'postgres://['}",
            "postroad.yaml:1: storage.metadata: is not a URL: Invalid IPv6 URL",
        ),
        (
            "bus: kafka://u:secret@h",
            "postroad.yaml:1: bus: is neither local:, postgres:, postgres://…, redis://… "
            "nor nats://…",
        ),
        (
            "bus: 'postgres:'",
            "postroad.yaml:1: bus: is that of PostgreSQL, and storage.metadata names none",
        ),
        (
            "storage: {blobs: 'segments:'}",
            'postroad.yaml:1: storage.blobs: "segments:" is not possible here: '
            "segments:PATH, or s3://BUCKET/PREFIX?endpoint=URL",
        ),
        (
            "dns: {servers: [ns.example.org]}",
            'postroad.yaml:1: dns.servers: "ns.example.org" is not the address of a DNS server, '
            "such as 192.0.2.1 or 192.0.2.1:53",
        ),
        (
            "imap: {workarounds: [delay-newmail, outlook]}",
            'postroad.yaml:1: imap.workarounds: "outlook" is none of delay-newmail, '
            "tb-extra-mailbox-sep, idle-still-here",
        ),
        (
            "tls: {key: k.pem}",
            "postroad.yaml:1: tls.key: tls.certificate is missing: set both, or neither for a "
            "self-signed one",
        ),
        ("data_dir: ''", "postroad.yaml:1: data_dir: a path is wanted here"),
        (
            "delivery: live",
            "postroad.yaml:1: delivery: names with values are wanted here, "
            "such as `hostname: NAME`",
        ),
        (
            "- a",
            "postroad.yaml:1: names with values are wanted here, such as `hostname: NAME`",
        ),
        ("a: b: c", "postroad.yaml:1: is not YAML: mapping values are not allowed here"),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, fault: str) -> None:
    assert faults(text) == [fault]


@pytest.mark.parametrize(
    "url",
    [
        "smtp://me:secret@relay.example:99999",
        "http://me:secret@relay.example",
        "smtp://me:secret@",
        "smtp://me:secret@relay.example/path",
        "smtp://me:secret@re lay.example",
        "smtp://secret@relay.example",
    ],
)
def test_a_relay_is_never_repeated_because_of_its_password(url: str) -> None:
    [fault] = faults(f"delivery: {{relay: '{url}'}}")
    assert fault.startswith("postroad.yaml:1: delivery.relay: ")
    assert "secret" not in fault


OAUTH = "issuer: https://login.example.org, audience: mail, "


@pytest.mark.parametrize(
    ("oauth", "path"),
    [
        ("jwks: https://login.example.org/keys", "issuer audience"),
        (OAUTH + "jwks: http://login.example.org/keys", "jwks"),
        (OAUTH + "jwks: ftp://login.example.org/keys", "jwks"),
        (OAUTH + "jwks: 'https://a:b@login.example.org/keys'", "jwks"),
        ("introspection: https://login.example.org/", "client_id client_secret"),
        ("introspection: login.example.org", "introspection"),
        (
            OAUTH + "client_id: a, client_secret: b, jwks: keys.json, "
            "introspection: https://login.example.org/",
            "introspection",
        ),
    ],
)
def test_oauth_that_cannot_work(oauth: str, path: str) -> None:
    found = faults(f"auth: {{oauth: {{{oauth}}}}}")
    assert len(found) == len(path.split())
    for name, fault in zip(path.split(), sorted(found, reverse=path[0] == "i"), strict=True):
        assert f"auth.oauth.{name}: " in fault


@pytest.mark.parametrize(
    "oauth",
    [
        OAUTH + "jwks: keys.json",
        OAUTH + "jwks: https://login.example.org:8443/keys",
        OAUTH + "jwks: http://127.0.0.1:9000/keys, private_networks: true",
        "client_id: a, client_secret: b, introspection: https://login.example.org/",
    ],
)
def test_oauth_that_can_work(oauth: str) -> None:
    assert load(written(f"auth: {{oauth: {{{oauth}}}}}"), {}).auth.oauth != OauthSettings()


def test_all_faults_are_told_at_once_in_the_order_of_the_lines() -> None:
    found = faults(
        "workers: 0\ndelivery: {mode: x}\nfoo: 1\n",
        {
            "POSTROAD_LOG__LEVEL": "loud",
            "POSTROAD_LOG__LEVL": "info",
        },
    )
    assert found == [
        "postroad.yaml:1: workers: 0 workers are not possible: auto, or a number from 1 to 64",
        'postroad.yaml:2: delivery.mode: "x" is not one of sandbox, live',
        "postroad.yaml:3: foo: there is no such setting",
        'POSTROAD_LOG__LEVEL: "loud" is not one of debug, info, warning, error',
        "POSTROAD_LOG__LEVL: there is no such setting (did you mean POSTROAD_LOG__LEVEL?)",
    ]


def test_a_file_that_is_named_has_to_be_there() -> None:
    with pytest.raises(ConfigError, match=r"^nowhere\.yaml: cannot be read: no such file"):
        load(Path("nowhere.yaml"), {})
    with pytest.raises(ConfigError, match=r"^other\.yaml: cannot be read: no such file"):
        load(None, {"POSTROAD_CONFIG": "other.yaml"})


def test_a_file_that_is_not_utf_8_is_told_with_its_line() -> None:
    Path("postroad.yaml").write_bytes(b"workers: 1\nhostname: \xff\n")
    with pytest.raises(ConfigError, match=r"^postroad\.yaml:2: is not UTF-8$"):
        load(None, {})


def test_where_the_file_is_looked_for() -> None:
    assert find_file(None, {}) is None
    written("", "data/postroad.yaml")
    assert find_file(None, {}) == Path("data/postroad.yaml")
    written("", "elsewhere/postroad.yaml")
    elsewhere = Path("elsewhere/postroad.yaml")
    assert find_file(None, {}, data_dir=Path("elsewhere")) == elsewhere
    assert find_file(None, {"POSTROAD_DATA_DIR": "elsewhere"}) == elsewhere
    written("")
    assert find_file(None, {}) == Path("postroad.yaml")
    assert find_file(None, {"POSTROAD_CONFIG": "b.yaml"}) == Path("b.yaml")
    assert find_file(Path("a.yaml"), {"POSTROAD_CONFIG": "b.yaml"}) == Path("a.yaml")


def test_an_empty_file_changes_nothing() -> None:
    for text in ("", "# nothing\n", "---\n", "\ufeff"):
        assert load(written(text), {}) == Settings()


def test_the_hostname_is_that_of_the_system_unless_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert effective_hostname(Settings(hostname="mail.example.org.")) == "mail.example.org"
    assert effective_hostname(Settings()) != ""
