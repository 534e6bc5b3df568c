from __future__ import annotations

import pytest

from runtimes.engine.images.tags import digest_in, is_named, repository, tagged

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("web", "docker.io/library/web:latest"),
        ("docker.io/library/web:1", "docker.io/library/web:1"),
        ("docker.io/web:1", "docker.io/library/web:1"),
        ("index.docker.io/shop/web", "docker.io/shop/web:latest"),
        ("shop/web:1", "docker.io/shop/web:1"),
        ("localhost/shop/web:1", "localhost/shop/web:1"),
        ("Registry.example.com:5000/web:1", "registry.example.com:5000/web:1"),
        ("registry.example.com:443/web", "registry.example.com/web:latest"),
        (f"shop/web:1@{DIGEST}", ""),
        (f"shop/web@{DIGEST}", ""),
        (DIGEST, ""),
        ("<none>:<none>", ""),
        ("0" * 64, ""),
    ],
)
def test_a_tag_has_one_spelling(name: str, spelled: str) -> None:
    assert tagged(name) == spelled


def test_a_repository_is_found_in_digests_by_its_name() -> None:
    digests = (f"other/web@sha256:{'1' * 64}", f"shop/web@{DIGEST}")
    assert digest_in(digests, "docker.io/shop/web:3") == DIGEST
    assert digest_in(digests, "registry.example.com/shop/web:3") == ""
    assert digest_in((), "web") == ""
    assert repository("sha256:zz") == ""


@pytest.mark.parametrize(
    ("name", "wanted", "found"),
    [
        ("localhost/shop/web:1", "shop/web:1", True),
        ("localhost/shop/web:latest", "localhost/shop/web", True),
        ("web:latest", "docker.io/library/web", True),
        ("web:1", "web:2", False),
        ("registry.example.com/web:1", "web:1", False),
    ],
)
def test_what_somebody_wrote_names_an_image(name: str, wanted: str, found: bool) -> None:
    assert is_named(name, wanted) is found
