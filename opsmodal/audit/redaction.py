"""Masks what looks like a secret in a text before it is kept: in the audit log and in the log of the process. Pure.

Names stay and values go, so that a reader still sees that a password was given, and which. It knows shapes only: a
secret that stands alone and looks like a word passes, so callers still hand in names and sentences and no values. Each
rule reads a text once from front to back, as a line of a megabyte must not stop a worker; where a value ends is in
doubt, too much is masked. Masking twice changes nothing.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from re import Match, Pattern

MASK = "•••"

_SENSITIVE = (
    r"pass(?:word|wd|phrase|code)|(?<![a-z])pass|pwd|secret|token|credentials?"
    r"|(?:api|access|secret|private|signing|encryption|shared|account|opsmodal)[_-]?key|key-data"
)
"""Ends of names whose value is secret: DB_PASSWORD, client_secret, X-Vault-Token, client-key-data."""
_IN_QUERY = r"ticket|code|sig|[\w-]{0,40}signature"
"""The same in the query of a URL only: “ticket: OPS-12” is a good reason."""
_QUOTE = r"""\\{0,3}["']"""
_VALUE = rf"""(?:{_QUOTE}[^"']*|(?:[^\s"'&;,]|[&;](?!\s|$|[\w.-]{{1,64}}=)|,(?!\s|$))+)"""
"""A quoted text up to its quote, or a run of characters up to a space, the next parameter or the next item."""
_WORD = r"""(?:"(?:[^"\\]|\\[\s\S])*"?|'[^']*'?|\\[\s\S]?|[^\s"'\\])+"""
"""A word of a command line, with its quoted parts."""
_RUN = r"""(?:[^\s"'<>:h]|:(?!//)|h(?!ttps?://))+"""
"""What follows the scheme of a URL, up to the next URL."""
_OWN_ID = re.compile(r"[0-9a-f]{12}")
"""What names one of our own tokens without being usable as one: “token:3f…” stands in many rows."""
_JWT_MIN_CHARS = 20
"""The shortest head of one, {"alg":"none"}, has 20 characters in base64."""
_NAME = re.compile(r"""["']?[A-Za-z_][\w.-]{0,255}""")
_SENSITIVE_FIELD = re.compile(rf"(?:{_SENSITIVE}|authorization|cookie|ticket)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern, what takes its place, and words in lower case of which one is in every text that it can match."""

    needs: tuple[str, ...]
    pattern: Pattern[str]
    masked: Callable[[Match[str]], str]
    only: Pattern[str] | None = None
    """Looked for once in the whole text: without it the rule does not hold."""


def redacted(text: str) -> str:
    """Give the text with the values of secrets masked: at most three times as long, in time linear in its length."""
    lowered = f" {text.lower()}"
    for rule in _RULES:
        if any(word in lowered for word in rule.needs) and (rule.only is None or rule.only.search(text)):
            text = rule.pattern.sub(rule.masked, text)
    return text


def is_sensitive(name: str) -> bool:
    """Tell whether a field of this name holds a secret, whatever it looks like."""
    return _SENSITIVE_FIELD.search(name) is not None


def _keeping_name(match: Match[str]) -> str:
    """Keep what stands before a value, and the quote that it begins with."""
    opened = re.match(_QUOTE, match["value"])
    return match["name"] + (opened[0] if opened else "") + MASK


def _word(match: Match[str]) -> str:
    """Mask a word of a command line; what opens with a quote closes with it."""
    quote = match["value"][0] if match["value"][0] in _QUOTES else ""
    return f"{match['name']}{quote}{MASK}{quote}"


def _flag(match: Match[str]) -> str:
    """Mask what follows a flag with a sensitive name; the same words in a sentence stay."""
    before = match.string[max(0, match.start() - _FLAG_MAX_CHARS) : match.start()]
    return _word(match) if _FLAG.search(before) else match[0]


def _keyed(match: Match[str]) -> str:
    is_own = match["name"].lower().endswith("token:") and _OWN_ID.fullmatch(match["value"])
    return match[0] if is_own else _keeping_name(match)


def _url(match: Match[str]) -> str:
    """Mask the password of a URL, or what stands alone before the host of a web address: that is a token then."""
    user, at, host = match["rest"].rpartition("@")
    if not at or re.match(r"[^@/?#:]*(?::\d{1,5})?[/?#]", user):  # the @ belongs to a path
        return match[0]
    name, colon, _ = user.partition(":")
    if colon:
        return f"{match['name']}{name}:{MASK}@{host}"
    return f"{match['name']}{MASK}@{host}" if match["name"].lower().startswith("http") else match[0]


def _assignment(match: Match[str]) -> str:
    """Mask what a word NAME=value assigns; a word that assigns nothing stays."""
    name, equals, _ = match["word"].partition("=")
    if not equals or not _NAME.fullmatch(name):
        return match[0]
    return f"{match['name']}{name}={MASK}{name[0] if name[0] in _QUOTES else ''}"


def _person(match: Match[str]) -> str:
    """Mask the password of user:password. Two numbers are a user and a group of a container."""
    name, colon, value = match["word"].partition(":")
    return match[0] if not colon or (name + value).isdigit() else f"{match['name']}{name}:{MASK}"


def _basic(match: Match[str]) -> str:
    """Mask what decodes to user:password; other words after “basic” stay."""
    try:
        plain = base64.b64decode(match["value"] + "=" * (-len(match["value"]) % 4))
    except (binascii.Error, ValueError):
        return match[0]
    return match["name"] + MASK if b":" in plain else match[0]


def _jwt(match: Match[str]) -> str:
    return MASK if "." in match[0] and len(match[0]) >= _JWT_MIN_CHARS else match[0]


def _assignments(match: Match[str]) -> str:
    return _IN_ENV.sub(_assignment, match[0])


def _json_data(match: Match[str]) -> str:
    return _JSON_PAIR.sub(rf"\1{MASK}", match[0])


def _yaml_data(match: Match[str]) -> str:
    head, newline, rest = match[0].partition("\n")
    return head + newline + _YAML_LINE.sub(lambda line: line["name"] + MASK, rest)


def _rule(
    needs: str,
    pattern: str,
    masked: Callable[[Match[str]], str] = _keeping_name,
    *,
    only: Pattern[str] | None = None,
) -> _Rule:
    return _Rule(tuple(needs.split("|")), re.compile(pattern, re.IGNORECASE | re.MULTILINE), masked, only)


_QUOTES = ('"', "'")
_FLAG_MAX_CHARS = 48
_FLAG = re.compile(r"""(?:^|[\s"'])--?[\w-]*$""")
_IN_ENV = re.compile(rf"(?P<name>(?<=\s))(?P<word>{_WORD})")
_JSON_PAIR = re.compile(r'("[^"]*"\s*:\s*")[^"]*')
_YAML_LINE = re.compile(r"(?P<name>^\s*(?:[\w.-]+:[ \t]+)?)\S[^\n]*", re.MULTILINE)
_NEEDED = "pass|pwd|secret|token|credential|key"
_SECRET_KIND = re.compile(r"""kind\\?["']?\s*:\s*\\?["']?Secret\b""", re.IGNORECASE)
_RULES = (
    _rule(
        "private key",
        r"(?P<name>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----)(?P<value>[\s\S]+?(?=-----END|\Z))",
        lambda match: match["name"] + MASK,
    ),
    _rule("data", r'"(?:string)?data"\s*:\s*\{[^{}]*', _json_data, only=_SECRET_KIND),
    _rule(
        "data",
        r"^(?P<indent>[ ]*)(?:string)?data:[ \t]*\n(?:(?P=indent)[ ]+[^\n]*\n?)+",
        _yaml_data,
        only=_SECRET_KIND,
    ),
    _rule("://", rf"(?P<name>(?:https?)?://)(?P<rest>{_RUN})", _url),
    _rule("--from-env", rf"(?P<name>--from-env[\w-]{{0,20}}(?:=|\s+))(?P<value>{_WORD})", _word),
    _rule(
        "--from-literal| -e|--env|--build-arg|--set",
        rf"(?P<name>--(?:from-literal|env|build-arg|set(?:-string)?)(?:=|\s+)|(?<!\S)-e\s*)(?P<word>{_WORD})",
        _assignment,
    ),
    _rule("env |export ", r"\b(?:set[ \t]+env|env|export)\b[^\n]*", _assignments),
    _rule(" -u| --user", rf"(?P<name>(?<!\S)(?:-u\s*|--user(?:=|\s+)))(?P<word>{_WORD})", _person),
    _rule(
        " -p| -a",
        rf"(?P<name>\b(?:sshpass|login|mysql\w{{0,9}}|mariadb\w{{0,9}}|redis-cli)\b[^\n;|&]{{0,200}}?\s-[pa]\s?)"
        rf"(?P<value>(?!-){_WORD})",
        _word,
    ),
    _rule(_NEEDED, rf"(?P<name>(?:{_SENSITIVE})(?:[ \t]*=[ \t]*|\s+))(?P<value>(?!--?[a-z]){_WORD})", _flag),
    _rule(
        "authorization|cookie",
        rf"(?P<name>(?:authorization|cookie)(?:{_QUOTE})?\s*[:=]\s*(?:{_QUOTE})?)"
        rf"(?P<value>digest[^\r\n]*|[^\s\"'][^\r\n\"']*)",
        lambda match: match["name"] + MASK,
    ),
    _rule("bearer", r"(?P<name>\bbearer\s+)(?P<value>(?=[\w.~+/=-]*[\d_~+/=-])[\w.~+/=-]{6,}|[\w.~+/=-]{16,})"),
    _rule("basic", r"(?P<name>\bbasic\s+)(?P<value>[A-Za-z0-9+/_-]{4,}={0,2})", _basic),
    _rule("opm_", r"(?P<name>opm_)(?P<value>[\w-]{8,})"),
    _rule(
        "ghp_|gho_|ghu_|ghs_|ghr_|github_pat_|glpat-|xox|akia|asia|hvs.",
        r"(?P<name>gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|hvs\.)(?P<value>[\w-]{16,})",
    ),
    _rule("eyj", r"(?<![\w.-])eyJ[\w.-]*", _jwt),
    _rule("ticket=|code=|sig=|signature=", rf"(?P<name>[?&](?:{_IN_QUERY})=)(?P<value>{_VALUE})"),
    _rule(_NEEDED, rf"(?P<name>(?:{_SENSITIVE})(?:{_QUOTE})?[ \t]*[:=][ \t]*)(?P<value>{_VALUE})", _keyed),
)
