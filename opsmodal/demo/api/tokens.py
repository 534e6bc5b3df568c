"""TokenRequest: a token of a service account that lasts as long as was asked for, as `kubectl create token` gets it.

Tokens look like those of the real server, but their signature is chance: only this cluster knows them again.
Source: k8s.io/kubernetes pkg/registry/core/serviceaccount/storage/token.go, pkg/apis/authentication/validation.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta

from opsmodal.demo import problems
from opsmodal.demo.api.bodies import read_object
from opsmodal.demo.api.requests import Answer, Request, Target
from opsmodal.demo.api.users import Tokens, service_account
from opsmodal.demo.clock import Clock, stamp
from opsmodal.demo.documents import Obj, dig, encode, uid_of
from opsmodal.demo.problems import Cause

GROUP = "authentication.k8s.io"
USUAL_S, LEAST_S, MOST_S = 3600, 600, 1 << 32
AUDIENCE = "https://kubernetes.default.svc.cluster.local"
SIGNATURE_BYTES = 32


class TokenRequests:
    """Serve serviceaccounts/token."""

    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    def answer(self, request: Request, target: Target, account: Obj) -> Answer:
        """Give a new token. Raise a 422 Problem for a time that is too short or too long."""
        asked = read_object(request)
        lasts_s = dig(asked, "spec", "expirationSeconds") or USUAL_S
        if cause := _wrong(lasts_s):
            raise problems.invalid("TokenRequest", GROUP, "", [cause])
        now = self._clock.now()
        ends = now + timedelta(seconds=lasts_s)
        token = _written(target, uid_of(account), now, ends)
        if not request.text("dryRun"):
            self._tokens.lend(token, service_account(target.namespace, target.name, uid_of(account)), ends)
        spec = {"audiences": [AUDIENCE], "expirationSeconds": lasts_s, "boundObjectRef": None}
        spec |= {name: value for name, value in (asked.get("spec") or {}).items() if value}
        head: Obj = {"kind": "TokenRequest", "apiVersion": f"{GROUP}/v1"}
        head["metadata"] = {"name": target.name, "namespace": target.namespace, "creationTimestamp": stamp(now)}
        return Answer(
            201, encode(head | {"spec": spec, "status": {"token": token, "expirationTimestamp": stamp(ends)}})
        )


def _wrong(lasts_s: int) -> Cause | None:
    field = "spec.expirationSeconds"
    if lasts_s < LEAST_S:
        words = f"Invalid value: {lasts_s}: may not specify a duration less than 10 minutes"
        return Cause("FieldValueInvalid", field, words)
    if lasts_s > MOST_S:
        words = f"Invalid value: {lasts_s}: may not specify a duration larger than 2^32 seconds"
        return Cause("FieldValueInvalid", field, words)
    return None


def _written(target: Target, uid: str, now: datetime, ends: datetime) -> str:
    place = {"namespace": target.namespace, "serviceaccount": {"name": target.name, "uid": uid}}
    claims: Obj = {"aud": [AUDIENCE], "iss": AUDIENCE, "kubernetes.io": place}
    claims |= {"sub": f"system:serviceaccount:{target.namespace}:{target.name}"}
    claims |= {"iat": int(now.timestamp()), "nbf": int(now.timestamp()), "exp": int(ends.timestamp())}
    parts = (encode({"alg": "none", "typ": "JWT"}), encode(claims), secrets.token_bytes(SIGNATURE_BYTES))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
