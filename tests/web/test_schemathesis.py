"""The API holds what its OpenAPI document says, whatever is sent.

Nothing breaks, nothing is answered that is not written there, and nobody gets what their role should not get.

Schemathesis makes the requests out of the document, well-formed and malformed ones. To get past the first "there is no
such thing", names that exist are put into them, and values that have broken other programs. The same requests come in
every run: the seed is fixed, no phase depends on an earlier run, and nothing is judged by the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks as conformance

from opsmodal.app import close_app, create_app
from opsmodal.demo import example
from opsmodal.demo.cluster import start
from opsmodal.people import People
from opsmodal.registry.registry import Registry
from opsmodal.settings import Settings
from opsmodal.store import open_store, open_vault
from opsmodal.web.errors import MEDIA_TYPE, STATUSES, ErrorBody
from tests.engines.process import CannotStart
from tests.unit.opsmodal.store.postgresql import started
from tests.web import permitted
from tests.web.conftest import Installation

pytestmark = pytest.mark.filterwarnings(
    # It does, and hypothesis seeds that module for each example: what is sent stays the same in every run.
    "ignore:Do not use the `random` module inside strategies:hypothesis.errors.HypothesisDeprecationWarning"
)
SEED = 4
ACTORS = ("none", "viewer", "manager", "auditor", "admin")
OFTEN = ("manager",)
"""Who is tried in `make test`; the others are in `make test-all`."""
STRANGERS_TO_OTHERS = ("none", "viewer", "manager")
"""They have rights on one service at most, so nothing of another one may reach them."""
MARK = "planted-7d1f"
"""Stands in whatever belongs to the other service, and in no request."""
EXAMPLES = {GenerationMode.POSITIVE: 4, GenerationMode.NEGATIVE: 3}
THOROUGH = 8
"""How many times as many `make test-all` tries."""
CHECKS = [
    not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_headers_conformance,
    conformance.response_schema_conformance,
]
AWAY = {"runtime-unavailable", "runtime-denied", "unreachable", "connection-not-available"}
"""What is answered about a runtime that an administrator has just registered and that is not there."""
WORDS = {word for _, word in STATUSES.values()} | {"method-not-allowed", "too-large", "unsupported-media-type"}

OWN, FOREIGN = permitted.OWN, permitted.OTHER
LIKELY: Mapping[str, tuple[str, ...]] = {
    "service": (OWN, FOREIGN),
    "instance": ("db-0", "web", "api"),
    "name": ("demo", OWN, FOREIGN, "viewer", "manager", "oncall"),
    "flag": ("admin", "auditor"),
    "number": ("1", "2", "-1", "99999999999999999999"),
}
"""Values for the parameters of a path that lead somewhere."""
SOCKET = "/nonexistent/opsmodal-test.sock"
BODIES: Mapping[str, Mapping[str, Any]] = {
    "registry_put_runtime": {"kind": "docker", "socket": SOCKET},
    "registry_put_service": {"runtime": "demo", "namespace": OWN},
    "vpn_profiles_put": {"kind": "wireguard", "mode": "external", "interface": "wg0"},
    "registry_apply": {
        "apiVersion": "opsmodal/v1",
        "grants": [{"user": "viewer", "role": "viewer", "services": [OWN]}],
    },
    "grants_put": {"user": "viewer", "role": "viewer", "services": [OWN]},
    "grants_put_group": {"users": ["viewer"]},
    "people_create": {"name": "new"},
    "connection_choose": {"name": "auto"},
    "commands_check": {"command": "kubectl get pods", "mode": "oneshot"},
}
"""Bodies that are taken, of which one field is then replaced."""
NASTY = (
    "",
    "\x00",
    "a\x00b",
    "\ufffe",
    "ﬀ𝕒\u202e\u0301",
    "%00",
    "%s%n",
    "../../etc/passwd",
    "..%2f..%2fetc",
    "'; DROP TABLE audit; --",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "=1+1",
    "-1",
    "1e999",
    "9" * 5000,
    "9223372036854775808",
    "x" * 3000,
    "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00-14:00",
)
NASTY_JSON = (*NASTY, 10**30, -(2**63), 1e308, True, None, [], {}, [[[[]]]], {"$ref": "#"}, ["\x00"], {"\x00": "\x00"})


@pytest.fixture
def planted(changed: Installation) -> Installation:
    """Give an installation where everything of another service carries the mark."""
    plant(changed)
    return changed


@pytest.fixture
def on_postgresql(tmp_path: Path) -> Iterator[Installation]:
    """Give the same over PostgreSQL, which takes no NUL, no half surrogate and no number over 64 bits."""
    try:
        with started() as server:
            yield from _installed(Settings(data_dir=tmp_path, database_url=server.new_database(), collect=False))
    except CannotStart as reason:
        pytest.skip(str(reason))


def _installed(chosen: Settings) -> Iterator[Installation]:
    store, cluster = open_store(chosen.store_url), start()
    app, people = create_app(chosen, store), People(store)
    registry = Registry(store, open_vault(store, data_dir=chosen.data_dir))
    document = example.registry("demo.yaml")
    registry.put("runtimes", document["runtimes"][0], {"kubeconfig": cluster.kubeconfig()})
    for service in document["services"]:
        registry.put("services", service)
    for name in ACTORS[1:]:
        people.add(name, admin=name == "admin", auditor=name == "auditor")
    for name in ("viewer", "manager"):
        registry.put("grants", {"user": name, "role": name, "services": [OWN]})
    made = Installation(app, store, people, registry, {}, cluster, chosen.data_dir)
    plant(made)
    yield made
    close_app(app)
    store.close()
    cluster.stop()


def plant(installation: Installation) -> None:
    """Put the mark into the other service: its pods and their events; and beside it a service of that name."""
    labels = {"app.kubernetes.io/part-of": FOREIGN, "mark": MARK}
    metadata = {"name": MARK, "namespace": FOREIGN, "labels": labels, "annotations": {"mark": MARK}}
    spec = {"containers": [{"name": MARK, "image": f"registry.example.com/{MARK}:1", "env": [{"name": MARK}]}]}
    installation.cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    installation.registry.put("services", {"name": MARK, "runtime": "demo", "namespace": FOREIGN})
    installation.registry.put("grants", {"user": MARK, "role": "viewer", "services": [MARK]})


def operations(installation: Installation) -> list[APIOperation[Any]]:
    """List what the document of the application describes, as the application serves it."""
    headers = {"Authorization": f"Bearer {installation.people.new_token('admin').secret}"}
    served = installation.app.test_client().get("/api/v1/openapi.json", headers=headers)
    schema = schemathesis.openapi.from_dict(_plain_tuples(served.json))
    schema.app = installation.app
    return [found.ok() for found in schema.get_all_operations()]


def _plain_tuples(schema: Any) -> Any:
    """Write tuples as lists of one kind of thing, which ours are.

    Schemathesis 4.32 turns `prefixItems` into the `items` of older drafts, and then refuses that in answers.
    """
    if isinstance(schema, dict):
        told = {key: _plain_tuples(value) for key, value in schema.items()}
        if "prefixItems" in told:
            told["items"] = {"anyOf": told.pop("prefixItems")}
        return told
    return [_plain_tuples(each) for each in schema] if isinstance(schema, list) else schema


def token_of(installation: Installation, actor: str) -> str:
    """Give a fresh token: an earlier request may have ended others, or taken a flag. One person has at most 200."""
    if actor == "none":
        return "none"
    installation.people.enable(actor)
    installation.people.revoke_tokens(actor)
    installation.people.set_flags(actor, admin=actor == "admin", auditor=actor == "auditor")
    return installation.people.new_token(actor).secret


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "actor", [each if each in OFTEN else pytest.param(each, marks=pytest.mark.exhaustive) for each in ACTORS]
)
def test_the_api_holds_what_its_document_says(planted: Installation, actor: str) -> None:
    for operation in operations(planted):
        for mode, examples in EXAMPLES.items():
            attack(planted, operation, actor, mode=mode, examples=examples)


def test_what_leaks_or_breaks_is_found(planted: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge itself is judged: by a right too many, by a role too many and by an answer that is not written down."""
    found = {each.definition.raw["operationId"]: each for each in operations(planted)}
    mode = GenerationMode.POSITIVE
    attack(planted, found["services_listing"], "viewer", mode=mode, examples=4)
    planted.registry.put("grants", {"user": "viewer", "role": "viewer", "services": [FOREIGN, MARK]})
    with pytest.raises(AssertionError, match=MARK):
        attack(planted, found["services_listing"], "viewer", mode=mode, examples=4)
    monkeypatch.setitem(permitted.ROUTES, "overview_read", permitted.ADMIN)
    with pytest.raises(AssertionError, match="manager GET"):
        attack(planted, found["overview_read"], "manager", mode=mode, examples=20)
    found["services_one"].definition.raw["responses"]["200"]["content"] = {"text/csv": {}}
    with pytest.raises(BaseException, match="Content-Type"):
        attack(planted, found["services_one"], "manager", mode=mode, examples=20)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("actor", ACTORS)
