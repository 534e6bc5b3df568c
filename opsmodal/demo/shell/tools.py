"""More commands of the interpreter: those that ask the machine small questions, and text filters."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC

from opsmodal.demo.shell import archive, commands
from opsmodal.demo.shell.commands import Call
from opsmodal.demo.shell.steps import STDERR, Running, Say, Wait, say

SEQUENCE_MAX = 100_000
"""Numbers that one `seq` writes at most."""
Command = Callable[[Call], Running]


def true(_: Call) -> Running:
    """Succeed."""
    return 0
    yield  # a command is a generator even when it says nothing


def false(_: Call) -> Running:
    """Fail."""
    return 1
    yield


def date(call: Call) -> Running:
    """Write the time."""
    now = call.machine.now().astimezone(UTC)
    form = next((word[1:] for word in call.arguments if word.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    yield say(
        now.strftime(form.replace("%s", str(int(now.timestamp()))).replace("%N", f"{now.microsecond:06}000")) + "\n"
    )
    return 0


def identity(call: Call) -> Running:
    """Write who runs."""
    if "-u" in call.arguments:
        yield say("0\n")
    else:
        yield say("uid=0(root) gid=0(root) groups=0(root)\n")
    return 0


def whoami(call: Call) -> Running:
    """Write the user's name."""
    yield say(f"{call.machine.user}\n")
    return 0


def hostname(call: Call) -> Running:
    """Write the container's host name."""
    yield say(f"{call.machine.hostname}\n")
    return 0


def pwd(call: Call) -> Running:
    """Write the present folder."""
    yield say(f"{call.machine.folder}\n")
    return 0


def uname(call: Call) -> Running:
    """Write the system's name."""
    if "-a" in call.arguments:
        yield say(f"Linux {call.machine.hostname} 6.12.0-simulated #1 SMP simulated x86_64 Linux\n")
    else:
        yield say("6.12.0-simulated\n" if "-r" in call.arguments else "Linux\n")
    return 0


def seq(call: Call) -> Running:
    """Write numbers."""
    numbers = [int(word) for word in call.arguments if re.fullmatch(r"-?\d+", word)]
    if not numbers:
        yield say("seq: missing operand\n", STDERR)
        return 1
    first, step, last = {1: (1, 1, numbers[0]), 2: (numbers[0], 1, numbers[-1])}.get(
        len(numbers), (numbers[0], numbers[min(1, len(numbers) - 1)] or 1, numbers[-1])
    )
    span = range(first, last + (1 if step > 0 else -1), step)[:SEQUENCE_MAX]
    for start in range(0, len(span), 1000):
        yield say("".join(f"{number}\n" for number in span[start : start + 1000]))
    return 0


def grep(call: Call) -> Running:
    """Write the lines that match."""
    flags = "".join(word[1:] for word in call.arguments if word.startswith("-"))
    words = [word for word in call.arguments if not word.startswith("-")]
    if not words:
        yield say("grep: missing pattern\n", STDERR)
        return 2
    data = yield from commands.gathered(Call("grep", words[1:], call.machine, call.given), words[1:])
    if data is None:
        return 2
    wanted = re.compile(re.escape(words[0]).encode(), re.IGNORECASE if "i" in flags else 0)
    found = [line for line in data.splitlines() if bool(wanted.search(line)) != ("v" in flags)]
    if "c" in flags:
        yield say(f"{len(found)}\n")
    elif "q" not in flags:
        yield Say(b"".join(line + b"\n" for line in found))
    return int(not found)


def wc(call: Call) -> Running:
    """Count lines, words and bytes."""
    names = [word for word in call.arguments if not word.startswith("-")]
    data = yield from commands.gathered(call, names)
    if data is None:
        return 1
    counts = {"-l": data.count(b"\n"), "-w": len(data.split()), "-c": len(data)}
    asked = [str(counts[word]) for word in call.arguments if word in counts] or [str(n) for n in counts.values()]
    yield say(" ".join([*asked, *names]) + "\n")
    return 0


