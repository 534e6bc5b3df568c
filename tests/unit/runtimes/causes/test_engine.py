"""Why containers of an engine do not run, in the words of dockerd and Podman."""

from __future__ import annotations

import pytest

from runtimes.causes import explain
from runtimes.causes.facts import Absent, Facts
from tests.unit.runtimes.causes.making import check, crashed, engine, event

VOLUMES = (("cart", "/s/volumes/cart/_data"),)
TABLE = [
    (
        engine(
            "created",
            error="driver failed programming external connectivity on endpoint web (5f3a): Bind for 0.0.0.0:8080 "
            "failed: port is already allocated",
        ),
        ["port-taken"],
        "port 0.0.0.0:8080 of the host is taken by another container",
    ),
    (
        engine("created", error="Port 8080/tcp is already allocated: the container shop publishes it."),
        ["port-taken"],
        "port 8080/tcp of the host is taken: the container shop publishes it",
    ),
    (
        engine("created", error="Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use"),
        ["port-taken"],
        "taken by another program: 80",
    ),
    (
        engine(
            "created",
            error="rootlessport cannot expose privileged port 80, you can add 'net.ipv4.ip_unprivileged_port_start"
            "=80' to /etc/sysctl.conf (currently 1024)",
        ),
        ["port-privileged"],
        "runs without: 80",
    ),
    (
        engine("created", error='invalid mount config for type "bind": bind source path does not exist: /srv/data'),
        ["mount-source-missing"],
        "the path /srv/data that it mounts does not exist",
    ),
    (
        engine("created", error="statfs /srv/data: no such file or directory"),
        ["mount-source-missing"],
        "/srv/data",
    ),
    (
        engine(
            "created",
            exit_code=127,
            error="failed to create task for container: failed to create shim task: OCI runtime "
            'create failed: runc create failed: unable to start container process: exec: "serve": executable file '
            "not found in $PATH: unknown",
        ),
        ["command-not-found"],
        "the command serve of container web is not in its image",
    ),
    (
        engine(
            "configured",
            error="crun: executable file `serve` not found in $PATH: No such file or directory: OCI runtime "
            "attempted to invoke a command that was not found",
        ),
        ["command-not-found"],
        "the command serve",
    ),
    *(
        (
            engine("created", exit_code=127, error=f"{begin}{quote}/nosuch{quote}: stat /nosuch: {end}"),
            ["command-not-found"],
            "web cannot start because the command /nosuch of container web is not in its image",
        )
        for quote in ('"', '\\"')
        for begin, end in (
            (
                "failed to create shim task: runc create failed: unable to start container process: exec: ",
                "no such file or directory: unknown",
            ),
            (
                'unable to start container "38986d0f": runc: unable to start container process: exec: ',
                "no such file or directory: OCI runtime attempted to invoke a command that was not found",
            ),
        )
    ),
    (
        engine("exited", exit_code=1, last_lines=("exec /app: exec format error",)),
        ["exited", "wrong-platform", "last-log-lines"],
        "web has failed because container web ended with exit code 1",
    ),
    (
        engine(
            "created",
            error='error mounting "/srv/a.conf" to rootfs at "/etc/a.conf": mount /srv/a.conf:/etc/a.conf: not a '
            "directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)?",
        ),
        ["mount-type"],
        "a folder is mounted onto a file",
    ),
    (
        engine("created", error="lchown /s/volumes/cart/_data: no such file or directory", volumes=VOLUMES),
        ["volume-missing"],
        "the files of its volume cart are gone from the host: /s/volumes/cart/_data",
    ),
    (
        engine("created", error="statfs /srv/data: no such file or directory", volumes=VOLUMES),
        ["mount-source-missing"],
        "the path /srv/data",
    ),
    (
        engine("created", absent=(Absent(kind="volume", name="cart", said="get cart: no such volume"),)),
        ["volume-missing", "never-started"],
        "web cannot start because the volume cart that it mounts does not exist",
    ),
    (
        engine("exited", exit_code=3, absent=(Absent(kind="volume", name="cart", said="no such volume"),)),
        ["exited", "volume-missing"],
        "web has failed because container web ended with exit code 3",
    ),
    (
        engine("exited", exit_code=3, absent=(Absent(kind="image", name="shop:1", said="No such image: sha256:1"),)),
        ["exited", "image-missing"],
        "ended with exit code 3",
    ),
    (
        engine("running", absent=(Absent(kind="image", name="shop:1", said="No such image: sha256:1"),)),
        [],
        "web is running",
    ),
    (
        engine("created", error="error creating overlay mount to /s/overlay2/5b/merged: no such file or directory"),
        ["image-missing"],
        "layers of the image of container web are missing",
    ),
    (
        engine("created", error="network 5f3a not found"),
        ["network-missing"],
        "a network that it joins does not exist: 5f3a",
    ),
    (
        engine(
            "created",
            error="could not find an available, non-overlapping IPv4 address pool among the defaults to assign",
        ),
        ["no-address-left"],
        "no free address",
    ),
    (
        engine("created", error='could not select device driver "nvidia" with capabilities: [[gpu]]'),
        ["device-missing"],
        "a device (GPU)",
    ),
    (
        engine("created", error="mkdir /var/lib/docker/overlay2/x: no space left on device"),
        ["disk-full"],
        "disk of the host",
    ),
    (
        engine("created", error="unable to find user web: no matching entries in passwd file"),
        ["user-missing"],
        "group web",
    ),
    (engine("created", error="something of 2031"), ["engine-error"], "the engine could not start it"),
    (engine("created"), ["never-started"], "web was created but never started."),
    (engine("paused"), ["paused"], "web is paused"),
    (engine("dead"), ["dead"], "web is dead"),
    (
        engine("restarting", exit_code=1, restarts=7),
        ["exited"],
        "web keeps restarting because container web ended with exit",
    ),
    (engine("restarting"), ["crash-loop"], "keeps restarting"),
    (engine("exited", exit_code=0), ["finished"], "web is not running because container web has ended by itself"),
    (engine("exited", exit_code=143), ["stopped"], "web is not running because container web was asked to stop"),
    (
        engine("exited", exit_code=137, events=(event("stop", "was stopped"), event("start", "was started"))),
        ["stopped"],
        "web is not running because container web was stopped: it did not end within its grace time and was killed",
    ),
    (
        engine("exited", exit_code=137, events=(event("start", "was started"), event("stop", "was stopped"))),
        ["killed"],
        "web is not running because container web was ended with SIGKILL (exit code 137), by a stop after its grace",
    ),
    (
        engine("exited", exit_code=137, memory_limit_bytes=16 * 1024**2),
        ["killed"],
        "or by the kernel when memory ran out: its engine does not say which",
    ),
    (
        engine("exited", exit_code=137, run={"oom": True}, memory_limit_bytes=64 * 1024**2),
        ["oom-killed"],
        "its limit of 64 MiB",
    ),
    (
        engine("running", health="unhealthy", health_output="curl: (7) Failed to connect to localhost port 80"),
        ["health-check"],
        "web is running but unhealthy because its health check fails: curl: (7) Failed to connect",
    ),
    (
        engine("running", health="unhealthy", health_output=None),
        ["health-check"],
        "web is running but unhealthy because its health check fails.",
    ),
    (engine("running", health="starting"), ["health-starting"], "its health is not known yet"),
]


@pytest.mark.parametrize(("facts", "kinds", "fragment"), TABLE)
def test_the_cause_is_named(facts: Facts, kinds: list[str], fragment: str) -> None:
    check(facts, kinds, fragment)


@pytest.mark.parametrize("exit_code", [0, 1, 137, 143])
@pytest.mark.parametrize("state", ["exited", "restarting", "running"])
def test_words_that_only_kubernetes_knows_are_not_said_of_an_engine(state: str, exit_code: int) -> None:
    told = repr(explain(engine(state, exit_code=exit_code, restarts=2, last_lines=("permission denied",))).causes)
    for word in ("probe", "previous run", "securityContext", "OnFailure", "Job", "grace period"):
        assert word not in told
    assert "The Logs tab has the rest." in told or state == "running"


def test_a_pods_log_has_the_run_before() -> None:
    told = explain(crashed(137, last_lines=("bye",)))
    assert "also of the previous run" in told.causes[-1].hint
    assert "liveness probe" in told.causes[0].hint
