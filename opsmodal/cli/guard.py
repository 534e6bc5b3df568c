"""`guard`: ask what would become of a line, and hold a file of lines against what is expected of them.

Nothing is opened and nothing runs: both commands are the same pure function as the Commands tab, in a world that is
given.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opsmodal.cli.wording import say_rejected

if TYPE_CHECKING:
    from opsmodal.cli.policy_file import Placed
    from opsmodal.guard.verdict import Verdict
    from opsmodal.guard.world import Known

ALLOWED = 0
MISMATCH = 1
WRONG_USAGE = 2
CONFIRM = 3
REFUSED = 4
KINDS = ("kubernetes", "docker", "podman")
MODES = ("oneshot", "streaming")


@click.group()
def guard() -> None:
    """Ask the command guard about a line, or hold a file of lines against it."""


@guard.command("check")
@click.option("--runtime", "kind", type=click.Choice(KINDS), required=True, help="The kind of the runtime.")
@click.option("--mode", type=click.Choice(MODES), default="oneshot", show_default=True, help="How long it may run.")
@click.option("--namespace", default="", help="The service's own namespace, on Kubernetes.")
@click.option("--container", default="", help="The container that is chosen on the page, on Docker and Podman.")
@click.option("--world", "world_file", metavar="FILE", help="What the verdict depends on, as in a policy test.")
@click.option("--json", "as_json", is_flag=True, help="Write the verdict as JSON.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def check(
    kind: str,
    mode: str,
    namespace: str,
    container: str,
    world_file: str | None,
    as_json: bool,
    command: tuple[str, ...],
) -> None:
    """Say what becomes of a line: write it behind --, as one word as it is typed, or as the words of it.

    Exits with 0 when it is allowed, 3 when it wants to be confirmed, 4 when it is refused.
    """
    from opsmodal.guard.judge import judge
    from opsmodal.guard.world import Asked, Mode

    if kind == "kubernetes" and not namespace:
        raise click.UsageError("On Kubernetes a line is judged for a namespace: give --namespace.")
    asked = Asked(
        kind=_kind(kind),
        mode=Mode(mode),
        world=_world(world_file, container),
        namespace=namespace,
        container=container,
    )
    verdict = judge(command[0] if len(command) == 1 else command, asked)
    _tell(verdict, as_json=as_json)
    sys.exit({"allow": ALLOWED, "confirm": CONFIRM}.get(verdict.decision.value, REFUSED))


@guard.command("test")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def test(files: tuple[str, ...]) -> None:
    """Hold lines against what is expected of them; print each mismatch, and how many passed and failed.

    Exits with 1 on a mismatch, and with 2 when a file cannot be read.
    """
    read = [(name, *_read_test(name)) for name in files]
    failed = sum(_held(name, world, cases) for name, world, cases in read)
    passed = sum(len(cases) for _, _, cases in read) - failed
    click.echo(f"{passed} passed, {failed} failed")
    sys.exit(MISMATCH if failed else 0)


def _held(name: str, world: Known, cases: list[Placed]) -> int:
    """Judge the cases of a file; tell those that come out otherwise, and count them."""
    from opsmodal.guard.judge import judge

    failed = 0
    for placed in cases:
        case = placed.case
        verdict = judge(case.command, case.asked(world))
        if verdict.allowed is (case.expect == "deny"):
            failed += 1
            click.echo(f"{name}:{placed.line}: {case.id}: expected {case.expect}, got {verdict.decision.value}")
            click.echo(f"  {case.command!r} ({case.runtime}, {case.mode})")
            click.echo(f"  {verdict.rule}: {verdict.reason}")
            if case.why:
                click.echo(f"  why: {case.why}")
    return failed


def _read_test(name: str) -> tuple[Known, list[Placed]]:
    from opsmodal.cli.policy_file import read_test

    world, cases = _reading(name, read_test)
    return world, list(cases)


def _world(name: str | None, container: str) -> Known:
    """Read a world; without a file everything is permitted, and the chosen container is the service's own."""
    from opsmodal.cli.policy_file import made_up_id, read_world
    from opsmodal.guard.world import Known

    if name is None:
        return Known(own={container: made_up_id(container)} if container else {})
    world: Known = _reading(name, read_world)
    return world


def _reading(name: str, read: Any) -> Any:
    from opsmodal.errors import Rejected

    try:
        return read(Path(name))
    except OSError as error:
        click.echo(f"opsmodal: {name}: {error.strerror}.", err=True)
    except Rejected as rejected:
        say_rejected(rejected, source=name)
    sys.exit(WRONG_USAGE)


def _tell(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(_shown(verdict)))
        return
    click.echo(f"{verdict.decision.value} ({verdict.rule}): {verdict.reason}")
    if verdict.allowed:
        import shlex

        click.echo(f"  runs: {shlex.join(verdict.argv)}")
    for word, text in (("", verdict.hint), ("instead: ", verdict.suggestion)):
        if text:
            click.echo(f"  {word}{text}")


def _shown(verdict: Verdict) -> dict[str, object]:
    """Give a verdict as the API does, with where it runs."""
    return {
        "decision": verdict.decision.value,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "hint": verdict.hint,
        "suggestion": verdict.suggestion,
        "argv": list(verdict.argv),
        "where": verdict.where.value,
        "container": verdict.container,
        "needs": sorted(verdict.needs),
        "changes": verdict.changes,
        "targets": [{"kind": target.kind, "name": target.name} for target in verdict.targets],
    }


def _kind(kind: str) -> Any:
    return kind
