from __future__ import annotations

import base64
import json

import pytest

from runtimes.engine.updates.pulling import AUTH, Detail, Line, authorised, bytes_in_words, layer
from runtimes.registries import Login


def test_a_layer_tells_percent_and_bytes_as_far_as_they_are_known() -> None:
    told = layer(Line(id="a", status="Pulling fs layer"), None)
    assert (told.state, told.detail, told.total) == ("running", "Pulling fs layer", None)
    told = layer(Line(id="a", status="Downloading", detail=Detail(current=1_500_000, total=6_000_000)), told)
    assert (told.detail, told.done, told.total) == ("Downloading, 25 % of 6.0 MB", 1_500_000, 6_000_000)
    told = layer(Line(id="a", status="Verifying Checksum"), told)
    assert (told.detail, told.total) == ("Verifying Checksum, 6.0 MB", 6_000_000)
    told = layer(Line(id="a", status="Pull complete"), told)
    assert (told.state, told.detail, told.done) == ("done", "Pull complete, 6.0 MB", 6_000_000)


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (65_536, "65.5 kB"), (7_000_000_000_000, "7000.0 GB")],
)
def test_bytes_are_written_in_their_largest_unit(count: int, words: str) -> None:
    assert bytes_in_words(count) == words


@pytest.mark.parametrize(
    ("host", "address"), [("ghcr.io", "ghcr.io"), ("docker.io", "https://index.docker.io/v1/"), ("x:5", "x:5")]
)
def test_a_login_goes_in_a_header(host: str, address: str) -> None:
    ((name, sent),) = authorised(Login(user="mé", secret='p"w>?'), host).items()
    assert name == AUTH
    assert not {"+", "/"} & {*sent}
    assert json.loads(base64.urlsafe_b64decode(sent)) == {
        "username": "mé",
        "password": 'p"w>?',
        "serveraddress": address,
    }
