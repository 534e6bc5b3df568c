from __future__ import annotations

import msgspec
import pytest

from runtimes.engine.answers import Version
from runtimes.podman.client import agreed_libpod


def version(oldest: str, newest: str) -> Version:
    """Make an answer of GET /version as Podman's reference shows it (docs.podman.io, "Component Version")."""
    details = {"APIVersion": newest, "MinAPIVersion": oldest, "Os": "linux", "Experimental": "false"}
    components = [{"Name": "Podman Engine", "Version": newest, "Details": details}, {"Name": "Conmon", "Details": None}]
    return msgspec.convert({"Version": newest, "ApiVersion": "1.41", "Components": components}, Version)


@pytest.mark.parametrize(
    ("oldest", "newest", "spoken"),
    [
        ("4.0.0", "4.3.1", "4.0.0"),
        ("4.0.0", "5.6.2", "4.0.0"),
        ("5.0.0", "6.1.0", "5.0.0"),
        ("3.1.0", "4.9.4", "4.0.0"),
        ("", "5.0.0", "4.0.0"),
        ("new", "5.0.0", "4.0.0"),
        ("4.0", "5.0.0", "4.0.0"),
        (f"{10**40}.0.0", "5.0.0", "4.0.0"),
    ],
)
def test_the_oldest_version_that_both_speak_is_spoken(oldest: str, newest: str, spoken: str) -> None:
    assert agreed_libpod(version(oldest, newest)) == spoken
    assert agreed_libpod(Version()) == "4.0.0"
