"""The rules of kubectl's guard as data, and the one way in which its modules refuse."""

from __future__ import annotations

from opsmodal.guard.rule import Rule

RULES = (
    Rule("kubectl-view", "Reading objects of the own namespace needs exec."),
    Rule("kubectl-logs", "Reading logs needs exec and logs."),
    Rule("kubectl-exec", "A command in a pod needs exec; what stands behind -- is the pod's own business."),
    Rule("kubectl-manage", "Changing objects of the own namespace, and reading its secrets, needs exec and manage."),
    Rule("kubectl-destroy", "What deletes, restarts, undoes or scales to zero wants to be confirmed."),
    Rule("kubectl-no-namespace", "A line of kubectl is judged for one namespace.", "Name the service's namespace."),
    Rule(
        "kubectl-verb",
        "Only the verbs of the table are run. An unknown one would start a plugin, which reads its words as it likes.",
        "Type kubectl help for the verbs of kubectl; docs/guard.md lists those that pass.",
    ),
    Rule(
        "kubectl-verb-refused",
        "Verbs that open a terminal, a tunnel or a file, or that make, replace or administer objects, are refused.",
        "The Deployment tab edits the manifest of a workload; docs/guard.md says what else passes instead.",
    ),
    Rule(
        "kubectl-flag-first",
        "In front of the verb, and between a verb and its subcommand, stands nothing but -n with the own namespace: "
        "kubectl drops words there that it does not know.",
        "Put the flag behind the verb.",
    ),
    Rule("kubectl-flag", "A flag is one that the verb has, in full and in its own case.", "See kubectl help."),
    Rule("kubectl-flag-value", "A flag has the value that it needs.", "See kubectl help."),
    Rule(
        "kubectl-flag-refused",
        "Of the flags that a verb has, only those pass that read or change no more than the line says.",
        "Leave the flag out.",
    ),
    Rule(
        "kubectl-namespace",
        "Every -n is the own namespace, also one that a later one overrides.",
        "Leave -n out: the own namespace is always given.",
    ),
    Rule(
        "kubectl-all-namespaces",
        "-A is refused in every spelling: the namespace is the wall.",
        "Leave it out: the own namespace is read.",
    ),
    Rule(
        "kubectl-target",
        "Flags that choose another server, cluster, user, token or certificate are refused.",
        "Leave it out: each line goes to the service's own cluster, under the service's identity.",
    ),
    Rule(
        "kubectl-trace",
        "Flags that print what goes over the wire or write profiles and caches are refused.",
        "Leave it out.",
    ),
    Rule(
        "kubectl-file",
        "Flags that read files are refused, also from standard input: the files would be the server's.",
        "Edit the manifest of a workload on the Deployment tab, or change fields with kubectl patch, set, label and "
        "annotate; --from-literal gives values.",
    ),
    Rule("kubectl-raw", "Raw paths are refused: they reach everything.", "Name the kind and the object instead."),
    Rule(
        "kubectl-follow",
        "A one-shot command neither follows nor watches.",
        "Switch to Streaming to follow, or leave the flag out.",
    ),
    Rule(
        "kubectl-terminal",
        "Standard input and terminals are refused, each alone too.",
        "Leave -i and -t out: the command runs without them and its output is shown.",
    ),
    Rule(
        "kubectl-output",
        "Output has a format that reads no file: json, yaml, name, wide, jsonpath=…, go-template=…, custom-columns=….",
        "Write the template into the line: -o jsonpath='{…}'.",
    ),
    Rule(
        "kubectl-secret",
        "Of secrets, get passes for manage, in formats whose values can be masked.",
        "Use kubectl get secret NAME, with -o json, yaml, name or wide.",
    ),
    Rule(
        "kubectl-kind",
        "A kind is a built-in one, or a custom one that the cluster is known to have in namespaces.",
        "Type it in full, as plural.group; kubectl api-resources --namespaced lists the kinds.",
    ),
    Rule(
        "kubectl-kind-cluster",
        "Kinds that belong to the whole cluster are refused, also for reading.",
        "Ask somebody who administers the cluster.",
    ),
    Rule("kubectl-kind-here", "Some verbs pass for some kinds only.", "See docs/guard.md."),
    Rule("kubectl-name", "A name is the name of one object.", "Check the name."),
    Rule("kubectl-arguments", "A verb has the words that it needs, and no others.", "See kubectl help."),
    Rule(
        "kubectl-dashes",
        "What runs in a pod stands behind --: without it, some releases read its flags as their own.",
        "Put -- in front of the command: kubectl exec POD -- COMMAND.",
    ),
    Rule("kubectl-timeout", "Waiting has an end that is typed.", "Add --timeout=30s."),
    Rule(
        "kubectl-autoscaled",
        "While an autoscaler owns a workload, its replicas are the autoscaler's. One that 0 replicas have switched off "
        "is switched on again by scale to a number within its bounds.",
        "Remove the autoscaler first, with kubectl delete hpa NAME, or ask who set it to change its bounds.",
    ),
    Rule(
        "kubectl-scale",
        "Scaling names each workload, and a number.",
        "Type kubectl scale deployment/NAME --replicas=N.",
    ),
    Rule(
        "kubectl-patch-body",
        "A patch is one JSON or YAML value without anchors, tags and repeated keys, typed into the line.",
        "Put it in single quotes.",
    ),
    Rule(
        "kubectl-patch-field",
        "A patch changes labels, annotations, a config map, or the specification of a workload, field by field, and "
        "lists of containers and volumes by the names in them.",
        "Ask somebody who administers the cluster to change the rest.",
    ),
    Rule(
        "kubectl-metadata",
        "Labels and annotations by which a controller gives an identity, code, devices or replicas are left alone.",
        "Ask somebody who administers the cluster; docs/guard.md lists the keys.",
    ),
    Rule(
        "kubectl-patch-privilege",
        "A patch gives a workload no host path, no part of the host, no other place and no privilege, and takes no "
        "restriction away.",
        "Leave the field out; who administers the cluster can change it.",
    ),
    Rule(
        "kubectl-token",
        "No workload is given a Secret that holds the token of a service account or of a node: who may run programs in "
        "its pods would be that account.",
        "Name another Secret; who administers the cluster can give a workload an account of its own.",
    ),
    Rule(
        "kubectl-manifest",
        "A manifest put in the place of a workload's own is one object in YAML without anchors, tags and repeated "
        "keys. What it changes is judged as a patch is.",
        "Correct the text and save it again.",
    ),
    Rule(
        "kubectl-delete",
        "Pods, jobs, workloads and autoscalers are deleted by name, selector or --all; nothing else is.",
        "Ask somebody who administers the cluster to delete other objects.",
    ),
    Rule(
        "kubectl-create",
        "Of create, job --from=cronjob/NAME, configmap and secret generic with --from-literal pass.",
        "Ask somebody who administers the cluster to make other objects.",
    ),
)

_HINTS = {rule.id: rule.hint for rule in RULES}


class Refused(Exception):
    """A line, or a part of it, does not pass: `rule` is the id, `reason` a sentence, `hint` what to do."""

    def __init__(self, rule: str, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason
        self.hint = hint or _HINTS[rule]


def shown(text: str) -> str:
    """Give typed text for a sentence, cut to what can be read."""
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"


_SHOWN_MAX = 60
"""Characters of a typed word that a sentence repeats."""
