from __future__ import annotations

import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsmodal.store import Store, WrongKey, open_vault
from opsmodal.store.tables import Credential
from opsmodal.store.vault import new_key

OWNER = ("runtimes", "prod", "kubeconfig")


def test_the_first_start_makes_a_key_for_its_owner_only(store: Store, tmp_path: Path) -> None:
    open_vault(store, data_dir=tmp_path / "d")
    assert stat.S_IMODE((tmp_path / "d/secret.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "d").iterdir() if path.suffix != ".db"].count("secret.key") == 1


def test_the_next_start_takes_the_same_key(store: Store, tmp_path: Path) -> None:
    sealed = open_vault(store, data_dir=tmp_path).seal(OWNER, "x")
    assert open_vault(store, data_dir=tmp_path).open(OWNER, sealed) == "x"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o610])
def test_a_key_file_that_others_can_use_is_refused(store: Store, tmp_path: Path, mode: int) -> None:
    open_vault(store, data_dir=tmp_path)
    (tmp_path / "secret.key").chmod(mode)
    with pytest.raises(WrongKey, match="Others than its owner") as refused:
        open_vault(store, data_dir=tmp_path)
    assert "chmod 600" in refused.value.hint


def test_a_missing_key_is_not_replaced_by_a_new_one(store: Store, tmp_path: Path) -> None:
    open_vault(store, data_dir=tmp_path)
    (tmp_path / "secret.key").unlink()
    with pytest.raises(WrongKey, match="is missing"):
        open_vault(store, data_dir=tmp_path)
    assert not (tmp_path / "secret.key").exists()


def test_another_key_is_refused_at_the_start(store: Store, tmp_path: Path) -> None:
    open_vault(store, data_dir=tmp_path)
    with pytest.raises(WrongKey, match="not the one"):
        open_vault(store, data_dir=tmp_path, key=new_key())


def test_a_key_of_the_environment_needs_no_file(store: Store, tmp_path: Path) -> None:
    open_vault(store, data_dir=tmp_path / "d", key=new_key())
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"nonsense\n"])
def test_a_file_that_holds_no_key_is_said(store: Store, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret.key").write_bytes(content)
    (tmp_path / "secret.key").chmod(0o600)
    with pytest.raises(WrongKey):
        open_vault(store, data_dir=tmp_path)


def test_a_new_key_before_the_old_one_seals_everything_anew(store: Store, tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    sealed = open_vault(store, data_dir=tmp_path, key=old).seal(OWNER, "PLANTED")
    kind, name, field = OWNER
    with store.session() as session:
        session.add(
            Credential(
                owner_kind=kind,
                owner=name,
                field=field,
                sealed=sealed,
                file_name="f",
                fingerprint="",
                updated_at=datetime.now(UTC),
            )
        )
    open_vault(store, data_dir=tmp_path, key=f"{new},{old}")
    vault = open_vault(store, data_dir=tmp_path, key=new)
    with store.reading() as session:
        assert vault.open(OWNER, session.get_one(Credential, OWNER).sealed) == "PLANTED"
    with pytest.raises(WrongKey):
        open_vault(store, data_dir=tmp_path, key=old)


def test_servers_that_start_at_once_agree_on_one_key(store: Store, tmp_path: Path) -> None:
    sealed: list[bytes] = []

    def start() -> None:
        sealed.append(open_vault(store, data_dir=tmp_path).seal(OWNER, "x"))

    threads = [threading.Thread(target=start, name=f"start-{index}") for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    vault = open_vault(store, data_dir=tmp_path)
    assert [vault.open(OWNER, one) for one in sealed] == ["x"] * 8
