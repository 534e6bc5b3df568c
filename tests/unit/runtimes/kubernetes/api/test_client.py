"""The client against answers right and wrong: in time, in words, and with our token to nobody else."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import Endpoint
from connectors.direct import Direct
from connectors.errors import NotAvailable
from runtimes.base import Scope
from runtimes.errors import Conflict, Denied, Invalid, RuntimeProblem, Unavailable, Unsupported
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.login.access import Access
from runtimes.kubernetes.login.configuring import dialled, from_kubeconfig
from runtimes.kubernetes.login.kubeconfig import chosen
from runtimes.kubernetes.objects.common import OnlyMetadata, Version
from runtimes.kubernetes.open import open_kubernetes
from tests.unit.runtimes.kubernetes.canned import Canned, canned, failure, http

VERSION = http(200, {"gitVersion": "v1.36.2"})
DIRECT = Direct()


@contextmanager
def client(kubeconfig: str, *, timeout_s: float = 2.0, allowed: tuple[str, ...] = ()) -> Iterator[Client]:
    picked = chosen(kubeconfig, None, allowed)
    target = dialled(picked.cluster.server, DIRECT)
    access = Access(from_kubeconfig(picked, target, timeout_s=timeout_s), server=target.server)
    made = Client(access, runtime="prod", timeout_s=timeout_s)
    try:
        yield made
    finally:
        made.close()


def version(server: Canned, *, timeout_s: float = 2.0) -> Version:
    with client(server.kubeconfig(), timeout_s=timeout_s) as made:
        return made.get("/version", Version, what="the version")


def refusal(*answers: object, timeout_s: float = 2.0) -> tuple[RuntimeProblem, Canned]:
    with canned(*answers) as server, pytest.raises(RuntimeProblem) as caught:  # type: ignore[arg-type]
        version(server, timeout_s=timeout_s)
    return caught.value, server


def test_a_read_proves_who_we_are_and_decodes() -> None:
    with canned(VERSION) as server:
        assert version(server).git_version == "v1.36.2"
    assert server.heard[0].header("authorization") == ["Bearer t0ken"]
    assert server.heard[0].header("accept") == ["application/json"]


def test_a_busy_server_is_asked_once_more_when_the_wait_is_short() -> None:
    with canned(failure(429, "", "", "Retry-After: 1"), VERSION) as server:
        began = time.monotonic()
        assert version(server).git_version == "v1.36.2"
        assert time.monotonic() - began >= 1
    problem, server = refusal(failure(429, "", "", "Retry-After: 1"))
    assert (problem.retry_after_s, len(server.heard)) == (1, 2)
    problem, server = refusal(failure(429, "", "", "Retry-After: 60"))
    assert (problem.retry_after_s, len(server.heard)) == (60, 1)


def page(names: list[str], position: str = "") -> bytes:
    items = [{"metadata": {"name": name}} for name in names]
    return http(200, {"items": items, "metadata": {"continue": position}})


def listed(server: Canned) -> list[str]:
    with client(server.kubeconfig()) as made:
        found = made.listed("/api/v1/namespaces", OnlyMetadata, what="namespaces", query={"labelSelector": "a=b,!c"})
    return [each.metadata.name for each in found]


def test_a_list_is_read_page_by_page() -> None:
    with canned(page(["a", "b"], "p 2&x"), page(["c"])) as server:
        assert listed(server) == ["a", "b", "c"]
    assert server.heard[0].target == "/api/v1/namespaces?labelSelector=a%3Db%2C%21c&limit=500"
    assert server.heard[1].target.endswith("&limit=500&continue=p+2%26x")


def test_a_list_whose_position_expired_is_read_anew() -> None:
    with canned(page(["old"], "p2"), failure(410, "", "Expired"), page(["a"], "p3"), page(["b"])) as server:
        assert listed(server) == ["a", "b"]


def test_a_list_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtimes.kubernetes.api.client.PAGES_MAX", 3)
    with canned(page(["a"], "again")) as server, pytest.raises(Unavailable):
        listed(server)
    assert len(server.heard) == 3


def test_a_list_without_items_is_empty() -> None:
    with canned(http(200, {"items": None, "metadata": {}})) as server:
        assert listed(server) == []


def hang_up(near: socket.socket) -> None:
    near.shutdown(socket.SHUT_RDWR)


def test_a_dead_connection_is_noticed_once_for_a_read_and_never_hidden_for_a_write() -> None:
    with canned(hang_up, VERSION) as server:
        assert version(server).git_version == "v1.36.2"
    problem, server = refusal(hang_up)
    assert len(server.heard) == 2
    assert "hung up" in problem.sentence
    with canned(hang_up) as server, client(server.kubeconfig()) as made, pytest.raises(Unavailable):
        made.delete("/api/v1/namespaces/shop/pods/web-0", what="pod web-0", uid="u-1")
    assert len(server.heard) == 1


def half(near: socket.socket) -> None:
    near.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"gitVersion": "v1')


def trickle(near: socket.socket) -> None:
    time.sleep(1.0)


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (half, "hung up in the middle"),
        (http(200, b'{"gitVersion": "v1'), "broken or incomplete"),
        (http(200, b"<!doctype html><title>Sign in</title>"), "answered with a web page"),
        (http(200, b""), "answered with nothing"),
        (http(200, {"gitVersion": 7}), "in gitVersion: expected `str`, got `int`"),
        (http(200, b'{"gitVersion": ' + b"[" * 100_000), "in gitVersion: expected `str`, got `array`"),
        (http(200, b'{"x": ' * 5_000), "broken or incomplete"),
        (http(200, b'{"gitVersion": "\xff"}'), "broken or incomplete"),
        (http(200, b'{"gitVersion": "\\ud800"}'), "broken or incomplete"),
        (http(500, b"[" * 60_000), "failed (500)"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "hung up"),
        (trickle, "did not answer within 0.3 s"),
    ],
)
def test_an_answer_that_is_none_is_unavailable_in_words(answer: object, part: str) -> None:
    problem, _ = refusal(answer, timeout_s=0.3)
    assert isinstance(problem, Unavailable)
    assert part in problem.sentence
    assert "t0ken" not in problem.sentence + problem.hint + problem.detail


def dribble(near: socket.socket) -> None:
    near.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    for _ in range(5000):
        near.sendall(b" ")
        time.sleep(0.05)


def test_a_body_that_dribbles_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then never runs into a read timeout, and reading by 64 KB never came to look at the clock."""
    monkeypatch.setattr("runtimes.kubernetes.api.client.BODY_MAX_S", 0.5)
    began = time.monotonic()
    problem, _ = refusal(dribble)
    assert "more than can be taken in time" in problem.sentence
    assert time.monotonic() - began < 3


