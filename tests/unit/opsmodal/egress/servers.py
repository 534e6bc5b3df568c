"""Real servers on loopback for a client that never goes there: a DNS server, HTTP and HTTPS servers, and evil ones.

Connections are led to them by the `dial` of the client, after the address was judged: everything else is the real way.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.flags
import dns.message
import dns.resolver
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opsmodal.networks import Address

Serve = Callable[[socket.socket], None]
Answers = Callable[[str, str, int], Sequence[str]]
"""Name, type and how many questions came before: the addresses."""
TICK_S = 0.1


@dataclass
class Dialled:
    """Leads every connection to one server, and notes where it was to go."""

    port: int
    to: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, address: Address, port: int, timeout_s: float) -> socket.socket:
        self.to.append((str(address), port))
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)


@contextmanager
def serving(serve: Serve, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve each connection by a function; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TICK_S)
        ended, workers = threading.Event(), list[threading.Thread]()

        def one(line: socket.socket) -> None:
            with line:
                line.settimeout(5)
                try:
                    talk = context.wrap_socket(line, server_side=True) if context else line
                    with talk:
                        serve(talk)
                except OSError:
                    return

        def accept() -> None:
            while not ended.is_set():
                try:
                    line, _ = listener.accept()
                except TimeoutError:
                    continue
                workers.append(threading.Thread(target=one, args=(line,), name="test server"))
                workers[-1].start()

        accepting = threading.Thread(target=accept, name="test listener")
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ended.set()
            accepting.join()
            for worker in workers:
                worker.join()


def saying(answer: bytes, heard: list[bytes] | None = None) -> Serve:
    """Read a request, and answer it."""

    def serve(line: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data and (part := line.recv(4096)):
            data += part
        if heard is not None:
            heard.append(data)
        line.sendall(answer)

    return serve


@contextmanager
def dns_server(answers: Answers) -> Iterator[dns.resolver.Resolver]:
    """Answer questions for addresses; give a resolver that asks here."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(TICK_S)
        ended, asked = threading.Event(), [0]

        def answer() -> None:
            while not ended.is_set():
                try:
                    data, who = line.recvfrom(4096)
                except TimeoutError:
                    continue
                query = dns.message.from_wire(data)
                question = query.question[0]
                kind = dns.rdatatype.to_text(question.rdtype)
                found = answers(question.name.to_text(omit_final_dot=True), kind, asked[0])
                asked[0] += 1
                reply = dns.message.make_response(query)
                reply.flags |= dns.flags.RA
                if found:
                    reply.answer.append(dns.rrset.from_text(question.name, 1, "IN", kind, *found))
                line.sendto(reply.to_wire(), who)

        thread = threading.Thread(target=answer, name="test dns")
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], line.getsockname()[1]
        try:
            yield resolver
        finally:
            ended.set()
            thread.join()


def certificate(folder: Path, *names: str, days: int = 60, began_days: int = -1) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate that signed itself: a context for a server, and the file for whoever is to trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    now, who = datetime.now(UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    told = [x509.IPAddress(ipaddress.ip_address(each)) if each[0].isdigit() else x509.DNSName(each) for each in names]
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=began_days))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(told), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, secret = folder / f"{names[0]}.pem", folder / f"{names[0]}.key"
    shown.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, secret)
    return context, shown
