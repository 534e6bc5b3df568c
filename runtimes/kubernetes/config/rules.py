"""What Kubernetes allows in a ConfigMap or Secret, said before it is asked, in words that name no value. Pure.

The API server judges again and has the last word. Its words may quote what it was sent, and so may those of an
admission webhook: `without_values` takes them out of an error of a Secret.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping

from runtimes.config import KEY_MAX_CHARS, NAME_MAX_CHARS, ConfigChange, is_key, is_name
from runtimes.errors import Invalid, RuntimeProblem
from runtimes.kubernetes.config import certificates
from runtimes.kubernetes.config.objects import KINDS, TOKEN_TYPES, Stored, values_of

SIZE_MAX_BYTES = 1_048_576
"""Of all values together: MaxSecretSize, which ConfigMaps have as well."""
TLS, DOCKER, DOCKER_OLD = "kubernetes.io/tls", "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"
NEEDS: Mapping[str, tuple[str, ...]] = {
    TLS: ("tls.crt", "tls.key"),
    DOCKER: (".dockerconfigjson",),
    DOCKER_OLD: (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
"""Keys that a Secret of a type must have: https://kubernetes.io/docs/concepts/configuration/secret/#secret-types"""
BASIC, BASIC_KEYS = "kubernetes.io/basic-auth", ("username", "password")
TYPE_MAX_CHARS = 253
WINDOW_CHARS = 12
"""So many characters of a value in a foreign sentence are no accident."""
SHORT_MIN_CHARS = 4
PART_MIN_CHARS = 6
"""Of what stands in a document: a shorter word of it is in half of all sentences by accident."""
_ASSIGNED = re.compile(r"^[ \t]*[\w.-]{1,100}(?:=|:[ \t]+)[ \t]*(\S{1,1000})[ \t]*\r?$", re.MULTILINE)


def check(change: ConfigChange, stored: Stored | None) -> None:
    """Raise Invalid for what Kubernetes would not take, or what is not changed here. `stored` None: it is created."""
    kind = KINDS[change.holder]
    if stored is None:
        _check_name(change.name, kind)
    else:
        _check_open(change, stored, kind)
    for key in change.values:
        check_key(key)
    _check_size(change, kind)
    if change.holder == "secrets":
        _check_type(change, stored.type if stored else change.type or "Opaque", is_new=stored is None)


def check_key(key: str) -> None:
    """Raise Invalid for what cannot be a key."""
    if is_key(key):
        return
    hint = f"A key has letters, digits, -, _ and . only, at most {KEY_MAX_CHARS}, and does not begin with two dots."
    raise Invalid(f"{key[:60]!r} cannot be a key.", hint=hint, field=f"keys.{key}", recorded="That cannot be a key.")


def registries(values: Mapping[str, bytes]) -> tuple[str, ...]:
    """List the hosts that a dockerconfigjson or dockercfg has a login for; none where it cannot be read."""
    try:
        if ".dockerconfigjson" in values:
            entries = json.loads(values[".dockerconfigjson"])["auths"]
        else:
            entries = json.loads(values.get(".dockercfg", b"{}"))
        return tuple(sorted(str(host) for host in dict(entries)))
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()


def without_values(problem: RuntimeProblem, values: Iterable[bytes]) -> RuntimeProblem:
    """Give the error without what quotes one of the values, plain, as base64 or escaped."""
    known = [text for value in values for text in _written(value)]
    if _quotes(problem.sentence, known):
        problem.sentence = (
            "The cluster refused it, and quotes a value of the Secret in its words, so they are not shown."
        )
        problem.args = (problem.sentence,)
    if _quotes(problem.detail, known):
        problem.detail = "What the cluster said holds a value of the Secret and is not shown."
    if _quotes(problem.hint, known):
        problem.hint = ""
    return problem


def _check_size(change: ConfigChange, kind: str) -> None:
    total = sum(map(len, change.values.values()))
    if total <= SIZE_MAX_BYTES:
        return
    largest = max(change.values, key=lambda key: len(change.values[key]))
    sentence = f"The values are {total:,} bytes together; a {kind} holds {SIZE_MAX_BYTES:,} at most."
    hint = f"The largest is {largest[:KEY_MAX_CHARS]}. Split it up, or keep the large part in a volume."
    raise Invalid(sentence, hint=hint, field=f"values.{largest}")


