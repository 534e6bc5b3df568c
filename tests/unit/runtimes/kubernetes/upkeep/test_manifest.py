"""The manifest of Metrics Server: what it holds, and what settings change of it."""

from __future__ import annotations

from typing import Any

import pytest

from runtimes.kubernetes.upkeep.manifest import FLAGS, MANAGED_BY, OURS, parts

IMAGE = "registry.example.com/metrics-server:v1"


def deployment(*flags: str) -> dict[str, Any]:
    found = next(part for part in parts(IMAGE, flags) if part.kind == "Deployment")
    return dict(found.document["spec"]["template"]["spec"]["containers"][0])


def test_the_registration_comes_last_and_all_is_marked_as_ours() -> None:
    found = parts(IMAGE, ())
    assert [part.kind for part in found][-1] == "APIService"
    assert all(part.document["metadata"]["labels"][MANAGED_BY] == OURS for part in found)
    assert len({part.path for part in found}) == len(found)


def test_the_pods_that_are_made_are_the_ones_that_are_asked() -> None:
    found = {part.kind: part.document for part in parts(IMAGE, ())}
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert found["Service"]["spec"]["selector"].items() <= labels.items()
    named = found["APIService"]["spec"]["service"]
    assert (named["namespace"], named["name"]) == ("kube-system", found["Service"]["metadata"]["name"])


def test_the_image_is_a_setting() -> None:
    assert deployment()["image"] == IMAGE


@pytest.mark.parametrize(
    ("flags", "has", "has_not"),
    [
        ((), FLAGS, ()),
        (("--kubelet-insecure-tls",), (*FLAGS, "--kubelet-insecure-tls"), ()),
        (("--metric-resolution=30s",), ("--metric-resolution=30s",), ("--metric-resolution=15s",)),
        (("--secure-port=4443",), ("--secure-port=4443",), ("--secure-port=10250",)),
    ],
)
def test_flags_are_added_and_win(flags: tuple[str, ...], has: tuple[str, ...], has_not: tuple[str, ...]) -> None:
    given = deployment(*flags)["args"]
    assert set(has) <= set(given)
    assert not set(has_not) & set(given)
    assert len({flag.partition("=")[0] for flag in given}) == len(given)


def test_the_port_follows_its_flag() -> None:
    assert deployment("--secure-port=4443")["ports"][0]["containerPort"] == 4443
    assert deployment()["ports"][0]["containerPort"] == 10250


def test_it_runs_with_no_more_rights_than_it_needs() -> None:
    secure = deployment()["securityContext"]
    assert secure["runAsNonRoot"]
    assert secure["readOnlyRootFilesystem"]
    assert secure["capabilities"] == {"drop": ["ALL"]}
    rules = [rule for part in parts(IMAGE, ()) for rule in part.document.get("rules", ())]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
