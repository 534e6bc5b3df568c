from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.contexts import Suggestion, suggestions, texts_of
from opsmodal.contexts.reading import FILE_MAX_BYTES, Unreadable
from opsmodal.contexts.suggestion import NoAddress, entry_of

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----"


def docker_context(home: Path, name: str, endpoint: object, *, folder: str = "", **files: str) -> None:
    folder = folder or hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker/contexts/meta" / folder
    meta.mkdir(parents=True)
    described = {"Name": name, "Metadata": {"Description": "mine"}, "Endpoints": {"docker": endpoint}}
    (meta / "meta.json").write_text(json.dumps(described))
    pems = home / ".docker/contexts/tls" / folder / "docker"
    for file, text in files.items():
        pems.mkdir(parents=True, exist_ok=True)
        (pems / f"{file}.pem").write_text(text)


def podman_json(home: Path, connections: Mapping[str, Any]) -> None:
    folder = home / ".config/containers"
    folder.mkdir(parents=True, exist_ok=True)
    described = {"Connection": {"Default": "a", "Connections": connections}, "Farm": {}}
    (folder / "podman-connections.json").write_text(json.dumps(described))


def podman_conf(home: Path, text: str, name: str = "containers.conf") -> None:
    path = home / ".config/containers" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def only(home: Path) -> Suggestion:
    (found,) = suggestions(home)
    return found


def test_a_home_without_any_has_none(tmp_path: Path) -> None:
    assert suggestions(tmp_path) == ()
    assert suggestions(tmp_path / "gone") == ()


def test_a_docker_context_over_ssh_becomes_an_entry(tmp_path: Path) -> None:
    docker_context(tmp_path, "Prod_EU", {"Host": "ssh://ops@10.0.0.5:2222", "SkipTLSVerify": False})
    found = only(tmp_path)
    assert (found.source, found.kind, found.problem) == ("Docker context Prod_EU", "docker", "")
    assert found.entry == {
        "name": "prod-eu",
        "kind": "docker",
        "socket": "/var/run/docker.sock",
        "connections": [
            {"name": "prod-eu", "kind": "ssh", "host": "10.0.0.5", "user": "ops", "port": 2222, "agent": True}
        ],
    }


def test_a_docker_context_with_tls_names_its_files_and_shows_none(tmp_path: Path) -> None:
    endpoint = {"Host": "tcp://edge:2376", "SkipTLSVerify": True}
    docker_context(tmp_path, "edge", endpoint, ca="CA", cert="CERT", key=KEY)
    found = only(tmp_path)
    assert found.entry["socket"] == "tcp://edge:2376"
    assert found.entry["tls"] == {part: {"file": f"{name}.pem"} for part, name in
                                  (("ca", "ca"), ("certificate", "cert"), ("key", "key"))}  # fmt: skip
    assert KEY not in repr(found)
    assert "does not check" in found.notes[0]
    assert texts_of(found, home=tmp_path) == {"tls.ca": "CA", "tls.certificate": "CERT", "tls.key": KEY}


def test_podman_connections_of_both_files_are_found_and_the_newer_file_wins(tmp_path: Path) -> None:
    key = tmp_path / ".ssh/id_ed25519"
    key.parent.mkdir()
    key.write_text(KEY)
    newer = {"URI": "ssh://core@host:22/run/user/1000/podman/podman.sock", "Identity": str(key), "IsMachine": False}
    podman_json(tmp_path, {"a": newer})
    podman_conf(
        tmp_path,
        '[engine]\nactive_service = "a"\n[engine.service_destinations.a]\nuri = "ssh://old@host/x"\n'
        '[engine.service_destinations.b]\nuri = "unix:///run/podman/podman.sock"\n',
    )
    podman_conf(tmp_path, '[engine.service_destinations.c]\nuri = "tcp://box:8080"\n', "containers.conf.d/1.conf")
    a, b, c = suggestions(tmp_path)
    assert [each.source for each in (a, b, c)] == [f"Podman connection {name}" for name in "abc"]
    assert a.entry["socket"] == "/run/user/1000/podman/podman.sock"
    way = {"name": "a", "kind": "ssh", "host": "host", "user": "core", "identityFile": {"file": "id_ed25519"}}
    assert a.entry["connections"] == [way]
    assert texts_of(a, home=tmp_path) == {"connections.a.identityFile": KEY}
    assert (b.entry["socket"], c.entry["socket"]) == ("/run/podman/podman.sock", "tcp://box:8080")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "none"),
        ("npipe:////./pipe/docker_engine", "npipe"),
        ("fd://", "fd"),
        ("ssh://", "no host"),
        ("ssh://-oProxyCommand=id@h", "user"),
        ("ssh://user@-oProxyCommand=id", "no host"),
        ("ssh://a@h:99999", "cannot be read"),
        ("tcp://[::1", "cannot be read"),
        ("unix://relative", "unix"),
        ("unix:///run/../etc/x", "unix"),
        ("file:///etc/passwd", "file"),
        ("javascript:alert(1)", "javascript"),
    ],
)
def test_an_address_that_nothing_can_be_made_of_is_told(address: str, words: str) -> None:
    with pytest.raises(NoAddress, match=words):
        entry_of(address, name="x", kind="docker")