def test_nobody_there_is_unavailable_in_words() -> None:
    with canned(VERSION) as server:
        kubeconfig = server.kubeconfig()
    with client(kubeconfig) as made, pytest.raises(Unavailable) as caught:
        made.get("/version", Version, what="the version")
    assert "connection refused" in caught.value.sentence


def test_a_redirect_is_not_followed_so_the_token_goes_nowhere_else() -> None:
    with canned(VERSION) as elsewhere:
        problem, _ = refusal(http(302, b"", f"Location: {elsewhere.url}/version"))
    assert "redirects elsewhere" in problem.sentence
    assert elsewhere.heard == []


def test_an_expired_token_is_named_as_such() -> None:
    ends = (datetime.now(UTC) - timedelta(hours=2, minutes=1)).timestamp()
    claims = base64.urlsafe_b64encode(json.dumps({"exp": ends}).encode()).decode().rstrip("=")
    with canned(failure(401, "Unauthorized")) as server:
        text = server.kubeconfig(user={"token": f"eyJh.{claims}.c2ln"})
        with pytest.raises(Denied) as caught:
            open_kubernetes("prod", kubeconfig=text, context=None, connection=DIRECT)
    assert caught.value.sentence.endswith("refused the credential (401). It expired 2 hours ago.")
    assert caught.value.hint == "Renew the kubeconfig of runtime prod."


def test_a_delete_names_the_very_pod_it_means() -> None:
    with canned(http(200, {"kind": "Status", "status": "Success"})) as server, client(server.kubeconfig()) as made:
        made.delete("/api/v1/namespaces/shop/pods/web-0", what="pod web-0", uid="u-1", grace_s=0)
        made.delete("/api/v1/namespaces/shop/pods/web-0", what="pod web-0", uid="u-1")
    assert server.heard[0].method == "DELETE"
    assert json.loads(server.heard[0].body) == {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "preconditions": {"uid": "u-1"},
        "gracePeriodSeconds": 0,
    }
    assert "gracePeriodSeconds" not in json.loads(server.heard[1].body)


