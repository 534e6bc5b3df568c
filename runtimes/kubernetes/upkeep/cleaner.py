"""The pod that cleans the images of one node, and the script it runs. Pure.

It asks the node's own CRI client (crictl, also that inside k3s) through the container runtime's socket: only that
program knows which images are in use or pinned. `ctr` is not used, since it knows nothing of either and would take away
names that running pods need at their next start. The node's folder tree is entered by chroot, which needs neither the
node's processes nor its network; the pod is privileged because SELinux keeps any other from the socket.
Sources: https://github.com/kubernetes-sigs/cri-tools/blob/master/docs/crictl.md and
https://kubernetes.io/docs/concepts/security/pod-security-standards/.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

NAMESPACE = "kube-system"
"""Where privileged pods are at home: namespaces of services forbid them more often than not."""
DEFAULT_IMAGE = "docker.io/library/busybox:1"
"""Needs sh and chroot, nothing else."""
PURPOSE, CLEANING = "opsmodal.dev/purpose", "image-cleanup"
SELECTOR = f"{PURPOSE}={CLEANING}"
CONTAINER = "cleaner"
RUNS_WITHIN_S = 600
"""activeDeadlineSeconds: the cluster ends the pod by itself where nobody is left to do it."""
KEPT_AS = "opsmodal-images"
"""The script's own name, `$0`."""
REFERENCE = re.compile(r"[A-Za-z0-9][\w./:@+-]{0,510}", re.ASCII)
"""What may be the name or the id of an image, and never an option."""

SCRIPT = """\
export PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin:/var/lib/rancher/rke2/bin"
if chroot /host crictl --version >/dev/null 2>&1; then cri=crictl
elif chroot /host k3s crictl --version >/dev/null 2>&1; then cri="k3s crictl"
else echo "This node has no crictl, so its images cannot be cleaned from here."; exit 3
fi
if ! [ -e /host/etc/crictl.yaml ] && [ "$cri" = crictl ]; then
  for socket in containerd/containerd.sock crio/crio.sock cri-dockerd.sock k3s/containerd/containerd.sock; do
    if [ -S "/host/run/$socket" ]; then
      export CONTAINER_RUNTIME_ENDPOINT="unix:///run/$socket" IMAGE_SERVICE_ENDPOINT="unix:///run/$socket"
      break
    fi
  done
fi
if [ -z "$1" ]; then exec chroot /host $cri rmi --prune; fi
if ! chroot /host $cri inspecti -q "$1" >/dev/null 2>&1; then echo "This node does not have $1."; exit 0; fi
users=$(chroot /host $cri ps -a -q --image "$1") || exit 4
if [ -n "$users" ]; then echo "$1 is in use on this node and stays."; exit 0; fi
exec chroot /host $cri rmi "$1"
"""
"""Prints what it deletes. The image's name is its only argument and is never part of the script."""


def pod(node: str, *, image: str, cleanup_image: str) -> Mapping[str, Any]:
    """Give the pod for one node. It tolerates every taint and is put there without the scheduler."""
    container = {
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", SCRIPT, KEPT_AS, cleanup_image],
        "securityContext": {"privileged": True, "runAsUser": 0},
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": [{"name": "host", "mountPath": "/host"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"opsmodal-images-{secrets.token_hex(5)}",
            "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/managed-by": "opsmodal", PURPOSE: CLEANING},
        },
        "spec": {
            "nodeName": node,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": RUNS_WITHIN_S,
            "terminationGracePeriodSeconds": 5,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "tolerations": [{"operator": "Exists"}],
            "containers": [container],
            "volumes": [{"name": "host", "hostPath": {"path": "/", "type": "Directory"}}],
        },
    }
