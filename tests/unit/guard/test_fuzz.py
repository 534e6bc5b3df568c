"""Spoiled lines for as long as there is time: 60 s in `make test`, `make fuzz` for as long as FUZZ_S says.

What is let through is held against a list of its own, not against the tables that let it through.
"""

from __future__ import annotations

import os
import random
import re
import time
from itertools import pairwise
from pathlib import Path

import pytest

from opsmodal.cli.policy_file import read_test
from opsmodal.guard.getopt import names
from opsmodal.guard.judge import judge
from opsmodal.guard.rules import RULES
from opsmodal.guard.verdict import Verdict, Where
from opsmodal.guard.world import Asked, Mode
from tests.unit.guard.spoiling import spoiled

SECONDS = int(os.environ.get("FUZZ_S", "60"))
SEED = int(os.environ.get("FUZZ_SEED", "20261121"))
FOLDER = Path(__file__).parent / "policies"
CASES = [
    (placed.case.command, placed.case.asked(world))
    for world, cases in (read_test(path) for path in sorted(FOLDER.glob("*.yaml")))
    for placed in cases
    if placed.case.command.strip() and len(placed.case.command) < 500
]
LINES = [line for line, _ in CASES]

CLUSTER_NEVER = re.compile(
    r"--?(?:A|all[-_]namespaces|n|namespace|s|server|kubeconfig|context|cluster|user|token|username|password|as|as[-_].*"
    r"|client[-_].*|certificate.*|tls.*|insecure.*|cache-dir|profile.*|vmodule|v|raw|filename|kustomize|from-file"
    r"|from-env-file|patch-file|kuberc)(?:=.*)?",
    re.DOTALL,
)
CLUSTER_TERMINAL = re.compile(r"--(?:stdin|tty|interactive|leave-stdin-open|attach)(?:=(?![0fF]).*)?", re.DOTALL)
CLUSTER_FOLLOW = re.compile(r"--(?:follow|watch|watch-only)(?:=(?![0fF]).*)?", re.DOTALL)
CLUSTER_VERBS = names(
    "get describe events top explain api-resources version help rollout wait auth apply set logs exec scale autoscale "
    "label annotate patch delete create"
)
ENGINE_VERBS = names(
    "ps inspect top port diff stats events version logs restart stop start kill pause unpause healthcheck container"
)
ENGINE_NEVER = re.compile(
    r"--?(?:it?|ti|t|tty|interactive|privileged|env-file|detach|attach|host|H|url|remote)(?:=true)?"
)
HOST_PROGRAMS = names(
    "ps free df netstat ss uptime w who whoami id last uname nproc lscpu lsblk date hostname mount vmstat iostat top "
    "ip ping dig host nslookup getent lsof systemctl cat"
)
UNIT_VERBS = names("status is-active is-enabled list-units")
HOST_NEVER = {
    "date": r"-[uR]*[sfr].*|--(?:set|file|reference).*",
    "ss": r"-[a-zA-Z0-9]*[KDFEN].*|--(?:kill|diag|filter|events|net).*",
    "netstat": r"-[a-zA-Z]*[cF].*|--continuous",
    "ip": r"set|del|delete|change|replace|flush|netns|exec|monitor|-b|-batch|-n|-netns|-a|-all|-force|save|restore",
    "cat": r"-[^-].*|/proc/[0-9].*|/proc/self.*|/etc/(?!os-release$).*",
    "systemctl": r"-H.*|-M.*|--host.*|--machine.*|--root.*|--now",
    "hostname": r"[^-].*|-[a-zA-Z]*[bF].*",
    "mount": r"(?!--$).*",
    "last": r"-[a-zA-Z0-9]*f.*|--file.*",
    "dig": r"-[0-9]*[fk].*",
    "lsof": r"[+].*|/.*|-r.*",
    "getent": r"gshadow|-s.*|--s.*",
    "ping": r"-[a-zA-Z0-9]*f.*",
}


def outside(verdict: Verdict, asked: Asked) -> str:
    """Say what an allowed verdict would do that nobody may; "" for nothing."""
    if verdict.where is Where.HOST:
        return _on_host(verdict, asked)
    if verdict.where is Where.CONTAINER:
        return "" if verdict.container in asked.world.own.values() else "a foreign container"
    return _on_cluster(verdict, asked) if asked.kind == "kubernetes" else _on_engine(verdict, asked)


def _on_cluster(verdict: Verdict, asked: Asked) -> str:
    argv = verdict.argv
    if argv[:3] != ("kubectl", "-n", asked.namespace) or argv[3] not in CLUSTER_VERBS:
        return "another beginning"
    outer = argv[4 : argv.index("--", 4)] if "--" in argv[4:] else argv[4:]
    for word in outer:
        if CLUSTER_NEVER.fullmatch(word) or CLUSTER_TERMINAL.fullmatch(word):
            return word
        if asked.mode is Mode.ONESHOT and CLUSTER_FOLLOW.fullmatch(word):
            return word
    return ""


def _on_engine(verdict: Verdict, asked: Asked) -> str:
    argv = verdict.argv
    if argv[0] != asked.kind or argv[1] not in ENGINE_VERBS:
        return "another beginning"
    foreign = {*asked.world.other, *asked.world.other.values()}
    columns = argv[1] == "top"  # what follows the container there is for ps
    return next((word for word in argv[2:] if word in foreign or (not columns and ENGINE_NEVER.fullmatch(word))), "")


def _on_host(verdict: Verdict, asked: Asked) -> str:
    program, *words = verdict.argv
    if program not in HOST_PROGRAMS:
        return program
    if (
        "--" not in words
        and asked.mode is Mode.ONESHOT
        and program == "ping"
        and not any("c" in word for word in words)
    ):
        return "ping for ever"
    if program == "systemctl" and UNIT_VERBS.isdisjoint(words):
        return "another verb"
    never = HOST_NEVER.get(program, r"(?!)")
    if program == "date":  # what stands behind -d is a time, however odd
        words = [word for before, word in pairwise(["", *words]) if not re.fullmatch(r"-[uR]*d|--date", before)]
    values = r"@|\+"  # of date, dig and lsof
    return next((word for word in words if re.fullmatch(never, word) and not re.match(values, word)), "")


@pytest.mark.timeout(SECONDS + 120)
def test_spoiled_lines_are_judged_and_what_passes_stays_inside() -> None:
    chance, ends, passed = random.Random(SEED), time.monotonic() + SECONDS, 0
    while time.monotonic() < ends:
        line, asked = chance.choice(CASES)
        bad = spoiled(line, LINES, chance)
        verdict = judge(bad, asked)
        assert verdict.rule in RULES, bad
        assert verdict.reason, bad
        if verdict.allowed:
            passed += 1
            assert not (wrong := outside(verdict, asked)), (wrong, bad, verdict.argv)
        elif verdict.suggestion:
            assert judge(verdict.suggestion, asked).allowed, (bad, verdict.suggestion)
    assert passed > SECONDS
