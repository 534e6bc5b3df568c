"""Run a script or an argument vector on an invented machine, as a generator of steps.

What a script holds is bounded, so that one without end can only take time, never memory.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from opsmodal.demo.shell import prefixes
from opsmodal.demo.shell.commands import Call
from opsmodal.demo.shell.grammar import Chain, For, If, Node, Pipeline, Redirection, Simple, While, parse
from opsmodal.demo.shell.machine import Machine
from opsmodal.demo.shell.steps import STDERR, STDOUT, Ask, Running, Say, Step, Wait, say
from opsmodal.demo.shell.tools import COMMANDS, SHELLS
from opsmodal.demo.shell.words import Word, with_sums, with_variables

LOOP_PAUSE_S = 0.001
"""Each turn of a loop takes at least this long: a loop without a sleep must not run away."""
PIPE_MAX_BYTES = 2**20
"""What a command can hand on to the next."""
SUBSTITUTIONS_MAX = 8
NOT_FOUND = 127
PREFIXES = ("timeout", "nohup", "setsid", "kill", "which")


Expansion = Generator[Step, bytes | None, list[str]]
Substitution = Generator[Step, bytes | None, str]


class Exit(Exception):
    """The script ends here."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Shell:
    """A shell on a machine. `given` is what it reads, None for input from outside."""

    machine: Machine
    given: bytes | None = None
    status: int = 0
    depth: int = 0
    arguments: tuple[str, ...] = ("sh",)
    """The name of the script and what it is given: $0, $1 and so on."""

    def script(self, text: str) -> Running:
        """Run a script; returns its exit status."""
        try:
            return (yield from self._chain(parse(text)))
        except SyntaxError as error:
            yield say(f"sh: {error.msg}\n", STDERR)
            return 2
        except Exit as end:
            return end.code

    def call(self, words: Sequence[str]) -> Running:
        """Run one command by its words; returns its exit status."""
        name = words[0].rpartition("/")[2]
        if name in SHELLS:
            return (yield from self._nested(words[1:]))
        if (prefixed := self._prefixed(name, words[1:])) is not None:
            return (yield from prefixed)
        if name not in COMMANDS:
            yield say(f"sh: {words[0]}: not found\n", STDERR)
            return NOT_FOUND
        try:
            return (yield from COMMANDS[name](Call(name, words[1:], self.machine, self.given)))
        except ValueError:
            yield say(f"{name}: invalid argument\n", STDERR)
            return 1

    def _prefixed(self, name: str, words: Sequence[str]) -> Running | None:
        """Give what runs a command that runs another; None for one that does not."""
        if name == "timeout":
            return prefixes.timeout(words, self.call)
        if name == "env" and words:
            return prefixes.with_variables(words, self.machine, self.call)
        if name in ("nohup", "setsid") and words:
            return self.call(words)
        if name == "kill":
            return prefixes.kill(words, self.machine)
        if name == "which" or (name == "command" and list(words[:1]) == ["-v"]):
            return prefixes.where(words, is_known)
        return None

    def _nested(self, arguments: Sequence[str]) -> Running:
        shell = Shell(self.machine, self.given, depth=self.depth + 1, arguments=tuple(arguments[2:]) or ("sh",))
        if len(arguments) > 1 and arguments[0].startswith("-") and arguments[0].endswith("c"):
            if prefixes.keeps(arguments[1], arguments[2:]):
                return (yield from prefixes.kept(arguments[1], arguments[2:], self.machine, self.call, is_known))
            if prefixes.swept(arguments[1], self.machine):
                return 0
            if (cleaning := prefixes.cleans(arguments[2:], self.machine)) is not None:
                return (yield from cleaning)
            return (yield from shell.script(arguments[1]))
        data = self.given
        if data is None:
            return (yield from self._typed(shell))
        return (yield from shell.script(data.decode(errors="replace")))

    def _typed(self, shell: Shell) -> Running:
        """Run what comes in, line by line."""
        while (data := (yield Ask())) is not None:
            for line in data.decode(errors="replace").splitlines():
                if line.split()[:1] == ["exit"]:
                    return _exit_code(line, shell.status)
                shell.status = yield from shell.script(line)
        return shell.status

    def _chain(self, chain: Chain) -> Running:
        for joint, pipeline in chain.parts:
            if (joint == "&&" and self.status != 0) or (joint == "||" and self.status == 0):
                continue
            self.status = yield from self._pipeline(pipeline)
        return self.status

    def _pipeline(self, pipeline: Pipeline) -> Running:
        given, code = self.given, 0
        for place, part in enumerate(pipeline.parts):
            shell = self if len(pipeline.parts) == 1 else Shell(self.machine, given, self.status, self.depth)
            running = shell._node(part)
            if place == len(pipeline.parts) - 1:
                code = yield from running
            else:
                collected = bytearray()
                yield from _collected(running, collected)
                given = bytes(collected)
        return int(not code) if pipeline.negated else code

    def _node(self, node: Node) -> Running:
        if isinstance(node, Simple):
            return (yield from self._simple(node))
        if isinstance(node, If):
            if (yield from self._chain(node.condition)) == 0:
                return (yield from self._chain(node.then))
            self.status = 0
            return (yield from self._chain(node.otherwise)) if node.otherwise else 0
        if isinstance(node, While):
            return (yield from self._while(node))
        if isinstance(node, For):
            return (yield from self._for(node))
        return (yield from self._chain(node))

    def _while(self, node: While) -> Running:
        code = 0
        while ((yield from self._chain(node.condition)) == 0) is not node.until:
            code = yield from self._chain(node.body)
            yield Wait(LOOP_PAUSE_S)
        return code

    def _for(self, node: For) -> Running:
        code = 0
        words = yield from self._words(node.words)
        for word in words:
            self.machine.environment[node.name] = word
            code = yield from self._chain(node.body)
            yield Wait(LOOP_PAUSE_S)
        return code

    def _words(self, words: Sequence[Word]) -> Expansion:
        found: list[str] = []
        for word in words:
            found.extend((yield from self._expanded(word)))
        return found

    def _expanded(self, word: Word) -> Expansion:
        """Expand a word; unquoted text is cut at spaces, as a shell does."""
        texts, quoted, cut = [], False, False
        if [piece.text for piece in word.pieces] in (["$@"], ["$*"]):
            return list(self.arguments[1:])
        given = {str(place): text for place, text in enumerate(self.arguments)}
        given |= {"?": str(self.status), "$": "1", "#": str(len(self.arguments) - 1)}
        variables = self.machine.environment | given
        for piece in word.pieces:
            text = piece.text
            if not piece.literal:
                text = yield from self._substituted(text)
                text = with_variables(text, variables)
            quoted, cut = quoted or piece.quoted, cut or (not piece.quoted and text != piece.text)
            texts.append(text)
        joined = "".join(texts)
        if cut and not quoted:
            return joined.split()
        return [joined]

    def _substituted(self, text: str) -> Substitution:
        """Replace each `$(…)` by what its script writes."""
        for _ in range(SUBSTITUTIONS_MAX):
            text = with_sums(text, self.machine.environment)
            start = text.find("$(")
            if start < 0 or self.depth > SUBSTITUTIONS_MAX:
                break
            end = _closing(text, start)
            collected = bytearray()
            inner = Shell(self.machine, self.given, self.status, self.depth + 1)
            yield from _collected(inner.script(text[start + 2 : end]), collected)
            text = text[:start] + collected.decode(errors="replace").rstrip("\n") + text[end + 1 :]
        return text

    def _simple(self, node: Simple) -> Running:
        words = yield from self._words(node.words)
        while words and "=" in words[0] and words[0].partition("=")[0].isidentifier():
            name, _, value = words.pop(0).partition("=")
            self.machine.environment[name] = value
        if not words:
            return 0
        running = self._builtin_or_call(words)
        if not node.redirections:
            return (yield from running)
        return (yield from self._redirected(running, node.redirections))

    def _builtin_or_call(self, words: Sequence[str]) -> Running:
        if words[0] == "exit":
            code = words[1] if len(words) > 1 else str(self.status)
            raise Exit(int(code) & 0xFF if code.isdigit() else 2)
        if words[0] == "cd":
            return (
                yield from self._change_folder(
                    words[1] if len(words) > 1 else self.machine.environment.get("HOME", "/")
                )
            )
        if words[0] in ("export", "set", "trap", "ulimit", "umask", "wait"):
            for word in words[1:]:
                if "=" in word:
                    name, _, value = word.partition("=")
                    self.machine.environment[name] = value
            return 0
        if words[0] == "exec":
            raise Exit((yield from self.call(words[1:])) if len(words) > 1 else 0)
        return (yield from self.call(words))

    def _change_folder(self, name: str) -> Running:
        if not self.machine.is_folder(name):
            yield say(f"sh: cd: can't cd to {name}: No such file or directory\n", STDERR)
            return 2
        self.machine.folder = self.machine.path(name)
        return 0

    def _redirected(self, running: Running, redirections: Sequence[Redirection]) -> Running:
        """Run a command and send its output where the redirections say, from left to right."""
        ways: dict[int, int | str] = {STDOUT: STDOUT, STDERR: STDERR}
        for item in redirections:
            if item.operator == "2>&1":
                ways[STDERR] = ways[STDOUT]
            elif item.operator in (">&2", "1>&2"):
                ways[STDOUT] = ways[STDERR]
            elif item.target is not None:
                name = (yield from self._expanded(item.target))[0]
                try:
                    if item.operator == "<":
                        self.given = self.machine.read(name)
                        continue
                    if not item.operator.endswith(">>"):
                        self.machine.write(name, b"")
                except OSError:
                    yield say(f"sh: can't open {name}: no such file\n", STDERR)
                    return 1
                ways[STDERR if item.operator.startswith("2") else STDOUT] = name
        return (yield from self._sent(running, ways))

    def _sent(self, running: Running, ways: dict[int, int | str]) -> Running:
        answer: bytes | None = None
        step: Step
        while True:
            try:
                step = running.send(answer) if isinstance(answer, bytes) else next(running)
            except StopIteration as end:
                return int(end.value or 0)
            answer = None
            if isinstance(step, Say):
                way = ways[step.stream]
                if isinstance(way, str):
                    try:
                        self.machine.write(way, step.data, append=True)
                    except OSError:
                        running.close()
                        yield say(f"sh: {way}: No space left on device\n", STDERR)
                        return 1
                else:
                    yield Say(step.data, way)
            else:
                answer = yield step


def _exit_code(line: str, status: int) -> int:
    words = line.split()
    return int(words[1]) & 0xFF if len(words) > 1 and words[1].isdigit() else status


def _closing(text: str, start: int) -> int:
    depth = 0
    for place in range(start + 1, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return len(text)


def _collected(running: Running, into: bytearray) -> Running:
    """Run a command whose output is wanted, not shown; a full pipe loses the rest."""
    answer: bytes | None = None
    while True:
        try:
            step = running.send(answer) if isinstance(answer, bytes) else next(running)
        except StopIteration as end:
            return int(end.value or 0)
        answer = None
        if isinstance(step, Say) and step.stream == STDOUT:
            into += step.data[: max(PIPE_MAX_BYTES - len(into), 0)]
        else:
            answer = yield step


def is_known(name: str) -> bool:
    """Tell whether there is such a program on an invented machine."""
    short = name.rpartition("/")[2]
    return short in COMMANDS or short in SHELLS or short in PREFIXES


def is_shell(name: str) -> bool:
    """Tell whether a program is a shell."""
    return name.rpartition("/")[2] in SHELLS
