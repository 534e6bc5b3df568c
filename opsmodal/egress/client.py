"""Connects to one judged address, looks at the certificate that is shown there, and asks for one page.

Whatever happens on a line, it is cut when its time is over: a server that drips a byte now and then holds nobody.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import dns.resolver
import h11

from opsmodal.egress.names import Looked, demand_name, look_up
from opsmodal.egress.problems import REFUSED_HINT, EgressProblem, distrust, no_tls, unreached
from opsmodal.egress.reach import refusal
from opsmodal.networks import Address, Network

CONNECT_S = 4.0
EXCHANGE_S = 8.0
"""For handshake and answer together: whoever asks waits for it."""
HEAD_MAX_BYTES = 32 * 1024
HEADER_MAX_CHARS = 300
CHUNK_BYTES = 4096
HTTP_PORT, HTTPS_PORT = 80, 443
AGENT = "opsmodal"
Dial = Callable[[Address, int, float], socket.socket]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The certificate that a server showed, as DER. `distrust` is why nobody would trust it; "" where they would."""

    certificate: bytes = field(repr=False)
    distrust: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a server answered: its status, where it redirects to (never followed, without its query), and how fast."""

    status: int
    location: str = ""
    server: str = ""
    took_ms: int = 0


def dialled(address: Address, port: int, timeout_s: float) -> socket.socket:
    """Connect to an address, which is one already: nothing is looked up here."""
    return socket.create_connection((str(address), port), timeout=timeout_s)


class Egress:
    """Ask outside. `allowed` are the private networks that may be reached; `resolver` is asked for names."""

    def __init__(
        self,
        *,
        allowed: Sequence[Network] = (),
        resolver: dns.resolver.Resolver | None = None,
        dial: Dial = dialled,
        exchange_s: float = EXCHANGE_S,
    ) -> None:
        self._allowed = tuple(allowed)
        self._resolver = resolver
        self._dial = dial
        self._exchange_s = exchange_s

    def look_up(self, name: str) -> Looked:
        """Ask DNS for a name, once. Raise EgressProblem."""
        return look_up(name, self._resolver)

    def refusal(self, address: Address) -> str:
        """Say why an address is not reached, "" where it may be."""
        return refusal(address, self._allowed)

    def certificate(self, address: Address, *, name: str, port: int = HTTPS_PORT) -> Shown:
        """Take the certificate that is shown for a name at an address, and say whether it is trusted."""
        try:
            return Shown(certificate=self._shown(address, port, name, ssl.create_default_context()))
        except ssl.SSLCertVerificationError as error:
            why = distrust(error)
        return Shown(certificate=self._shown(address, port, name, _looking()), distrust=why)

    def ask(self, address: Address, *, name: str, path: str = "/", secure: bool, port: int = 0) -> Answer:
        """Send one GET without any credential and give how it is answered, without a body.

        The certificate is not judged here (see `certificate`): what is asked and answered is public.
        """
        port, began = port or (HTTPS_PORT if secure else HTTP_PORT), time.monotonic()
        with self._connected(address, port, name, _looking() if secure else None) as line:
            head = _exchanged(line, name, path)
        return _answer(head, took_ms=int((time.monotonic() - began) * 1000))

    def _shown(self, address: Address, port: int, name: str, context: ssl.SSLContext) -> bytes:
        with self._connected(address, port, name, context) as line:
            return line.getpeercert(binary_form=True) or b"" if isinstance(line, ssl.SSLSocket) else b""

    @contextmanager
    def _connected(
        self, address: Address, port: int, name: str, context: ssl.SSLContext | None
    ) -> Iterator[socket.socket]:
        """Connect to an address that may be reached. Raise EgressProblem, SSLCertVerificationError as it comes."""
        demand_name(name)
        why = self.refusal(address)
        if why:
            raise EgressProblem(f"{address} is not asked: it {why}.", kind="refused", hint=REFUSED_HINT)
        is_cut = threading.Event()
        try:
            with (
                closing(self._dial(address, port, CONNECT_S)) as plain,
                _cut_after(plain, self._exchange_s, is_cut),
                closing(_secured(plain, context, name, self._exchange_s)) as line,
            ):
                yield line
        except (OSError, EgressProblem) as error:
            if is_cut.is_set():
                raise unreached(address, port, TimeoutError()) from error
            if isinstance(error, EgressProblem | ssl.SSLCertVerificationError):
                raise
            if isinstance(error, ssl.SSLError):
                raise no_tls(address, port, error) from error
            raise unreached(address, port, error) from error


@contextmanager
def _cut_after(line: socket.socket, seconds: float, is_cut: threading.Event) -> Iterator[None]:
    """Cut the connection when its time is over, by a descriptor of its own: TLS takes the socket's over."""
    with closing(line.dup()) as own:

        def cut() -> None:
            is_cut.set()
            try:
                own.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended by itself

        cutting = threading.Timer(seconds, cut)
        cutting.name = "egress time limit"
        cutting.start()
        try:
            yield
        finally:
            cutting.cancel()
            cutting.join()


def _secured(plain: socket.socket, context: ssl.SSLContext | None, name: str, timeout_s: float) -> socket.socket:
    plain.settimeout(timeout_s)
    return context.wrap_socket(plain, server_hostname=name) if context else plain


def _looking() -> ssl.SSLContext:
    """A context for looking at what is shown: nothing is sent that anybody might not read."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _exchanged(line: socket.socket, name: str, path: str) -> h11.Response:
    """Send a request and read the head of its answer, at most HEAD_MAX_BYTES of it. Raise EgressProblem `no-http`."""
    talk = h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=HEAD_MAX_BYTES)
    try:
        line.sendall((talk.send(_request(name, path)) or b"") + (talk.send(h11.EndOfMessage()) or b""))
        while True:
            event = talk.next_event()
            if isinstance(event, h11.Response):
                return event
            if event is h11.NEED_DATA:
                talk.receive_data(line.recv(CHUNK_BYTES))
            elif not isinstance(event, h11.InformationalResponse):
                raise EgressProblem("What answers there hung up before it answered.", kind="no-http")
    except h11.ProtocolError as error:
        raise EgressProblem("What answers there does not speak HTTP as it should.", kind="no-http") from error


def _request(name: str, path: str) -> h11.Request:
    host = f"[{name}]" if ":" in name else name
    headers = [("Host", host), ("User-Agent", AGENT), ("Accept", "*/*"), ("Connection", "close")]
    return h11.Request(method="GET", target=path, headers=headers)


def _answer(head: h11.Response, *, took_ms: int) -> Answer:
    said = {key.decode("latin-1").lower(): value.decode("latin-1")[:HEADER_MAX_CHARS] for key, value in head.headers}
    location = said.get("location", "").partition("?")[0].partition("#")[0]  # sign-in pages put tokens behind it
    return Answer(status=head.status_code, location=location, server=said.get("server", ""), took_ms=took_ms)
