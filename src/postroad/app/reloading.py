"""Taking up changed settings while serving, where that is safe."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from postroad.base.errors import Invalid
from postroad.config.describe import changed, needs_restart
from postroad.config.settings import LogFormat, Settings
from postroad.core.queue.scheduler import Scheduler
from postroad.server.listener import ConnectionLimits, Listeners
from postroad.server.logs import configure
from postroad.server.tls import Certificates

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the settings came from."""

    load: Callable[[], Settings]
    file: Path | None  # watched for changes


class Reloader:
    """What of the settings can change live is listed in `config.describe.LIVE`."""

    def __init__(
        self,
        settings: Settings,
        source: Source,
        certificates: Certificates,
        listeners: Listeners,
        scheduler: Scheduler,
    ) -> None:
        self._settings = settings
        self._source = source
        self._certificates = certificates
        self._listeners = listeners
        self._scheduler = scheduler
        self._seen = self._stamp()

    async def look(self) -> None:
        """Reload if the file was changed, and take up new certificates."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            self.reload()
        try:
            if self._certificates.reload_if_changed():
                log.info("certificates reloaded")
        except Invalid as error:
            log.warning("the new certificate is not used", extra={"why": str(error)})

    def reload(self) -> None:
        """Take up what can be; say what needs a restart. A faulty file changes nothing."""
        try:
            new = self._source.load()
        except Invalid as error:
            log.warning("the changed settings are not used", extra={"why": str(error)})
            return
        paths = changed(self._settings, new)
        if not paths:
            return
        waiting = needs_restart(paths)
        try:
            self._apply(new)
        except Invalid as error:
            log.warning("the changed settings are not used", extra={"why": str(error)})
            return
        self._settings = new
        live = [path for path in paths if path not in waiting]
        log.info("settings reloaded", extra={"changed": ", ".join(live) or "nothing"})
        if waiting:
            log.warning(
                "settings changed that need a restart", extra={"paths": ", ".join(waiting)}
            )

    def _apply(self, new: Settings) -> None:
        if new.tls.certificate is not None and new.tls.key is not None:
            self._certificates.use(new.tls.certificate, new.tls.key)
        self._listeners.limits = ConnectionLimits(
            new.limits.connections, new.limits.connections_per_address
        )
        self._scheduler.settings = new.delivery.queue
        configure(new.log.level.value, as_json=new.log.format is LogFormat.JSON)

    def _stamp(self) -> tuple[int, int] | None:
        if self._source.file is None:
            return None
        try:
            found = self._source.file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
