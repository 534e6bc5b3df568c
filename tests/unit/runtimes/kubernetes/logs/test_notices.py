"""What the kubelet says instead of a log is told as a sentence, and never shown or quoted as a line of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.direct import Direct
from runtimes.base import LogQuery, Runtime, Scope
from runtimes.errors import Conflict
from runtimes.kubernetes.logs.notices import notice
from runtimes.kubernetes.logs.sources import Source
from runtimes.kubernetes.open import open_kubernetes
from tests.unit.runtimes.kubernetes.canned import Answer, canned, http

SCOPE = Scope(service="shop", namespace="shop")
GONE = b"unable to retrieve container logs for containerd://3f7495ebf3b65d05753fc4d9f9b54dd8"
ROTATED = b'failed to try resolving symlinks in path "/var/log/pods/shop_web/app/0.log": lstat /var/log: no such file'
LINE = b"2026-11-21T05:06:07.000000001Z hello\n"
VERSION = http(200, {"gitVersion": "v1.36.2"})


def pod(name: str) -> dict[str, Any]:
    ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": name},
        "spec": {"containers": [{"name": "app"}], "restartPolicy": "Never"},
        "status": {"phase": "Failed", "containerStatuses": [{"name": "app", "state": ended}]},
    }


@contextlib.contextmanager
def opened(*answers: Answer) -> Iterator[Runtime]:
    with canned(VERSION, *answers) as server:
        runtime = open_kubernetes("t", kubeconfig=server.kubeconfig(), context=None, connection=Direct())
        try:
            yield runtime
        finally:
            runtime.close()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GONE, GONE.decode()),
        (b"unable to retrieve container logs for cri-o://", "unable to retrieve container logs for cri-o://"),
        (ROTATED, ROTATED.decode()),
        (ROTATED + b"\n", ROTATED.decode()),
        (b"2026-11-21T05:06:07Z " + GONE, ""),
        (GONE + b"\nand a program goes on\n", ""),
        (b"note: " + GONE, ""),
        (b"", ""),
    ],
)
def test_a_notice_is_told_from_a_line(text: bytes, told: str) -> None:
    assert notice(text) == told


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("body", [GONE, ROTATED])
def test_reading_one_log_that_is_gone_is_refused_with_the_kubelets_words(body: bytes, exact: bool) -> None:
    with opened(http(200, pod("web-0")), http(200, body)) as runtime:
        assert runtime.logs is not None
        with pytest.raises(Conflict) as caught:
            runtime.logs.read(SCOPE, LogQuery(instance="web-0", exact=exact))
    assert body.decode()[:80] in caught.value.sentence
    assert "not there any more" in caught.value.sentence
    assert "removed" in caught.value.hint


def test_of_several_logs_the_one_that_is_gone_is_skipped() -> None:
    both = http(200, {"items": [pod("web-0"), pod("web-1")]})
    with opened(both, http(200, GONE), http(200, LINE)) as runtime:
        assert runtime.logs is not None
        told = [(line.instance, line.text) for line in runtime.logs.read(SCOPE, LogQuery())]
    assert told == [("web-1", "hello")]


def test_a_follow_skips_it() -> None:
    source = Source(namespace="shop", pod="web-0", uid="u", container="app")
    with opened(http(200, LINE + GONE)) as runtime:
        logs: Any = runtime.logs
        told = [line.text for line in logs._open(source, LogQuery(), since=None, following=True)]
    assert told == ["hello"]


def test_an_explanation_does_not_quote_it() -> None:
    with opened(http(200, pod("web-0")), http(200, GONE)) as runtime:
        explanation = runtime.instances.cause(SCOPE, "web-0")
    assert "exited" in [cause.kind for cause in explanation.causes]
    assert "unable to retrieve" not in repr(explanation)
