"""The exercises of a course on Kubernetes, made by the real kubectl and operated through the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsmodal.demo.cluster import start
from tests.web.conftest import Seed, closed
from tests.web.deploying import Deploying, Kubectl, operated
from tests.web.exercises import Exercises

SPEED = 10.0
SPACE = "qa"


@pytest.fixture
def course(tmp_path: Path, seed: Seed, kubectl: Path) -> Iterator[Exercises]:
    cluster = start(example=False, speed=SPEED)
    made = operated(tmp_path / "data", seed, cluster, SPACE)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(cluster.kubeconfig())
    yield Exercises(tab=Deploying(made, SPACE), kubectl=Kubectl(kubectl, kubeconfig), namespace=SPACE)
    closed(made)
    cluster.stop()


def test_a_deployment_of_three_and_its_service_in_a_namespace_of_their_own(course: Exercises) -> None:
    course.namespace_made()
    course.deployed()
    course.exposed()
    course.apart("alpine-pod")


def test_a_cron_job_is_made_held_run_and_given_another_schedule(course: Exercises) -> None:
    course.namespace_made()
    course.scheduled()
    course.rescheduled()


@pytest.mark.exhaustive
def test_a_cron_job_of_every_minute_runs_by_the_clock(course: Exercises) -> None:
    course.namespace_made()
    course.scheduled()
    course.rescheduled()
    course.ran_by_the_clock()
