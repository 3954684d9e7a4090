"""Debian's Postfix, with a folder and ports of its own, as the mail server of somebody else.

The system's own Postfix is not touched. It must be started by root, since it changes users.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from interop.programs import missing, need, run
from support.ports import HOST, free_ports

DOMAIN = "elsewhere.test"
HOSTNAME = "mx.elsewhere.test"

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/state
mail_owner = postfix
setgid_group = postdrop
syslog_name = elsewhere
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {hostname}
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_peername_lookup = no
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {{carol@{domain} = carol/}}, {{dave@{domain} = dave/}} }}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_cert_file = {folder}/cert.pem
smtpd_tls_key_file = {folder}/key.pem
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtp_dns_support_level = disabled
smtp_host_lookup = native
in_flow_delay = 0
minimal_backoff_time = 2s
queue_run_delay = 2s
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """Takes mail for carol and dave at elsewhere.test, into Maildirs."""

    folder: Path
    port: int

    def start(self) -> None:
        with (self.folder / "start").open("wb") as out:  # not a pipe: the daemons would keep it
            done = subprocess.run(
                [need("postfix", "postfix"), "-c", self._conf, "start"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                check=False,
            )
        assert done.returncode == 0, (self.folder / "start").read_text() + self.log()

    def stop(self) -> None:
        """End the master and wait until all of its processes are gone."""
        try:
            pid = int((self.folder / "queue/pid/master.pid").read_text())
        except (OSError, ValueError):
            return
        members = [pid, *_children(pid)]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while any(_alive(one) for one in members) and time.monotonic() < deadline:
            time.sleep(0.05)
        for one in filter(_alive, members):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)

    def send(self, sender: str, recipient: str, message: bytes) -> None:
        """Put a message into its queue, as a program on its machine would."""
        program = need("sendmail", "postfix")
        done = run([program, "-C", self._conf, "-i", "-f", sender, recipient], stdin=message)
        assert done.code == 0, done.out

    def mail(self, who: str) -> list[bytes]:
        """The messages that have come for a person."""
        return [one.read_bytes() for one in sorted((self.folder / "mail" / who / "new").glob("*"))]

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    @property
    def _conf(self) -> Path:
        return self.folder / "conf"


@contextmanager
def postfix(*more: str) -> Iterator[Postfix]:
    """A Postfix that is ready to run, with more lines for its main.cf; stopped at the end."""
    need("postfix", "postfix")
    if os.geteuid():
        missing("Postfix is NOT tested with: only root can start it")
    with tempfile.TemporaryDirectory(prefix="postfix-", ignore_cleanup_errors=True) as name:
        made = _prepare(Path(name), more)
        try:
            yield made
        finally:
            made.stop()


def _prepare(folder: Path, more: tuple[str, ...]) -> Postfix:
    (port,) = free_ports(1)
    for name in ("conf", "queue", "state", "mail"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)  # some of its processes are of other users
    shutil.chown(folder / "state", "postfix")
    shutil.chown(folder / "mail", "mail", "mail")
    owner = (folder / "mail").stat()
    made = run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "30", "-subj", f"/CN={HOSTNAME}", "-keyout", folder / "key.pem",
         "-out", folder / "cert.pem"]
    )  # fmt: skip
    assert made.code == 0, made.out
    values = {"folder": folder, "hostname": HOSTNAME, "domain": DOMAIN, "host": HOST}
    main = _MAIN.format(uid=owner.st_uid, gid=owner.st_gid, **values)
    (folder / "conf/main.cf").write_text(main + "\n".join(more) + "\n")
    (folder / "conf/master.cf").write_text(_MASTER.format(port=port))
    return Postfix(folder, port)


def _children(pid: int) -> list[int]:
    done = run(["ps", "-o", "pid=", "--ppid", pid])
    return [int(word) for word in done.out.split()]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1] != "Z"
    except OSError:
        return False
