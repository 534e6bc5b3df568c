"""Why an image does not arrive: words of containerd, CRI-O, dockerd and registries."""

from __future__ import annotations

import pytest

from runtimes.causes.facts import Facts
from tests.unit.runtimes.causes.making import IMAGE, check, container, event, pod, waiting

TABLE = [
    (
        waiting(
            "ErrImagePull",
            f'rpc error: code = NotFound desc = failed to pull and unpack image "{IMAGE}": failed to '
            f'resolve reference "{IMAGE}": {IMAGE}: not found',
        ),
        ["image-not-found"],
        f"the image {IMAGE} of container app does not exist in its registry",
    ),
    (
        waiting(
            "ImagePullBackOff",
            f'Back-off pulling image "{IMAGE}"',
            event("Failed", f'Failed to pull image "{IMAGE}": manifest for {IMAGE} not found: manifest unknown: x'),
        ),
        ["image-not-found"],
        "does not exist in its registry",
    ),
    (
        waiting(
            "ImagePullBackOff",
            f'Back-off pulling image "{IMAGE}": ErrImagePull: failed to pull and unpack image '
            f'"{IMAGE}": failed to resolve reference "{IMAGE}": pull access denied, repository does not exist or may '
            "require authorization: server message: insufficient_scope: authorization failed",
        ),
        ["image-not-authorised"],
        "it needs a login, or the repository does not exist",
    ),
    (
        waiting(
            "ErrImagePull",
            'Error response from daemon: Head "https://r.example/v2/x/manifests/1": unauthorized: '
            "authentication required",
        ),
        ["image-not-authorised"],
        "the registry does not let this node have",
    ),
    (
        waiting(
            "ErrImagePull", f'failed to pull and unpack image "{IMAGE}": no match for platform in manifest: not found'
        ),
        ["image-wrong-platform"],
        "not for this node's platform",
    ),
    (
        waiting("ErrImagePull", "no matching manifest for linux/arm64/v8 in the manifest list entries"),
        ["image-wrong-platform"],
        "platform: linux/arm64/v8",
    ),
    (
        waiting(
            "ErrImagePull",
            'choosing image instance: no image found in manifest list for architecture "arm64", OS "linux"',
        ),
        ["image-wrong-platform"],
        "not for this node's platform",
    ),
    (
        waiting("ErrImagePull", "dial tcp: lookup registry.example on 10.96.0.10:53: no such host"),
        ["registry-name"],
        "cannot be resolved: registry.example",
    ),
    (
        waiting(
            "ErrImagePull", 'Get "https://registry.example/v2/": dial tcp 10.0.0.9:443: connect: connection refused'
        ),
        ["registry-unreachable"],
        "does not answer",
    ),
    (
        waiting(
            "ErrImagePull",
            "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
        ),
        ["registry-unreachable"],
        "does not answer",
    ),
    (
        waiting("ErrImagePull", "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
        ["registry-certificate"],
        "is not accepted: certificate signed by unknown authority",
    ),
    (
        waiting("ErrImagePull", "http: server gave HTTP response to HTTPS client"),
        ["registry-certificate"],
        "certificate",
    ),
    (
        waiting(
            "ErrImagePull",
            "toomanyrequests: You have reached your pull rate limit. You may increase the limit by "
            "authenticating and upgrading",
        ),
        ["image-rate-limit"],
        "its rate limit is reached",
    ),
    (
        waiting(
            "InvalidImageName",
            'Failed to apply default image tag "Shop/Web:1": couldn\'t parse image reference '
            '"Shop/Web:1": invalid reference format: repository name must be lowercase',
        ),
        ["image-name-invalid"],
        "has a name that is not valid",
    ),
    (
        waiting("ErrImageNeverPull", f'Container image "{IMAGE}" is not present with pull policy of Never'),
        ["image-never-pulled"],
        "its pull policy Never forbids to fetch it",
    ),
    (waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"'), ["image-pull"], "cannot be pulled"),
    (
        waiting("ErrImagePull", "write /var/lib/containerd/x: no space left on device"),
        ["disk-full"],
        "disk of the node",
    ),
    (
        pod(container(reason="ContainerCreating"), events=(event("Pulling", f'Pulling image "{IMAGE}"'),)),
        ["image-pulling"],
        "an image is being pulled",
    ),
]


@pytest.mark.parametrize(("facts", "kinds", "fragment"), TABLE)
def test_the_cause_is_named(facts: Facts, kinds: list[str], fragment: str) -> None:
    check(facts, kinds, fragment)
