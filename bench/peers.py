"""Debian's Dovecot and Postfix, set up apart from the system's own, to be measured against.

Postfix takes mail in and hands it to Dovecot over LMTP. Both make mail durable: Dovecot by
``mail_fsync = optimized``, Postfix by the sync of its queue files, as they come.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench.servers import DOMAIN, HOST, PASSWORD, USERS, Server, end_tree, free_ports, wait_for

FORMATS = ("mdbox", "sdbox", "maildir")
_OWNER = "mail"  # the system user to whom the mail belongs
_PROGRAMS = ("dovecot", "doveadm", "postfix", "postmap", "openssl")

_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
instance_name = postroad-bench
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = {host}
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
mail_location = {format}:~/{format}
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
mail_fsync = optimized
mail_max_userip_connections = 100000
default_client_limit = 20000
default_vsz_limit = 4G
passdb {{
  driver = passwd-file
  args = username_format=%u {folder}/passwd
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/passwd
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  service_count = 0
  process_min_avail = 2
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 8192
}}
service lmtp {{
  unix_listener lmtp-postfix {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""
_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/postfix/queue
data_directory = {folder}/postfix/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
syslog_name = postroad-bench
inet_interfaces = {host}
inet_protocols = ipv4
myhostname = mx.{domain}
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
smtpd_relay_restrictions = reject_unauth_destination
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = hash:{folder}/postfix/users
virtual_transport = lmtp:unix:{folder}/run/lmtp-postfix
message_size_limit = 52428800
mailbox_size_limit = 0
virtual_mailbox_limit = 0
"""
_MASTER = """
{host}:{smtp} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def why_not() -> str | None:
    """What is missing to start the peers, or None."""
    if os.geteuid():
        return "root is needed to start Dovecot and Postfix, as both switch users"
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (`make debian` installs them)"
    return None


def start(folder: Path, mail_format: str) -> Server:
    """Start the pair in an empty folder. Raises `RuntimeError`."""
    folder.mkdir(parents=True)
    for each in (folder.parent, folder):
        each.chmod(0o755)
    owner = pwd.getpwnam(_OWNER)
    smtp, imap, imaps = free_ports(3)
    values = {
        "folder": folder, "host": HOST, "domain": DOMAIN, "format": mail_format,
        "uid": owner.pw_uid, "gid": owner.pw_gid, "smtp": smtp, "imap": imap, "imaps": imaps,
    }  # fmt: skip
    _make_certificate(folder)
    hashed = _run("doveadm", "pw", "-s", "SHA512-CRYPT", "-p", PASSWORD).strip()
    for name in ("mail", "state"):
        (folder / name).mkdir()
    shutil.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
    ids = f"{owner.pw_uid}:{owner.pw_gid}"
    (folder / "passwd").write_text(
        "".join(f"{user}:{hashed}:{ids}::{folder}/mail/{user}::\n" for user in USERS)
    )
    (folder / "dovecot.conf").write_text(_DOVECOT.format(**values))
    config = _prepare_postfix(folder / "postfix", values)
    _run("dovecot", "-c", str(folder / "dovecot.conf"))
    pids: tuple[int, ...] = ()
    try:
        wait_for(imap, folder / "dovecot.log")
        pids = (_pid(folder / "run/master.pid"),)
        _run("postfix", "-c", str(config), "start")
        wait_for(smtp, folder / "postfix.log")
        pids = (*pids, _pid(folder / "postfix/queue/pid/master.pid"))
    except RuntimeError:
        end_tree(pids)
        raise
    ports = {"smtp": smtp, "imap": imap, "imaps": imaps}
    name = f"Postfix+Dovecot ({mail_format})"
    return Server(name, ports, pids, lambda: end_tree(pids))


def _make_certificate(folder: Path) -> None:
    _run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "30", "-subj", f"/CN=mx.{DOMAIN}",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
    )  # fmt: skip


def _prepare_postfix(folder: Path, values: dict[str, object]) -> Path:
    config = folder / "config"
    for each in (config, folder / "queue", folder / "data"):
        each.mkdir(parents=True)
    shutil.chown(folder / "data", "postfix")
    (config / "main.cf").write_text(_MAIN.format(**values))
    (config / "master.cf").write_text(_MASTER.format(**values))
    (folder / "users").write_text("".join(f"{user} {user}\n" for user in USERS))
    _run("postmap", "-c", str(config), f"hash:{folder}/users")
    return config


def _pid(path: Path) -> int:
    for _ in range(200):
        if path.exists() and (words := path.read_text().split()):
            return int(words[0])
        time.sleep(0.05)
    raise RuntimeError(f"{path} does not come")


def _run(*words: str) -> str:
    """Run a command to its end. Its output goes to a file, as daemons keep their parent's pipe."""
    with tempfile.TemporaryFile("w+") as out:
        code = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
        ).returncode
        out.seek(0)
        text = out.read()
    if code:
        raise RuntimeError(f"{' '.join(words)}: exit {code}\n{text}")
    return text
