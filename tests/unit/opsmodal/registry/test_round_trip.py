"""Whatever can be registered is exported in a form that leads to the same registry again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsmodal.registry.export import export, written
from opsmodal.registry.files import Sent
from opsmodal.registry.reading import read_document
from opsmodal.registry.registry import Registry
from opsmodal.registry.rights import apart, together
from opsmodal.registry.schema import Document, GrantSpec
from opsmodal.registry.tree import Node, read_tree, resolved
from opsmodal.store import open_store, open_vault

NAME = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
TRAPS = st.sampled_from(
    ["1e5", "0", "no", "yes", "null", "true", "12", "0x1f", "1-2", "007", "on", "off", "y", "n", "0o7"]
)
LABEL = st.one_of(NAME, TRAPS)
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
ROLE = st.sampled_from(["viewer", "developer", "operator", "manager"])
NAMES = st.lists(st.one_of(NAME, TRAPS), max_size=3)
RUNBOOKS = st.sampled_from(
    [
        [],
        [{"name": "no", "argv": ["uptime"]}],
        [
            {
                "name": "1e5",
                "description": "0x1f",
                "argv": ["tail", "-n", "{n}", "{path}"],
                "parameters": {"n": {"choices": ["10", "100"]}, "path": "/var/log/[a-z]+"},
                "permission": "manage",
                "approvedFor": ["operator", "manager"],
            }
        ],
    ]
)
POLICIES = st.one_of(
    st.just({}),
    st.builds(lambda names: {"policy": {"verbs": names}}, NAMES),
    st.builds(lambda names: {"policy": {"kinds": {"operator": names}, "programs": ["no"]}}, NAMES),
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, object]:
    engines = draw(st.lists(LABEL, min_size=1, max_size=3, unique=True))
    runtimes = [
        {
            "name": name,
            "kind": draw(st.sampled_from(["docker", "podman"])),
            "socket": "/" + draw(st.from_regex(r"[a-z .:#'\"-]{1,10}", fullmatch=True)),
            "host": draw(st.sampled_from(["local", "none"])),
            "runbooks": draw(RUNBOOKS),
            "connections": [
                {"name": way, "kind": "ssh", "host": "h", "user": draw(TEXT), "priority": draw(st.integers(0, 99))}
                for way in draw(st.lists(LABEL, max_size=2, unique=True))
            ],
        }
        for name in engines
    ]
    names = draw(st.lists(LABEL, min_size=1, max_size=4, unique=True))
    services = [
        {
            "name": name,
            "runtime": draw(st.sampled_from(engines)),
            "labels": draw(st.dictionaries(TEXT, TEXT, min_size=1, max_size=2)),
            **draw(POLICIES),
        }
        for name in names
    ]
    subjects = st.sampled_from([("user", "al"), ("user", "1e5"), ("group", "no"), ("group", "ops")])
    pairs = draw(st.dictionaries(st.tuples(subjects, st.sampled_from([*names, "*"])), ROLE, max_size=6))
    grants = [
        {kind: who, "role": role, **({"all": True} if target == "*" else {"services": [target]})}
        for ((kind, who), target), role in pairs.items()
    ]
    groups = [{"name": "no", "users": draw(st.lists(st.sampled_from(["1", "al", "b@x.y"]), unique=True))}]
    return {"apiVersion": "opsmodal/v1", "runtimes": runtimes, "services": services, "groups": groups, "grants": grants}


@given(documents())
def test_an_export_reads_as_what_was_exported(document: dict[str, object]) -> None:
    wanted = msgspec.convert(document, Document)
    reading = read_document(export(wanted).encode())
    assert reading.problems == []
    for section in ("runtimes", "services", "groups", "grants"):
        assert tuple(read.spec for read in reading.entries[section]) == getattr(wanted, section)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("stores")


@settings(max_examples=25)  # each makes two stores
@given(document=documents())
def test_export_apply_export_is_the_same_in_an_empty_registry_too(folder: Path, document: dict[str, object]) -> None:
    exports = []
    data = export(msgspec.convert(document, Document)).encode()
    for number in range(2):
        (folder / f"{number}.db").unlink(missing_ok=True)
        store = open_store(f"sqlite:///{folder}/{number}.db")
        registry = Registry(store, open_vault(store, data_dir=folder, key="A" * 43 + "="))
        registry.apply(data, Sent())
        exports.append(registry.export())
        assert not registry.apply(exports[-1].encode(), Sent()).differs
        store.close()
        data = exports[-1].encode()
    assert exports[0] == exports[1]


@given(st.text(max_size=20))
def test_a_text_that_is_written_reads_as_a_text(text: str) -> None:
    """Numbers, words of YAML and anything with a colon must come back as the text they were."""
    printable = "".join(character for character in text if character.isprintable())
    value = read_tree(written({"x": printable}).encode(), []).value
    assert isinstance(value, dict)
    assert value["x"] == Node(printable, value["x"].line)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("no", "no"),
        ("010", 10),
        ("1e3", 1000.0),
        ("0x1f", "0x1f"),
        ("2026-11-21", "2026-11-21"),
        ("~", None),
        ("22:30", "22:30"),
    ],
)
def test_scalars_follow_yaml_1_2(scalar: str, value: object) -> None:
    assert resolved(scalar) == value


@given(documents())
def test_grants_taken_apart_go_together_again(document: dict[str, object]) -> None:
    grants = [msgspec.convert(one, GrantSpec) for one in document["grants"]]  # type: ignore[attr-defined]
    singles = [single for grant in grants for single in apart(grant)]
    again = [single for grant in together(singles) for single in apart(grant)]
    assert sorted(map(str, again)) == sorted(map(str, singles))
    assert together(again) == together(singles)
