"""Whatever the login shell of a host is, a program there gets exactly its arguments, and ends when it should."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.errors import NotAvailable
from connectors.keeper import ARGUMENTS_MAX_BYTES, INPUT_MAX_BYTES, Kept, keep, sweeping
from tests.engines.process import wait_for
from tests.unit.connectors.processes import naming

LOGIN_SHELLS = {
    "dash": ("dash",),
    "bash": ("bash",),
    "ash": ("busybox", "ash"),
    "zsh": ("zsh",),
    "fish": ("fish",),
    "csh": ("tcsh",),
}
KEEPING_SHELLS = ("dash", "bash", "ash")
"""What /bin/sh is on Debian, on Red Hat, on Alpine."""
OVER_S = 20.0
ANY = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40)
NASTY = st.text(st.sampled_from(" '\"$()`\\\n\r\t;&|<>!*?[]{}#~=%é\u2028\x7f\x01"), max_size=20)
ARGUMENTS = st.lists(ANY | NASTY, max_size=6)


@given(arguments=ARGUMENTS)
@example(arguments=["", " ", "a b", "'", '"', "$(id)", "`id`", "x\ny", "\n", "\n\n", "\\", "\\n", ";", "!!", "*", "-n"])
@example(arguments=["\udc80\udcff\udc81", "\u2028", "é", "\x01\x7f"])
def test_arguments_arrive_as_they_are(arguments: list[str]) -> None:
    assert _told(("dash",), arguments) == [argument.encode(errors="surrogateescape") for argument in arguments]


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
def test_every_login_shell_hands_them_on(shell: str) -> None:
    arguments = [
        "",
        "a b",
        "it's",
        '"',
        "$(id)",
        "`id`",
        "x\n y\n",
        "\\",
        ";",
        "!x",
        "*",
        "é\udcff",
        "~",
        "{a,b}",
        "%s",
    ]
    assert _told(_there(shell), arguments) == [argument.encode(errors="surrogateescape") for argument in arguments]


@pytest.mark.exhaustive
@pytest.mark.parametrize("shell", KEEPING_SHELLS[1:])
@given(arguments=ARGUMENTS)
def test_every_shell_that_may_be_the_keeper_hands_them_on(shell: str, arguments: list[str]) -> None:
    expected = [argument.encode(errors="surrogateescape") for argument in arguments]
    assert _told(_there(shell), arguments, keeper=_there(shell)) == expected


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
def test_what_a_shell_prints_before_comes_before_the_mark(shell: str) -> None:
    kept = keep(["printf", "%s", "mine"], limit_s=OVER_S)
    done = _run(_there(shell), kept)
    assert done.stdout == kept.mark + b"\nmine"
    assert done.stderr == kept.mark + b"\n"
    assert kept.mark.decode() not in kept.command, "a shell that traces its commands would print it too early"


@pytest.mark.parametrize("shell", KEEPING_SHELLS)
@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("nonsuch", 127)],
)
def test_the_exit_status_is_that_of_the_program(shell: str, script: str, code: int) -> None:
    assert _run(("dash",), keep(["sh", "-c", script], limit_s=OVER_S), keeper=_there(shell)).returncode == code


@pytest.mark.parametrize("size", [0, 1, 4096, 300_000])
def test_input_arrives_whole_and_ends(size: int) -> None:
    given_bytes = bytes(index % 256 for index in range(size))
    kept = keep(["cat"], limit_s=OVER_S, stdin=given_bytes)
    assert _run(("dash",), kept).stdout == kept.mark + b"\n" + given_bytes


def test_input_that_was_cut_off_is_given_to_no_program() -> None:
    kept = keep(["cat"], limit_s=OVER_S, stdin=b"x" * 1000)
    done = subprocess.run(kept.argv, check=False, input=kept.input[:-10], capture_output=True, timeout=OVER_S)
    assert done.stdout == kept.mark + b"\n"
    assert done.returncode == 125


def test_a_line_that_was_cut_off_is_not_run(tmp_path: object) -> None:
    kept = keep(["touch", f"{tmp_path}/made"], limit_s=OVER_S)
    done = subprocess.run(kept.argv, check=False, input=kept.input[:-1], capture_output=True, timeout=OVER_S)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert done.returncode != 0


STUBBORN = "trap '' TERM; while :; do sleep 1 {word}; done"


@pytest.mark.parametrize(
    ("script", "shell"),
    [
        *(("sleep {word} & sleep {word}", shell) for shell in KEEPING_SHELLS),
        (STUBBORN, "dash"),
        pytest.param(STUBBORN, "bash", marks=pytest.mark.exhaustive),
        pytest.param(STUBBORN, "ash", marks=pytest.mark.exhaustive),
    ],
)
def test_the_group_ends_with_the_lifeline(script: str, shell: str) -> None:
    word = f"7{time.monotonic_ns() % 10**8:08d}"
    kept = keep(["sh", "-c", script.format(word=word)], limit_s=OVER_S)
    with _started(kept, keeper=_there(shell)) as process:
        wait_for(lambda: bool(naming(word)), "the program runs")
        assert process.stdin is not None
        process.stdin.close()
        wait_for(lambda: not naming(word) and not naming(kept.name), "nothing of it is left", within_s=OVER_S)


def test_the_group_ends_when_its_time_is_over() -> None:
    kept = keep(["sleep", "1234"], limit_s=1)
    with _started(kept) as process:
        assert process.wait(OVER_S) == 143
        wait_for(lambda: not naming(kept.name), "nothing of it is left", within_s=OVER_S)


def test_what_a_program_leaves_in_its_group_ends_with_it() -> None:
    word = f"7{time.monotonic_ns() % 10**8:08d}"
    kept = keep(["sh", "-c", f"sleep {word} & echo over"], limit_s=OVER_S)
    assert _run(("dash",), kept).stdout == kept.mark + b"\nover\n"
    assert not naming(word)


def test_a_daemon_that_a_program_starts_lives_on() -> None:
    word = f"2.{time.monotonic_ns() % 10**8:08d}"
    apart = 'until [ "$(cut -d" " -f6 /proc/$!/stat)" = $! ]; do :; done'  # the field is its session
    kept = keep(["sh", "-c", f"setsid sleep {word} >/dev/null 2>&1 & {apart}; echo over"], limit_s=OVER_S)
    assert _run(("dash",), kept).stdout == kept.mark + b"\nover\n"
    assert naming(word)
    wait_for(lambda: not naming(word), "it ends by itself")


APART = "setsid sleep {word} >/dev/null 2>&1 & until [ \"$(cut -d' ' -f6 /proc/$!/stat)\" = $! ]; do :; done"


@pytest.mark.parametrize("shell", KEEPING_SHELLS)
@pytest.mark.parametrize(
    "left",
    [APART + "; echo over", "nohup setsid sh -c 'trap \"\" TERM; sleep {word}' >/dev/null 2>&1 & sleep 1; echo over"],
)
def test_inside_a_container_a_daemon_ends_too(shell: str, left: str) -> None:
    word = f"7{time.monotonic_ns() % 10**8:08d}"
    kept = keep(["sh", "-c", left.format(word=word)], limit_s=OVER_S, inside=True)
    done = _run(("dash",), kept, keeper=_there(shell))
    assert done.stdout == kept.mark + b"\nover\n"
    wait_for(lambda: not naming(word), "the daemon ended", within_s=OVER_S)


@pytest.mark.parametrize("shell", KEEPING_SHELLS)
def test_the_environment_arrives_as_it_is(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [chr(letter) for letter in range(ord("a"), ord("z") + 1)] + ["it", "need"]
    for name in names:
        monkeypatch.setenv(name, f"mine {name}")
    script = "".join(f'echo "{name}=${name}";' for name in names)
    done = _run(("dash",), keep(["sh", "-c", script], limit_s=OVER_S, inside=True), keeper=_there(shell))
    assert done.stdout.decode().splitlines()[1:] == [f"{name}=mine {name}" for name in names]


@pytest.mark.parametrize("shell", KEEPING_SHELLS)
def test_inside_a_container_a_daemon_ends_with_the_lifeline(shell: str) -> None:
    word = f"7{time.monotonic_ns() % 10**8:08d}"
    kept = keep(["sh", "-c", APART.format(word=word) + f"; sleep {word}"], limit_s=OVER_S, inside=True)
    with _started(kept, keeper=_there(shell)) as process:
        wait_for(lambda: len(naming(word)) > 1, "both run")
        assert process.stdin is not None
        process.stdin.close()
        wait_for(lambda: not naming(word) and not naming(kept.name), "nothing of it is left", within_s=OVER_S)


@pytest.mark.parametrize("shell", KEEPING_SHELLS)
@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("printf x >&2; exit 3", 3), ("kill -KILL $$", 137), ("no-such", 127)]
)
def test_inside_a_container_the_last_line_says_how_it_ended(shell: str, script: str, code: int) -> None:
    kept = keep(["sh", "-c", script], limit_s=OVER_S, inside=True)
    done = _run(("dash",), kept, keeper=_there(shell))
    assert done.returncode == code
    assert done.stderr.startswith(kept.mark + b"\n")
    assert done.stderr.endswith(kept.mark + f"{code}\n".encode())


@pytest.mark.parametrize("shell", KEEPING_SHELLS)
def test_a_full_disk_is_no_hindrance(shell: str, tmp_path: Path) -> None:
    """No file can be written by whatever is started here, as on a host whose every disk is full."""
    kept = keep(["sh", "-c", f"cat; echo x >{tmp_path}/file || echo full"], limit_s=OVER_S, stdin=b"x" * 100_000)
    full = ("sh", "-c", 'trap "" XFSZ; ulimit -f 0; exec "$0" "$@"')
    done = _run(("dash",), kept, keeper=(*full, *_there(shell)))
    assert done.stdout == kept.mark + b"\n" + b"x" * 100_000 + b"full\n"


def test_a_host_without_setsid_says_so() -> None:
    kept = keep(["true"], limit_s=OVER_S)
    done = subprocess.run(
        kept.argv, check=False, input=kept.input + b"\n", capture_output=True, timeout=OVER_S, env={"PATH": "/nowhere"}
    )
    assert done.stdout == kept.mark + b"setsid\n"


def test_a_sweep_ends_what_did_not_hear_of_its_end() -> None:
    word, other = "7123401", "7123402"
    kept, spared = keep(["sleep", word], limit_s=OVER_S), keep(["sleep", other], limit_s=OVER_S)
    with _started(kept) as process, _started(spared):
        wait_for(lambda: bool(naming(word) and naming(other) and naming(f"{kept.name}-watch")), "both run")
        subprocess.run(sweeping([kept.name, "opsmodal-run-gone"]), check=True, timeout=OVER_S)
        assert process.wait(OVER_S) == 143
        assert naming(other)
    wait_for(lambda: not naming(other) and not naming(spared.name), "the other ended too", within_s=OVER_S)


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        ([], "no program"),
        ([""], "no program"),
        (["-c", "x"], "no name of a program"),
        (["echo", "a\0b"], "NUL"),
        (["echo", "x" * ARGUMENTS_MAX_BYTES], "too long"),
    ],
)
def test_what_can_be_no_command_line_is_refused(argv: list[str], word: str) -> None:
    with pytest.raises(NotAvailable, match=word):
        keep(argv, limit_s=1)


def test_too_much_input_is_refused() -> None:
    with pytest.raises(NotAvailable, match="16 MB"):
        keep(["cat"], limit_s=1, stdin=bytes(INPUT_MAX_BYTES + 1))


def _told(shell: Sequence[str], arguments: list[str], *, keeper: Sequence[str] = ()) -> list[bytes]:
    """Let a program print its arguments, each with a NUL behind it."""
    if not arguments:
        return []
    kept = keep(["printf", "%s\\0", *arguments], limit_s=OVER_S)
    done = _run(shell, kept, keeper=keeper)
    assert done.returncode == 0, done.stderr
    return done.stdout.removeprefix(kept.mark + b"\n").removesuffix(b"\0").split(b"\0")


def _run(shell: Sequence[str], kept: Kept, *, keeper: Sequence[str] = ()) -> subprocess.CompletedProcess[bytes]:
    with _started(kept, shell=shell, keeper=keeper) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        out, err = process.stdout.read(), process.stderr.read()  # the lifeline stays open until the program is over
        code = process.wait(OVER_S)
        return subprocess.CompletedProcess([], code, out, err)


def _started(kept: Kept, *, shell: Sequence[str] = ("dash",), keeper: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    argv = [*keeper, *kept.argv[1:]] if keeper else [*shell, "-c", kept.command]
    process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    assert process.stdin is not None
    process.stdin.write(kept.input)
    process.stdin.flush()
    return process


def _there(shell: str) -> Sequence[str]:
    argv = LOGIN_SHELLS[shell]
    if not shutil.which(argv[0]):
        pytest.skip(f"no {argv[0]} on this machine")
    return argv