def test_the_api_holds_what_its_document_says_thoroughly(planted: Installation, actor: str) -> None:
    for operation in operations(planted):
        for mode, examples in EXAMPLES.items():
            attack(planted, operation, actor, mode=mode, examples=examples * THOROUGH)


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
@pytest.mark.parametrize("actor", ["manager", "auditor", "admin"])
def test_the_api_holds_it_on_postgresql_too(on_postgresql: Installation, actor: str) -> None:
    for operation in operations(on_postgresql):
        for mode, examples in EXAMPLES.items():
            attack(on_postgresql, operation, actor, mode=mode, examples=examples * 3)


def attack(
    installation: Installation, operation: APIOperation[Any], actor: str, *, mode: GenerationMode, examples: int
) -> None:
    """Send requests to one operation as one person; raise what the first that is answered wrongly shows."""
    name = operation.definition.raw["operationId"]
    headers = {"Authorization": f"Bearer {token_of(installation, actor)}"}

    @seeded(SEED)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        _aim(data, case, name)
        judge(case, actor, headers)

    run()


def _aim(data: st.DataObject, case: Case, name: str) -> None:
    """Let the request hit something that is there, and make it worse in one place."""
    for parameter in case.path_parameters or {}:
        if data.draw(st.integers(0, 3)):
            case.path_parameters[parameter] = data.draw(st.sampled_from(LIKELY.get(parameter, ("x",))))
    if name in BODIES and data.draw(st.booleans()):
        case.body, case.media_type = dict(BODIES[name]), case.media_type or "application/json"
    worse = data.draw(st.sampled_from(("no", "no", "path", "query", "body")))
    if worse == "path" and case.path_parameters:
        place = data.draw(st.sampled_from(sorted(case.path_parameters)))
        case.path_parameters[place] = quote(data.draw(st.sampled_from(NASTY)) or " ", safe="")
    if worse == "query":
        places = [each["name"] for each in case.operation.definition.raw["parameters"] if each["in"] == "query"]
        if places:
            case.query = {**(case.query or {}), data.draw(st.sampled_from(places)): data.draw(st.sampled_from(NASTY))}
    if worse == "body" and isinstance(case.body, dict):
        fields = sorted({*case.body, "name"}, key=str)
        case.body = {**case.body, data.draw(st.sampled_from(fields)): data.draw(st.sampled_from(NASTY_JSON))}


