"""An OpenID provider that lies as it is told to: a plain HTTP server on loopback that signs whatever a test wants."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

CLIENT, SECRET = "opsmodal", "a client secret of the tests"
HANG_S = 60.0
Claims = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


def now() -> int:
    return int(time.time())


@dataclass
class Evil:
    """What the provider does. Tests change what they need; `issue` makes the token of a nonce."""

    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first", "alg": "RS256"}))
    published: list[Key] = field(default_factory=list)
    nonce: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    claims: Claims = field(default_factory=dict)
    userinfo: Claims = field(default_factory=dict)
    forge: Callable[[Evil], str] | None = None
    broken: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    """Ways to answer an address other than well."""
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def described(self) -> dict[str, Any]:
        """Give the discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            **self.document,
        }

    def said(self) -> Claims:
        """Give the claims of the token."""
        whole = {
            "iss": self.issuer,
            "sub": "subject-1",
            "aud": CLIENT,
            "exp": now() + 300,
            "iat": now(),
            "nonce": self.nonce,
            "preferred_username": "olivia",
            **self.claims,
        }
        return {name: value for name, value in whole.items() if value is not ...}

    def signed(self, *, key: Key | None = None, header: dict[str, Any] | None = None) -> str:
        """Sign the claims, with our own key unless told otherwise."""
        used = key or self.key
        said = {"alg": "RS256", "kid": used.kid, **(header or {})}
        return jwt.encode(said, self.said(), used, algorithms=[said["alg"]])

    def token(self) -> str:
        """Give the token as it is told to be."""
        return self.forge(self) if self.forge else self.signed()


def unsigned(evil: Evil) -> str:
    """Make a token with the algorithm `none`."""
    return f"{_b64({'alg': 'none', 'typ': 'JWT'})}.{_b64(evil.said())}."


def signed_with_public_key(evil: Evil) -> str:
    """Make a token with HS256, whose secret is the public key that everybody can read."""
    secret = evil.key.as_pem(private=False)
    return _hs256(evil, secret)


def signed_with_client_secret(evil: Evil) -> str:
    """Make a token with HS256 and the client's own secret, as the specification allows and we do not."""
    return _hs256(evil, SECRET.encode())


def own_ec_key() -> ECKey:
    """Make a key of another kind."""
    return ECKey.generate_key("P-256", {"kid": "curve"})


def shared_key() -> OctKey:
    """Make a key that is a shared secret."""
    return OctKey.generate_key(256, {"kid": "shared"})


@contextmanager
def started() -> Iterator[Evil]:
    """Serve one on a loopback port."""
    evil = Evil()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _answer(evil, self)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            evil.asked.append((self.path, parse_qs(body)))
            _answer(evil, self)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="evil", daemon=True)
    thread.start()
    evil.issuer = f"http://127.0.0.1:{server.server_port}"
    evil.published = [evil.key]
    try:
        yield evil
    finally:
        evil.stopping.set()
        server.shutdown()
        thread.join(10)
        server.server_close()


def hang(evil: Evil) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer never."""
    return lambda _: evil.stopping.wait(HANG_S) and None


def drip(evil: Evil) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer a byte now and then, so that no single read takes long."""

    def dripping(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        deadline = time.monotonic() + HANG_S
        while time.monotonic() < deadline and not evil.stopping.wait(0.2):
            handler.wfile.write(b"a")
            handler.wfile.flush()

    return dripping


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with this."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: _send(handler, (status, told, body))


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Answer with more than anybody wants to read, and no length."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
    for _ in range(200):
        handler.wfile.write(b" " * 100_000)


def _answer(evil: Evil, handler: BaseHTTPRequestHandler) -> None:
    path = handler.path.partition("?")[0]
    try:
        if path in evil.broken:
            evil.broken[path](handler)
            handler.close_connection = True
        else:
            _send(handler, _said(evil, path))
    except (BrokenPipeError, ConnectionResetError):
        handler.close_connection = True


def _said(evil: Evil, path: str) -> Answer:
    pages: dict[str, Callable[[], Any]] = {
        "/.well-known/openid-configuration": evil.described,
        "/jwks": lambda: {"keys": [key.as_dict(private=False) for key in evil.published]},
        "/token": lambda: {"access_token": "access", "token_type": "Bearer", "id_token": evil.token()},
        "/userinfo": lambda: evil.userinfo or {"sub": "subject-1"},
    }
    if path not in pages:
        return 404, {}, b"{}"
    return 200, {"Content-Type": "application/json"}, json.dumps(pages[path]()).encode()


def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    status, headers, body = answer
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def _hs256(evil: Evil, secret: bytes) -> str:
    signed = f"{_b64({'alg': 'HS256', 'kid': evil.key.kid})}.{_b64(evil.said())}"
    digest = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _b64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
