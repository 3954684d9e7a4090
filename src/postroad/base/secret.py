"""Text that must not be shown."""

import hmac


class Secret:
    """A password, token or key. Its `repr` and `str` are ``***``, so that no log can hold it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself; call it only where it is used, never where it is kept or written."""
        return self._value

    def octets(self) -> bytes:
        return self._value.encode()

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.octets(), other.octets())

    def __hash__(self) -> int:
        return hash((Secret, self._value))
