"""The master key: from the environment, or a file that is made once."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from postroad.base.errors import Invalid
from postroad.config.settings import Settings
from postroad.core.auth.sealing import Sealer
from postroad.stores.directory import DirectoryStore

VARIABLE = "POSTROAD_MASTER_KEY"
_OCTETS = 32
_SETTING = "master key fingerprint"


def load_sealer(settings: Settings, environ: Mapping[str, str] = os.environ) -> Sealer:
    """Raises `Invalid` when there is no usable key, saying where it was looked for."""
    path = settings.below_data(settings.master_key_file)
    text = environ.get(VARIABLE)
    source = f"the variable {VARIABLE}" if text is not None else str(path)
    if text is None:
        try:
            text = path.read_text()
        except FileNotFoundError as error:
            raise Invalid(
                f"there is no master key: {path} is missing. Run postroad init first, or restore "
                "the file from your backup: without it the sealed secrets cannot be opened."
            ) from error
        except OSError as error:
            raise Invalid(f"the master key {path} cannot be read: {error.strerror}") from error
    try:
        return Sealer(bytes.fromhex(text.strip()))
    except ValueError as error:
        raise Invalid(f"{source} is not a master key: it has to be 64 hex digits") from error


def make_master_key(path: Path) -> None:
    """Write a new key where there is none; only its owner may read it."""
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(made, "w") as file:
        file.write(secrets.token_bytes(_OCTETS).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())


async def check_fingerprint(directory: DirectoryStore, sealer: Sealer) -> None:
    """Refuse another master key than the one that the data was made with. Raises `Invalid`."""
    known = await directory.setting(_SETTING)
    if known is None:
        await directory.set_setting(_SETTING, sealer.fingerprint())
    elif known != sealer.fingerprint():
        raise Invalid(
            "this is another master key than the one that the data was made with: its secrets "
            f"cannot be opened. Restore the old key ({VARIABLE} or master_key_file)."
        )
