"""Addresses of forwarding are checked and named; what is told of them holds nothing that opens anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsmodal.audit.targets import Address, WrongAddress, checked, mistakes


@pytest.mark.parametrize(
    ("text", "kind", "name", "port"),
    [
        ("file:/var/log/audit.jsonl", "file", "file:/var/log/audit.jsonl", 0),
        ("file:///var/log/audit.jsonl", "file", "file:/var/log/audit.jsonl", 0),
        ("syslog:/dev/log", "syslog", "syslog:/dev/log", 0),
        ("syslog+udp://logs.example", "syslog+udp", "syslog+udp://logs.example:514", 514),
        ("syslog+tcp://logs.example:601", "syslog+tcp", "syslog+tcp://logs.example:601", 601),
        ("syslog+tls://[2001:db8::1]", "syslog+tls", "syslog+tls://[2001:db8::1]:6514", 6514),
        ("https://hooks.example", "webhook", "https://hooks.example", 0),
        ("http://127.0.0.1:8088/", "webhook", "http://127.0.0.1:8088", 0),
    ],
)
def test_an_address_has_a_kind_and_a_name(text: str, kind: str, name: str, port: int) -> None:
    address = checked(text)
    assert (address.kind, address.name, address.port) == (kind, name, port)


def test_the_path_of_a_webhook_is_not_shown_and_still_tells_two_apart() -> None:
    one, other = checked("https://hooks.example/services/planted"), checked("https://hooks.example/services/other")
    assert "planted" not in one.name
    assert one.name.startswith("https://hooks.example/… (")
    assert one.name != other.name


@pytest.mark.parametrize(
    "text",
    [
        *("", "audit.jsonl", "/var/log/audit", "file:audit.jsonl", "file://host/path", "syslog:log", "ftp://host/x"),
        *("syslog+udp://", "syslog+tcp://host:99999", "syslog+tcp://host:x", "syslog+tls://host/path", "https:///x"),
        *("https://joe:planted@hooks.example/x", "https://planted@hooks.example/x", "http://hooks.example/x"),
        *("https://hooks.example/x#y", f"https://{'a' * 300}/x", f"file:/{'a' * 300}", "http://[::1/"),
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(WrongAddress) as wrong:
        checked(text)
    assert "planted" not in str(wrong.value)
    assert not str(wrong.value).endswith(".")


def test_settings_are_told_each_mistake_in_a_sentence(tmp_path: Path) -> None:
    told = list(mistakes(["file:/a", "file:///a", "nonsense"], ca_file=str(tmp_path / "none.pem")))
    assert len(told) == 3
    assert all(sentence.endswith(".") for sentence in told)
    assert list(mistakes(["file:/a", "file:/b"], ca_file="")) == []


def test_an_address_is_a_value() -> None:
    assert checked("file:/a") == Address(kind="file", name="file:/a", path="/a")