def sort(call: Call) -> Running:
    """Write lines in order."""
    names = [word for word in call.arguments if not word.startswith("-")]
    data = yield from commands.gathered(call, names)
    if data is None:
        return 1
    lines = sorted(data.splitlines(), reverse="-r" in call.arguments)
    yield Say(b"".join(line + b"\n" for line in lines))
    return 0


def test(call: Call) -> Running:
    """Compare, for `test` and `[`."""
    words = [word for word in call.arguments if word != "]"]
    negated = bool(words) and words[0] == "!"
    words = words[negated:]
    return int(_holds(call, words) == negated)
    yield


def _holds(call: Call, words: list[str]) -> bool:
    if len(words) == 1:
        return bool(words[0])
    if len(words) == 2:
        path = call.machine.path(words[1])
        is_file, is_folder = path in call.machine.files, call.machine.is_folder(path)
        answers = {"-n": bool(words[1]), "-z": not words[1], "-f": is_file, "-d": is_folder, "-e": is_file or is_folder}
        return answers.get(words[0], False)
    if len(words) != 3:
        return False
    left, operator, right = words
    if operator in ("=", "==", "!="):
        return (left == right) is (operator != "!=")
    if not (left.lstrip("-").isdigit() and right.lstrip("-").isdigit()):
        return False
    difference = int(left) - int(right)
    comparisons = {"-eq": difference == 0, "-ne": difference != 0, "-lt": difference < 0, "-gt": difference > 0}
    comparisons |= {"-le": difference <= 0, "-ge": difference >= 0}
    return comparisons.get(operator, False)


def base64_text(call: Call) -> Running:
    """Write the input in base64, or with -d what base64 stands for."""
    names = [word for word in call.arguments if not word.startswith("-")]
    data = yield from commands.gathered(call, names)
    if data is None:
        return 1
    if not {"-d", "--decode", "-D"} & set(call.arguments):
        yield Say(base64.b64encode(data) + b"\n")
        return 0
    try:
        yield Say(base64.b64decode(b"".join(data.split()), validate=True))
    except ValueError:
        yield say("base64: truncated input\n", STDERR)
        return 1
    return 0


def touch(call: Call) -> Running:
    """Make empty files."""
    for name in call.arguments:
        try:
            call.machine.write(name, b"", append=True)
        except OSError:
            yield say(f"touch: {name}: No such file or directory\n", STDERR)
            return 1
    return 0


def remove(call: Call) -> Running:
    """Remove files."""
    code = 0
    for name in (word for word in call.arguments if not word.startswith("-")):
        if not call.machine.remove(name) and "-f" not in call.arguments and "-rf" not in call.arguments:
            yield say(f"rm: can't remove '{name}': No such file or directory\n", STDERR)
            code = 1
    return code


def yes(call: Call) -> Running:
    """Write the same line without end."""
    line = " ".join(call.arguments or ("y",)) + "\n"
    while True:
        yield say(line * 512)
        yield Wait(0.0)


def disk(call: Call) -> Running:
    """Write how full the invented disk is."""
    used = sum(map(len, call.machine.files.values())) // 1024
    yield say("Filesystem           1K-blocks      Used Available Use% Mounted on\n")
    yield say(f"overlay               52428800 {used:9}  52428000   1% /\n")
    return 0


COMMANDS: Mapping[str, Command] = {
    "[": test,
    "base64": base64_text,
    "cat": commands.cat,
    "date": date,
    "df": disk,
    "echo": commands.echo,
    "env": commands.env,
    "false": false,
    "grep": grep,
    "head": commands.head,
    "hostname": hostname,
    "id": identity,
    "ls": commands.ls,
    "printenv": commands.printenv,
    "printf": commands.printf,
    "ps": commands.ps,
    "pwd": pwd,
    "rm": remove,
    "seq": seq,
    "sleep": commands.sleep,
    "sort": sort,
    "tail": commands.tail,
    "tar": archive.tar,
    "test": test,
    "touch": touch,
    "true": true,
    "uname": uname,
    "wc": wc,
    "whoami": whoami,
    "yes": yes,
    ":": true,
}
SHELLS = ("sh", "ash", "bash")
