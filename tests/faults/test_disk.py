"""A disk that is full, and one that can be read only, under a server that runs: views go on, actions do not, and both
come back by themselves when the disk does.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from opsmodal.demo.cluster import Cluster, start
from tests.faults.visitor import Answer, Visitor
from tests.unit.opsmodal.cli.programs import run
from tests.web.test_serving import PASSWORD, Server

SIZE = "6m"
BLOCK_BYTES = 64 * 1024
VIEWS = (
    "/services",
    "/services/shop/overview",
    "/services/shop/instances",
    "/services/shop/logs",
    "/audit",
    "/registry",
)


def _or_skip(*argv: str) -> None:
    """Run a program of root's; skip where this machine does not let us."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        pytest.skip(f"{argv[0]} does not work here (it needs root): {done.stderr.strip()[:100]}")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = start()
    yield cluster
    cluster.stop()


@contextmanager
def served(folder: Path, cluster: Cluster) -> Iterator[Server]:
    server = Server(folder, cluster, OPSMODAL_COLLECT="false", OPSMODAL_AUDIT_HEADS_FILE=str(folder / "heads"))
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait(30)


@pytest.fixture
def on_small_disk(tmp_path: Path, cluster: Cluster) -> Iterator[Server]:
    """Serve from a disk of a few megabytes."""
    data = tmp_path / "data"
    data.mkdir()
    _or_skip("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(data))
    try:
        with served(tmp_path, cluster) as server:
            yield server
    finally:
        subprocess.run(["umount", "--lazy", str(data)], check=True, timeout=30)


def fill(disk: Path) -> Path:
    """Leave no byte free; give what to remove to have room again."""
    ballast = disk / "ballast"
    size = BLOCK_BYTES
    with ballast.open("wb", buffering=0) as file:
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2
    return ballast


def actions(server: Server, person: Visitor) -> dict[str, Answer]:
    """Try one of each kind that has to be on record."""
    body, own = {"confirm": "shop"}, server.token
    return {
        "sign-in": Visitor(server.port).sign_in("admin", PASSWORD),
        "delete": person.ask("/services/shop/instances/db-0/delete", body),
        "download": person.ask("/services/shop/logs?instance=db-0&download=true"),
        "export": person.ask("/audit/export?format=jsonl"),
        "token": person.ask("/api/v1/services/shop/instances/db-0?confirm=shop", method="DELETE", token=own),
        "registry": person.ask("/registry/services/reports/delete", {"confirm": "true"}),
    }


def demand_views_only(server: Server, person: Visitor, words: str) -> None:
    """Demand that pages are shown and nothing is done, with a sentence that says why and what to do."""
    for path in VIEWS:
        assert person.ask(path).status == 200, path
    assert json.loads(server.get("/services"))["total"] == 3
    for name, answer in actions(server, person).items():
        assert answer.status == 503, (name, answer.status, answer.text[:300])
        assert words in answer.text, (name, answer.text[:2000])
        for foreign in ("Traceback", "sqlite", "INSERT", str(server.data)):
            assert foreign not in answer.text, name
    assert person.ask("/services/shop/instances/db-0").status == 200, "nothing was deleted"


def demand_all(server: Server, person: Visitor) -> None:
    """Demand that what was refused is done now."""
    answers = {name: answer.status for name, answer in actions(server, person).items()}
    assert answers["sign-in"] == 303
    assert answers["delete"] == 303
    assert (answers["download"], answers["export"], answers["registry"]) == (200, 200, 303)
    assert "whole" in server.run("audit", "verify")


def signed_in(server: Server) -> Visitor:
    person = Visitor(server.port)
    assert person.sign_in("admin", PASSWORD).status == 303
    assert person.ask("/services").status == 200
    return person


def test_on_a_full_disk_pages_are_shown_and_nothing_is_done_until_there_is_room(on_small_disk: Server) -> None:
    server, person = on_small_disk, signed_in(on_small_disk)
    ballast = fill(server.data)
    demand_views_only(server, person, "is full")
    ballast.unlink()
    demand_all(server, person)


@pytest.mark.exhaustive
def test_a_follow_on_a_full_disk_ends_with_words_or_goes_on(on_small_disk: Server) -> None:
    ballast = fill(on_small_disk.data)
    with closing(on_small_disk.follow("instance=db-0&tail=1")) as following:
        frame = json.loads(following.recv())
        assert frame.get("sentence") or "job" in frame, frame
    ballast.unlink()
    with closing(on_small_disk.follow("instance=db-0&tail=1")) as following:
        assert json.loads(following.recv())["job"]


@pytest.mark.exhaustive
def test_who_signs_out_on_a_full_disk_is_told_so_or_is_out(on_small_disk: Server) -> None:
    person = signed_in(on_small_disk)
    secret = dict(person.cookies)
    fill(on_small_disk.data)
    answer = person.ask("/sign-out", {})
    if answer.status == 303:
        assert Visitor(on_small_disk.port, cookies=secret).ask("/services").status == 303
    else:
        assert (answer.status, "is full" in answer.text) == (503, True)


@contextmanager
def frozen(folder: Path) -> Iterator[None]:
    """Let nothing in a folder be written, open files included, as on a disk that has turned read-only."""
    everything = [str(folder), *map(str, folder.glob("opsmodal.db*"))]
    _or_skip("chattr", "+i", *everything)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *everything], check=True, timeout=30)


@pytest.mark.exhaustive
def test_a_store_that_turned_read_only_shows_pages_does_nothing_and_comes_back(
    tmp_path: Path, cluster: Cluster
) -> None:
    with served(tmp_path, cluster) as server:
        person = signed_in(server)
        with frozen(server.data):
            demand_views_only(server, person, "cannot be written")
        demand_all(server, person)


def test_a_server_does_not_start_on_a_disk_that_it_cannot_write_and_says_why(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert run("user", "add", "alice", "--data-dir", data).code == 0
    _or_skip("mount", "--bind", "-o", "ro", str(data), str(data))
    try:
        refused = run("serve", "--data-dir", data, "--bind", "127.0.0.1:0")
        assert refused.code == 1
        assert "Read-only file system" in refused.err
        assert "Traceback" not in refused.err
    finally:
        subprocess.run(["umount", "--lazy", str(data)], check=True, timeout=30)
