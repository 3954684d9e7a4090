"""The client's side of SCRAM (RFC 5802 section 3), written by itself to test ours."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable


class ScramClient:
    """One exchange. `respond` takes the server's messages; "" begins it."""

    def __init__(
        self,
        name: str,
        password: str,
        digest: str = "sha256",
        *,
        nonce: str | None = None,
        header: str = "n,,",
        binding: bytes = b"",
    ) -> None:
        self._password = password.encode()
        self._digest = digest
        self._nonce = secrets.token_hex(12) if nonce is None else nonce
        self._header = header.encode()
        self._binding = binding
        escaped = name.replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={escaped},r={self._nonce}".encode()
        self._signature = b""
        self.is_convinced = False
        self._steps: list[Callable[[bytes], bytes]] = [self._first, self._final, self._end]

    def respond(self, message: bytes) -> bytes:
        return self._steps.pop(0)(message)

    def _first(self, message: bytes) -> bytes:
        assert message == b""
        return self._header + self._bare

    def _final(self, message: bytes) -> bytes:
        fields = dict(part.split("=", 1) for part in message.decode().split(","))
        assert fields["r"].startswith(self._nonce)
        assert len(fields["r"]) > len(self._nonce)
        assert int(fields["i"]) >= 4096
        salted = hashlib.pbkdf2_hmac(
            self._digest, self._password, base64.b64decode(fields["s"]), int(fields["i"])
        )
        bound = base64.b64encode(self._header + self._binding)
        without_proof = b"c=" + bound + b",r=" + fields["r"].encode()
        auth_message = b",".join((self._bare, message, without_proof))
        client_key = self._hmac(salted, b"Client Key")
        stored_key = hashlib.new(self._digest, client_key).digest()
        mask = self._hmac(stored_key, auth_message)
        proof = bytes(a ^ b for a, b in zip(client_key, mask, strict=True))
        self._signature = self._hmac(self._hmac(salted, b"Server Key"), auth_message)
        return without_proof + b",p=" + base64.b64encode(proof)

    def _end(self, message: bytes) -> bytes:
        assert message == b"v=" + base64.b64encode(self._signature), "this is another server"
        self.is_convinced = True
        return b""

    def _hmac(self, key: bytes, octets: bytes) -> bytes:
        return hmac.digest(key, octets, self._digest)
