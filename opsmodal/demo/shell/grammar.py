"""Read shell tokens into a tree: lists, pipelines, simple commands, `if`, `while`, `for` and groups. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opsmodal.demo.shell.words import Operator, Token, Word, tokens

SEPARATORS = (";", "\n")
REDIRECTIONS = (">", ">>", "<", "2>", "2>>")
MERGES = ("2>&1", ">&2", "1>&2")
DEPTH_MAX = 20
"""Commands may be nested this deep: more is an attack on the interpreter, not a script."""


@dataclass(frozen=True, slots=True)
class Redirection:
    """`> file`, or `2>&1` without a file."""

    operator: str
    target: Word | None = None


@dataclass(frozen=True, slots=True)
class Simple:
    """A command with its words and redirections."""

    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands of which each reads what the one before wrote."""

    parts: tuple[Node, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Pipelines with what stands between them: `;`, `&&` or `||` before each, ";" before the first."""

    parts: tuple[tuple[str, Pipeline], ...]


@dataclass(frozen=True, slots=True)
class If:
    """`if … then … else … fi`; `elif` is an `if` within `otherwise`."""

    condition: Chain
    then: Chain
    otherwise: Chain | None


@dataclass(frozen=True, slots=True)
class While:
    """`while … do … done`, or `until` when `until`."""

    condition: Chain
    body: Chain
    until: bool = False


@dataclass(frozen=True, slots=True)
class For:
    """`for name in words; do … done`."""

    name: str
    words: tuple[Word, ...]
    body: Chain


Node = Simple | If | While | For | Chain


class _Parser:
    def __init__(self, items: Sequence[Token]) -> None:
        self.items, self.place, self.depth = items, 0, 0

    def peek(self) -> Token | None:
        return self.items[self.place] if self.place < len(self.items) else None

    def keyword(self) -> str:
        token = self.peek()
        return token.plain if isinstance(token, Word) else ""

    def operator(self) -> str:
        token = self.peek()
        return token.text if isinstance(token, Operator) else ""

    def expect(self, word: str) -> None:
        self.separators()
        if self.keyword() != word:
            raise SyntaxError(f'syntax error: unexpected {self.found()} (expecting "{word}")')
        self.place += 1

    def found(self) -> str:
        token = self.peek()
        if token is None:
            return "end of file"
        return f'"{token.text}"' if isinstance(token, Operator) else f'"{token.plain}"'

    def separators(self) -> None:
        while self.operator() in SEPARATORS:
            self.place += 1

    def chain(self, ends: tuple[str, ...] = ()) -> Chain:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise SyntaxError("nested too deeply")
        parts: list[tuple[str, Pipeline]] = []
        joint = ";"
        self.separators()
        while self.peek() is not None and self.keyword() not in ends and self.operator() != ")":
            parts.append((joint, self.pipeline()))
            joint = self.operator() or ";"
            if joint in ("&&", "||"):
                self.place += 1
            elif joint in (*SEPARATORS, "&"):
                joint = ";"
                self.place += 1
            elif joint != ")":
                raise SyntaxError(f"syntax error: unexpected {self.found()}")
            self.separators()
        self.depth -= 1
        return Chain(tuple(parts))

    def pipeline(self) -> Pipeline:
        negated = self.keyword() == "!"
        self.place += negated
        parts = [self.command()]
        while self.operator() == "|":
            self.place += 1
            parts.append(self.command())
        return Pipeline(tuple(parts), negated)

    def command(self) -> Node:
        word = self.keyword()
        if self.operator() == "(":
            self.place += 1
            body = self.chain()
            if self.operator() != ")":
                raise SyntaxError("syntax error: missing )")
            self.place += 1
            return body
        if word == "if":
            self.place += 1
            return self.conditional()
        if word in ("while", "until"):
            self.place += 1
            condition = self.chain(("do",))
            return While(condition, self.body(), until=word == "until")
        if word == "for":
            self.place += 1
            return self.loop()
        return self.simple()

    def body(self) -> Chain:
        self.expect("do")
        body = self.chain(("done",))
        self.expect("done")
        return body

    def conditional(self) -> If:
        condition = self.chain(("then",))
        self.expect("then")
        then = self.chain(("else", "elif", "fi"))
        otherwise = None
        if self.keyword() == "elif":
            self.place += 1
            return If(condition, then, Chain(((";", Pipeline((self.conditional(),))),)))
        if self.keyword() == "else":
            self.place += 1
            otherwise = self.chain(("fi",))
        self.expect("fi")
        return If(condition, then, otherwise)

    def loop(self) -> For:
        name = self.keyword()
        self.place += 1
        self.expect("in")
        words = []
        while isinstance(token := self.peek(), Word):
            words.append(token)
            self.place += 1
        return For(name, tuple(words), self.body())

    def simple(self) -> Simple:
        words: list[Word] = []
        redirections: list[Redirection] = []
        while (token := self.peek()) is not None:
            if isinstance(token, Word):
                words.append(token)
            elif token.text in MERGES:
                redirections.append(Redirection(token.text))
            elif token.text in REDIRECTIONS:
                self.place += 1
                target = self.peek()
                if not isinstance(target, Word):
                    raise SyntaxError(f"syntax error: unexpected {self.found()}")  # noqa: TRY004 - bad syntax, not a bad type
                redirections.append(Redirection(token.text, target))
            else:
                break
            self.place += 1
        if not words and not redirections:
            raise SyntaxError(f"syntax error: unexpected {self.found()}")
        return Simple(tuple(words), tuple(redirections))


def parse(line: str) -> Chain:
    """Read a script. Raise SyntaxError when it is none."""
    parser = _Parser(tokens(line))
    tree = parser.chain()
    if parser.peek() is not None:
        raise SyntaxError(f"syntax error: unexpected {parser.found()}")
    return tree
