"""Gives each service account facets of its own, so that what one identity read is never shown for another.

Live lists, figures and everything else that is kept are parts of a facet; so identities share none of it, and a facet
cannot forget to ask who it acts as: it has one client and knows no other. Which facets a call goes to is decided here
alone, by the scope that is the first argument of every method of a facet.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

from runtimes.base import Counts, Runtime, Scope
from runtimes.errors import Unavailable

ACCOUNTS_MAX = 64
"""Accounts of one runtime whose facets are kept at once, each with threads and connections of its own; who has not been
asked for the longest time makes room."""
PLAIN = frozenset({"name", "kind", "identity", "discover", "check", "close", "counts"})
"""What a runtime has that is no service's: it stays what the runtime's own credential gives. All else goes by scope."""

Made = Callable[[str, str], Runtime]
"""Makes the facets that act as an account of a namespace: (namespace, account)."""


class Accounts:
    """The facets of one runtime by identity. Safe to use from several threads."""

    def __init__(self, own: Runtime, made: Made) -> None:
        self._own = own
        self._made = made
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], Runtime] = OrderedDict()
        self._closed = False

    def of(self, scope: Scope) -> Runtime:
        """Give the facets for a scope. Raise Unavailable once the runtime is closed."""
        if not scope.service_account:
            return self._own
        key, oldest = (scope.namespace, scope.service_account), None
        with self._lock:
            if self._closed:
                raise Unavailable(f"Runtime {self._own.name} is being closed.")
            if key not in self._known:
                self._known[key] = self._made(*key)
                oldest = self._known.popitem(last=False)[1] if len(self._known) > ACCOUNTS_MAX else None
            self._known.move_to_end(key)
            found = self._known[key]
        if oldest is not None:
            oldest.close()
        return found

    def counts(self) -> Counts:
        """Say how much all of them keep, and how old it is."""
        with self._lock:
            known = list(self._known.values())
        return sum((each.counts() for each in known), self._own.counts())

    def close(self) -> None:
        """Close all of them, the runtime's own last. May be called twice."""
        with self._lock:
            self._closed = True
            known = list(self._known.values())
        for each in known:
            each.close()
        self._own.close()


def by_account(own: Runtime, made: Made, *, afterwards: Callable[[], None]) -> Runtime:
    """Give a runtime whose facets act as the account that a scope names. `afterwards` is called when all are closed."""
    accounts = Accounts(own, made)
    facets = {
        field.name: ByScope(accounts, field.name)
        for field in fields(own)
        if field.name not in PLAIN and getattr(own, field.name) is not None
    }

    def close() -> None:
        accounts.close()
        afterwards()

    changed: dict[str, Any] = {**facets, "close": close, "counts": accounts.counts}
    return replace(own, **changed)


class ByScope:
    """Stands for one facet: a call with a scope goes to the facet of its account, any other to the runtime's own."""

    def __init__(self, accounts: Accounts, facet: str) -> None:
        self._accounts = accounts
        self._facet = facet

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._of(given, named)(*given, **named)

    def __getattr__(self, name: str) -> Any:
        own = getattr(getattr(self._accounts.of(_NOBODY), self._facet), name)
        if not callable(own):
            return own

        def call(*given: Any, **named: Any) -> Any:
            return getattr(self._of(given, named), name)(*given, **named)

        return call

    def _of(self, given: Sequence[Any], named: dict[str, Any]) -> Any:
        return getattr(self._accounts.of(_scope(given, named)), self._facet)


_NOBODY = Scope(service="")


def _scope(given: Sequence[Any], named: dict[str, Any]) -> Scope:
    """Find the scope of a call; collectors ask for several at once, which are of one account (`History.place`)."""
    first = given[0] if given else named.get("scope", named.get("scopes"))
    if isinstance(first, list | tuple):
        accounts = {each.service_account for each in first if isinstance(each, Scope)}
        if len(accounts) > 1:
            raise ValueError("scopes of several accounts are asked about at once")
        first = first[0] if first else None
    return first if isinstance(first, Scope) else _NOBODY
