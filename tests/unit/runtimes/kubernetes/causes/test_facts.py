"""What is gathered around a pod, and what of it is kept from people who may not read logs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from runtimes.kubernetes.causes.facts import _facts, _heard
from runtimes.kubernetes.pods.instance import containers
from runtimes.kubernetes.pods.status import all_statuses
from tests.unit.runtimes.kubernetes.making import container, ended, pod, waiting

SAID = "could not log in as root:secret"


def last_words(state: dict[str, Any], *, quote_logs: bool) -> str:
    crashed = pod(container(waiting("CrashLoopBackOff", "back-off 10s"), last=state), container(state, name="other"))
    statuses = {status.name: status for status in all_statuses(crashed)}
    found = [
        _facts(crashed, each, _heard(statuses.get(each.name), quote_logs=quote_logs), {})
        for each in containers(crashed)
    ]
    return str([dataclasses.asdict(each) for each in found])


def with_message(reason: str) -> dict[str, Any]:
    state = ended(1, reason)
    return {"terminated": state["terminated"] | {"message": SAID}}


@pytest.mark.parametrize("reason", ["", "Error", "Completed", "OOMKilled"])
def test_the_last_words_of_a_program_are_for_those_who_may_read_logs(reason: str) -> None:
    """A pod may have the end of its log copied there (terminationMessagePolicy: FallbackToLogsOnError)."""
    assert SAID not in last_words(with_message(reason), quote_logs=False)
    assert SAID in last_words(with_message(reason), quote_logs=True)


@pytest.mark.parametrize("reason", ["ContainerCannotRun", "StartError", "ContainerStatusUnknown"])
def test_what_the_container_runtime_says_is_for_everybody(reason: str) -> None:
    assert SAID in last_words(with_message(reason), quote_logs=False)