def _check_name(name: str, kind: str) -> None:
    if not is_name(name):
        hint = f"Small letters, digits, - and . only, at most {NAME_MAX_CHARS}, with a letter or digit at both ends."
        words = f"{name[:60]!r} cannot be the name of a {kind}." if name else f"A {kind} needs a name."
        raise Invalid(words, hint=hint, field="name", recorded=f"That cannot be the name of a {kind}.")


def _check_open(change: ConfigChange, stored: Stored, kind: str) -> None:
    locked = TOKEN_TYPES.get(stored.type, "") if change.holder == "secrets" else ""
    if locked:
        raise Invalid(f"{kind} {change.name} is not changed here.", hint=locked)
    if not stored.immutable:
        return
    if change.given or change.immutable is False or values_of(change.holder, stored) != dict(change.values):
        hint = "Create one of another name and let the workloads use that, or delete it and create it anew."
        raise Invalid(f"{kind} {change.name} is immutable: nobody can change its values any more.", hint=hint)


def _check_type(change: ConfigChange, kind: str, *, is_new: bool) -> None:
    """Check what a type asks for; of a pair for TLS what kubectl does, where somebody makes one of what they send."""
    if kind in TOKEN_TYPES:
        raise Invalid(f"Secrets of the type {kind[:60]} are not made here.", hint=TOKEN_TYPES[kind], field="type")
    if len(kind) > TYPE_MAX_CHARS:
        raise Invalid("The type of the Secret is too long.", field="type")
    lacking = [key for key in NEEDS.get(kind, ()) if key not in change.values]
    if lacking:
        raise Invalid(f"A Secret of the type {kind} needs the key {' and '.join(lacking)}.", field="type")
    if kind == BASIC and not any(key in change.values for key in BASIC_KEYS):
        raise Invalid(f"A Secret of the type {kind} needs the key username or password.", field="type")
    if kind == DOCKER and not _is_object(change.values[".dockerconfigjson"]):
        sentence, hint = ".dockerconfigjson is not a JSON object.", 'It begins with {"auths": …}.'
        raise Invalid(sentence, hint=hint, field="values..dockerconfigjson")
    if kind == TLS and change.given and is_new and (fault := certificates.fault(change.values)):
        key, sentence = fault
        raise Invalid(sentence, hint="kubectl create secret tls refuses it, too.", field=f"values.{key}")


def _is_object(value: bytes) -> bool:
    try:
        return isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        return False


def _written(value: bytes) -> list[str]:
    """Write a value in each way in which somebody may quote it, and what stands in it where it is a document."""
    text = value.decode("utf-8", "replace")
    parts = (part for part in (*_texts(text), *_assigned(text)) if len(part) >= PART_MIN_CHARS)
    return [text, json.dumps(text)[1:-1], base64.b64encode(value).decode().rstrip("="), *parts]


def _texts(text: str) -> Iterator[str]:
    """Give the texts in a JSON document, and the passwords in its logins: base64 of a user and a password."""
    try:
        waiting = [json.loads(text)] if text.lstrip()[:1] in ("{", "[") else []
    except (ValueError, RecursionError):
        return
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, list):
            waiting.extend(found)
        elif isinstance(found, dict):
            waiting.extend(found.values())
            yield from _login(found.get("auth"))


def _login(auth: object) -> Iterator[str]:
    try:
        yield base64.b64decode(auth if isinstance(auth, str) else "").decode().partition(":")[2]
    except ValueError:
        return


def _assigned(text: str) -> Iterator[str]:
    """Give what stands behind `=` or `: ` in the lines of an environment file, properties or YAML."""
    if "\n" in text.strip():
        yield from (found[1].strip("\"'") for found in _ASSIGNED.finditer(text))


def _quotes(words: str, values: Iterable[str]) -> bool:
    if not words:
        return False
    ends = range(max(0, len(words) - WINDOW_CHARS + 1))
    for value in values:
        if SHORT_MIN_CHARS <= len(value) < WINDOW_CHARS and value in words:
            return True
        if len(value) >= WINDOW_CHARS and any(words[at : at + WINDOW_CHARS] in value for at in ends):
            return True
    return False
