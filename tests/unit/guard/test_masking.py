"""What a typed line says of secrets is masked however it is spelled; what holds none stays as it was typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.audit.redaction import redacted
from opsmodal.guard.masking import masked

PLANTED = "hunter2"


@pytest.mark.parametrize(
    "line",
    [
        "kubectl create secret generic x --from-literal=user=hunter2",
        "kubectl create secret generic x --from-literal='user=hunter2 hunter2'; ls",
        "docker exec -ite PIN=hunter2 web sh; ls",
        "kubectl get pods --token hunter2 | cat",
        'kubectl create secret generic x --from-literal="user=hunter2',
        "kubectl create secret generic x --from-literal 'user=hunter2 hunter2'",
        "kubectl create secret generic x --from-lit'eral'=user=hunter2",
        "kubectl create secret generic x --from_literal=user=hunter2",
        "kubectl create secret generic x --from_literal user=hunter2",
        'kubectl patch secret x -p \'{"stringData":{"pin":"hunter2"}}\'',
        'kubectl patch secret x -p\'{"stringData":{"pin":"hunter2"}}\'',
        'kubectl patch secrets/x --patch=\'{"data":{"pin":"hunter2"}}\'',
        "kubectl patch Secret.v1. x --patch 'stringData: {pin: hunter2}'",
        'kubectl patch secret x --type=json -p \'[{"op":"add","path":"/data/pin","value":"hunter2"}]\'',
        "kubectl patch configmap/a,secret/b -p hunter2",
        "kubectl set env deploy/web PIN=hunter2",
        "kubectl set env deploy/web 'P'IN='hunter2 x'",
        "kubectl get pods --token hunter2",
        "kubectl get pods --tok'en'=hunter2",
        "kubectl --password='hunter2' get pods",
        "docker exec -e PIN=hunter2 web env",
        "docker exec -ePIN=hunter2 web env",
        "docker exec --env=PIN=hunter2 web env",
        "docker exec -ite PIN=hunter2 web env",
        "docker exec -ditePIN=hunter2 web env",
        "podman exec -u root -ie 'PIN=hunter2 x' web env",
        "podman exec --env 'PIN=hunter2 x' web env",
        "docker exec '-e' \"PIN=hunter2\" web env",
        "kubectl exec web-0 -- psql postgres://u:hunter2@db/x",
    ],
)
def test_no_value_of_a_secret_is_left(line: str) -> None:
    shown = redacted(masked(line))
    assert PLANTED not in shown
    assert "•••" in shown
    assert redacted(masked(shown)) == shown


@pytest.mark.parametrize(
    "line",
    [
        "kubectl get pods -l app=web -o wide",
        "kubectl get secret x -o yaml",
        'kubectl patch deployment web -p \'{"spec":{"paused":true}}\'',
        "kubectl logs web-0 -p",
        "kubectl exec web-0 -- printenv PIN",
        "docker exec -e PIN web env",
        "docker logs 'web'  --tail 5",
        "ps -eo pid,cmd",
        "grep -e x y | wc",
        "kubectl get pods 'a",
    ],
)
def test_what_holds_no_secret_stays_as_it_was_typed(line: str) -> None:
    assert masked(line) == line


@given(st.text(max_size=80))
def test_any_text_can_be_masked_twice(text: str) -> None:
    once = masked(text)
    assert masked(once) == once