def test_a_pod_recreated_in_the_meantime_is_not_hit() -> None:
    found = http(200, {"metadata": {"name": "web-0", "namespace": "shop", "uid": "u-1"}})
    with canned(VERSION, found, failure(409, "the UID in the precondition does not match", "Conflict")) as server:
        runtime = open_kubernetes("prod", kubeconfig=server.kubeconfig(), context=None, connection=DIRECT)
        with pytest.raises(Conflict) as caught:
            runtime.instances.delete(Scope(service="s", namespace="shop"), "web-0", force=True)
        runtime.close()
    assert "Nothing was deleted" in caught.value.hint


def test_impersonation_is_honoured() -> None:
    user: dict[str, object] = {"token": "t", "as": "alice", "as-uid": "7", "as-groups": ["a", "b"]}
    user["as-user-extra"] = {"a/b": ["x", "y"]}
    with canned(VERSION) as server, client(server.kubeconfig(user=user)) as made:
        made.get("/version", Version, what="the version")
    heard = server.heard[0]
    assert heard.header("impersonate-user") == ["alice"]
    assert heard.header("impersonate-uid") == ["7"]
    assert heard.header("impersonate-group") == ["a", "b"]
    assert heard.header("impersonate-extra-a%2Fb") == ["x", "y"]


def test_name_and_password_are_sent_as_basic() -> None:
    with canned(VERSION) as server, client(server.kubeconfig(user={"username": "u", "password": "p"})) as made:
        made.get("/version", Version, what="the version")
    assert server.heard[0].header("authorization") == ["Basic " + base64.b64encode(b"u:p").decode()]


def plugin(folder: Path, script: str) -> tuple[dict[str, object], tuple[str, ...]]:
    program = folder / "plugin"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(stat.S_IRWXU)
    entry = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(program),
        "env": [{"name": "A", "value": "b"}],
    }
    return {"exec": entry}, (str(program),)


def giving(token: str, *, seconds: float) -> str:
    ends = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"token": token, "expirationTimestamp": ends}
    return json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status})


def test_an_allowed_plugin_gives_the_token_and_is_asked_again_before_it_ends(tmp_path: Path) -> None:
    script = f"echo run >> {tmp_path}/runs; cat <<E\n{giving('from-plugin', seconds=30)}\nE"
    user, allowed = plugin(tmp_path, script)
    with canned(VERSION) as server, client(server.kubeconfig(user=user), allowed=allowed) as made:
        made.get("/version", Version, what="the version")
    assert server.heard[0].header("authorization") == ["Bearer from-plugin"]
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


def test_a_refused_plugin_credential_is_renewed_once(tmp_path: Path) -> None:
    script = f"echo run >> {tmp_path}/runs; cat <<E\n{giving('from-plugin', seconds=3600)}\nE"
    user, allowed = plugin(tmp_path, script)
    with canned(failure(401), VERSION) as server, client(server.kubeconfig(user=user), allowed=allowed) as made:
        assert made.get("/version", Version, what="the version").git_version
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


@pytest.mark.parametrize(
    ("script", "part"),
    [
        ("echo s3cret; exit 3", "failed with exit code 3"),
        ("echo s3cret", "printed no credential"),
        ("sleep 30 & sleep 30", "did not finish within 0.5 s"),
        (
            'echo \'{"apiVersion": "client.authentication.k8s.io/v1", "status": {}}\'',
            "neither a token nor a certificate",
        ),
        ('echo \'{"apiVersion": "v9", "status": {"token": "s3cret"}}\'', "another version"),
    ],
)
def test_a_plugin_that_fails_is_a_sentence_without_its_output(tmp_path: Path, script: str, part: str) -> None:
    user, allowed = plugin(tmp_path, script)
    began = time.monotonic()
    with canned(VERSION) as server, pytest.raises(RuntimeProblem) as caught:
        client(server.kubeconfig(user=user), allowed=allowed, timeout_s=0.5).__enter__()
    assert time.monotonic() - began < 5
    assert part in caught.value.sentence
    assert "s3cret" not in caught.value.sentence + caught.value.hint + caught.value.detail


class Tunnel(Direct):
    """A connection whose local end is another address."""

    def __init__(self, local: str) -> None:
        self._local = local

    def reach(self, address: str) -> Endpoint:
        return Endpoint(self._local)


class Broken(Direct):
    def reach(self, address: str) -> Endpoint:
        raise NotAvailable("ssh comes later", hint="use direct")


