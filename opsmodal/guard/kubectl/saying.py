"""What the modules of the verbs get and give: a line that was read, and what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from opsmodal.guard.kubectl.objects import SECRETS, Object
from opsmodal.guard.kubectl.rules import Refused
from opsmodal.guard.pflag import Read
from opsmodal.guard.verdict import Decision, Target, Verdict
from opsmodal.guard.world import Asked, World
from opsmodal.permissions import Permission

EXEC = frozenset({Permission.EXEC})
MANAGE = frozenset({Permission.EXEC, Permission.MANAGE})
LOGS = frozenset({Permission.EXEC, Permission.LOGS})


@dataclass(frozen=True, slots=True)
class Line:
    """A line whose flags were judged: its verb, what was read behind it, and who asks."""

    verb: str
    read: Read
    asked: Asked

    @property
    def world(self) -> World:
        return self.asked.world

    @property
    def words(self) -> tuple[str, ...]:
        """What kubectl takes for arguments, on both sides of `--`."""
        return tuple(word.text for word in self.read.arguments)

    @property
    def dry(self) -> bool:
        """Whether it only tries: the last --dry-run says that nothing is to be kept."""
        return self.read.last("dry-run") in ("client", "server")

    def on(self, name: str) -> bool:
        """Tell whether a boolean was given and ends up true."""
        given = self.read.all(name)
        return bool(given) and given[-1].on

    def has(self, *names: str) -> bool:
        """Tell whether one of the flags was given."""
        return any(given.flag.name in names for given in self.read.given)

    def no_words(self) -> None:
        """Refuse words that a verb has no use for. Raise Refused."""
        if self.words:
            raise Refused("kubectl-arguments", f"kubectl {self.verb} takes no names.")


def viewed(line: Line, found: tuple[Object, ...] = (), *, long: bool = False) -> Verdict:
    """Allow what reads."""
    sentence = "This reads the own namespace." if found else "This reads nothing of the namespace's objects."
    return Verdict(
        decision=Decision.ALLOW,
        rule="kubectl-view",
        reason=sentence,
        verb=line.verb,
        needs=EXEC,
        long=long,
        kinds=kinds(found),
        targets=targets(found),
    )


def managed(line: Line, found: tuple[Object, ...], *, destroys: str = "") -> Verdict:
    """Allow what changes; `destroys` says in a sentence what it ends, for what has to be confirmed."""
    confirm = bool(destroys) and not line.dry
    return replace(
        viewed(line, found),
        decision=Decision.CONFIRM if confirm else Decision.ALLOW,
        rule="kubectl-destroy" if confirm else "kubectl-manage",
        reason=destroys if confirm else "This changes the own namespace.",
        needs=MANAGE,
        changes=True,
        masked=any(each.sort.plural == SECRETS for each in found),
    )


def kinds(found: tuple[Object, ...]) -> frozenset[str]:
    """Give the plural names of the kinds."""
    return frozenset(each.sort.plural for each in found)


def targets(found: tuple[Object, ...]) -> tuple[Target, ...]:
    """Give the objects as verdicts name them."""
    return tuple(each.target for each in found)
