"""The verbs that pass, each with the flags that pass behind it and what judges the rest; and those that never do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opsmodal.guard.kubectl import changing, creating, deleting, patching, pods, reading, scaling, undoing
from opsmodal.guard.kubectl.saying import Line
from opsmodal.guard.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Verb:
    """One command of kubectl: `path` is its words, `flags` those it may have beside what is harmless everywhere."""

    path: str
    judge: Callable[[Line], Verdict]
    flags: frozenset[str]


_PRINTED = "output template allow-missing-template-keys show-managed-fields"
_TRIED = f"{_PRINTED} dry-run field-manager"
_CHOSEN = "selector field-selector chunk-size"
_TABLE = "no-headers sort-by"


def _verb(path: str, judge: Callable[[Line], Verdict], *flags: str) -> Verb:
    return Verb(path, judge, frozenset(" ".join(flags).split()))


VERBS: Mapping[str, Verb] = {
    verb.path: verb
    for verb in (
        _verb(
            "get",
            reading.get,
            _PRINTED,
            _CHOSEN,
            _TABLE,
            "ignore-not-found label-columns show-labels show-kind server-print subresource",
            "watch watch-only output-watch-events",
        ),
        _verb("describe", reading.describe, "selector chunk-size show-events"),
        _verb("events", reading.events, _PRINTED, "chunk-size for types no-headers watch"),
        _verb("top pod", reading.top, _TABLE, "containers field-selector selector sum use-protocol-buffers"),
        _verb("explain", reading.explain, "api-version output recursive"),
        _verb("api-resources", reading.told, _TABLE, "api-group cached categories namespaced output verbs"),
        _verb("version", reading.told, "client output"),
        _verb("wait", reading.wait, _PRINTED, "selector field-selector for timeout all"),
        _verb("auth can-i", reading.can_i, "list no-headers quiet subresource"),
        _verb("apply view-last-applied", reading.last_applied, "all output selector"),
        _verb("rollout status", reading.rollout, "revision timeout watch selector"),
        _verb("rollout history", reading.rollout, _PRINTED, "revision selector"),
        _verb(
            "logs",
            pods.logs,
            "all-containers all-pods container follow ignore-errors limit-bytes max-log-requests pod-running-timeout",
            "prefix previous selector since since-time tail timestamps",
        ),
        _verb("exec", pods.execute, "container pod-running-timeout quiet stdin tty"),
        _verb("rollout restart", changing.rollout, _PRINTED, "field-manager selector"),
        _verb("rollout undo", undoing.undo, _PRINTED, "dry-run to-revision selector"),
        _verb("rollout pause", changing.rollout, _PRINTED, "field-manager selector"),
        _verb("rollout resume", changing.rollout, _PRINTED, "field-manager selector"),
        _verb("scale", scaling.scale, _PRINTED, "dry-run replicas current-replicas resource-version timeout record"),
        _verb("autoscale", scaling.autoscale, _TRIED, "cpu cpu-percent memory max min name save-config record"),
        _verb("set image", changing.image, _TRIED, "all selector record"),
        _verb("set resources", changing.resources, _TRIED, "all selector containers limits requests record"),
        _verb("set env", changing.env, _TRIED, "all selector containers env from keys list overwrite prefix resolve"),
        _verb("label", changing.mark, _TRIED, "all selector field-selector list overwrite resource-version record"),
        _verb("annotate", changing.mark, _TRIED, "all selector field-selector list overwrite resource-version record"),
        _verb("patch", patching.patch, _TRIED, "patch type subresource record"),
        _verb(
            "delete",
            deleting.delete,
            "all selector field-selector cascade dry-run force grace-period ignore-not-found interactive now output",
            "timeout wait",
        ),
        _verb("create job", creating.job, _TRIED, "from image save-config validate"),
        _verb("create configmap", creating.configmap, _TRIED, "from-literal append-hash save-config validate"),
        _verb("create secret generic", creating.secret, _TRIED, "from-literal append-hash type save-config validate"),
    )
}

ALIASES: Mapping[str, str] = {"top po": "top pod", "top pods": "top pod", "create cm": "create configmap"}
"""What cobra reads as another word of a path."""
GROUPS = frozenset(path.rpartition(" ")[0] for path in (*VERBS, "create secret generic") if " " in path) | {"create"}
"""Words that are no command yet: a subcommand has to follow at once."""

_FIELDS = "Edit the manifest of a workload on the Deployment tab; kubectl patch, set, label and annotate change fields."
_INSIDE = "No tunnel is opened: kubectl exec POD -- COMMAND asks from inside, with what the image has."
_NOBODY = "Ask somebody who administers the cluster."
NEVER: Mapping[str, str] = {
    "attach": "Read what it prints with kubectl logs, or run a command with kubectl exec POD -- COMMAND.",
    "port-forward": _INSIDE,
    "proxy": _INSIDE,
    "cp": "Run kubectl exec POD -- cat FILE to read a file.",
    "edit": _FIELDS,
    "debug": "Run what the image has with kubectl exec POD -- COMMAND.",
    "run": "kubectl set image changes an image; kubectl create job NAME --from=cronjob/NAME runs a cron job now.",
    "expose": _NOBODY,
    "diff": _FIELDS,
    "apply": _FIELDS,
    "replace": _FIELDS,
    "create": f"Of create, job --from, configmap and secret generic with --from-literal pass. {_FIELDS}",
    "kustomize": _FIELDS,
    "config": "Each line already goes to the service's own cluster and namespace.",
    "certificate": _NOBODY,
    "cordon": _NOBODY,
    "uncordon": _NOBODY,
    "drain": _NOBODY,
    "taint": _NOBODY,
    "cluster-info": _NOBODY,
    "plugin": "Plugins are programs of the server, and none is started.",
    "completion": "The page completes what is typed.",
    "kuberc": "Each line is run without preferences of anybody.",
    "api-versions": "kubectl api-resources lists the kinds with their versions.",
    "options": "kubectl help shows the verbs, kubectl help VERB the flags of one.",
    "alpha": "Commands that are not finished are not let through.",
    "auth": "kubectl auth can-i passes.",
    "set": "kubectl set env, image and resources pass.",
    "rollout": "kubectl rollout status, history, restart, undo, pause and resume pass.",
    "top": "kubectl top pod passes; nodes belong to the whole cluster.",
    "create secret": "kubectl create secret generic NAME --from-literal=KEY=VALUE passes.",
}
"""What to do instead of a verb, or of a subcommand of it, that does not pass."""
