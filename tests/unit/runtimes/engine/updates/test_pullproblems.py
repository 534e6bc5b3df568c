"""What dockerd 20.10 and 26, Podman 4.3 and Docker Hub have said, and what a person reads."""

from __future__ import annotations

import pytest

from runtimes.engine.updates.pullproblems import Asked, failed_pull
from runtimes.errors import Conflict, Denied, Missing, Unavailable
from runtimes.registries import Login

HOST = "registry.example.com:5000"
IMAGE = f"{HOST}/shop/web:9"
LOGIN = Login(user="puller", secret="swordfish")
PODMAN = f"initializing source docker://{IMAGE}: reading manifest 9 in {HOST}/shop/web: "
PINGING = f'initializing source docker://{IMAGE}: pinging container registry {HOST}: Get "https://{HOST}/v2/": '
LIMIT = "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating"
HUB = "pull access denied for shop/web, repository does not exist or may require 'docker login': denied: requested"


@pytest.mark.parametrize(
    ("said", "login", "kind", "words", "hint"),
    [
        (f'Head "https://{HOST}/v2/": no basic auth credentials', None, Denied, "none is stored", "Store a login"),
        (f"{PODMAN}unauthorized: authentication required", None, Denied, "none is stored", "Store a login"),
        (HUB, None, Denied, "none is stored", "check the image's name"),
        ("unauthorized: authentication required", LOGIN, Denied, "refuses the login of puller", "another password"),
        (f"{PODMAN}unauthorized: authentication required", LOGIN, Denied, "refuses the login", "another password"),
        (f'Get "https://{HOST}/v2/": x509: certificate signed by unknown authority', None, Unavailable, "trust", "CA"),
        (
            f"{PINGING}x509: certificate is valid for a, not b",
            LOGIN,
            Unavailable,
            "not trust",
            f"certs.d/{HOST}/ca.crt",
        ),
        (f"manifest for {IMAGE} not found: manifest unknown", None, Missing, "has no tag 9", "its tag"),
        (f"{PODMAN}manifest unknown: manifest unknown", LOGIN, Missing, "has no tag 9", "its tag"),
        (f"{PINGING}dial tcp: connect: connection refused", None, Unavailable, "does not answer", "runs and that"),
        (f"{PINGING}dial tcp: lookup x: no such host", None, Unavailable, "does not answer", "reaches it"),
        (LIMIT, None, Unavailable, "no more for now", "with one it allows more"),
        (LIMIT, LOGIN, Unavailable, "no more for now", "counted by hours"),
        ("write /var/lib/docker/x: no space left on device", None, Conflict, "no room", "nobody uses"),
        ("http: server gave HTTP response to HTTPS client", None, Unavailable, "no TLS", "insecure"),
        ("the moon is full", None, Unavailable, "the moon is full", "reaches"),
        ("", None, Unavailable, "does not say why", "reaches"),
    ],
)
def test_each_failure_says_what_to_do_next(
    said: str, login: Login | None, kind: type[Exception], words: str, hint: str
) -> None:
    problem = failed_pull(Asked(IMAGE, login), said)
    assert type(problem) is kind
    assert problem.sentence.startswith(f"{IMAGE} was not pulled: ")
    assert problem.sentence.endswith(".")
    assert words in problem.sentence
    assert hint in problem.hint


def test_a_password_that_a_registry_echoes_is_in_no_message() -> None:
    problem = failed_pull(Asked(IMAGE, LOGIN), "the moon says swordfish and unauthentic swordfish")
    assert "swordfish" not in f"{problem.sentence} {problem.hint} {problem.detail}"
