"""What is sent for a change of a route, step by step, and what is told of it before. Pure.

Caddy takes one place at a time, so a change of two places is two requests, in the order in which no moment between
them answers worse than before: a certificate's maker before its route, a new route before the old one goes.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import yaml

from runtimes.caddy import config, policies
from runtimes.caddy.address import AdminAddress, path_of
from runtimes.caddy.config import SERVERS, Entry, Known
from runtimes.caddy.placing import position
from runtimes.caddy.routes import Route, made
from runtimes.caddy.servers import Chosen, place
from runtimes.caddy.steps import Document, Step, applied, insertion
from runtimes.planning import Difference, Plan

REVISION_CHARS = 16
WORDS = {
    "host": "host",
    "path": "path",
    "path_type": "path type",
    "container": "container",
    "port": "port",
    "dial": "address",
    "server": "server",
}
OPTIONS = {
    "tls": "TLS",
    "redirect": "redirect to",
    "redirect_status": "redirect with",
    "request_headers": "headers to the container",
    "response_headers": "headers to visitors",
    "connect_timeout_s": "seconds to connect",
    "answer_timeout_s": "seconds to answer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The requests of a change, in order, and the parts of the configuration that are ours before and after."""

    words: str
    steps: tuple[Step, ...]
    before: Sequence[Document] = field(default=(), repr=False)
    after: Sequence[Document] = field(default=(), repr=False)

    def expected(self, root: Document) -> Iterator[Document]:
        """Give what the configuration is to be after each step."""
        for count in range(1, len(self.steps) + 1):
            yield reduce(applied, self.steps[:count], root)


def creation(known: Known, chosen: Chosen, route: Route) -> Draft:
    """Draft a new route. Raise Conflict, see `policies`."""
    before, after = policies.wanted(known, chosen.server, route)
    steps = (*before, _insertion(known, chosen, route), *after)
    return Draft(words=route.words, steps=steps, after=_parts(made(route), before))


def alteration(known: Known, chosen: Chosen, entry: Entry, old: Route | None, route: Route) -> Draft:
    """Draft a route as it is to be. Raise Conflict, see `policies`."""
    before, after = policies.wanted(known, chosen.server, route)
    steps = [*before, *_written(known, chosen, entry, route), *after]
    if old is not None and old.host != route.host:
        steps += _cleared(known.root, steps, old)
    if made(route) == entry.raw and not before and not after:
        steps = []
    return Draft(words=route.words, steps=tuple(steps), before=(entry.raw,), after=_parts(made(route), before))


def removal(known: Known, entry: Entry, old: Route | None) -> Draft:
    """Draft the end of a route; a server of ours goes with its last one."""
    words = old.words if old else f"{', '.join(entry.hosts)}{entry.paths[0][0]}"
    steps = [_deletion(known, entry)]
    steps += _cleared(known.root, steps, old) if old else []
    return Draft(words=words, steps=tuple(steps), before=(entry.raw,))


def revision(raw: Any, tls: str) -> str:
    """Give what people look at, as a digest: the route, and how its host has TLS."""
    said = json.dumps([raw, tls], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:REVISION_CHARS]


def told(
    draft: Draft,
    known: Known,
    address: AdminAddress,
    old: Route | None,
    new: Route | None,
    *,
    verb: str,
    revision: str = "",
    warnings: Sequence[str] = (),
) -> Plan:
    """Say what a draft would do. Caddy has no dry run: what it thinks of it is known when it is done."""
    hits = (f"{draft.words} is not answered any more by {old.container or 'a redirect'}",) if old and not new else ()
    return Plan(
        target=f"route/{draft.words}",
        summary=f"{verb} {draft.words}",
        command=command(draft, known, address),
        differences=tuple(_differences(old, new)),
        diff=_diff(draft),
        warnings=tuple(warnings),
        hits=hits,
        revision=revision,
        unchanged=not draft.steps,
    )


def command(draft: Draft, known: Known, address: AdminAddress) -> str:
    """Give the line that does the same by hand; its first request holds for the configuration as it was read."""
    lines = (
        address.line(step.method, path_of(step.place), step.body, "" if number else known.etag)
        for number, step in enumerate(draft.steps)
    )
    return " && ".join(lines)


def _written(known: Known, chosen: Chosen, entry: Entry, route: Route) -> list[Step]:
    """Replace a route where it stands, or put it where it belongs and take the old one away."""
    if chosen.server.name != entry.server:
        return [_insertion(known, chosen, route), _deletion(known, entry)]
    others = [each for each in chosen.server.entries if each.index != entry.index]
    belongs = position(route, others)
    if belongs == entry.index:
        return [Step(method="PATCH", place=_place(entry.server, entry.index), body=made(route))]
    to = belongs if belongs < entry.index else belongs + 1
    inserted = insertion(known.root, (*place(entry.server), "routes"), to, made(route))
    old = entry.index + 1 if to <= entry.index else entry.index
    return [inserted, Step(method="DELETE", place=_place(entry.server, old))]


def _insertion(known: Known, chosen: Chosen, route: Route) -> Step:
    server = chosen.server
    if chosen.raw is not None:
        return Step(method="PUT", place=place(server.name), body={**chosen.raw, "routes": [made(route)]})
    return insertion(known.root, (*place(server.name), "routes"), position(route, server.entries), made(route))


def _deletion(known: Known, entry: Entry) -> Step:
    server = known.servers[entry.server]
    if server.own and len(server.entries) == 1:
        return Step(method="DELETE", place=place(server.name))
    return Step(method="DELETE", place=_place(entry.server, entry.index))


def _cleared(root: Document, steps: Sequence[Step], old: Route) -> list[Step]:
    """Take away how the certificate of a host is made that no route names any more, after these steps."""
    left = policies.leftover(config.known(reduce(applied, steps, root), ""), old.service, old.host)
    return [policies.removal(left)] if left else []


def _place(server: str, index: int) -> tuple[str | int, ...]:
    return (*SERVERS, server, "routes", index)


def _parts(route: Document, before: Sequence[Step]) -> tuple[Document, ...]:
    """Give the route and what is written beside it, each as an item and not as the list it may come in."""
    beside = [step.body[0] if isinstance(step.body, list) else step.body for step in before]
    return (route, *beside)


def _diff(draft: Draft) -> str:
    before, after = (
        [line for part in parts for line in yaml.safe_dump(part, sort_keys=False).splitlines()]
        for parts in (draft.before, draft.after)
    )
    name = f"route/{draft.words}"
    return "\n".join(difflib.unified_diff(before, after, f"{name} now", f"{name} then", lineterm=""))


def _differences(old: Route | None, new: Route | None) -> Iterator[Difference]:
    for names, sides in ((WORDS, (old, new)), (OPTIONS, (old and old.proxying, new and new.proxying))):
        for name, what in names.items():
            before, after = (_shown(getattr(side, name)) if side else "" for side in sides)
            redirects = [each for each in (old, new) if each and each.proxying.redirect]
            if before != after and (name != "redirect_status" or redirects):
                yield Difference(what=what, before=before, after=after)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{name}: {text}" for name, text in value)
    return str(value) if value else ""
