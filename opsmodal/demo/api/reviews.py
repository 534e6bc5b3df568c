"""Questions that are answered and not stored: what may I do, which rules hold for me, who am I."""

from __future__ import annotations

from collections.abc import Callable

from opsmodal.demo.api.access import Access, Question
from opsmodal.demo.api.bodies import read_object
from opsmodal.demo.api.requests import Answer, Request, Target
from opsmodal.demo.api.users import User
from opsmodal.demo.documents import Obj, dig, encode

READABLE = [
    *("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"),
    *("/healthz", "/livez", "/readyz", "/version", "/version/"),
]
"""Paths that anybody with a name may read (ClusterRoles system:discovery and system:public-info-viewer)."""
EVERYTHING: Obj = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


class Reviews:
    """Answer reviews of one's own rights."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._answers: dict[str, Callable[[Request, Obj], Obj]] = {
            "SelfSubjectAccessReview": self._may_i,
            "SelfSubjectRulesReview": self._my_rules,
            "SelfSubjectReview": self._who_am_i,
            "SubjectAccessReview": self._may_they,
            "LocalSubjectAccessReview": self._may_they,
        }

    def serves(self, target: Target) -> bool:
        """Tell whether this is a review."""
        return target.kind.name in self._answers

    def answer(self, request: Request, target: Target) -> Answer:
        """Answer a review."""
        asked = read_object(request)
        head: Obj = {"kind": target.kind.name, "apiVersion": target.kind.api_version}
        head["metadata"] = {"creationTimestamp": None}
        if "spec" in asked:
            head["spec"] = asked["spec"]
        return Answer(201, encode(head | {"status": self._answers[target.kind.name](request, asked)}))

    def _may_i(self, request: Request, asked: Obj) -> Obj:
        return self._judged(request.user, asked)

    def _may_they(self, _: Request, asked: Obj) -> Obj:
        spec = asked.get("spec") or {}
        return self._judged(User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", "")), asked)

    def _judged(self, user: User, asked: Obj) -> Obj:
        attributes = dig(asked, "spec", "resourceAttributes")
        if not attributes:
            path = dig(asked, "spec", "nonResourceAttributes", "path") or "/"
            return {"allowed": self._access.allows_path(user, path)}
        resource, subresource = attributes.get("resource", ""), attributes.get("subresource", "")
        allowed = self._access.allows(
            user,
            Question(
                verb=attributes.get("verb", ""),
                group=attributes.get("group", ""),
                resource=f"{resource}/{subresource}" if subresource else resource,
                namespace=attributes.get("namespace", ""),
                name=attributes.get("name", ""),
            ),
        )
        return {"allowed": allowed} | ({} if allowed else {"reason": ""})

    def _my_rules(self, request: Request, asked: Obj) -> Obj:
        namespace = dig(asked, "spec", "namespace") or "default"
        rules = list(self._access.rules(request.user, namespace))
        if "system:masters" in request.user.groups:
            rules = [EVERYTHING]
        reviews = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
        rules.append({"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]})
        rules.append({"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": reviews})
        paths: list[Obj] = [{"verbs": ["get"], "nonResourceURLs": READABLE}]
        if "system:masters" in request.user.groups:
            paths.insert(0, {"verbs": ["*"], "nonResourceURLs": ["*"]})
        return {"resourceRules": rules, "nonResourceRules": paths, "incomplete": False}

    @staticmethod
    def _who_am_i(request: Request, _: Obj) -> Obj:
        user = request.user
        return {
            "userInfo": {"username": user.name, "groups": list(user.groups)} | ({"uid": user.uid} if user.uid else {})
        }
