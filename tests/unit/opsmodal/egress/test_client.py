"""The client that goes where data of a cluster says, against real servers and what they could do to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509

from opsmodal.egress import Egress, EgressProblem
from opsmodal.operations.domain_checks import judged_certificate
from runtimes.base import Severity
from tests.unit.opsmodal.egress.servers import Dialled, certificate, dns_server, saying, serving

PUBLIC = ip_address("93.184.216.34")
OK = b"HTTP/1.1 200 OK\r\nServer: here\r\nContent-Length: 2\r\n\r\nhi"


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert [each.name for each in threading.enumerate() if each not in before] == []


def test_one_page_is_asked_for_without_anything_secret() -> None:
    heard: list[bytes] = []
    with serving(saying(OK, heard)) as port:
        dial = Dialled(port)
        answer = Egress(dial=dial).ask(PUBLIC, name="shop.example.com", path="/cart", secure=False)
    assert (answer.status, answer.server) == (200, "here")
    assert dial.to == [(str(PUBLIC), 80)]
    head, *lines = heard[0].decode().split("\r\n")
    assert head == "GET /cart HTTP/1.1"
    assert "Host: shop.example.com" in lines
    assert not [line for line in lines if line.lower().startswith(("cookie", "authorization", "referer"))]


def test_a_redirect_is_told_and_never_followed() -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest?token=abc#x\r\nContent-Length: 0\r\n\r\n"
    with serving(saying(away)) as port:
        dial = Dialled(port)
        answer = Egress(dial=dial).ask(PUBLIC, name="shop.example.com", secure=False)
    assert answer.status == 302
    assert answer.location == "http://169.254.169.254/latest"
    assert len(dial.to) == 1


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.1", "fe80::1"])
def test_an_address_that_is_refused_is_not_connected_to(text: str) -> None:
    dial = Dialled(0)
    egress = Egress(dial=dial)
    for act in (
        lambda: egress.ask(ip_address(text), name="a.example.com", secure=False),
        lambda: egress.certificate(ip_address(text), name="a.example.com"),
    ):
        with pytest.raises(EgressProblem) as caught:
            act()
        assert caught.value.kind == "refused"
    assert dial.to == []


def test_a_private_address_is_connected_to_where_it_is_allowed() -> None:
    with serving(saying(OK)) as port:
        dial = Dialled(port)
        egress = Egress(dial=dial, allowed=[ip_network("10.0.0.0/8")])
        assert egress.ask(ip_address("10.0.0.1"), name="a.example.com", secure=False).status == 200
    assert dial.to == [("10.0.0.1", 80)]


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing() -> None:
    """DNS rebinding: public at the first question, this machine at every later one."""

    def answers(name: str, kind: str, before: int) -> list[str]:
        if kind != "A":
            return []
        return [str(PUBLIC)] if before == 0 else ["127.0.0.1"]

    with dns_server(answers) as resolver, serving(saying(OK)) as port:
        dial = Dialled(port)
        egress = Egress(dial=dial, resolver=resolver)
        looked = egress.look_up("rebinding.example.com")
        for address in looked.addresses:
            egress.ask(address, name="rebinding.example.com", secure=False)
    assert dial.to == [(str(PUBLIC), 80)]


def test_every_address_of_a_name_is_judged_by_itself() -> None:
    def answers(name: str, kind: str, before: int) -> list[str]:
        return [str(PUBLIC), "127.0.0.1"] if kind == "A" else ["::ffff:7f00:1", "2606:4700:4700::1111"]

    with dns_server(answers) as resolver:
        egress = Egress(resolver=resolver)
        looked = egress.look_up("mixed.example.com")
    found = {str(each): bool(egress.refusal(each)) for each in looked.addresses}  # in any order: servers turn it
    assert found == {str(PUBLIC): False, "127.0.0.1": True, "::ffff:7f00:1": True, "2606:4700:4700::1111": False}


@pytest.mark.parametrize(
    "name", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "a..b", "", "x" * 300]
)
def test_what_a_c_library_takes_for_an_address_is_no_name(name: str) -> None:
    with pytest.raises(EgressProblem) as caught:
        Egress().look_up(name)
    assert caught.value.kind == "no-name"


@pytest.mark.parametrize(
    "name", ["", ".a.com", "a..b", f"{'a' * 64}.example.com", "a b.com", "a\0.com", "a.com\r\nX: y", "é.com", "u@a.com"]
)
def test_a_host_that_is_no_name_is_said_and_nothing_is_connected_to(name: str) -> None:
    """Kubernetes takes labels of more than 63 characters; TLS and HTTP raised errors of their own on them."""
    dial = Dialled(0)
    egress = Egress(dial=dial)
    for act in (
        lambda: egress.certificate(PUBLIC, name=name),
        lambda: egress.ask(PUBLIC, name=name, secure=True),
        lambda: egress.ask(PUBLIC, name=name, secure=False),
        lambda: egress.look_up(name),
    ):
        with pytest.raises(EgressProblem) as caught:
            act()
        assert caught.value.kind == "no-name"
    assert dial.to == []


def test_an_address_in_its_plain_form_is_itself() -> None:
    assert Egress().look_up("::1").addresses == (ip_address("::1"),)
    assert Egress().look_up("127.0.0.1").addresses == (ip_address("127.0.0.1"),)


def test_a_name_without_an_address_is_said() -> None:
    with dns_server(lambda *_: []) as resolver, pytest.raises(EgressProblem) as caught:
        Egress(resolver=resolver).look_up("empty.example.com")
    assert caught.value.kind == "no-answer"


def test_a_certificate_is_taken_whether_or_not_anybody_trusts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, file = certificate(tmp_path, "shop.example.com")
    with serving(saying(OK), context) as port:
        egress = Egress(dial=Dialled(port))
        strange = egress.certificate(PUBLIC, name="shop.example.com")
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        trusted = egress.certificate(PUBLIC, name="shop.example.com")
        other = egress.certificate(PUBLIC, name="other.example.com")
        assert egress.ask(PUBLIC, name="shop.example.com", secure=True).status == 200
    assert strange.distrust
    assert trusted.distrust == ""
    assert "another name" in other.distrust
    known = x509.load_der_x509_certificate(trusted.certificate)
    judged = judged_certificate(trusted, PUBLIC, known.not_valid_before_utc)
    assert (judged.severity, judged.not_after) == (Severity.OK, known.not_valid_after_utc)
    assert judged_certificate(strange, PUBLIC, known.not_valid_before_utc).severity is Severity.ERROR


def test_a_certificate_that_has_ended_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, file = certificate(tmp_path, "old.example.com", days=-1, began_days=-30)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with serving(saying(OK), context) as port:
        shown = Egress(dial=Dialled(port)).certificate(PUBLIC, name="old.example.com")
    assert shown.distrust == "it has expired"
    assert shown.certificate


def test_a_server_without_tls_is_said() -> None:
    with serving(saying(b"SSH-2.0-nothing\r\n")) as port, pytest.raises(EgressProblem) as caught:
        Egress(dial=Dialled(port)).certificate(PUBLIC, name="shop.example.com")
    assert caught.value.kind in ("no-tls", "unreached")


def test_nothing_that_listens_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(EgressProblem) as caught:
        Egress(dial=Dialled(port)).ask(PUBLIC, name="a.example.com", secure=False)
    assert caught.value.kind == "closed"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", "no-http"),
        (b"not HTTP at all\r\n\r\n", "no-http"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n", "no-http"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000, "no-http"),
    ],
    ids=["nothing", "gibberish", "a-long-header", "many-headers"],
)
def test_what_does_not_answer_as_it_should_ends_the_question(answer: bytes, kind: str) -> None:
    with serving(saying(answer)) as port, pytest.raises(EgressProblem) as caught:
        Egress(dial=Dialled(port)).ask(PUBLIC, name="a.example.com", secure=False)
    assert caught.value.kind == kind


@pytest.mark.parametrize("secure", [False, True])
def test_a_server_that_drips_holds_nobody(tmp_path: Path, *, secure: bool) -> None:
    ended = threading.Event()

    def drip(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not ended.wait(0.1):
            line.sendall(b"y")

    context = certificate(tmp_path, "slow.example.com")[0] if secure else None
    began = time.monotonic()
    with serving(drip, context) as port:
        with pytest.raises(EgressProblem) as caught:
            Egress(dial=Dialled(port), exchange_s=0.6).ask(PUBLIC, name="slow.example.com", secure=secure)
        ended.set()
    assert caught.value.kind == "silent"
    assert time.monotonic() - began < 5


def test_a_handshake_that_never_ends_holds_nobody() -> None:
    with serving(lambda line: line.recv(1) and time.sleep(1.0)) as port, pytest.raises(EgressProblem) as caught:
        Egress(dial=Dialled(port), exchange_s=0.4).certificate(PUBLIC, name="slow.example.com")
    assert caught.value.kind == "silent"
