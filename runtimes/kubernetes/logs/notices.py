"""Tells what the kubelet says instead of a log from the log itself. Pure.

The kubelet answers a request for a log with 200 before it has opened it, so its refusal arrives as the body: seen on
1.36 with containerd for pods that were evicted or are being deleted, and for earlier runs that were cleaned up. Only a
record without a time stamp, or a body that is nothing else, is taken for such a notice: a program may print the same.
Wordings: pkg/kubelet/kuberuntime (GetContainerLogs) and k8s.io/cri-client/pkg/logs (ReadLogs).
"""

from __future__ import annotations

import re

_NOTICE = re.compile(
    rb"unable to retrieve container logs for [\w.+-]{1,60}://\S{0,200}"
    rb"|failed to try resolving symlinks in path [^\n]{1,2000}\n?"
)
WORDS_MAX_CHARS = 200


def notice(text: bytes) -> str:
    """Give the kubelet's words when `text`, a whole record or the first of a body, is no line of a log; else ""."""
    if not _NOTICE.fullmatch(text):
        return ""
    return text.decode("utf-8", "replace").strip()[:WORDS_MAX_CHARS]
