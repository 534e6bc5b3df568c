"""Names the Secrets that hold tokens of the cluster: whoever gives one to a workload has to know. Reads no value."""

from __future__ import annotations

from runtimes.base import Scope
from runtimes.errors import Denied
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.media import ONLY_METADATA
from runtimes.kubernetes.config.objects import TOKEN_TYPES
from runtimes.kubernetes.objects.common import OnlyMetadata


def names(client: Client, scope: Scope) -> frozenset[str]:
    """Give their names, as it is now.

    Raise RuntimeProblem: without this nobody can tell whether a Secret may be given to a workload.
    """
    path = paths.collection(scope.namespace, "secrets")
    found: set[str] = set()
    for kind in TOKEN_TYPES:
        query = {"fieldSelector": f"type={kind}"}
        try:
            listed = client.listed(path, OnlyMetadata, what="secrets", query=query, accept=ONLY_METADATA)
        except Denied as denied:
            sentence = f"The runtime may not list the Secrets of {scope.namespace}."
            hint = f"Which of them hold tokens must be known before a workload is given one. {denied.hint}".strip()
            raise Denied(sentence, hint=hint, detail=denied.detail, grant=denied.grant) from denied
        found.update(each.metadata.name for each in listed)
    return frozenset(found)
