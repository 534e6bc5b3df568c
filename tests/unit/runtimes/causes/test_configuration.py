"""Why a container is not made: definitions, volumes and sandboxes, in the kubelet's words."""

from __future__ import annotations

import pytest

from runtimes.causes.facts import Facts
from tests.unit.runtimes.causes.making import check, crashed, creating, waiting

TABLE = [
    (
        waiting("CreateContainerConfigError", 'configmap "settings" not found'),
        ["configmap-missing"],
        "the ConfigMap settings",
    ),
    (
        waiting("CreateContainerConfigError", 'secret "db" not found'),
        ["secret-missing"],
        "the Secret db that container app",
    ),
    (
        waiting("CreateContainerConfigError", "couldn't find key url in ConfigMap shop/settings"),
        ["configmap-key-missing"],
        "the ConfigMap shop/settings has no key url",
    ),
    (
        waiting("CreateContainerConfigError", "couldn't find key password in Secret shop/db"),
        ["secret-key-missing"],
        "the Secret shop/db has no key password",
    ),
    (
        waiting(
            "CreateContainerConfigError", 'container has runAsNonRoot and image will run as root (pod: "web-0_shop(1)")'
        ),
        ["runs-as-root"],
        "must not run as root",
    ),
    (
        waiting(
            "CreateContainerConfigError",
            "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root",
        ),
        ["runs-as-root"],
        "its image may: nginx",
    ),
    (
        waiting(
            "RunContainerError",
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
            'runc create failed: unable to start container process: exec: "serve": executable file not found in $PATH: '
            "unknown",
        ),
        ["command-not-found"],
        "the command serve of container app is not in its image",
    ),
    (
        crashed(
            128,
            run={
                "reason": "StartError",
                "message": 'unable to start container process: exec: "/run.sh": permission denied: unknown',
            },
        ),
        ["command-not-executable"],
        "the command /run.sh of container app may not be executed",
    ),
    (
        waiting(
            "CreateContainerError",
            'failed to reserve container name "app_web-0_shop_1": name "app_web-0_shop_1" is reserved for "8f3a"',
        ),
        ["name-reserved"],
        "still holds its name",
    ),
    (waiting("CreateContainerError", "context deadline exceeded"), ["container-not-created"], "was not made in time"),
    (
        waiting("RunContainerError", 'exec: \\"/app\\": stat /app: no such file or directory'),
        ["command-not-found"],
        "the command /app",
    ),
    (
        waiting("PostStartHookError", "PostStartHook failed: Exec lifecycle hook ([sh -c warm]) failed"),
        ["hook-failed"],
        "the postStart hook of container app failed",
    ),
    (
        creating("FailedMount", 'MountVolume.SetUp failed for volume "config" : configmap "settings" not found'),
        ["configmap-missing"],
        "the ConfigMap settings for its volume config does not exist",
    ),
    (
        creating("FailedMount", 'MountVolume.SetUp failed for volume "certs" : secret "tls" not found'),
        ["secret-missing"],
        "the Secret tls for its volume certs",
    ),
    (
        creating(
            "FailedMount", 'MountVolume.SetUp failed for volume "config" : references non-existent config key: app.yaml'
        ),
        ["configmap-key-missing"],
        "has no key app.yaml",
    ),
    (
        creating(
            "FailedMount",
            "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data "
            "kube-api-access-x]: timed out waiting for the condition",
        ),
        ["volume-timeout"],
        "its volume is not mounted in time: data",
    ),
    (
        creating(
            "FailedMount",
            "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to "
            "process volumes=[]: timed out waiting for the condition",
        ),
        ["volume-timeout"],
        "its volume is not mounted in time: data",
    ),
    (
        creating(
            "FailedAttachVolume",
            'Multi-Attach error for volume "pvc-8f21" Volume is already exclusively attached to one '
            "node and can't be attached to another",
        ),
        ["multi-attach"],
        "its volume pvc-8f21 is still attached to another node",
    ),
    (
        creating(
            "FailedAttachVolume", 'Multi-Attach error for volume "pvc-8f21" Volume is already used by pod(s) web-1'
        ),
        ["multi-attach"],
        "still attached to another node: web-1",
    ),
    (
        creating(
            "FailedAttachVolume", 'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Internal desc = x'
        ),
        ["attach-failed"],
        "its volume pvc-1 cannot be attached",
    ),
    (
        creating(
            "FailedMount",
            'MountVolume.MountDevice failed for volume "pvc-1" : kubernetes.io/csi: '
            "driver name ebs.csi.aws.com not found in the list of registered CSI drivers",
        ),
        ["driver-missing"],
        "the storage driver ebs.csi.aws.com does not run on its node",
    ),
    (
        creating(
            "FailedMount", "mount failed: exit status 32 Output: mount.nfs: access denied by server while mounting x:/y"
        ),
        ["mount-refused"],
        "refuses to let the node mount",
    ),
    (
        creating(
            "FailedMount",
            'MountVolume.SetUp failed for volume "h" : hostPath type check failed: /data is not a directory',
        ),
        ["host-path"],
        "the path /data of the node is not a directory",
    ),
    (
        creating(
            "FailedCreatePodSandBox",
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup "
            'network for sandbox "1f": plugin type="calico" failed (add): error getting ClusterInformation',
        ),
        ["network-failed"],
        "the network plugin calico failed",
    ),
    (
        creating(
            "FailedCreatePodSandBox",
            'plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container',
        ),
        ["no-address-left"],
        "no pod address left",
    ),
    (
        creating(
            "NetworkNotReady",
            "network is not ready: container runtime network not ready: NetworkReady=false "
            "reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
        ),
        ["network-not-ready"],
        "the pod network of its node is not ready",
    ),
    (
        creating("FailedCreatePodSandBox", 'failed to get sandbox runtime: no runtime for "kata" is configured'),
        ["runtime-class"],
        "container runtime kata",
    ),
]


@pytest.mark.parametrize(("facts", "kinds", "fragment"), TABLE)
def test_the_cause_is_named(facts: Facts, kinds: list[str], fragment: str) -> None:
    check(facts, kinds, fragment)
