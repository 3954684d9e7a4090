"""A small issuer of OAuth tokens on this machine: keys, tokens and introspection, over HTTP."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

AUDIENCE = "https://mail.example.test"
CLIENT = ("postroad", "s3cret: +&")

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def new_key(algorithm: str) -> Private:
    match algorithm:
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    """Its keys by their id, each with the algorithm it is for."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, Private]] = {"r1": ("RS256", new_key("RS256"))}
        self.requests: list[str] = []
        self.status = 200
        self.known: dict[str, dict[str, object]] = {}  # what introspection tells of a token
        self.url = ""

    def add(self, key_id: str, algorithm: str) -> None:
        self.keys[key_id] = algorithm, new_key(algorithm)

    def token(
        self, name: str, key_id: str = "r1", *, typ: str | None = "at+jwt", **claims: object
    ) -> str:
        """A token of the next minute; a claim that is None is left out."""
        algorithm, key = self.keys[key_id]
        now = int(time.time())
        every = {"iss": self.url, "aud": AUDIENCE, "exp": now + 60, "iat": now, "email": name}
        told = {key: value for key, value in (every | claims).items() if value is not None}
        return jwt.encode(told, key, algorithm, {"kid": key_id, "typ": typ})

    def jwks(self) -> bytes:
        """The public keys (RFC 7517)."""
        keys = []
        for key_id, (algorithm, key) in self.keys.items():
            made = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key())
            told = json.loads(made) if isinstance(made, str) else dict(made)
            told.pop("key_ops", None)
            keys.append(told | {"kid": key_id, "use": "sig", "alg": algorithm})
        return json.dumps({"keys": keys}).encode()

    def introspect(self, form: str, authorization: str) -> tuple[int, bytes]:
        user, secret = CLIENT
        from urllib.parse import quote

        wanted = base64.b64encode(f"{quote(user, safe='')}:{quote(secret, safe='')}".encode())
        if authorization != f"Basic {wanted.decode()}":
            return 401, b"{}"
        token = parse_qs(form)["token"][0]
        return 200, json.dumps(self.known.get(token, {"active": False})).encode()


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, issuer.jwks())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*issuer.introspect(body, self.headers["Authorization"]))

        def _answer(self, status: int, body: bytes) -> None:
            issuer.requests.append(self.path)
            self.send_response(issuer.status if issuer.status != 200 else status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