@given(st.text(max_size=80))
def test_no_address_makes_an_entry_that_is_more_than_one(address: str) -> None:
    for made in (address, f"ssh://{address}", f"tcp://{address}", f"unix:///{address}"):
        try:
            entry, _ = entry_of(made, name=address, kind="podman")
        except NoAddress:
            continue
        assert set(entry) <= {"name", "kind", "socket", "connections"}
        assert "\n" not in str(entry.values())


def test_a_password_in_an_address_is_not_taken_over(tmp_path: Path) -> None:
    podman_json(tmp_path, {"a": {"URI": "ssh://ops:hunter2@h/run/podman/podman.sock"}})
    assert "hunter2" not in repr(suggestions(tmp_path))
    assert "password" in only(tmp_path).notes[0]


BROKEN = {
    "no json": b"{",
    "a list": b"[]",
    "no text": b"\xff\xfe",
    "no bottom": b"[" * 200_000,
    "a number for a name": b'{"Name": 5, "Endpoints": {"docker": {"Host": "x"}}}',
    "hosts of another type": b'{"Name": "x", "Endpoints": {"docker": {"Host": {"a": 1}}}}',
    "too large": b" " * (FILE_MAX_BYTES + 1),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_broken_files_are_told_beside_the_others(tmp_path: Path, data: bytes) -> None:
    docker_context(tmp_path, "good", {"Host": "ssh://ops@h"}, folder="b")
    docker_context(tmp_path, "bad", {}, folder="a")
    (tmp_path / ".docker/contexts/meta/a/meta.json").write_bytes(data)
    podman_conf(tmp_path, "")
    (tmp_path / ".config/containers/containers.conf").write_bytes(data.replace(b" ", b"="))
    told, good, conf = suggestions(tmp_path)
    assert told.problem
    assert told.entry == {}
    assert good.entry["name"] == "good"
    assert "containers.conf" in conf.problem


def test_pipes_links_out_and_devices_are_not_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for folder in ("a", "b", "c", "d"):
        docker_context(home, folder, {}, folder=folder)
    metas = home / ".docker/contexts/meta"
    for folder in ("a", "b", "c", "d"):
        (metas / folder / "meta.json").unlink()
    os.mkfifo(metas / "a/meta.json")
    (metas / "b/meta.json").symlink_to("/etc/passwd")
    (metas / "c/meta.json").symlink_to("meta.json")
    (metas / "d/meta.json").mkdir()
    found = suggestions(home)
    assert len(found) == 4
    assert all(each.problem and not each.entry for each in found)
    assert "leads out of the home" in found[1].problem


def test_a_key_outside_of_the_home_is_not_read(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "key"
    elsewhere.write_text(KEY)
    podman_json(home, {"a": {"URI": "ssh://ops@h/x", "Identity": str(elsewhere)}})
    with pytest.raises(Unreadable, match="leads out of the home folder"):
        texts_of(only(home), home=home)
    podman_json(home, {"a": {"URI": "ssh://ops@h/x", "Identity": str(home / "gone")}})
    with pytest.raises(Unreadable, match="is not there"):
        texts_of(only(home), home=home)


def test_names_are_made_fit_to_be_shown(tmp_path: Path) -> None:
    docker_context(tmp_path, "\x1b[31m<b>\n" + "x" * 500, {"Host": "ssh://ops@h"})
    found = only(tmp_path)
    assert found.source.isprintable()
    assert len(found.source) < 130
    assert found.entry["name"].startswith("31m-b-x")
