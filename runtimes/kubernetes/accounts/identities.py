"""Decides who a service is operated as, on pages and by typed commands.

That is the service's own account where one is registered, else the runtime's credential. A short-lived token is the
narrowest there is: it can do what the account may and nothing else. Where the runtime may not ask for one it may
perhaps act as the account (impersonation). Where it may do neither, nothing is done: falling back to the runtime's own
rights would be the opposite of what was registered.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import msgspec

from runtimes.errors import Denied, Missing, RuntimeProblem
from runtimes.kubernetes.accounts import private
from runtimes.kubernetes.accounts.private import Identity
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.login.access import Access
from runtimes.structs import make_ready

TOKEN_S = 1800
"""How long a token is asked for: a stream's ten minutes three times. The API gives none for less than 600 s."""
KEPT_S = 300.0
"""How long a token is used again: an account that was made anew takes none of its predecessor's."""
SPARE_S = 60.0
"""A token outlives its command by this much at least."""
KEPT_MAX = 64
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
OWN = "the runtime's own credential"


class _Token(msgspec.Struct, frozen=True):
    token: str = ""


class _TokenRequest(msgspec.Struct, frozen=True):
    status: _Token = _Token()


class _Allowed(msgspec.Struct, frozen=True):
    allowed: bool = False


class _AccessReview(msgspec.Struct, frozen=True):
    status: _Allowed = _Allowed()


class _User(msgspec.Struct, frozen=True):
    username: str = ""


class _UserInfo(msgspec.Struct, frozen=True, rename="camel"):
    user_info: _User = _User()


class _SelfReview(msgspec.Struct, frozen=True):
    status: _UserInfo = _UserInfo()


@dataclass(frozen=True, slots=True)
class _Lent:
    identity: Identity
    since: float


class Identities:
    """Who commands of one runtime can be. Safe to use from several threads."""

    def __init__(self, client: Client, access: Access) -> None:
        self._client = client
        self._access = access
        self._lock = threading.Lock()
        self._lent: dict[tuple[str, str], _Lent] = {}
        self._own = ""

    def of(self, namespace: str, account: str, *, for_s: float) -> Identity:
        """Say who a command is that may run for so long: `account` of the namespace, or ourselves when it is "".

        Raise Denied when we may not be the account, Missing when it is not there.
        """
        if not account:
            return Identity(name=self._ourselves())
        key = (namespace, account)
        with self._lock:
            lent = self._lent.get(key)
        now = time.monotonic()
        if lent is not None and now < lent.since + min(KEPT_S, TOKEN_S - for_s - SPARE_S):
            return lent.identity
        identity = self._asked(namespace, account)
        with self._lock:
            self._lent[key] = _Lent(identity, now)
            while len(self._lent) > KEPT_MAX:
                self._lent.pop(next(iter(self._lent)))
        return identity

    def forget(self, namespace: str, account: str) -> bool:
        """Drop the kept token of an account; False where there is none."""
        with self._lock:
            lent = self._lent.pop((namespace, account), None)
        return lent is not None and bool(lent.identity.token)

    def _asked(self, namespace: str, account: str) -> Identity:
        name = f"system:serviceaccount:{namespace}:{account}"
        try:
            return Identity(name=name, token=self._token(namespace, account))
        except Denied as denied:
            if not self._may_act_as(namespace, account):
                hint = (
                    f"Let the runtime's identity create serviceaccounts/token in {namespace}, or impersonate the "
                    "account; or take serviceAccount off the service."
                )
                raise Denied(
                    f"This service is operated as its service account {account}, which this runtime may "
                    "neither get a token of nor act as.",
                    hint=hint,
                    detail=denied.detail,
                    grant=denied.grant,
                ) from denied
            return Identity(name=name, as_user=name)

    def _token(self, namespace: str, account: str) -> str:
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": TOKEN_S},
        }
        path = paths.single(namespace, "serviceaccounts", account, sub="token")
        try:
            given = self._client.create(path, _TokenRequest, body, what=f"a token of the service account {account}")
        except Missing as missing:
            hint = f"Create it, or register another serviceAccount: kubectl -n {namespace} create sa {account}"
            raise Missing(f"There is no service account {account} in {namespace}.", hint=hint) from missing
        if not given.status.token:
            raise Denied(f"The API server gave no token of the service account {account}.")
        return given.status.token

    def _may_act_as(self, namespace: str, account: str) -> bool:
        if private.impersonates(self._access.login()):
            return False  # who acts as somebody already can act as nobody else
        attributes = {"namespace": namespace, "verb": "impersonate", "resource": "serviceaccounts", "name": account}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        try:
            return self._client.create(REVIEWS, _AccessReview, body, what="a review of our rights").status.allowed
        except (Denied, Missing):
            return False

    def _ourselves(self) -> str:
        """Say by which name the cluster knows us (SelfSubjectReview, since 1.28); asked once."""
        if not self._own:
            body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
            try:
                review = self._client.create(WHO, _SelfReview, body, what="who we are")
                self._own = review.status.user_info.username or OWN
            except RuntimeProblem:
                return OWN  # a name for the record only: the command itself will say what is wrong
        return self._own


make_ready(globals())
