"""Cut a line of shell into words and operators, and expand variables in words. Pure.

Knows quotes, backslashes, comments, variables, `$?` and `$(...)`; refuses what it cannot read with SyntaxError.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

OPERATORS = (";;", "&&", "||", "2>&1", ">&2", "1>&2", "2>>", "2>", ">>", "<", ">", ";", "|", "&", "(", ")", "\n")
SUM = re.compile(r"\$\(\(([^()]*)\)\)")
NAME = re.compile(r"[A-Za-z_]\w*")
NUMBER_MAX = 2**63 - 1
SUM_MAX_CHARS = 200
SUMS: Mapping[type, Callable[[int, int], int]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: int(left / right),
    ast.Mod: lambda left, right: left - right * int(left / right),
}
VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+|[?$#]))")


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a word. `quoted` text is not cut at spaces; `literal` text is not expanded either."""

    text: str
    quoted: bool = False
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command line, made of pieces."""

    pieces: tuple[Piece, ...]

    @property
    def plain(self) -> str:
        """Give the word as written if it has no quotes, to know keywords by; "" otherwise."""
        return "".join(piece.text for piece in self.pieces) if not any(p.quoted for p in self.pieces) else ""


@dataclass(frozen=True, slots=True)
class Operator:
    """`;`, `&&`, `|`, `>` and so on."""

    text: str


Token = Word | Operator


class _Reader:
    def __init__(self, line: str) -> None:
        self.line, self.place = line, 0
        self.tokens: list[Token] = []
        self.pieces: list[Piece] = []

    def end_word(self) -> None:
        if self.pieces:
            self.tokens.append(Word(tuple(self.pieces)))
            self.pieces = []

    def until(self, end: str) -> str:
        stop = self.line.find(end, self.place + 1)
        if stop < 0:
            raise SyntaxError(f"unterminated {end}")
        text = self.line[self.place + 1 : stop]
        self.place = stop + 1
        return text

    def double_quoted(self) -> None:
        text, place = "", self.place + 1
        while place < len(self.line) and self.line[place] != '"':
            if self.line[place] == "\\" and self.line[place + 1 : place + 2] in tuple('"\\$`'):
                self.pieces.append(Piece(text, quoted=True))
                self.pieces.append(Piece(self.line[place + 1], quoted=True, literal=True))
                text, place = "", place + 2
                continue
            text += self.line[place]
            place += 1
        if place >= len(self.line):
            raise SyntaxError('unterminated "')
        self.pieces.append(Piece(text, quoted=True))
        self.place = place + 1

    def substitution(self) -> None:
        """Take `$(…)` whole, with the parentheses within."""
        depth, start = 0, self.place
        while self.place < len(self.line):
            depth += {"(": 1, ")": -1}.get(self.line[self.place], 0)
            self.place += 1
            if depth == 0 and self.line[self.place - 1] == ")":
                self.pieces.append(Piece(self.line[start : self.place]))
                return
        raise SyntaxError("unterminated $(")

    def step(self) -> None:
        rest = self.line[self.place :]
        letter = rest[0]
        operator = next((item for item in OPERATORS if rest.startswith(item)), None)
        if operator and not (operator[0].isdigit() and self.pieces):
            self.end_word()
            self.tokens.append(Operator(operator))
            self.place += len(operator)
        elif letter in " \t":
            self.end_word()
            self.place += 1
        elif letter == "'":
            self.pieces.append(Piece(self.until("'"), quoted=True, literal=True))
        elif letter == '"':
            self.double_quoted()
        elif letter == "\\":
            self.pieces.append(Piece(rest[1:2], quoted=True, literal=True))
            self.place += 2
        elif rest.startswith("$("):
            self.substitution()
        elif letter == "#" and not self.pieces:
            end = self.line.find("\n", self.place)
            self.place = len(self.line) if end < 0 else end
        else:
            self.pieces.append(Piece(letter))
            self.place += 1


def tokens(line: str) -> list[Token]:
    """Cut a line. Raise SyntaxError when a quote is left open."""
    reader = _Reader(line)
    while reader.place < len(line):
        reader.step()
    reader.end_word()
    return [_joined(token) for token in reader.tokens]


def _joined(token: Token) -> Token:
    """Join the single letters of plain text, so that `$NAME` is one piece."""
    if isinstance(token, Operator):
        return token
    pieces: list[Piece] = []
    for piece in token.pieces:
        if pieces and not (piece.quoted or pieces[-1].quoted):
            pieces[-1] = Piece(pieces[-1].text + piece.text)
        else:
            pieces.append(piece)
    return Word(tuple(pieces))


def with_sums(text: str, variables: Mapping[str, str]) -> str:
    """Put the results of `$((…))` into a text. Raise SyntaxError for what is no sum."""

    def result(found: re.Match[str]) -> str:
        sum_ = with_variables(found[1], variables)[:SUM_MAX_CHARS]
        sum_ = NAME.sub(lambda name: variables.get(name[0]) or "0", sum_)
        return str(_calculated(ast.parse(sum_.strip() or "0", mode="eval").body))

    return SUM.sub(result, text)


def _calculated(node: ast.expr) -> int:
    """Calculate with whole numbers only: nothing of Python but its grammar is used."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_calculated(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in SUMS:
        left, right = _calculated(node.left), _calculated(node.right)
        if isinstance(node.op, ast.Div | ast.Mod) and right == 0:
            raise SyntaxError("divide by zero")
        return max(min(SUMS[type(node.op)](left, right), NUMBER_MAX), -NUMBER_MAX)
    raise SyntaxError("arithmetic syntax error")


def with_variables(text: str, variables: Mapping[str, str]) -> str:
    """Put the values of variables into a text."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[3]
        return variables.get(name) or found[2] or ""

    return VARIABLE.sub(value, text)
