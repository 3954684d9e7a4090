"""Where the bucket is, and how patient we are with it."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from postroad.base.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    bucket: str
    prefix: str = ""
    """All our keys begin with this and a slash; empty: the bucket is ours alone."""
    endpoint: str = ""
    """The URL of the service; empty: AWS's own in the region."""
    region: str = "us-east-1"
    is_virtual_hosted: bool = False
    """The bucket is named in the host of `endpoint`, and not in the path."""
    access_key_id: str = ""
    """Empty: from the environment, as AWS's own programs do."""
    secret_access_key: Secret = field(default_factory=lambda: Secret(""))
    timeout: timedelta = timedelta(seconds=30)
    """For one operation with all its retries; what is large may take longer."""
    cache: Path | None = None
    """A folder for what was written or read lately; None: nothing is kept."""
    cache_octets: int = 1024**3
    """What that folder may hold, about; what was not used for longest goes first."""
    disk: Path | None = None
    """A folder on the disk of everything else, which grows with messages as well."""
    min_free_octets: int = 0
    """Nothing more is stored while `disk` has less room than this, nor cached on its own."""
    waiting_octets: int = 128 * 1024**2
    """Octets that may wait to be stored at a time; more are told to try later."""
