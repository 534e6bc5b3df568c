"""How much is measured: whole, shortened (`--quick`), or so little that a test can run everything (`--tiny`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The size of a run; times in seconds."""

    rounds: int
    requests: int
    pods: int
    containers: int
    churn_rate: int
    churn_s: float
    returned_s: float
    """How long memory may take to be given back after the last viewer has gone."""
    sockets: int
    changes: int
    counted_s: float
    log_lines: int
    follow_s: float
    follow_bytes_s: int
    screen_changes: int
    door_requests: int
    audited_s: float
    audited_rate: int
    kills: int
    audit_rows: int
    ssh_log_lines: int
    streamed_s: float
    steady_s: float
    idle_s: float
    deep_pods: int


FULL = Size(
    rounds=4,
    requests=50,
    pods=5000,
    containers=200,
    churn_rate=200,
    churn_s=300,
    returned_s=240,
    sockets=1000,
    changes=30,
    counted_s=45,
    log_lines=100_000,
    follow_s=60,
    follow_bytes_s=20_000_000,
    screen_changes=40,
    door_requests=1000,
    audited_s=60,
    audited_rate=200,
    kills=10,
    audit_rows=1_000_000,
    ssh_log_lines=500_000,
    streamed_s=10,
    steady_s=25,
    idle_s=180,
    deep_pods=10_000,
)
QUICK = Size(
    rounds=2,
    requests=20,
    pods=5000,
    containers=40,
    churn_rate=200,
    churn_s=20,
    returned_s=0,
    sockets=1000,
    changes=8,
    counted_s=8,
    log_lines=100_000,
    follow_s=8,
    follow_bytes_s=20_000_000,
    screen_changes=8,
    door_requests=200,
    audited_s=6,
    audited_rate=200,
    kills=2,
    audit_rows=200_000,
    ssh_log_lines=100_000,
    streamed_s=4,
    steady_s=25,
    idle_s=60,
    deep_pods=10_000,
)
TINY = Size(
    rounds=1,
    requests=2,
    pods=40,
    containers=3,
    churn_rate=20,
    churn_s=2,
    returned_s=1,
    sockets=5,
    changes=2,
    counted_s=2,
    log_lines=500,
    follow_s=2,
    follow_bytes_s=200_000,
    screen_changes=2,
    door_requests=5,
    audited_s=2,
    audited_rate=20,
    kills=1,
    audit_rows=2_000,
    ssh_log_lines=500,
    streamed_s=1,
    steady_s=2,
    idle_s=2,
    deep_pods=40,
)
