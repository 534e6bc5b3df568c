"""Credentials: sealed in the store, never shown, kept by fingerprint, read from where they may be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from opsmodal.errors import Rejected
from opsmodal.registry.changes import FieldChange
from opsmodal.registry.files import Folder, Sent
from opsmodal.registry.registry import Registry
from opsmodal.store import Store, Vault, WrongKey
from opsmodal.store.vault import new_key
from tests.unit.opsmodal.registry.documents import DOCUMENT, FILES, PLANTED, changed


def everything(store: Store, tmp_path: Path) -> bytes:
    """All bytes that the store keeps, as the files or the tables show them."""
    if store.is_sqlite:
        with store.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    kept = []
    with store.engine.connect() as connection:
        for table in ("runtimes", "vpn_profiles", "services", "grants", "groups", "credentials", "marks"):
            kept += [repr(tuple(row)) for row in connection.execute(text(f"SELECT * FROM {table}"))]
    return "\n".join(kept).encode()


def test_credentials_are_sealed_and_open_for_their_field_only(
    applied: Registry, store: Store, vault: Vault, tmp_path: Path
) -> None:
    kept = everything(store, tmp_path)
    assert b"app.kubernetes.io/part-of=shop" in kept
    assert [secret for secret in PLANTED if secret.encode() in kept] == []
    assert applied.credential("vpnProfiles", "hq", "configFile") == FILES["hq.conf"]
    assert applied.credential("runtimes", "prod", "connections.bastion.knownHosts") == FILES["known_hosts"]
    with store.session() as session:
        other = "SELECT sealed FROM credentials WHERE owner = 'hq'"
        session.execute(text(f"UPDATE credentials SET sealed = ({other}) WHERE field = 'kubeconfig'"))
    with pytest.raises(WrongKey, match="for another record"):
        applied.credential("runtimes", "prod", "kubeconfig")
    with pytest.raises(WrongKey):
        Registry(store, Vault(new_key())).credential("vpnProfiles", "hq", "configFile")


def test_a_kubeconfig_is_stored_with_the_files_that_it_names(applied: Registry) -> None:
    stored = applied.credential("runtimes", "prod", "kubeconfig")
    assert stored is not None
    assert "ca.pem" not in stored
    assert "certificate-authority-data" in stored


def test_an_export_names_files_and_fingerprints_and_no_secret(applied: Registry) -> None:
    exported = applied.export()
    assert [secret for secret in PLANTED if secret in exported] == []
    assert len(re.findall(r"fingerprint: '?[0-9a-f]{32}", exported)) == 4
    assert "file: prod.yaml" in exported


def test_an_export_applies_again_without_the_files(applied: Registry, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    exported = applied.export()
    again = applied.apply(exported.encode(), Folder(tmp_path / "elsewhere"))
    assert not again.differs
    assert applied.export() == exported


def test_a_file_beside_an_export_wins_over_its_fingerprint(applied: Registry, folder: Path) -> None:
    (folder / "hq.conf").write_text(f"{FILES['hq.conf']}# new\n")
    assert set(changed(applied, applied.export(), folder)) == {"hq"}
    assert applied.credential("vpnProfiles", "hq", "configFile") == f"{FILES['hq.conf']}# new\n"


def test_another_context_of_a_kept_kubeconfig_must_exist_in_it(applied: Registry, tmp_path: Path) -> None:
    exported = applied.export()
    assert applied.apply(exported.replace("context: prod", "context: other").encode(), Sent()).differs
    with pytest.raises(Rejected) as refused:
        applied.apply(exported.replace("context: prod", "context: stage").encode(), Sent())
    assert [one.field for one in refused.value.problems] == ["runtimes[0].kubeconfig"]


def test_a_credential_goes_when_its_entry_no_longer_names_it(applied: Registry, folder: Path) -> None:
    document = re.sub(r"      - \{name: bastion.*?\]\}\n", "", DOCUMENT, flags=re.DOTALL)
    assert set(changed(applied, document, folder)) == {"prod"}
    assert applied.credential("runtimes", "prod", "connections.bastion.identityFile") is None
    assert applied.credential("runtimes", "prod", "kubeconfig") is not None


def test_a_signature_changes_with_the_entry_its_files_and_its_profiles(applied: Registry, folder: Path) -> None:
    seen = {applied.signature("prod")}
    changed(applied, DOCUMENT.replace("environment: production", "environment: test"), folder)
    seen.add(applied.signature("prod"))
    assert len(seen) == 1, "a service is no part of its runtime"
    for name, content in (
        ("prod.yaml", FILES["prod.yaml"] + "# new\n"),
        ("hq.conf", FILES["hq.conf"] + "# new\n"),
        ("ops.key", "new"),
    ):
        (folder / name).write_text(content.replace("PLANTED-TOKEN", f"token-of-{name}"))
        changed(applied, DOCUMENT, folder)
        seen.add(applied.signature("prod"))
    changed(applied, DOCUMENT.replace("priority: 10", "priority: 40"), folder)
    seen.add(applied.signature("prod"))
    assert len(seen) == 5


def test_a_form_sends_files_by_field_and_keeps_what_it_does_not_send(registry: Registry) -> None:
    entry = {"name": "prod", "kind": "kubernetes", "kubeconfig": {"file": "pasted"}}
    assert registry.put("runtimes", entry, {"kubeconfig": WHOLE}).action == "created"
    stored = registry.document().runtimes[0]
    fingerprint = stored.kubeconfig.fingerprint  # type: ignore[union-attr]
    kept = {**entry, "kubeconfig": {"file": "pasted", "fingerprint": fingerprint, "context": "other"}}
    assert registry.put("runtimes", kept).fields == (FieldChange(path="kubeconfig.context", old="", new="other"),)
    assert "PLANTED-TOKEN" in (registry.credential("runtimes", "prod", "kubeconfig") or "")


WHOLE = FILES["prod.yaml"].replace(", certificate-authority: ca.pem", "")


@pytest.mark.parametrize(
    ("kubeconfig", "words"),
    [
        (FILES["prod.yaml"], "ca.pem"),
        (WHOLE.replace("token: PLANTED-TOKEN", "exec: {command: aws, apiVersion: v1}"), "aws"),
        ("", "is not there"),
        ("a: [", "kubeconfig"),
    ],
)
def test_a_form_reads_no_file_of_the_server_and_starts_no_program(
    store: Store, vault: Vault, kubeconfig: str, words: str
) -> None:
    registry = Registry(store, vault, allowed_exec=["aws"])
    entry = {"name": "prod", "kind": "kubernetes", "kubeconfig": {"file": "/etc/passwd"}}
    found = registry.problems("runtimes", entry, {"kubeconfig": kubeconfig})
    assert [one.field for one in found] == ["kubeconfig"]
    assert words in found[0].sentence
