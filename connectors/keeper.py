"""What is said to a host so that it runs one program and keeps it: pure text, made here and judged by tests.

The only thing that the login shell of the host reads is a constant that sh, bash, zsh, fish and csh take alike. All
else comes on standard input, which no shell reads before /bin/sh does: one line that starts the program in a process
group of its own. That line needs no file (the disk may be full) and no program beyond a shell, setsid, sleep, cat and
for input head and base64, which coreutils with util-linux and busybox have both.

Standard input then stays open and silent: it is the lifeline. When it ends (the stream was closed, our process was
killed, sshd saw the line go), or after a time limit of the host's own, a watch ends the process group: TERM, and KILL
for what does not care. A watch that does not hear of a lost line is found by its name: see `sweeping`.

On a host, a daemon that a program starts lives on, as it would after any login. `inside` a container nothing does: what
left the group is found by a mark in its environment. And there the keeper says itself, after the program's last word,
how it ended: an engine's stream ends the same way when the line is lost.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.errors import NotAvailable

GRACE_S = 2
"""Between asking a process group to end and ending it."""
LEFT_S = 1
"""The same for what a program leaves in its group when it ends by itself."""
ARGUMENTS_MAX_BYTES = 256 * 1024
"""The far shell reads them byte by byte, some 1 µs each. Linux takes 128 KiB for one argument (execve(2))."""
INPUT_MAX_BYTES = 16 * 1024 * 1024
"""The far shell holds it in memory while the program reads."""
NAME = "opsmodal-run-"

READ = 'IFS= read -r _it && eval "$_it"'
"""A line that was cut off by a lost line has no end, and nothing of it is run."""
LINE = """\
_n=$(printf '\\nx');_n=${_n%x};exec 3<&0 </dev/null;\
for _need in setsid @NEED@;do command -v $_need >/dev/null 2>&1||{ echo @MARK@$_need;exit 127;};done;\
echo @MARK@;echo @MARK@ >&2;\
@TAKE@\
@GIVE@@COLOUR@setsid /bin/sh -c 'exec "$@"' sh @WORDS@ 3<&- & p=$!;exec @HOLD@>/dev/null 2>&1;\
setsid /bin/sh -c '@WATCH@' @NAME@-watch $p @LIMIT@ @LET_GO@& w=$!;exec 3<&-;\
wait $p;s=$?;@OVER@;\
@LEAVE@;@TELL@exit $s"""
"""One line of POSIX shell: without `kill --` (dash knows none) and without fractions of seconds. What is set before the
program starts has a name that no environment has: where one had it, the program would get ours."""
OVER = "kill -KILL -$w||kill -KILL $w"
OVER_INSIDE = "kill -USR1 $w;wait $w"
LEAVE = "kill -TERM -$p&&{ sleep @LEFT@;kill -KILL -$p;}"
LEAVE_INSIDE = "@SEEK@l=;kill -TERM -$p&&l=1;t TERM&&l=1;[ $l ]&&{ sleep @LEFT@;kill -KILL -$p;t KILL&&t KILL;}"
"""The second KILL is for what was forked while the first one looked."""
COLOUR = "@VARIABLE@=@NAME@ "
VARIABLE = "OPSMODAL_RUN"
SEEK = (
    "t(){ x=1;for i in $(grep -al @VARIABLE@=@NAME@ /proc/[0-9]*/environ 2>/dev/null);"
    "do i=${i#/proc/};kill -$1 ${i%/environ}&&x=0;done;return $x;};"
)
"""Signals what began with the variable. Of another user's processes only root with CAP_SYS_PTRACE may read that."""
TELL = "echo @MARK@$s >&4;"
TAKE = "b=$(head -c @SIZE@ <&3);[ ${#b} -eq @SIZE@ ]||exit 125;"
"""Input that was cut off by a lost line is given to no program."""
GIVE = 'printf %s "$b"|base64 -d|'
WATCH = """\
trap "kill \\$c" TERM;cat <&3 >/dev/null & c=$!;{ sleep $2;kill $c;} & wait $c;\
kill -TERM -$1;sleep @GRACE@;kill -KILL -$1;kill -KILL 0"""
"""Waits for the end of the lifeline, of the time, or for a sweep; the last word ends what the watch itself started."""
WATCH_INSIDE = """\
c= k= o=;@SEEK@trap "o=1;kill -KILL \\$c \\$k" USR1;sleep $2 3<&- & k=$!;{ read x <&3;kill -KILL $k;} & c=$!;\
[ $o ]||wait $k;[ $o ]||{ kill -TERM -$1;t TERM;sleep @GRACE@;kill -KILL -$1;t KILL&&t KILL;};\
kill -KILL $c $k;wait $c;wait $k"""
"""The same, and it waits for all that it started, as the keeper waits for it: the first process of a container is
seldom one that takes in orphans, and each would stay there as a dead entry that counts as a process. USR1 says that the
program is over; it may come at any moment, so the trap both notes it and acts."""

