from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from connectors.base import Phase
from connectors.errors import Forbidden, LoginRefused
from connectors.options import Hop, Identity
from connectors.ssh import identities
from connectors.ssh.identities import private_key
from connectors.ssh.line import Lines
from tests.engines import sshd
from tests.unit.connectors.ssh.conftest import StartSshd, hop_to, says
from tests.unit.connectors.ssh.test_line import to_port

PASSPHRASE = "Grüße an alle"  # not only ASCII
KINDS = [
    ("ed25519", 0, "openssh"),  # ssh-keygen writes these in its own form only
    ("rsa", 2048, "pem"),
    ("ecdsa", 256, "pkcs8"),
    *[pytest.param("rsa", 2048, form, marks=pytest.mark.exhaustive) for form in ("openssh", "pkcs8")],
    *[
        pytest.param("ecdsa", bits, form, marks=pytest.mark.exhaustive)
        for form in ("openssh", "pem", "pkcs8")
        for bits in (256, 384, 521)
    ],
]


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run an ssh-agent; give its socket."""
    path = tmp_path / "agent"
    running = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    while not path.exists():
        assert running.poll() is None
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    yield path
    running.terminate()
    running.wait(10)


def allow(server: sshd.Sshd, *public: Path) -> None:
    """Let these keys in too."""
    with server.key.with_suffix(".pub").open("a") as authorised:
        authorised.writelines(path.with_suffix(".pub").read_text() for path in public)


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["plain", "locked"])
@pytest.mark.parametrize(("algorithm", "bits", "form"), KINDS)
def test_every_kind_of_key_gets_in(
    ssh_host: sshd.Sshd, lines: Lines, tmp_path: Path, algorithm: str, bits: int, form: str, passphrase: str
) -> None:
    key = sshd.make_key(tmp_path / "key", algorithm, passphrase=passphrase, bits=bits)
    if form != "openssh":
        again = ["ssh-keygen", "-q", "-p", "-m", form.upper(), "-f", key, "-P", passphrase, "-N", passphrase]
        subprocess.run(again, check=True, capture_output=True, timeout=20)
    allow(ssh_host, key)

    identity = Identity(key=key.read_text(), passphrase=passphrase)

    assert says(lines.line((hop_to(ssh_host, identity=identity),))) == "hello\n"


def test_an_ed25519_key_that_openssl_made_gets_in(ssh_host: sshd.Sshd, lines: Lines, tmp_path: Path) -> None:
    key = tmp_path / "key"
    make = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", key]
    subprocess.run(make, check=True, capture_output=True, timeout=20)
    public = private_key(key.read_text())
    with ssh_host.key.with_suffix(".pub").open("a") as authorised:
        authorised.write(f"{public.get_name()} {public.get_base64()}\n")

    assert says(lines.line((hop_to(ssh_host, identity=Identity(key=key.read_text())),))) == "hello\n"


def test_a_key_with_the_line_ends_of_windows_and_an_idle_passphrase_gets_in(ssh_host: sshd.Sshd, lines: Lines) -> None:
    key = ssh_host.key.read_text().replace("\n", "\r\n")

    assert says(lines.line((hop_to(ssh_host, identity=Identity(key=key, passphrase="idle")),))) == "hello\n"


def test_a_password_gets_in_where_no_key_does(start_sshd: StartSshd, lines: Lines) -> None:
    server = start_sshd("PasswordAuthentication yes", passwords={"visitor": "open sesame"})
    mine = Identity(password="open sesame")

    assert says(lines.line((hop_to(server, user="visitor", identity=mine),)), "id -un").strip() == "visitor"


def test_a_password_answers_a_server_that_asks_questions_instead(lines: Lines) -> None:
    with Asking() as server:
        known = f"[127.0.0.1]:{server.port} {server.key.get_name()} {server.key.get_base64()}"
        mine = Identity(password="open sesame")
        hop = Hop(host="127.0.0.1", port=server.port, user="me", identity=mine, known_hosts=known)
        line = lines.line((hop,))

        with pytest.raises(Forbidden):  # it lets in and opens nothing
            line.channel(to_port(1), party="a", timeout_s=10)

        assert server.answers == ["open sesame"]
        assert line.standing().phase is Phase.UP


class Asking(paramiko.ServerInterface):
    """A server that takes nothing but answers to its questions, as one with PAM may."""

    def __init__(self) -> None:
        self.key = paramiko.RSAKey.generate(2048)
        self.answers: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="asking")

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()
        self._thread.join(20)
        self._socket.close()

    def get_allowed_auths(self, username: str) -> str:
        return "keyboard-interactive"

    def check_auth_interactive(self, username: str, submethods: str) -> paramiko.InteractiveQuery:
        return paramiko.InteractiveQuery("", "", ("Password: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        self.answers += responses
        return paramiko.AUTH_SUCCESSFUL

    def _serve(self) -> None:
        near, _ = self._socket.accept()
        self._transport = paramiko.Transport(near)
        self._transport.add_server_key(self.key)
        self._transport.start_server(event=threading.Event(), server=self)
        self._transport.join(20)


def test_a_key_and_then_a_password_get_in_where_the_server_wants_both(start_sshd: StartSshd, lines: Lines) -> None:
    both = ("PasswordAuthentication yes", "AuthenticationMethods publickey,password")
    server = start_sshd(*both, passwords={"visitor": "open sesame"})
    mine = Identity(key=server.key.read_text(), password="open sesame")

    assert says(lines.line((hop_to(server, user="visitor", identity=mine),)), "id -un").strip() == "visitor"


@pytest.mark.parametrize("algorithm", ["ed25519", "rsa"])
def test_a_certificate_gets_in_where_the_key_alone_does_not(
    start_sshd: StartSshd, lines: Lines, tmp_path: Path, algorithm: str
) -> None:
    server, key = start_sshd("TrustedUserCAKeys {folder}/authority.pub"), sshd.make_key(tmp_path / "mine", algorithm)
    signed = certify(server, key)
    alone, certified = Identity(key=key.read_text()), Identity(key=key.read_text(), certificate=signed)

    with pytest.raises(LoginRefused):
        says(lines.line((hop_to(server, identity=alone),)))
    assert says(lines.line((hop_to(server, identity=certified),))) == "hello\n"


def certify(server: sshd.Sshd, key: Path) -> str:
    """Make an authority for the server, and let it sign the key."""
    authority = sshd.make_key(server.folder / "authority")
    sign = ["ssh-keygen", "-q", "-s", authority, "-I", "test", "-n", server.user, key.with_suffix(".pub")]
    subprocess.run(sign, check=True, capture_output=True, timeout=20)
    return key.with_name(f"{key.name}-cert.pub").read_text()


def test_a_key_of_the_agent_gets_in(ssh_host: sshd.Sshd, lines: Lines, agent: Path) -> None:
    subprocess.run(["ssh-add", "-q", ssh_host.key], check=True, capture_output=True, timeout=20)

    assert says(lines.line((hop_to(ssh_host, identity=Identity(agent=True)),))) == "hello\n"


def test_an_agent_without_keys_is_said(ssh_host: sshd.Sshd, lines: Lines, agent: Path) -> None:
    with pytest.raises(LoginRefused, match="holds no key"):
        says(lines.line((hop_to(ssh_host, identity=Identity(agent=True)),)))


def test_an_agent_that_never_answers_is_given_up(
    ssh_host: sshd.Sshd, lines: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    monkeypatch.setattr(identities, "AGENT_S", 0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "agent"))
        silent.listen()

        with pytest.raises(LoginRefused, match="does not answer"):
            says(lines.line((hop_to(ssh_host, identity=Identity(agent=True)),)))


def test_no_agent_is_said(ssh_host: sshd.Sshd, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    with pytest.raises(LoginRefused, match="SSH_AUTH_SOCK is not set"):
        says(lines.line((hop_to(ssh_host, identity=Identity(agent=True)),)))


def test_a_refused_key_is_named_by_its_fingerprint_and_the_line_to_add(
    ssh_host: sshd.Sshd, lines: Lines, tmp_path: Path
) -> None:
    wrong = sshd.make_key(tmp_path / "wrong")
    shown = subprocess.run(["ssh-keygen", "-lf", wrong], check=True, capture_output=True, text=True, timeout=20).stdout

    with pytest.raises(LoginRefused) as refused:
        says(lines.line((hop_to(ssh_host, identity=Identity(key=wrong.read_text())),)))

    assert shown.split()[1] in refused.value.sentence
    assert " ".join(wrong.with_suffix(".pub").read_text().split()[:2]) in refused.value.hint
    assert no_secret_of(wrong, refused.value)


def no_secret_of(key: Path, problem: LoginRefused) -> bool:
    told = f"{problem.sentence} {problem.hint} {problem!r}"
    return not any(line in told for line in key.read_text().splitlines()[1:-1])


def test_a_password_is_not_shown_to_a_server_that_takes_none(ssh_host: sshd.Sshd, lines: Lines) -> None:
    with pytest.raises(LoginRefused, match="The server takes publickey") as refused:
        says(lines.line((hop_to(ssh_host, identity=Identity(password="open sesame")),)))

    assert "open sesame" not in f"{refused.value.sentence}{refused.value.hint}"
    assert refused.value.hint == "Register something that it takes: publickey."


def test_a_server_that_ends_the_login_is_told(start_sshd: StartSshd, lines: Lines, tmp_path: Path) -> None:
    server, wrong = start_sshd("MaxAuthTries 1"), sshd.make_key(tmp_path / "wrong")

    with pytest.raises(LoginRefused, match="then ended the connection"):
        says(lines.line((hop_to(server, identity=Identity(key=wrong.read_text(), password="x")),)))


@pytest.mark.parametrize(
    "user", ["two words", "it's", 'say "x"', "$(reboot)", "`id`", "a;b", "-oProxyCommand=x", "Zoë"]
)
def test_an_odd_user_name_is_refused_by_the_server_and_quoted(ssh_host: sshd.Sshd, lines: Lines, user: str) -> None:
    with pytest.raises(LoginRefused, match="is refused") as refused:
        says(lines.line((hop_to(ssh_host, user=user),)))

    assert refused.value.sentence.startswith('"')
    assert refused.value.sentence.isprintable()


@pytest.mark.parametrize("user", ["", "a\nb", "a\0b", "a\x1b[2Jb", "\u202eroot"])
def test_a_user_name_that_no_server_has_is_refused_without_asking(lines: Lines, user: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        hop = Hop(host="127.0.0.1", port=server.getsockname()[1], user=user, identity=Identity(password="x"))

        with pytest.raises(LoginRefused, match="cannot be the name") as refused:
            says(lines.line((hop,)))

        assert refused.value.sentence.isprintable()
        with pytest.raises(BlockingIOError):
            server.accept()


def test_nothing_of_a_key_is_written_to_a_file(
    ssh_host: sshd.Sshd, lines: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    assert says(lines.line((hop_to(ssh_host),))) == "hello\n"
    assert list(tmp_path.iterdir()) == []
