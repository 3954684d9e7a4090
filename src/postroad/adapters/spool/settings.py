"""What an operator may set about spools."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    message_memory_octets: int = 256 * 1024
    """A message that is larger goes to a file."""
    max_memory_octets: int = 64 * 1024**2
    """Of all messages together; what is over goes to files at once."""
    max_file_octets: int = 8 * 1024**3
    """Of all messages together; what is over is told to try later."""
    min_free_octets: int = 512 * 1024**2
    """Nothing more is taken in while the disk has less room than this."""
