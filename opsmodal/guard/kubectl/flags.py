"""Judges the flags of a line: families that are refused wherever they stand, then what the verb lets through.

A family is refused in every spelling and with every value where it could reach something; those that open a terminal
or follow are refused where one of their values is true, because the last of a repeated flag holds and people paste.
"""

from __future__ import annotations

from opsmodal.guard.kubectl.formats import check_output
from opsmodal.guard.kubectl.rules import Refused, shown
from opsmodal.guard.pflag import Fault, Given, Problem, Read
from opsmodal.guard.world import Asked, Mode


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


TARGET = _names(
    "server kubeconfig context cluster user token username password as as-group as-uid as-user-extra kuberc "
    "client-certificate client-key certificate-authority tls-server-name insecure-skip-tls-verify "
    "insecure-skip-tls-verify-backend"
)
TRACE = _names("cache-dir profile profile-output vmodule v log-flush-frequency")
FILES = _names("filename kustomize from-file from-env-file patch-file cert key local")
FOLLOW = _names("follow watch watch-only")
TERMINAL = _names("stdin tty interactive")
HARMLESS = _names("namespace request-timeout warnings-as-errors disable-compression match-server-version help")
"""Flags of every verb that change neither where a line goes nor what it reads."""
_OF_FILES = "R"
"""The letter of `--recursive` where that is about files; the one of `explain` has no letter."""


def check_flags(read: Read, allowed: frozenset[str], asked: Asked) -> None:
    """Judge every flag that was given, in order. Raise Refused for the first that does not pass."""
    for given in read.given:
        check_everywhere(given, asked)
        if given.flag.name not in allowed | HARMLESS:
            raise Refused("kubectl-flag-refused", f"{given.spelled} is not let through here.")
        if given.flag.name == "output":
            check_output(given.value)


def check_everywhere(given: Given, asked: Asked) -> None:
    """Judge a flag by what it is wherever it stands. Raise Refused."""
    name = given.flag.name
    if name == "namespace":
        check_namespace(given, asked)
    elif name == "all-namespaces":
        raise Refused("kubectl-all-namespaces", f"{given.spelled} reads every namespace.")
    elif name in TARGET:
        raise Refused("kubectl-target", f"{given.spelled} chooses where a line goes, or as whom.")
    elif name in TRACE:
        raise Refused("kubectl-trace", f"{given.spelled} prints or writes what is the server's.")
    elif name == "raw":
        raise Refused("kubectl-raw", f"{given.spelled} sends any path to the cluster.")
    elif name in FILES or given.flag.short == _OF_FILES:
        raise Refused("kubectl-file", f"{given.spelled} is about files, which would be the server's.")
    elif name in TERMINAL and given.on:
        raise Refused("kubectl-terminal", f"{given.spelled} asks for standard input or a terminal.")
    elif name in FOLLOW and given.on and asked.mode is Mode.ONESHOT:
        raise Refused("kubectl-follow", f"{given.spelled} goes on for as long as nobody ends it.")


def check_namespace(given: Given, asked: Asked) -> None:
    """Refuse every value but the own namespace; an empty one would be whatever the kubeconfig says."""
    if given.value != asked.namespace:
        said = f"“{shown(given.value)}”" if given.value else "empty"
        raise Refused("kubectl-namespace", f"{given.spelled} is {said}, and not the own namespace {asked.namespace}.")


def unread(fault: Fault) -> Refused:
    """Make the refusal of words that kubectl would not read either, or that it would read otherwise than we can."""
    rule = "kubectl-flag" if fault.problem in (Problem.UNKNOWN, Problem.SYNTAX) else "kubectl-flag-value"
    return Refused(rule, fault.sentence)
