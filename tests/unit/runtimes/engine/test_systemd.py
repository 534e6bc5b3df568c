"""What systemctl prints of a unit, in the shape that systemctl(1) has, and which of it lets a unit be touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from connectors.base import Connection, Ended, Exit, Output
from connectors.errors import LoginRefused, NotAvailable, Unreachable
from runtimes.engine.managers import Host
from runtimes.engine.systemd import Units, check
from runtimes.errors import Conflict, Denied, Invalid, RuntimeProblem, Unavailable
from tests.unit.runtimes.engine.made import ID, container

WEB = container()
ENDING = "ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }"


def loaded(argv: str, *, state: str = "loaded") -> str:
    program = argv.split(maxsplit=1)[0]
    return f"LoadState={state}\nExecStart={{ path={program} ; argv[]={argv} ; {ENDING}\n"


QUADLET = (
    "/usr/bin/podman run --name=web --cidfile=/run/web.cid --replace --rm --cgroups=split --sdnotify=conmon -d image"
)
GENERATED = "/usr/bin/podman start web"
NEW = "/usr/bin/podman run --cidfile=/run/c-web.ctr-id --cgroups=no-conmon --rm -d --name web image sleep 3600"


@pytest.mark.parametrize("argv", [QUADLET, GENERATED, NEW, f"/usr/bin/podman start {ID}", f"podman start -a {ID[:12]}"])
def test_a_unit_that_starts_the_container_is_its_own(argv: str) -> None:
    check(loaded(argv), "web.service", WEB, program="podman")


@pytest.mark.parametrize(
    "argv",
    [
        "/usr/sbin/sshd -D",
        "/usr/sbin/sshd --name web",
        "/usr/bin/podman start other",
        "/usr/bin/podman run --name other image --name web",
        "/usr/bin/podman run --name=other web",
        "/usr/bin/podman kube play web",
        "/usr/bin/docker start web",
        f"/usr/bin/podman start {ID[:6]}",
        "/usr/bin/podman",
    ],
)
def test_a_label_leads_to_no_other_unit(argv: str) -> None:
    with pytest.raises(Conflict) as caught:
        check(loaded(argv), "web.service", WEB, program="podman")
    assert "does not say that it starts this container" in caught.value.sentence
    assert caught.value.hint.startswith("Nothing was done.")


@pytest.mark.parametrize("called", ["run", "start", "image", "-d"])
def test_a_container_called_like_a_word_of_a_command_line_is_not_meant_by_it(called: str) -> None:
    with pytest.raises(Conflict):
        check(loaded(NEW), "web.service", container(Name=f"/{called}"), program="podman")


@pytest.mark.parametrize("shown", ["", "LoadState=not-found\n", loaded(QUADLET, state="masked"), "rubbish"])
def test_a_unit_that_is_not_there_is_not_touched(shown: str) -> None:
    with pytest.raises(Conflict) as caught:
        check(shown, "web.service", WEB, program="podman")
    assert "knows no unit web.service" in caught.value.sentence


class Said:
    """A connection whose host answers each line with what was put ready, and takes the lines down."""

    kind = "direct"
    has_host = True

    def __init__(self, *answers: tuple[int | None, str] | Exception) -> None:
        self._answers = list(answers)
        self.lines: list[list[str]] = []

    def run(self, argv: Sequence[str], **_: object) -> object:
        self.lines.append([*argv])
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        code, words = answer
        end = Exit(code=code, reason=Ended.TIMEOUT if code is None else Ended.EXITED)
        return (each for each in (Output("stderr", words.encode()), end))


def units(said: Said, *, user: str = "") -> Units:
    return Units(cast(Connection, said), Host(there=True, user=user), program="podman")


@pytest.mark.parametrize("verb", ["restart", "stop", "start"])
def test_systemd_is_asked_what_the_unit_is_and_then_to_do_it(verb: str) -> None:
    said = Said((0, loaded(QUADLET)), (0, ""))
    units(said).change(verb, "web.service", WEB, within_s=5)
    show = ["systemctl", "show", "--property=LoadState", "--property=ExecStart", "--", "web.service"]
    assert said.lines == [show, ["systemctl", "--no-ask-password", verb, "--", "web.service"]]


def test_a_users_unit_is_the_users_systemds() -> None:
    said = Said((0, loaded(QUADLET)), (0, ""))
    units(said, user="1000").change("restart", "web.service", WEB, within_s=5)
    assert [line[:4] for line in said.lines] == [["env", "XDG_RUNTIME_DIR=/run/user/1000", "systemctl", "--user"]] * 2


@pytest.mark.parametrize(
    ("answers", "kind", "words"),
    [
        (((1, "Failed to connect to bus: No medium found"),), Unavailable, "Failed to connect to bus"),
        (((0, loaded("/usr/sbin/sshd -D")),), Conflict, "does not say"),
        (((0, loaded(QUADLET)), (4, "Interactive authentication required.")), Denied, "may not have web.service"),
        (((0, loaded(QUADLET)), (1, "Job for web.service failed.\nSee …")), Conflict, "Job for web.service failed."),
        (((0, loaded(QUADLET)), (None, "")), Unavailable, "was not over after 5 s"),
        ((NotAvailable("No such program."),), Invalid, "No such program."),
        ((LoginRefused("No."),), Denied, "No."),
        ((Unreachable("Gone."),), Unavailable, "Gone."),
    ],
)
def test_what_goes_wrong_is_said_and_nothing_else_is_run(
    answers: tuple[tuple[int | None, str] | Exception, ...], kind: type[RuntimeProblem], words: str
) -> None:
    said = Said(*answers)
    with pytest.raises(kind) as caught:
        units(said).change("restart", "web.service", WEB, within_s=5)
    assert words in caught.value.sentence
    assert len(said.lines) == len(answers)
