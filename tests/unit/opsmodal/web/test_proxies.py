"""Who is believed about where a request comes from: trusted proxies, from the right, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from opsmodal.networks import networks
from opsmodal.web.proxies import MARK, Proxied

TRUSTED = networks(["10.0.0.0/8", "127.0.0.1", "2001:db8:1::/48"])


def seen(peer: str, **headers: str) -> dict[str, Any]:
    environ: dict[str, Any] = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", "HTTP_HOST": "inner:8080"}
    environ |= {f"HTTP_X_FORWARDED_{name.upper()}": value for name, value in headers.items()}
    found: list[dict[str, Any]] = []

    def application(asked: dict[str, Any], _start: object) -> list[bytes]:
        found.append(asked)
        return []

    Proxied(application, TRUSTED)(environ, lambda *_: None)
    return found[0]


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7"),  # what a client claims is left of what a proxy saw
        ("10.0.0.1", "192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("10.0.0.1", "10.1.1.1, 10.0.0.2", "10.1.1.1"),
        ("10.0.0.1", "127.0.0.1, 192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "192.0.2.7:5000", "192.0.2.7"),
        ("10.0.0.1", "[2001:db8::9]:5000", "2001:db8::9"),
        ("2001:db8:1::1", "192.0.2.7", "192.0.2.7"),
        ("::ffff:10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("192.0.2.99", "127.0.0.1", "192.0.2.99"),  # nobody asked this one
        ("", "127.0.0.1", ""),
    ],
)
def test_the_client_is_in_front_of_the_first_trusted_proxy(peer: str, header: str, client: str) -> None:
    assert seen(peer, **{"for": header})["REMOTE_ADDR"] == client


@pytest.mark.parametrize(
    ("peer", "proto", "host", "scheme", "name"),
    [
        ("10.0.0.1", "https", "ops.example.com", "https", "ops.example.com"),
        ("10.0.0.1", "https, http", "evil.example, ops.example.com", "http", "ops.example.com"),
        ("10.0.0.1", "gopher", "bad host", "http", "inner:8080"),
        ("192.0.2.99", "https", "evil.example", "http", "inner:8080"),
    ],
)
def test_scheme_and_host_are_those_of_the_proxy(peer: str, proto: str, host: str, scheme: str, name: str) -> None:
    environ = seen(peer, **{"for": "192.0.2.7"}, proto=proto, host=host)
    assert (environ["wsgi.url_scheme"], environ["HTTP_HOST"]) == (scheme, name)


def test_of_a_chain_the_outermost_trusted_proxy_says_how_it_was_reached() -> None:
    environ = seen("10.0.0.1", **{"for": "192.0.2.7, 10.0.0.2"}, proto="https, http", host="ops.example.com, inner")
    assert (environ["wsgi.url_scheme"], environ["HTTP_HOST"]) == ("https", "ops.example.com")


def test_what_a_stranger_says_never_reaches_the_application() -> None:
    environ = seen("192.0.2.99", **{"for": "127.0.0.1"}, proto="https")
    assert not [name for name in environ if name.startswith("HTTP_X_FORWARDED")]
    assert environ[MARK]
    assert MARK not in seen("192.0.2.99")
