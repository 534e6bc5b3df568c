"""The Upkeep facet: Metrics Server comes and goes whole, and the pods that clean images leave nothing behind."""

from __future__ import annotations

import pytest

from runtimes.base import Scope
from runtimes.changes import SetAutoscaler
from runtimes.errors import Disallowed, Lacking, Missing, RuntimeProblem
from runtimes.planning import Progress
from runtimes.upkeep import Cleanup, Upkeep
from tests.contract.deploying import Workloads, on_clusters
from tests.contract.world_kubernetes import KubernetesWorld, SimulatedWorld
from tests.contract.worlds import World, settle

pytestmark = on_clusters
REGISTRATION = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"
SYSTEM = "/api/v1/namespaces/kube-system"
SERVER = "/apis/apps/v1/namespaces/kube-system/deployments/metrics-server"
CLEANERS = f"{SYSTEM}/pods?labelSelector=opsmodal.dev%2Fpurpose%3Dimage-cleanup"


class Cluster:
    """What belongs to all services of a world's cluster."""

    def __init__(self, world: KubernetesWorld) -> None:
        self.world = world
        self.scope: Scope = world.scope
        found = world.runtime.upkeep
        assert found is not None
        self.facet: Upkeep = found
        self.told: list[Progress] = []

    def unregister(self) -> None:
        """Take the Metrics API away; the simulated cluster serves it by itself otherwise."""
        if not isinstance(self.world, SimulatedWorld):
            self.world.skip("is somebody's: its Metrics Server is left alone")
        self.world.api.call("DELETE", REGISTRATION)

    def register_again(self) -> None:
        """Have the simulated cluster measure by itself again."""
        if self.world.api.there(REGISTRATION) is None:
            spec = {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
            }
            body = {"metadata": {"name": REGISTRATION.rpartition("/")[2]}, "spec": spec}
            self.world.api.call("POST", REGISTRATION.rpartition("/")[0], body)


@pytest.fixture
def made(world: World) -> object:
    assert isinstance(world, KubernetesWorld)
    cluster = Cluster(world)
    yield cluster
    if isinstance(world, SimulatedWorld):
        cluster.register_again()


def test_how_the_metrics_api_stands_is_said(made: Cluster) -> None:
    found = made.facet.metrics_server(made.scope)
    assert found.state == "answering"
    assert found.sentence
    assert not found.ours


def test_without_it_there_is_no_autoscaler_and_the_way_out_is_named(made: Cluster) -> None:
    made.unregister()
    found = made.facet.metrics_server(made.scope)
    assert found.state == "absent"
    assert found.hint
    workloads = Workloads(made.world)
    workloads.make("deployment.web")
    with pytest.raises(Lacking) as caught:
        workloads.apply(SetAutoscaler(workload="deployment.web"))
    assert caught.value.what == "metrics-server"
    assert "Metrics Server" in caught.value.hint
    with pytest.raises(Missing):
        made.facet.plan_metrics_server(made.scope, remove=True)


def test_it_is_installed_until_it_answers_and_removed_whole(made: Cluster) -> None:
    made.unregister()
    plan = made.facet.plan_metrics_server(made.scope)
    assert "metrics-server" in plan.target
    assert made.world.api.there(SERVER) is None, "a plan installs nothing"
    made.facet.install_metrics_server(made.scope, made.told.append)
    assert made.told[-1].state == "done"
    assert {step.state for step in made.told[-1].steps} == {"done"}
    found = made.facet.metrics_server(made.scope, diagnose=True)
    assert (found.state, found.ours) == ("answering", True)
    assert found.image
    made.facet.install_metrics_server(made.scope, made.told.append)
    assert made.told[-1].state == "done", "installing again"
    assert made.facet.plan_metrics_server(made.scope, remove=True).hits
    made.facet.remove_metrics_server(made.scope, made.told.append)
    assert made.told[-1].state == "done"
    assert made.world.api.there(REGISTRATION) is None
    settle(lambda: made.world.api.there(SERVER) is None, "the end of its Deployment")
    left = [each["metadata"]["name"] for each in made.world.api.call("GET", f"{SYSTEM}/services")["items"]]
    assert "metrics-server" not in left


def test_images_are_cleaned_and_nothing_is_left(made: Cluster) -> None:
    nodes = made.facet.nodes(made.scope)
    assert nodes
    plan = made.facet.plan_cleanup(made.scope, Cleanup(image="registry.example.com/nobody/has:this", node=nodes[0]))
    assert plan.summary
    assert made.world.api.call("GET", CLEANERS)["items"] == [], "a plan makes no pod"
    wanted = Cleanup(image="registry.example.com/nobody/has:this", node=nodes[0])
    problem = ""
    try:
        made.facet.clean_images(made.scope, wanted, made.told.append)
    except RuntimeProblem as refused:
        problem = refused.sentence
    (step,) = made.told[-1].steps
    assert step.name == nodes[0]
    if problem:
        assert "crictl" in step.detail, made.told[-1]
    else:
        assert "does not have" in step.detail
    settle(lambda: made.world.api.call("GET", CLEANERS)["items"] == [], "the end of its pods")


def test_a_cleanup_that_is_stopped_leaves_nothing(made: Cluster) -> None:
    def stop(progress: Progress) -> None:
        if made.world.api.call("GET", CLEANERS)["items"]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.facet.clean_images(made.scope, Cleanup(image="registry.example.com/nobody/has:this"), stop)
    settle(lambda: made.world.api.call("GET", CLEANERS)["items"] == [], "the end of its pods")


def test_where_privileged_pods_are_forbidden_nothing_is_begun(made: Cluster) -> None:
    if not isinstance(made.world, SimulatedWorld):
        made.world.skip("is somebody's: the label of its kube-system is left alone")
    system = made.world.api.call("GET", SYSTEM)
    labels = dict(system["metadata"].get("labels") or {})
    _label(made, labels | {"pod-security.kubernetes.io/enforce": "baseline"})
    try:
        for act in (
            lambda wanted: made.facet.plan_cleanup(made.scope, wanted),
            lambda wanted: made.facet.clean_images(made.scope, wanted, made.told.append),
        ):
            with pytest.raises(Disallowed) as caught:
                act(Cleanup())
            assert "PodSecurity" in f"{caught.value.sentence} {caught.value.detail}"
            assert "privileged" in caught.value.hint
        assert made.world.api.call("GET", CLEANERS)["items"] == []
    finally:
        _label(made, labels)


def _label(made: Cluster, labels: dict[str, str]) -> None:
    system = made.world.api.call("GET", SYSTEM)
    system["metadata"]["labels"] = labels
    made.world.api.call("PUT", SYSTEM, system)


@pytest.mark.parametrize(
    ("image", "node"), [("", "no-such-node"), ("-f", ""), ("a b", ""), ("$(reboot)", ""), ("", "../x"), ("a\nb", "")]
)
def test_what_names_no_node_or_image_is_refused(made: Cluster, image: str, node: str) -> None:
    for act in (
        lambda wanted: made.facet.plan_cleanup(made.scope, wanted),
        lambda wanted: made.facet.clean_images(made.scope, wanted, made.told.append),
    ):
        with pytest.raises(RuntimeProblem):
            act(Cleanup(image=image, node=node))
    assert made.world.api.call("GET", CLEANERS)["items"] == []