def test_the_connection_decides_what_is_dialled() -> None:
    target = dialled("https://kube.example:6443/prefix/", Tunnel("tcp://127.0.0.1:4000"))
    assert target.base == "https://127.0.0.1:4000/prefix"
    assert (target.server, target.tls_name, target.headers) == (
        "kube.example:6443",
        "kube.example",
        (("Host", "kube.example:6443"),),
    )
    assert not dialled("https://kube.example:6443", DIRECT).tunnelled
    with pytest.raises(Unsupported):
        dialled("https://kube.example", Tunnel("unix:///run/x.sock"))
    with pytest.raises(Unavailable) as caught:
        dialled("https://kube.example", Broken())
    assert (caught.value.sentence, caught.value.hint) == ("ssh comes later", "use direct")


class Authority:
    """Signs certificates that live for a few minutes."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self._key = ec.generate_private_key(ec.SECP256R1())
        self.pem = self._signed("ca", self._key, [], authority=True)

    def _signed(self, name: str, key: object, names: list[str], *, authority: bool = False, days: int = 1) -> bytes:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization

        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())  # type: ignore[attr-defined]
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=3))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            made = made.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False
            )
        return made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def pair(self, *names: str, days: int = 1) -> tuple[bytes, bytes]:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        form = serialization.PrivateFormat.PKCS8
        private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return self._signed("leaf", key, list(names), days=days), private

    def context(self, folder: Path, *names: str, days: int = 1) -> ssl.SSLContext:
        certificate, key = self.pair(*names, days=days)
        (folder / "server.pem").write_bytes(certificate + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        return context


def encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def opened(text: str, connection: Direct = DIRECT) -> str:
    runtime = open_kubernetes("prod", kubeconfig=text, context=None, connection=connection, timeout_s=3)
    runtime.close()
    return runtime.identity.version


def test_a_tunnelled_server_is_checked_against_its_own_name(authority: Authority, tmp_path: Path) -> None:
    with canned(VERSION, context=authority.context(tmp_path, "kube.example")) as server:
        trust: dict[str, object] = {
            "server": "https://kube.example:6443",
            "certificate-authority-data": encoded(authority.pem),
        }
        assert opened(server.kubeconfig(cluster=trust), Tunnel(f"tcp://127.0.0.1:{server.port}")) == "v1.36.2"
        wrong = trust | {"server": "https://other.example:6443"}
        with pytest.raises(Unavailable) as caught:
            opened(server.kubeconfig(cluster=wrong), Tunnel(f"tcp://127.0.0.1:{server.port}"))
        assert "for another name" in caught.value.sentence
        named = trust | {"server": server.url, "tls-server-name": "kube.example"}
        assert opened(server.kubeconfig(cluster=named)) == "v1.36.2"
    assert server.heard[0].header("host") == ["kube.example:6443"]


def test_what_cannot_be_trusted_gets_no_token(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority()
    cases = [
        (authority.context(tmp_path, "kube.example"), stranger.pem, "signed by another CA of the same name"),
        (authority.context(tmp_path, "kube.example"), authority.pair("kube.example")[0], "not signed by the CA"),
        (authority.context(tmp_path, "kube.example", days=-1), authority.pem, "its certificate has expired"),
    ]
    for context, trusted, part in cases:
        with canned(VERSION, context=context) as server, pytest.raises(Unavailable) as caught:
            opened(
                server.kubeconfig(
                    cluster={"certificate-authority-data": encoded(trusted), "tls-server-name": "kube.example"}
                )
            )
        assert part in caught.value.sentence
        assert server.heard == []


def test_a_server_without_tls_is_said_to_have_none() -> None:
    with canned(http(400)) as server, pytest.raises(Unavailable) as caught:
        opened(server.kubeconfig(cluster={"server": f"https://127.0.0.1:{server.port}"}))
    assert "does not speak TLS" in caught.value.sentence or "TLS" in caught.value.sentence


def test_key_material_is_private_and_goes_away(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    certificate, key = authority.pair("alice")
    user: dict[str, object] = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    with canned(VERSION) as server:
        text = server.kubeconfig(cluster={"server": f"https://127.0.0.1:{server.port}"}, user=user)
        with client(text):
            folders = list(tmp_path.glob("opsmodal-*"))
            assert [stat.S_IMODE(each.stat().st_mode) for each in folders] == [0o700]
            assert {stat.S_IMODE(each.stat().st_mode) for each in folders[0].iterdir()} == {0o700}
            assert {stat.S_IMODE(each.stat().st_mode) for each in folders[0].glob("*/*")} == {0o600}
    assert list(tmp_path.glob("opsmodal-*")) == []


def test_a_key_of_another_certificate_is_found_at_once(authority: Authority) -> None:
    (certificate, _), (_, key) = authority.pair("alice"), authority.pair("bob")
    user: dict[str, object] = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    with pytest.raises(Invalid) as caught, canned(VERSION) as server:
        opened(server.kubeconfig(cluster={"server": f"https://127.0.0.1:{server.port}"}, user=user))
    assert "belong together" in caught.value.hint


def test_two_runtimes_with_one_kubeconfig_do_not_share_their_files(authority: Authority, tmp_path: Path) -> None:
    trust: dict[str, object] = {"certificate-authority-data": encoded(authority.pem), "tls-server-name": "kube.example"}
    with canned(VERSION, context=authority.context(tmp_path, "kube.example")) as server:
        text = server.kubeconfig(cluster=trust)
        with client(text) as kept:
            opened(text)
            assert kept.get("/version", Version, what="the version").git_version == "v1.36.2"


def drip(near: socket.socket) -> None:
    near.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
    near.recv(1)


def test_a_stream_gives_what_comes_at_once_and_ends_when_closed_from_elsewhere() -> None:
    with canned(drip) as server, client(server.kubeconfig()) as made:
        stream = made.stream("/log", what="a log", query={"follow": "true"})
        chunks = iter(stream)
        assert next(chunks) == b"one"
        closer = threading.Timer(0.2, stream.close)
        closer.start()
        began = time.monotonic()
        assert list(chunks) == []
        assert time.monotonic() - began < 2
        closer.join()
        stream.close()
        assert list(stream) == []


def test_a_stream_that_breaks_says_so() -> None:
    def broken(near: socket.socket) -> None:
        near.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\none")

    with canned(broken) as server, client(server.kubeconfig()) as made:
        stream = made.stream("/log", what="a log", query={})
        with pytest.raises(Unavailable) as caught:
            list(stream)
    assert "hung up in the middle" in caught.value.sentence


def test_a_stream_that_is_silent_too_long_ends() -> None:
    with canned(drip) as server, client(server.kubeconfig()) as made:
        stream = made.stream("/log", what="a log", query={}, quiet_s=0.3)
        with pytest.raises(Unavailable) as caught:
            list(stream)
    assert "within 0.3 s" in caught.value.sentence


@pytest.mark.parametrize(("version_said", "simulated"), [("v1.36.2", False), ("v1.34.0+opsmodal-simulated", True)])
def test_a_simulated_cluster_says_that_it_is_one(version_said: str, simulated: bool) -> None:
    with canned(http(200, {"gitVersion": version_said, "platform": "linux/amd64"})) as server:
        runtime = open_kubernetes("prod", kubeconfig=server.kubeconfig(), context=None, connection=DIRECT)
        runtime.check()
        runtime.close()
        runtime.close()
    assert runtime.identity.simulated is simulated
    assert dict(runtime.identity.detail)["API server"] == f"127.0.0.1:{server.port}"


def test_without_a_kubeconfig_and_outside_a_pod_there_is_nothing_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    for in_cluster in (True, False):
        with pytest.raises(Invalid) as caught:
            open_kubernetes("prod", kubeconfig=None, context=None, in_cluster=in_cluster, connection=DIRECT)
        assert caught.value.hint


def test_a_pods_own_service_account_is_used(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.config import incluster_config

    (tmp_path / "token").write_text("from-pod")
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    with canned(VERSION, context=authority.context(tmp_path, "localhost")) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "localhost")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        runtime = open_kubernetes("prod", kubeconfig=None, context=None, in_cluster=True, connection=DIRECT)
        runtime.close()
    assert server.heard[0].header("authorization") == ["bearer from-pod"]
    assert dict(runtime.identity.detail)["Credential"] == "service account of the pod"


def test_as_many_streams_as_a_follow_has_leave_nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with canned(http(200, b"a line\n")) as server, client(server.kubeconfig()) as made:
        streams = [made.stream("/log", what="a log", query={}) for _ in range(200)]
        assert [b"".join(stream) for stream in streams] == [b"a line\n"] * 200
    assert not [record for record in caplog.records if record.name.startswith("urllib3")]


def test_a_pod_in_a_list_that_cannot_be_read_is_told_as_a_broken_answer() -> None:
    broken = http(200, {"items": [{"metadata": {"name": 7}}], "metadata": {"resourceVersion": "1"}})
    with canned(VERSION, broken) as server:
        runtime = open_kubernetes("prod", kubeconfig=server.kubeconfig(), context=None, connection=DIRECT)
        with pytest.raises(Unavailable, match="broken or incomplete"):
            runtime.instances.list(Scope(service="s", namespace="shop"))
        runtime.close()
