"""What a line of docker or podman becomes: the argv that runs, where, what it needs, and what a refusal says."""

from __future__ import annotations

import pytest

from opsmodal.guard.engine import judge_engine, judge_in_container
from opsmodal.guard.line import split
from opsmodal.guard.verdict import Decision, Target, Verdict, Where
from opsmodal.guard.world import Asked, Known, Mode
from opsmodal.permissions import Permission

WEB, DB, PAY = "a1" * 32, "a2" * 32, "b1" * 32
WORLD = Known(own={"web": WEB, "db": DB}, other={"pay": PAY})
NARROW = f"--filter=id={DB} --filter=id={WEB}"


def judged(line: str, *, streaming: bool = False, container: str = "", world: Known = WORLD, kind: str = "") -> Verdict:
    words = split(line)
    engine = kind or words[0].text
    asked = Asked(
        kind="podman" if engine == "podman" else "docker",
        mode=Mode.STREAMING if streaming else Mode.ONESHOT,
        world=world,
        container=container,
    )
    return judge_in_container(words, asked) if container else judge_engine(words, asked)


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("docker ps", f"docker ps {NARROW}"),
        ("docker container ls -aq -n=2", f"docker ps --all --last=2 --quiet {NARROW}"),
        ("docker ps -a=false", f"docker ps --all=false {NARROW}"),
        ("docker ps -n 3 -n 2", f"docker ps --last=2 {NARROW}"),
        ("docker ps -f name=x --filter status=running", f"docker ps {NARROW} --filter=name=x --filter=status=running"),
        ("docker ps --filter since=web", f"docker ps {NARROW} --filter=since={WEB}"),
        ("docker ps --filter ID=a1", f"docker ps --filter=id={WEB}"),
        ("docker inspect web -f {{.Id}} /db", f"docker inspect --type=container --format={{{{.Id}}}} {WEB} {DB}"),
        ("docker container inspect a1", f"docker inspect --type=container {WEB}"),
        ("docker top web -eo pid", f"docker top {WEB} -eo pid"),
        ("docker stats --no-stream", f"docker stats --no-stream {DB} {WEB}"),
        ("docker events --until 0s", f"docker events --until=0s --filter=container={DB} --filter=container={WEB}"),
        ("docker logs -tn 5 web", f"docker logs --tail=5 --timestamps {WEB}"),
        ("docker restart --time 3 web web", f"docker restart -t=3 {WEB}"),
        ("docker kill -sHUP -- web", f"docker kill --signal=HUP {WEB}"),
        ("docker port web 80", f"docker port {WEB} 80"),
        ("docker version", "docker version"),
        ("podman logs -n web db", f"podman logs --names {WEB} {DB}"),
        ("podman healthcheck run web", f"podman healthcheck run {WEB}"),
        ("podman events --stream=false", f"podman events --stream=false {NARROW.replace('id=', 'container=')}"),
        ("podman stats --no-trunc=false --no-stream db", f"podman stats --no-stream --no-trunc=false {DB}"),
        ("podman stop -it2 web", f"podman stop --ignore --time=2 {WEB}"),
    ],
)
def test_the_line_is_written_anew_with_full_ids(line: str, argv: str) -> None:
    verdict = judged(line)
    assert " ".join(verdict.argv) == argv
    assert verdict.where is Where.CLI


@pytest.mark.parametrize("program", ["docker", "podman"])
def test_a_service_without_containers_sees_none(program: str) -> None:
    empty = Known(other={"pay": PAY})
    assert judged(f"{program} ps -a", world=empty).argv[-1] == "--filter=id=" + "0" * 64
    assert judged(f"{program} events --until 0s", world=empty).argv[-1] == "--filter=container=" + "0" * 64
    assert not judged(f"{program} stats --no-stream", world=empty).allowed


@pytest.mark.parametrize(
    ("line", "needs", "decision", "changes", "long"),
    [
        ("docker ps", set(), Decision.ALLOW, False, False),
        ("docker events --until 0s", set(), Decision.ALLOW, False, True),
        ("docker logs web", {Permission.LOGS}, Decision.ALLOW, False, True),
        ("docker exec web ls", set(), Decision.ALLOW, True, False),
        ("docker start web", {Permission.MANAGE}, Decision.ALLOW, True, False),
        ("docker unpause web", {Permission.MANAGE}, Decision.ALLOW, True, False),
        ("docker stop web", {Permission.MANAGE}, Decision.CONFIRM, True, False),
        ("docker restart web", {Permission.MANAGE}, Decision.CONFIRM, True, False),
        ("podman kill web", {Permission.MANAGE}, Decision.CONFIRM, True, False),
        ("podman pause web", {Permission.MANAGE}, Decision.CONFIRM, True, False),
    ],
)
def test_a_verdict_says_what_a_line_needs_and_does(
    line: str, needs: set[Permission], decision: Decision, changes: bool, long: bool
) -> None:
    verdict = judged(line)
    assert verdict.needs == {Permission.EXEC, *needs}
    assert (verdict.decision, verdict.changes, verdict.long) == (decision, changes, long)
    assert bool(verdict.targets) is changes


def test_a_changing_line_names_what_it_hits_by_name() -> None:
    assert judged("docker stop a1 db").targets == (Target("container", "web"), Target("container", "db"))


