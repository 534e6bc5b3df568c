from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from tests.unit.opsmodal.cli.programs import Done, answered, asked, await_answer, free_port, run, running
from tests.unit.opsmodal.store.postgresql import PostgreSQL

PASSWORD = "correct horse"


def serve(folder: Path, port: int, *more: str) -> tuple[str, ...]:
    return ("serve", "--data-dir", str(folder), "--bind", f"127.0.0.1:{port}", *more)


def signed_in(port: int, password: str) -> int:
    body = f"name=admin&password={password.replace(' ', '+')}"
    form = "application/x-www-form-urlencoded"
    origin = f"http://127.0.0.1:{port}"
    return asked(port, "/sign-in", method="POST", body=body, Content_Type=form, Origin=origin)[0]


def said(ended: Done) -> str:
    """What was said to people: the log's own lines are JSON."""
    return "".join(line for line in ended.err.splitlines(keepends=True) if not line.startswith("{"))


def test_the_first_administrator_gets_the_password_of_the_environment(tmp_path: Path) -> None:
    port = free_port()
    with running(*serve(tmp_path, port), env={"OPSMODAL_ADMIN_PASSWORD": PASSWORD}) as server:
        await_answer(port)
        assert asked(port, "/readyz")[0] == 200
        assert (signed_in(port, PASSWORD), signed_in(port, "wrong password")) == (303, 401)
        ended = server.end()
    assert (ended.code, said(ended)) == (0, "")
    assert ended.out == f"opsmodal serves at http://127.0.0.1:{port}"
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_without_a_password_a_link_signs_the_administrator_in_once(tmp_path: Path) -> None:
    port = free_port()
    with running(*serve(tmp_path, port)) as server:
        assert "Sign in as admin once" in server.line()
        path = server.line().removeprefix(f"http://127.0.0.1:{port}")
        await_answer(port)
        assert [asked(port, path)[0] for _ in range(2)] == [303, 401]
        server.end()


def test_a_password_that_is_set_already_is_kept(tmp_path: Path) -> None:
    port = free_port()
    run("user", "add", "admin", "--admin", "--password-stdin", "--data-dir", tmp_path, given=PASSWORD.encode())
    with running(*serve(tmp_path, port), env={"OPSMODAL_ADMIN_PASSWORD": "another horse"}):
        await_answer(port)
        assert (signed_in(port, PASSWORD), signed_in(port, "another horse")) == (303, 401)


def test_a_password_that_is_not_used_is_said(tmp_path: Path) -> None:
    port = free_port()
    run("user", "add", "alice", "--admin", "--password-stdin", "--data-dir", tmp_path, given=PASSWORD.encode())
    with running(*serve(tmp_path, port), env={"OPSMODAL_ADMIN_PASSWORD": "another horse"}) as server:
        await_answer(port)
        assert signed_in(port, "another horse") == 401
        ended = server.end()
    assert said(ended) == (
        "OPSMODAL_ADMIN_PASSWORD was not used: there is an administrator already, alice. "
        "“opsmodal user add NAME --admin” adds another.\n"
    )
    assert [line.split("\t")[0] for line in run("user", "list", "--data-dir", tmp_path).out.splitlines()] == ["alice"]


def test_a_second_server_on_one_sqlite_file_is_refused_and_commands_are_not(tmp_path: Path) -> None:
    port = free_port()
    with running(*serve(tmp_path, port)) as server:
        await_answer(port)
        refused = run(*serve(tmp_path, free_port()))
        assert refused.code == 1
        assert (
            f"Another server (process {server.process.pid}) serves from {tmp_path}/opsmodal.db already." in refused.err
        )
        token = run("token", "create", "admin", "--data-dir", tmp_path).out.strip()
        document = b"apiVersion: opsmodal/v1\nruntimes: [{name: e, kind: docker, socket: /gone}]\n"
        document += b"services: [{name: new, runtime: e, project: a}]"
        assert run("apply", "-f", "-", "--data-dir", tmp_path, given=document).code == 0
        services = answered(port, "/services", token)
        assert isinstance(services, dict)
        assert [one["name"] for one in services["items"]] == ["new"], "the server sees what a command has changed"
        server.end()
    with running(*serve(tmp_path, port)):
        await_answer(port)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--workers", "2"), "More than one worker needs PostgreSQL"),
        (("--workers", "many"), "--workers must be a whole number"),
        (("--bind", "8080"), "must be HOST:PORT"),
        (("--bind", "127.0.0.1:99999"), "must be HOST:PORT"),
        (("--database-url", "mysql://h/d", "--workers", "x"), "--workers must be"),
    ],
)
def test_wrong_usage_is_said_and_exits_with_two(tmp_path: Path, more: tuple[str, ...], words: str) -> None:
    refused = run("serve", "--data-dir", tmp_path, *more)
    assert refused.code == 2
    assert words in refused.err
    assert "Traceback" not in refused.err


def test_an_address_that_is_taken_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run(*serve(tmp_path, port))
    assert refused.code == 1
    assert f"127.0.0.1 port {port} cannot be listened on: Address already in use." in refused.err


def test_a_key_that_others_can_read_keeps_the_server_from_starting(tmp_path: Path) -> None:
    run("user", "add", "alice", "--data-dir", tmp_path)
    (tmp_path / "secret.key").chmod(0o644)
    refused = run(*serve(tmp_path, free_port()))
    assert (refused.code, "chmod 600" in refused.err) == (1, True)


def test_nothing_that_makes_sockets_or_locks_is_imported_before_gevent_has_patched() -> None:
    code = (
        "import sys, gevent.monkey\n"
        "real = gevent.monkey.patch_all\n"
        "early = []\n"
        "def patch_all(*a, **k):\n"
        "    early.extend(n for n in ('ssl', 'sqlalchemy', 'flask', 'urllib3', 'gunicorn') if n in sys.modules)\n"
        "    raise SystemExit(','.join(early) or 0)\n"
        "gevent.monkey.patch_all = patch_all\n"
        "from opsmodal.cli import main\n"
        "main(['serve'])\n"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_several_workers_share_one_postgresql(tmp_path: Path, postgresql: PostgreSQL) -> None:
    port = free_port()
    address = postgresql.new_database()
    more = ("--database-url", address, "--workers", "2")
    with running(*serve(tmp_path, port, *more), env={"OPSMODAL_ADMIN_PASSWORD": PASSWORD}) as server:
        await_answer(port)
        assert [signed_in(port, "wrong password") for _ in range(6)] == [401] * 5 + [429]
        assert signed_in(port, PASSWORD) == 429
        ended = server.end()
    assert ended.code == 0
    assert not re.search(r"Traceback|ERROR", ended.err)