def judge(case: Case, actor: str, headers: dict[str, str]) -> None:
    """Send one request and raise when its answer is wrong."""
    name = case.operation.definition.raw["operationId"]
    answer = case.call(headers=headers)
    sent = f"{actor} {case.method} {case.formatted_path} {case.query} {case.body!r}"
    told = f"{sent} → {answer.status_code} {answer.text[:300]}"
    if is_away(actor, answer.status_code, answer.content):
        return
    case.validate_response(answer, checks=CHECKS)
    is_done = answer.status_code < 300
    assert is_done or answer.headers["content-type"][0].startswith(MEDIA_TYPE), told
    assert is_done or msgspec.json.decode(answer.content, type=ErrorBody).status == answer.status_code, told
    if actor == "none":
        assert answer.status_code in (400, 401), told
    elif is_done:
        assert may(case, name, actor), told
    if actor in STRANGERS_TO_OTHERS:
        assert MARK not in answer.text, told
        assert MARK not in str(dict(answer.headers)), told


def may(case: Case, name: str, actor: str) -> bool:
    """Say whether somebody may be answered, by the same table that every route is held to."""
    socket = case.operation.path.replace("{", "<").replace("}", ">")
    access = permitted.SOCKETS[socket] if name.startswith("socket_") else permitted.ROUTES[name]
    service = (case.path_parameters or {}).get("service", OWN)
    known = service if service in permitted.SERVICES else permitted.UNKNOWN
    return access.answer(actor, known, by_token=True) == permitted.IN


def is_away(actor: str, status: int, body: bytes) -> bool:
    """Tell whether this says that a runtime does not answer, to somebody who may register one that is not there."""
    if actor != "admin" or status not in (502, 503):
        return False
    return msgspec.json.decode(body, type=ErrorBody).code in AWAY
