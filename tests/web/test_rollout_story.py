"""A tutorial's story of a rollout that gets stuck and is rolled back, through the API, beside the real kubectl."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsmodal.demo.cluster import start
from tests.web.conftest import Seed, closed
from tests.web.deploying import Deploying, Kubectl, operated
from tests.web.rollout_story import Story

SPEED = 10.0
SPACE = "tutorial"


@pytest.fixture
def story(tmp_path: Path, seed: Seed, kubectl: Path) -> Iterator[Story]:
    cluster = start(example=False, speed=SPEED)
    made = operated(tmp_path / "data", seed, cluster, SPACE)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(cluster.kubeconfig())
    by_hand = Kubectl(kubectl, kubeconfig)
    by_hand.said(f"create namespace {SPACE}")
    yield Story(
        tab=Deploying(made, SPACE),
        kubectl=by_hand,
        namespace=SPACE,
        images=("nginx", "nginx:latest", "nginx:bbb"),
    )
    closed(made)
    cluster.stop()


def test_a_rollout_gets_stuck_and_is_rolled_back(story: Story) -> None:
    story.played()
    made = story.tab.made
    done = {(action, outcome) for actor, action, outcome in made.audited() if actor == "manager"}
    assert {action for action, outcome in done if outcome == "done"} >= {
        "deployment.scale",
        "deployment.image",
        "deployment.rollback",
    }
    history = story.kubectl.said(f"-n {SPACE} rollout history deployment/nginx")
    assert "mistyped" in history
