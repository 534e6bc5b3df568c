"""The OpenID provider as an entry: checked with lines, its secret sealed, one of it, kept on both databases."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opsmodal.errors import NotThere, Rejected
from opsmodal.registry.files import Folder, Sent
from opsmodal.registry.registry import Registry
from opsmodal.registry.single import SPEC_MAX_CHARS
from opsmodal.store import Store
from tests.unit.opsmodal.registry.test_credentials import everything

HEAD = "apiVersion: opsmodal/v1\noidc:\n"
ENTRY = """  issuer: https://login.example.org/realms/ops
  clientId: opsmodal
  clientSecretFile: oidc.secret
  name: Example account
  groups: {"/ops/on call": oncall}
  adminGroups: ["/ops/admins"]
  create: true
  allowedDomains: [example.org]
"""
SECRET = "PLANTED-CLIENT-SECRET"


@pytest.fixture
def secrets(folder: Path) -> Path:
    (folder / "oidc.secret").write_text(f"{SECRET}\n")
    return folder


def test_an_entry_is_kept_and_exported_without_its_secret(
    registry: Registry, store: Store, secrets: Path, tmp_path: Path
) -> None:
    applied = registry.apply((HEAD + ENTRY).encode(), Folder(secrets), by="cli:root")
    assert [(one.noun, one.name, one.action) for one in applied.changes] == [("OpenID provider", "oidc", "created")]
    kept = registry.oidc()
    assert kept is not None
    assert kept.groups == {"/ops/on call": "oncall"}
    assert kept.scopes == ("openid", "profile", "email")
    assert registry.credential("oidc", "oidc", "clientSecretFile") == f"{SECRET}\n"
    exported = registry.export()
    assert SECRET not in exported
    assert re.search(r"clientSecretFile:\n    file: oidc.secret\n    fingerprint: '?[0-9a-f]{32}", exported)
    assert SECRET.encode() not in everything(store, tmp_path)


def test_an_export_applies_again_where_the_secret_is_not(registry: Registry, secrets: Path, tmp_path: Path) -> None:
    registry.apply((HEAD + ENTRY).encode(), Folder(secrets))
    (tmp_path / "elsewhere").mkdir()
    assert not registry.apply(registry.export().encode(), Folder(tmp_path / "elsewhere")).differs
    assert registry.credential("oidc", "oidc", "clientSecretFile") == f"{SECRET}\n"


def test_there_is_one_under_whatever_name(registry: Registry, secrets: Path) -> None:
    registry.apply((HEAD + ENTRY).encode(), Folder(secrets))
    renamed = registry.apply((HEAD + ENTRY.replace("Example account", "Badge")).encode(), Folder(secrets))
    assert [(one.path, one.old, one.new) for one in renamed.changes[0].fields] == [("name", "Example account", "Badge")]
    assert registry.credential("oidc", "oidc", "clientSecretFile") == f"{SECRET}\n"


def test_what_is_removed_takes_its_secret_along(registry: Registry, secrets: Path) -> None:
    registry.apply((HEAD + ENTRY).encode(), Folder(secrets))
    registry.remove("oidc", "oidc")
    assert registry.oidc() is None
    assert registry.credential("oidc", "oidc", "clientSecretFile") is None
    with pytest.raises(NotThere, match="OpenID provider"):
        registry.remove("oidc", "oidc")


def test_a_group_of_the_provider_is_no_stranger(registry: Registry, secrets: Path) -> None:
    grants = "grants:\n- {group: oncall, role: viewer, all: true}\n- {group: night, role: viewer, all: true}\n"
    applied = registry.apply((HEAD + ENTRY + grants).encode(), Folder(secrets))
    assert [warning for warning in applied.warnings if "has nobody" in warning] == [
        "The group night has nobody in it: add it under “groups”."
    ]


@pytest.mark.parametrize(
    ("change", "line", "path", "words"),
    [
        (("issuer: https:", "issuer: http:"), 3, "oidc.issuer", "on this very machine only"),
        (("https://login.example.org", "https://user@login.example.org"), 3, "oidc.issuer", "must be the provider's"),
        (("realms/ops", "realms/ops?x=1"), 3, "oidc.issuer", "must be the provider's"),
        (("clientId: opsmodal", "client: opsmodal"), 4, "oidc.client", "not a key"),
        (("create: true", "create: perhaps"), 9, "oidc.create", "true or false"),
        (("create: true", "scopes: [email]"), 9, "oidc.scopes", "must hold “openid”"),
        (("oncall}", "On Call}"), 7, "oidc.groups./ops/on call", "a name of at most 63"),
        (("oidc.secret", "nowhere"), 5, "oidc.clientSecretFile", "is not there"),
        (("[example.org]", "['@example.org']"), 10, "oidc.allowedDomains[0]", "a domain"),
        (("/ops/admins", "a" * 1025), 8, "oidc.adminGroups[0]", "1 to 1024"),
    ],
)
def test_a_mistake_is_told_with_its_line(
    registry: Registry, secrets: Path, change: tuple[str, str], line: int, path: str, words: str
) -> None:
    assert change[0] in ENTRY
    with pytest.raises(Rejected) as refused:
        registry.apply((HEAD + ENTRY.replace(*change)).encode(), Folder(secrets))
    found = {(one.line, one.field): one.sentence for one in refused.value.problems}
    assert words in found.get((line, path), ""), found
    assert registry.oidc() is None


@pytest.mark.parametrize("value", ["[]", "text", "[{issuer: https://a.example}]", "{}"])
def test_it_is_one_mapping(registry: Registry, value: str, folder: Path) -> None:
    with pytest.raises(Rejected) as refused:
        registry.apply(f"apiVersion: opsmodal/v1\noidc: {value}\n".encode(), Folder(folder))
    assert {one.line for one in refused.value.problems} == {2}


def test_everybody_in_the_world_is_not_let_in_by_accident(registry: Registry) -> None:
    entry = {"issuer": "https://accounts.google.com", "clientId": "x", "create": True}
    with pytest.raises(Rejected) as refused:
        registry.put("oidc", entry)
    assert "Everybody in the world" in refused.value.problems[0].sentence
    registry.put("oidc", {**entry, "allowedDomains": ["example.org"]})


def test_as_many_groups_as_are_kept_and_no_more(registry: Registry) -> None:
    entry = {"issuer": "https://login.example.org", "clientId": "x"}
    many = {f"group-{number:04}": "oncall" for number in range(SPEC_MAX_CHARS // 23)}
    registry.put("oidc", {**entry, "groups": many}, by="a" * 255)
    with pytest.raises(Rejected) as refused:
        registry.put("oidc", {**entry, "groups": {**many, **{f"more-{each}": "oncall" for each in many}}})
    assert "larger than" in refused.value.problems[0].sentence


def test_a_form_sends_the_secret_itself(registry: Registry) -> None:
    entry = {"issuer": "https://login.example.org", "clientId": "x", "clientSecretFile": "oidc.secret"}
    registry.put("oidc", entry, {"clientSecretFile": SECRET})
    assert registry.credential("oidc", "oidc", "clientSecretFile") == SECRET
    with pytest.raises(Rejected):
        registry.apply((HEAD + ENTRY.replace("oidc.secret", "other.secret")).encode(), Sent())