ON_A_HOST = {
    "WATCH": WATCH,
    "OVER": OVER,
    "LEAVE": LEAVE,
    **dict.fromkeys(("COLOUR", "HOLD", "LET_GO", "SEEK", "TELL"), ""),
}
INSIDE = {
    "WATCH": WATCH_INSIDE,
    "OVER": OVER_INSIDE,
    "LEAVE": LEAVE_INSIDE,
    "COLOUR": COLOUR,
    "HOLD": "4>&2 ",
    "LET_GO": "4>&- ",
    "SEEK": SEEK,
    "TELL": TELL,
}
"""What the line is made of; a part may hold parts that come after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One run: what the login shell is given, what follows on standard input, and what both outputs begin with.

    After `mark` comes the name of a program that the host lacks, mostly none, and a line's end. `name` stands in the
    watch's command line; `mark` is in none, so a shell that traces what it does cannot show it too early.
    """

    name: str
    input: bytes
    mark: bytes

    @property
    def argv(self) -> tuple[str, ...]:
        """Give the keeper itself, as it is started without a login shell."""
        return ("/bin/sh", "-c", READ, self.name)

    @property
    def command(self) -> str:
        """Give what a login shell is told: the same, with nothing in it that shells read in different ways."""
        return f"exec /bin/sh -c '{READ}' {self.name}"


def keep(
    argv: Sequence[str], *, limit_s: float, stdin: bytes = b"", inside: bool = False, grace_s: int = GRACE_S
) -> Kept:
    """Say how to run `argv` for at most `limit_s`. Raise NotAvailable for what can be no command line.

    `inside` a container nothing that it started lives on, and the last line of stderr is the mark with its exit status.
    `grace_s` is how long the program may take to end after it was asked to.
    """
    _check(argv, stdin)
    name, mark = NAME + secrets.token_hex(8), secrets.token_hex(16)
    sent = base64.b64encode(stdin)
    parts = {
        "TAKE": TAKE if sent else "",
        "GIVE": GIVE if sent else "",
        "NEED": "head base64" if sent else "",
        **(INSIDE if inside else ON_A_HOST),
        "VARIABLE": VARIABLE,
        "SIZE": str(len(sent)),
        "GRACE": str(grace_s),
        "LEFT": str(LEFT_S),
        "LIMIT": str(max(1, round(limit_s))),
        "NAME": name,
        "MARK": mark,
    }
    line = LINE
    for part, text in parts.items():
        line = line.replace(f"@{part}@", text)
    before, _, after = line.partition("@WORDS@")  # last: nothing is looked for in what the program is given
    words = b" ".join(quoted(argument) for argument in argv)
    return Kept(
        name=name,
        input=before.encode() + words + after.encode() + b"\n" + sent,
        mark=mark.encode(),
    )


def quoted(argument: str) -> bytes:
    """Quote one argument for /bin/sh, on one line: `$_n` is a newline there."""
    return b"'" + _raw(argument).replace(b"'", b"'\\''").replace(b"\n", b"'\"$_n\"'") + b"'"


def sweeping(names: Iterable[str]) -> list[str]:
    """Give the program that wakes the watches of these names on a host with /proc; they end what they watch.

    The patterns do not match themselves: grep would find its own command line.
    """
    patterns = " ".join(f"-e '[{name[0]}]{name[1:]}-watch'" for name in names)
    script = f"for it in $(grep -al {patterns} /proc/[0-9]*/cmdline 2>/dev/null);"
    return ["/bin/sh", "-c", f'{script}do it=${{it#/proc/}};kill -TERM "${{it%/cmdline}}";done 2>/dev/null;:']


def _check(argv: Sequence[str], stdin: bytes) -> None:
    if not argv or not argv[0]:
        raise NotAvailable("There is no program to run.")
    if argv[0].startswith("-"):
        raise NotAvailable(f'"{argv[0][:50]}" is no name of a program.')
    if any("\0" in argument for argument in argv):
        raise NotAvailable("An argument holds a NUL, which no program can be given.", hint="Give it as input.")
    if sum(len(_raw(argument)) + 1 for argument in argv) > ARGUMENTS_MAX_BYTES:
        raise NotAvailable("The arguments are too long for a command line.", hint="Give them as input.")
    if len(stdin) > INPUT_MAX_BYTES:
        raise NotAvailable(f"More than {INPUT_MAX_BYTES >> 20} MB cannot be given to a program as input.")


def _raw(argument: str) -> bytes:
    return argument.encode(errors="surrogateescape")
