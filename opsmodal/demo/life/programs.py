"""The invented programs that run in simulated containers: how long, how they end, what they write, what they use.

Which program an image holds is decided by the last word of its name, or by an annotation of the pod. A container's
command is only looked at by scripts.py. Whatever the name, nothing of the machine is ever started.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from opsmodal.demo.documents import Obj, annotations_of
from opsmodal.demo.life.output import Write
from opsmodal.demo.names import share

ANNOTATION = "demo.opsmodal.dev/program"
"""Annotation of a pod (or `…/program.CONTAINER`) that names one of PROGRAMS."""
RATE_ANNOTATION = "demo.opsmodal.dev/log-lines-per-second"
MI = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How an invented program behaves. `runs_s` None runs for ever; `ready_s` None never becomes ready."""

    pull_s: float = 1.2
    pull_problem: str = ""
    start_problem: str = ""
    runs_s: float | None = None
    exit_code: int = 0
    oom: bool = False
    ready_s: float | None = 1.0
    probe_message: str = ""
    alive: bool = True
    stop_s: float = 0.3
    opening: tuple[str, ...] = ("starting",)
    period_s: float = 0.0
    write: Write | None = None
    closing: tuple[str, ...] = ()
    cpu_cores: float = 0.005
    memory_bytes: int = 24 * MI


PATHS = (
    ("GET", "/", 200),
    ("GET", "/products", 200),
    ("GET", "/products/4711", 200),
    ("POST", "/cart", 201),
    ("GET", "/cart", 200),
    ("GET", "/static/app.css", 304),
    ("GET", "/products/0815", 404),
    ("POST", "/checkout", 303),
)
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1)",
    "kube-probe/1.32",
    "curl/8.5.0",
)


def _access_line(identity: str, place: int, moment: datetime) -> str:
    """Write a line of an access log in the combined format."""
    method, path, code = PATHS[int(share(identity, place, "path") * len(PATHS))]
    agent = AGENTS[int(share(identity, place, "agent") * len(AGENTS))]
    client = f"10.244.{int(share(identity, place, 'net') * 3)}.{int(share(identity, place, 'host') * 250) + 2}"
    size = 180 + int(share(identity, place, "size") * 9000)
    when = moment.strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{client} - - [{when}] "{method} {path} HTTP/1.1" {code} {size} "-" "{agent}"'


def _database_line(identity: str, place: int, moment: datetime) -> str:
    """Write a line as a database does at its checkpoints."""
    when = moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    buffers, took = int(share(identity, place) * 900), share(identity, place, "took") * 9
    if place % 2 == 0:
        return f"{when} UTC [27] LOG:  checkpoint starting: time"
    return f"{when} UTC [27] LOG:  checkpoint complete: wrote {buffers} buffers; write={took:.3f} s, sync=0.004 s"


def _job_line(identity: str, place: int, moment: datetime) -> str:
    rows = int(share(identity, place) * 5000)
    return f'{{"time":"{moment.isoformat(timespec="milliseconds")}","level":"info","msg":"batch done","rows":{rows}}}'


def _plain_line(_: str, place: int, moment: datetime) -> str:
    return f"{moment.isoformat(timespec='milliseconds')} line {place}"


TRACE = (
    "ERROR payments.worker: cannot reach the card gateway, giving up",
    "Traceback (most recent call last):",
    '  File "/app/payments/worker.py", line 88, in run',
    "    gateway = connect(settings.gateway_url, timeout=5)",
    '  File "/app/payments/gateway.py", line 31, in connect',
    '    raise ConnectionError(f"{url}: connection refused")',
    "ConnectionError: https://gateway.payments.svc:8443: connection refused",
)
WEB = Program(
    opening=("INFO  listening on :8080", "INFO  connected to database at db:5432"),
    period_s=2.0,
    write=_access_line,
    cpu_cores=0.06,
    memory_bytes=92 * MI,
)
DATABASE = Program(
    pull_s=2.6,
    opening=(
        "LOG:  starting PostgreSQL 17.2 on x86_64-pc-linux-musl",
        'LOG:  listening on IPv4 address "0.0.0.0", port 5432',
        "LOG:  database system is ready to accept connections",
    ),
    period_s=30.0,
    write=_database_line,
    stop_s=0.8,
    cpu_cores=0.03,
    memory_bytes=180 * MI,
)
CRASH = Program(
    runs_s=3.0,
    exit_code=1,
    opening=("INFO payments.worker: version 2.3.0 starting", "INFO payments.worker: reading queue payments.captures"),
    closing=TRACE,
    memory_bytes=60 * MI,
)
OOM = Program(
    runs_s=6.0,
    exit_code=137,
    oom=True,
    opening=("loading the whole catalogue into memory", "loaded 100000 rows", "loaded 200000 rows"),
    memory_bytes=64 * MI,
)
UNREADY = replace(WEB, ready_s=None, probe_message="HTTP probe failed with statuscode: 503", cpu_cores=0.01)
PROGRAMS: Mapping[str, Program] = {
    "web": WEB,
    "db": DATABASE,
    "worker": Program(opening=("worker ready",), period_s=5.0, write=_job_line, cpu_cores=0.02, memory_bytes=48 * MI),
    "crash": CRASH,
    "oom": OOM,
    "unready": UNREADY,
    "unhealthy": replace(UNREADY, alive=False),
    "job": Program(runs_s=4.0, period_s=0.5, write=_job_line, closing=("done",)),
    "fail": Program(runs_s=1.0, exit_code=2, closing=("fatal: cannot open /data/input.csv",)),
    "loud": Program(period_s=0.001, write=_plain_line, cpu_cores=0.4),
    "quiet": Program(opening=()),
    "sleep": Program(opening=(), stop_s=5.0),
    "missing": Program(pull_problem="not found"),
    "private": Program(pull_problem="unauthorized"),
    "slow-pull": Program(pull_s=600.0),
    "no-entrypoint": Program(start_problem="no-entrypoint"),
    "pause": Program(opening=(), cpu_cores=0.0, memory_bytes=MI),
}
IMAGES: Mapping[str, str] = {
    "nginx": "web",
    "caddy": "web",
    "httpd": "web",
    "shop-web": "web",
    "payments-api": "web",
    "postgres": "db",
    "mysql": "db",
    "payments-worker": "crash",
    "busybox": "quiet",
    "does-not-exist": "missing",
}
NO_TAGS = frozenset({"bbb", "no-such-tag"})
"""Tags that no image has, so that a rollout can get stuck on one: the first is what tutorials mistype."""


def is_named(pod: Obj, container: Obj) -> bool:
    """Tell whether the pod itself says which program a container runs."""
    marks = annotations_of(pod)
    return ANNOTATION in marks or f"{ANNOTATION}.{container['name']}" in marks


def program_of(pod: Obj, container: Obj) -> Program:
    """Tell which program a container runs."""
    marks = annotations_of(pod)
    named = marks.get(f"{ANNOTATION}.{container['name']}") or marks.get(ANNOTATION)
    image, _, tag = container["image"].partition("@")[0].rpartition("/")[2].partition(":")
    program = PROGRAMS.get(named or IMAGES.get(image, image), PROGRAMS["worker"])
    program = PROGRAMS["missing"] if tag in NO_TAGS else program
    rate = marks.get(RATE_ANNOTATION)
    return replace(program, period_s=1 / float(rate)) if rate else program
