"""Routes as data: each exists as a page and in the API, names its action, and says what it answers.

The OpenAPI document and the test that walks every route are made from these same values, so neither can drift.
A view without an action cannot be registered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict, TypeVar, Unpack

from flask import Blueprint, Flask

from opsmodal.permissions import Action
from opsmodal.reasons import REASON_MAX_CHARS

API = "/api/v1"

View = Callable[..., Any]
V = TypeVar("V", bound=View)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A query parameter of a route, for its documentation."""

    name: str
    description: str
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})


LIST_PARAMETERS = (
    Parameter(name="limit", description="Rows at most", schema={"type": "integer", "minimum": 1, "maximum": 1000}),
    Parameter(name="cursor", description="Where to go on: `next` of the page before"),
    Parameter(name="search", description="Only rows that contain this text"),
    Parameter(name="sort", description="A column; a leading - sorts descending"),
)
CONFIRM = Parameter(name="confirm", description="The service's name in production, `true` elsewhere")


def confirm_when(when: str) -> Parameter:
    """Describe the confirmation of what is not always dangerous; `when` says in which case it is."""
    return replace(CONFIRM, description=f"Wanted {when}: {CONFIRM.description[:1].lower()}{CONFIRM.description[1:]}")


REASON = Parameter(
    name="reason",
    description="Why; kept in the audit log, one line",
    schema={"type": "string", "maxLength": REASON_MAX_CHARS},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. `answers` is the type of its value, None for text; `page` is its HTML path, None without one."""

    name: str
    method: str
    path: str
    action: Action
    view: View
    answers: Any
    page: str | None
    status: int
    body: Any
    parameters: tuple[Parameter, ...]
    media_type: str
    body_media_type: str
    other_media_types: tuple[str, ...]
    """What it may answer with instead, as text."""
    other_answers: tuple[tuple[int, Any], ...]
    """What it may answer with instead, as JSON: the status, and the type of its value."""

    @property
    def summary(self) -> str:
        """The first line of the view's docstring."""
        return (self.view.__doc__ or self.name).strip().splitlines()[0]


class Extra(TypedDict, total=False):
    """What a route may say beyond its action and its answer."""

    status: int
    body: Any
    parameters: Sequence[Parameter]
    media_type: str
    body_media_type: str
    other_media_types: Sequence[str]
    other_answers: Sequence[tuple[int, Any]]
    page: str | None
    api: bool


class Routes:
    """The routes of one noun."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.routes: list[Route] = []

    def get(self, path: str, action: Action, answers: Any, **extra: Unpack[Extra]) -> Callable[[V], V]:
        """Declare a read: the same path as page and in the API."""
        return self._declare("GET", path, action, answers, {"page": path, **extra})

    def post(self, path: str, action: Action, answers: Any, **extra: Unpack[Extra]) -> Callable[[V], V]:
        """Declare a POST: the same path as form target and in the API."""
        return self._declare("POST", path, action, answers, {"page": path, **extra})

    def put(self, path: str, action: Action, answers: Any, **extra: Unpack[Extra]) -> Callable[[V], V]:
        """Declare a PUT; forms, which know only POST, send to the path itself."""
        return self._declare("PUT", path, action, answers, {"page": path, **extra})

    def delete(self, path: str, action: Action, answers: Any, **extra: Unpack[Extra]) -> Callable[[V], V]:
        """Declare a DELETE; forms, which know only POST, send to `path/delete`."""
        return self._declare("DELETE", path, action, answers, {"page": f"{path}/delete", **extra})

    def _declare(self, method: str, path: str, action: Action, answers: Any, extra: Extra) -> Callable[[V], V]:
        def declare(view: V) -> V:
            route = Route(
                name=f"{self.noun}_{view.__name__}",
                method=method,
                path=path if extra.get("api", True) else "",
                action=action,
                view=view,
                answers=answers,
                page=extra.get("page"),
                status=extra.get("status", 200),
                body=extra.get("body"),
                parameters=tuple(extra.get("parameters", ())),
                media_type=extra.get("media_type", "application/json"),
                body_media_type=extra.get("body_media_type", "application/json"),
                other_media_types=tuple(extra.get("other_media_types", ())),
                other_answers=tuple(extra.get("other_answers", ())),
            )
            self.routes.append(route)
            return view

        return declare


def register(app: Flask, nouns: Sequence[Routes]) -> tuple[Route, ...]:
    """Put every route on the application, as page and in the API; give all of them."""
    pages, api = Blueprint("page", __name__), Blueprint("api", __name__, url_prefix=API)
    routes = tuple(route for noun in nouns for route in noun.routes)
    for route in routes:
        if route.path:
            api.add_url_rule(route.path, route.name, route.view, methods=[route.method])
        if route.page is not None:
            pages.add_url_rule(route.page, route.name, route.view, methods=["GET" if route.method == "GET" else "POST"])
    app.register_blueprint(pages)
    app.register_blueprint(api)
    return routes
