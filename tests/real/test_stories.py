"""The exercises and the story of a stuck rollout on a real cluster: the same steps as on the simulated one.

A real node has one image with two tags, and few cores: so fewer replicas, and a program that only sleeps.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance.stage import IMAGE
from tests.web.conftest import Seed, closed
from tests.web.deploying import Deploying, Kubectl, operated
from tests.web.exercises import Exercises
from tests.web.rollout_story import Story

SECOND = os.environ.get("OPSMODAL_TEST_SECOND_IMAGE", IMAGE.rpartition(":")[0] + ":2")
"""Another image that the node has; one that it can pull will do."""
STAY = ("sleep", "3600")
REPLICAS = 4


@dataclass(frozen=True)
class Named:
    """A cluster that is known by its kubeconfig alone."""

    text: str

    def kubeconfig(self) -> str:
        return self.text


@contextlib.contextmanager
def space(folder: Path, seed: Seed, kubectl: Path, kubeconfig: Path) -> Iterator[tuple[Deploying, Kubectl, str]]:
    """Give a service on a namespace of its own, and kubectl beside it; take the namespace away again."""
    name, by_hand = f"opsmodal-story-{secrets.token_hex(3)}", Kubectl(kubectl, kubeconfig)
    made = operated(folder / "data", seed, Named(kubeconfig.read_text()), name)
    try:
        yield Deploying(made, name), by_hand, name
    finally:
        by_hand.said(f"delete namespace {name} --ignore-not-found --wait=false")
        closed(made)


@pytest.mark.timeout(400)
def test_a_rollout_gets_stuck_and_is_rolled_back(
    tmp_path: Path, seed: Seed, kubectl: Path, real_kubeconfig: Path
) -> None:
    with space(tmp_path, seed, kubectl, real_kubeconfig) as (tab, by_hand, name):
        by_hand.said(f"create namespace {name}")
        images = (IMAGE, SECOND, IMAGE.rpartition(":")[0] + ":bbb")
        Story(tab=tab, kubectl=by_hand, namespace=name, images=images, replicas=REPLICAS, command=STAY).played()


@pytest.mark.timeout(400)
def test_the_exercises(tmp_path: Path, seed: Seed, kubectl: Path, real_kubeconfig: Path) -> None:
    with space(tmp_path, seed, kubectl, real_kubeconfig) as (tab, by_hand, name):
        course = Exercises(tab=tab, kubectl=by_hand, namespace=name, web=IMAGE, alpine=IMAGE, command=STAY, sleep="5s")
        course.namespace_made()
        course.deployed()
        course.exposed()
        course.apart(f"alpine-{name[-6:]}")
        course.scheduled()
        course.rescheduled()
        course.ran_by_the_clock()
