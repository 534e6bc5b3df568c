"""Changes to workloads: what each would do, as kubectl does it, and the doing. `plan`, `becoming`, `apply`: no more.

A draft says what would be sent and is made by pure code out of what is there now; `table.DRAFTS` says which draft
belongs to which change. Planning sends it as a dry run, applying sends it once.
"""

from __future__ import annotations

from runtimes.kubernetes.changes.doing import apply as apply
from runtimes.kubernetes.changes.doing import becoming as becoming
from runtimes.kubernetes.changes.doing import plan as plan
from runtimes.kubernetes.changes.table import verbs as verbs
