from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from connectors.errors import LoginRefused
from connectors.options import Hop, Identity
from connectors.ssh import refusals
from connectors.ssh.refusals import Refusals

HOP = Hop(host="bastion", user="ops", identity=Identity(password="open sesame"))
REFUSED = LoginRefused("It is refused.", hint="Register another.")


def test_a_refusal_is_found_by_every_process_with_what_was_said(tmp_path: Path) -> None:
    Refusals(tmp_path).note([HOP], REFUSED, failures=3, pause_s=240)

    found = Refusals(tmp_path).find([HOP])

    assert found is not None
    assert (found.failures, found.sentence, found.hint) == (3, REFUSED.sentence, REFUSED.hint)
    assert 230 < found.pause_s <= 240


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(HOP, identity=Identity(password="another")),
        dataclasses.replace(HOP, user="other"),
        dataclasses.replace(HOP, port=2222),
    ],
    ids=["password", "user", "port"],
)
def test_another_login_is_another_matter(tmp_path: Path, other: Hop) -> None:
    kept = Refusals(tmp_path)
    kept.note([HOP], REFUSED, failures=1, pause_s=60)

    assert kept.find([other]) is None
    assert kept.find([HOP, HOP]) is None


def test_a_key_that_was_trusted_meanwhile_changes_nothing(tmp_path: Path) -> None:
    kept = Refusals(tmp_path)
    kept.note([HOP], REFUSED, failures=1, pause_s=60)

    assert kept.find([dataclasses.replace(HOP, known_hosts="bastion ssh-ed25519 AAAA")]) is not None


def test_a_refusal_is_forgotten_on_request_and_after_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Refusals(tmp_path)
    kept.note([HOP], REFUSED, failures=1, pause_s=60)
    kept.forget([HOP])
    assert kept.find([HOP]) is None

    kept.note([HOP], REFUSED, failures=1, pause_s=60)
    later = time.time() + 25 * 3600
    monkeypatch.setattr(refusals.time, "time", lambda: later)
    assert kept.find([HOP]) is None


def test_a_clock_that_was_set_back_makes_nobody_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Refusals(tmp_path)
    kept.note([HOP], REFUSED, failures=1, pause_s=60)
    before = time.time() - 1_000_000
    monkeypatch.setattr(refusals.time, "time", lambda: before)

    found = kept.find([HOP])

    assert found is not None
    assert found.pause_s == 600


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"failures": 1}', "\0"])
def test_a_damaged_file_is_no_refusal(tmp_path: Path, text: str) -> None:
    kept = Refusals(tmp_path)
    kept.note([HOP], REFUSED, failures=1, pause_s=60)
    (path,) = tmp_path.rglob("*.json")
    path.write_text(text)

    assert kept.find([HOP]) is None


def test_nothing_is_raised_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / refusals.FOLDER).write_text("a file where the folder would be")
    kept = Refusals(tmp_path)

    kept.note([HOP], REFUSED, failures=1, pause_s=60)
    kept.forget([HOP])

    assert kept.find([HOP]) is None
