"""Which secrets a container was made with: names only. Pure.

An engine tells of the files; a secret that became an environment variable shows only in the line that made the
container. There a word behind `--secret` may also belong to the container's own command and be a value: so it counts
only where the engine has a secret of that name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from runtimes.libpod import SecretUse

OPTION = "--secret"
FOLDER = "/run/secrets"


def secret_uses(files: Sequence[str], line: Sequence[str], *, known: Collection[str]) -> tuple[SecretUse, ...]:
    """Give what a container has of secrets, each use once; `files` are names that the engine tells."""
    found = dict.fromkeys(use for spec in _specs(line) if (use := _use(spec, known)) is not None)
    named = {use.name for use in found}
    told = [SecretUse(name=name, given=f"file {FOLDER}/{name}") for name in files if name not in named]
    return tuple(sorted(dict.fromkeys([*found, *told]), key=lambda use: (use.name, use.given)))


def _specs(line: Sequence[str]) -> Iterator[str]:
    for word, following in zip(line, [*line[1:], ""], strict=False):
        if word == OPTION:
            yield following
        elif word.startswith(f"{OPTION}="):
            yield word.removeprefix(f"{OPTION}=")


def _use(spec: str, known: Collection[str]) -> SecretUse | None:
    name, *options = spec.split(",")
    if name not in known:
        return None
    told = dict(option.partition("=")[::2] for option in options)
    target = told.get("target", "")
    if told.get("type") == "env":
        return SecretUse(name=name, given=f"environment variable {target or name}")
    path = target if target.startswith("/") else f"{FOLDER}/{target or name}"
    return SecretUse(name=name, given=f"file {path}")
