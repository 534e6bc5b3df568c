from __future__ import annotations

import pytest

from runtimes.errors import Invalid
from runtimes.registries import Login, registry_of, typed_registry

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("web", "docker.io"),
        ("shop/web:1.4", "docker.io"),
        ("docker.io/library/web", "docker.io"),
        ("index.docker.io/shop/web", "docker.io"),
        ("registry-1.docker.io/shop/web", "docker.io"),
        ("registry.example.com/web", "registry.example.com"),
        ("Registry.Example.COM/web", "registry.example.com"),
        ("registry.example.com:443/web", "registry.example.com"),
        ("registry.example.com:5000/web:1", "registry.example.com:5000"),
        ("localhost/web", "localhost"),
        ("localhost:5000/web", "localhost:5000"),
        ("REGISTRY/web", "registry"),
        ("127.0.0.1:5000/web", "127.0.0.1:5000"),
        ("[::1]:5000/web", "[::1]:5000"),
        (f"ghcr.io/shop/web@{DIGEST}", "ghcr.io"),
        ("docker.io.example.com/web", "docker.io.example.com"),
    ],
)
def test_an_image_comes_from_one_registry(image: str, registry: str) -> None:
    assert registry_of(image) == registry


@pytest.mark.parametrize(
    ("typed", "registry"),
    [
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("hub.docker.com", "docker.io"),
        ("https://hub.docker.com/r/shop/web", "docker.io"),
        (" Registry.Example.com ", "registry.example.com"),
        ("https://registry.example.com/", "registry.example.com"),
        ("HTTPS://registry.example.com:443", "registry.example.com"),
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("registry", "registry"),
        ("[::1]:5000", "[::1]:5000"),
    ],
)
def test_a_typed_registry_is_what_its_images_come_from(typed: str, registry: str) -> None:
    assert typed_registry(typed) == registry
    if "/" not in typed and typed == typed.strip() and "." in typed and registry != "docker.io":
        assert registry_of(f"{typed}/web") == registry


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "/", "http://registry.example.com", "ftp://x", "registry.example.com/shop", "registry.example.com:"),
        *("registry.example.com:99999", "registry.example.com:0", "user@registry.example.com", "a b", "-x.example.com"),
        *("registry.example.com?x", "[::1", "x" * 300, "registry_example", "registry.example.com.", "ex\nample.com"),
    ],
)
def test_what_is_no_registry_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        typed_registry(typed)
    assert refused.value.hint


def test_a_login_does_not_print_its_secret() -> None:
    assert "swordfish" not in repr(Login(user="me", secret="swordfish"))
