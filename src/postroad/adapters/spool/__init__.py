"""Messages on their way in: in memory while small, then in unlinked files."""

from postroad.adapters.spool.folder import SpoolFolder
from postroad.adapters.spool.settings import SpoolSettings

__all__ = ["SpoolFolder", "SpoolSettings"]
