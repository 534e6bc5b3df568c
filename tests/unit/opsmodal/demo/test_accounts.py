"""Which pods get a token of their account, and which account they may name."""

from __future__ import annotations

from typing import Any

import pytest

from opsmodal.demo.accounts import ACCOUNTS, MOUNT, mount
from opsmodal.demo.problems import Problem
from opsmodal.demo.storage import Storage

UNWANTED = {"automountServiceAccountToken": False}


def pod(mounts: list[dict[str, Any]] | None = None, **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": "x"} | ({"volumeMounts": mounts} if mounts else {})
    metadata = {"name": "p", "namespace": "n", "uid": "1"}
    return {"metadata": metadata, "spec": {"containers": [container]} | spec}


def storage(**account: Any) -> Storage:
    made = Storage()
    made.put(ACCOUNTS, {"metadata": {"name": "robot", "namespace": "n"}} | account)
    return made


@pytest.mark.parametrize(
    ("manifest", "account", "mounted"),
    [
        (pod(), {}, True),
        (pod(serviceAccountName="robot"), {}, True),
        (pod(automountServiceAccountToken=False), {}, False),
        (pod(serviceAccountName="robot"), UNWANTED, False),
        (
            pod(serviceAccountName="robot", automountServiceAccountToken=True),
            {"automountServiceAccountToken": False},
            True,
        ),
        (pod([{"name": "own", "mountPath": MOUNT}]), {}, False),
    ],
)
def test_a_token_is_mounted_unless_somebody_does_not_want_it(
    manifest: dict[str, Any], account: dict[str, Any], mounted: bool
) -> None:
    mount(storage(**account), manifest)
    volumes = [volume["name"] for volume in manifest["spec"].get("volumes", [])]
    assert (len(volumes) == 1 and volumes[0].startswith("kube-api-access-")) is mounted


def test_an_unknown_account_is_refused() -> None:
    with pytest.raises(Problem) as refused:
        mount(storage(), pod(serviceAccountName="nobody"))
    assert refused.value.message == (
        'pods "p" is forbidden: error looking up service account n/nobody: serviceaccount "nobody" not found'
    )