@pytest.mark.parametrize("line", ["docker version", "podman version -f json"])
def test_what_is_about_the_engine_says_so(line: str) -> None:
    assert judged(line).on_runtime
    assert not judged(f"{line.split(maxsplit=1)[0]} ps").on_runtime


def test_exec_goes_to_the_engine_with_the_inner_words_as_they_are() -> None:
    verdict = judged("docker exec -u root:0 -w /srv -e A=1 --env=B= web sh -c 'a; b' --privileged -it")
    assert verdict.where is Where.CONTAINER
    assert verdict.container == WEB
    assert verdict.argv == ("sh", "-c", "a; b", "--privileged", "-it")
    assert (verdict.user, verdict.workdir, verdict.environment) == ("root:0", "/srv", ("A=1", "B="))
    assert "A=1" not in repr(verdict)


@pytest.mark.parametrize("streaming", [False, True])
def test_a_line_for_a_chosen_container_is_opaque(streaming: bool) -> None:
    verdict = judged("tail -f /x --privileged", container="web", streaming=streaming, kind="docker")
    assert verdict.argv == ("tail", "-f", "/x", "--privileged")
    assert (verdict.where, verdict.container, verdict.changes, verdict.verb) == (Where.CONTAINER, WEB, True, "exec")


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [
        ("docker exec web ps aux", "ps aux"),
        ("docker exec -it -u root web sh -c 'a b'", "sh -c 'a b'"),
        ("docker exec a1 ps", "ps"),
        ("docker exec db ps", ""),
        ("docker exec pay ps", ""),
        ("podman exec web ls", "ls"),
        ("kubectl exec web-0 -c app -- ls -l", "ls -l"),
        ("docker ps aux", "ps aux"),
        ("docker", ""),
    ],
)
def test_a_line_with_a_program_in_front_suggests_what_is_meant_in_the_container(line: str, suggestion: str) -> None:
    verdict = judged(line, container="web")
    assert (verdict.rule, verdict.suggestion) == ("container-program", suggestion)


def test_a_chosen_container_has_to_be_own() -> None:
    assert judged("ls", container="pay", kind="docker").rule == "engine-container"


@pytest.mark.parametrize(
    ("line", "rule", "suggestion"),
    [
        ("docker exec -it web sh -c 'a b'", "engine-terminal", "docker exec web sh -c 'a b'"),
        ("docker exec -ite A=b web env", "engine-terminal", "docker exec -e A=b web env"),
        ("docker logs -f --tail=5 web", "engine-follow", "docker logs --tail 5 web"),
        ("docker stats web", "engine-endless", "docker stats --no-stream web"),
        ("docker events --since 5m", "engine-endless", "docker events --until=0s --since 5m"),
        ("podman logs web --tail 5 -t", "engine-flag", "podman logs --tail 5 -t web"),
        ("podman logs web --tail=5 db", "engine-flag", "podman logs --tail 5 web db"),
        ("podman logs web -- -t", "engine-flag", ""),
        ("podman events", "engine-endless", "podman events --stream=false"),
        ("docker stats -a --no-stream", "engine-everyone", "docker stats --no-stream"),
        ("docker -H tcp://x --tls ps -a", "engine-global", "docker ps -a"),
        ("podman --log-level debug ps", "engine-global", "podman ps"),
        ("docker system events --until 0s", "engine-administration", "docker events --until 0s"),
        ("docker compose restart web", "engine-administration", "docker restart web"),
        ("docker run alpine", "engine-new", ""),
        ("docker images", "engine-image", ""),
        ("docker rm web", "engine-object", ""),
    ],
)
def test_a_refusal_suggests_the_line_that_would_do(line: str, rule: str, suggestion: str) -> None:
    verdict = judged(line)
    assert (verdict.rule, verdict.suggestion) == (rule, suggestion)
    if suggestion:
        assert judged(suggestion).allowed


def test_nobody_learns_whether_a_foreign_container_is_there() -> None:
    there, absent = judged("docker logs pay"), judged("docker logs nope")
    assert there.reason.replace("pay", "nope") == absent.reason
    assert there.hint == absent.hint == "This service's containers: db, web."


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [
        ("docker logs web", "docker logs shop-web-1"),
        ("docker exec /web cat web", "docker exec shop-web-1 cat web"),
        ("docker logs --tail 5 shop-web", "docker logs --tail 5 shop-web-1"),
        ("docker stop cache", "docker stop shop_cache.1"),
        ("docker logs worker", ""),
        ("docker logs pay-web", ""),
        ("docker logs we", ""),
        ("docker ps --filter id=web", ""),
    ],
)
def test_a_service_of_compose_suggests_its_container(line: str, suggestion: str) -> None:
    own = {"shop-web-1": WEB, "shop_cache.1": DB, "shop-worker-1": "a3" * 32, "shop-worker-2": "a4" * 32}
    verdict = judged(line, world=Known(own=own, other={"pay-web": PAY, "web": "b2" * 32}))
    assert (verdict.rule, verdict.suggestion) == ("engine-container", suggestion)


def test_a_name_wins_over_an_id_that_it_begins() -> None:
    world = Known(own={"b1": WEB}, other={"pay": PAY, "a2": DB})
    assert judged("docker logs b1", world=world).argv[-1] == WEB
    assert not judged("docker logs a2", world=world).allowed
    assert not judged("docker logs b", world=world).allowed
