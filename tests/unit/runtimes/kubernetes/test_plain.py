"""The small pure parts: quantities, selectors, names in paths, expiry, events."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.errors import Invalid, Missing
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.events import event, newest_first
from runtimes.kubernetes.login.expiry import certificate_expires_at, lapsed, spoken, token_expires_at
from runtimes.kubernetes.objects.neighbours import EventObject
from runtimes.kubernetes.objects.quantity import cores, quantity, whole_bytes
from runtimes.kubernetes.selectors import matcher

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("250m", 0.25),
        ("1500000n", 0.0015),
        ("3u", 3e-6),
        ("2k", 2000.0),
        ("1e3", 1000.0),
        (0.5, 0.5),
        (None, None),
        ("", None),
        ("x", None),
    ],
)
def test_cpu_is_read_in_cores(text: str | None, value: float | None) -> None:
    assert cores(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("128Mi", 134217728),
        ("1Gi", 2**30),
        ("1G", 10**9),
        ("1.5Ki", 1536),
        ("100", 100),
        ("1e2", 100),
        ("500m", 1),
        ("12E", 12 * 10**18),
        ("1Ei", 2**60),
        ("-1", -1),
        ("1 Mi", None),
        ("Mi", None),
    ],
)
def test_memory_is_read_in_bytes_rounded_up(text: str, value: int | None) -> None:
    assert whole_bytes(text) == value


@given(st.text(max_size=20))
def test_no_text_is_fatal_as_a_quantity(text: str) -> None:
    assert quantity(text) is None or quantity(text) is not None
    whole_bytes(text)


LABELS = {"app": "shop", "tier": "web", "app.kubernetes.io/part-of": "shop", "empty": ""}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app=shop", True),
        ("app==shop", True),
        ("app=other", False),
        ("app!=other", True),
        ("absent!=other", True),
        ("app!=shop", False),
        ("app=shop,tier=web", True),
        ("app=shop, tier=db", False),
        ("app.kubernetes.io/part-of=shop", True),
        ("tier in (web, db)", True),
        ("tier in (db)", False),
        ("absent in (web)", False),
        ("tier notin (db,x)", True),
        ("tier notin (web)", False),
        ("absent notin (web)", True),
        ("tier", True),
        ("!tier", False),
        ("! absent", True),
        ("absent", False),
        ("empty=", True),
        ("tier in (db,web),app=shop", True),
        ("!absent,!other", True),
    ],
)
def test_a_selector_is_judged_as_the_api_server_does(selector: str, matches: bool) -> None:
    assert matcher(selector)(LABELS) is matches


@pytest.mark.parametrize("selector", ["=x", "a=b=c", "a in web", "a in (", "a,,b", "a;b", "a>1", "a=b&limit=1", ","])
def test_bad_grammar_is_refused(selector: str) -> None:
    with pytest.raises(Invalid):
        matcher(selector)


@pytest.mark.parametrize("name", ["web-0", "a", "a.b-c", "x" * 253, "0"])
def test_a_possible_name_becomes_part_of_a_path(name: str) -> None:
    assert paths.single("shop", "pods", name) == f"/api/v1/namespaces/shop/pods/{name}"
    assert paths.possible(name)


BAD_NAMES = ["", ".", "..", "a/b", "../x", "a%2f", "A", "ä", "-a", "a-", "x" * 254, "a b", "a?b", "a#b", "a\n", "a\\b"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_an_impossible_name_is_missing(name: str) -> None:
    with pytest.raises(Missing):
        paths.single("shop", "pods", name)


@pytest.mark.parametrize("namespace", ["", "a.b", "..", "a/b", "A", "x" * 64, "-a", "kube-system/../x"])
def test_an_impossible_namespace_is_missing(namespace: str) -> None:
    for build in (paths.pod_metrics, lambda n: paths.collection(n, "pods")):
        with pytest.raises(Missing):
            build(namespace)


def jwt(claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{body}.c2ln"


def test_a_jwt_says_when_it_ends() -> None:
    assert token_expires_at(jwt({"exp": NOW.timestamp()})) == NOW


@pytest.mark.parametrize(
    "token", ["", "admintoken", "a.b.c", "..", jwt({}), jwt([1]), jwt({"exp": "x"}), jwt({"exp": 1e30})]
)
def test_any_other_token_says_nothing(token: str) -> None:
    assert token_expires_at(token) is None


def test_a_certificate_says_when_it_ends() -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "alice")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=2))
        .not_valid_after(NOW)
        .sign(key, hashes.SHA256())
    )
    assert certificate_expires_at(made.public_bytes(serialization.Encoding.PEM)) == NOW
    assert certificate_expires_at(b"nothing") is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (7_200, "2 hours"),
        (86_400, "1 day"),
        (200_000, "2 days"),
    ],
)
def test_a_span_is_said_in_its_largest_unit(seconds: float, said: str) -> None:
    assert spoken(seconds) == said


def test_only_what_has_ended_is_said_to_have_expired() -> None:
    assert lapsed(NOW - timedelta(hours=2), NOW) == "It expired 2 hours ago."
    assert lapsed(NOW + timedelta(hours=2), NOW) == ""
    assert lapsed(None, NOW) == ""


def made_event(**fields: object) -> EventObject:
    document = {"involvedObject": {"kind": "Pod", "name": "web-0"}, "reason": "BackOff", "type": "Warning", **fields}
    return msgspec.convert(document, EventObject)


@pytest.mark.parametrize(
    ("fields", "minute", "count"),
    [
        ({"lastTimestamp": "2026-01-01T00:01:00Z", "count": 7}, 1, 7),
        ({"eventTime": "2026-01-01T00:02:00.123456Z"}, 2, 1),
        (
            {"eventTime": "2026-01-01T00:02:00Z", "series": {"count": 9, "lastObservedTime": "2026-01-01T00:03:00Z"}},
            3,
            9,
        ),
        ({"metadata": {"creationTimestamp": "2026-01-01T00:04:00Z"}, "count": None, "lastTimestamp": None}, 4, 1),
    ],
)
def test_an_event_was_last_seen_when_any_of_its_fields_says_so(
    fields: dict[str, object], minute: int, count: int
) -> None:
    found = event(made_event(**fields))
    assert found.at is not None
    assert (found.at.minute, found.count, found.subject) == (minute, count, "pod/web-0")


def test_events_come_newest_first_and_only_the_wanted_ones() -> None:
    known = [made_event(lastTimestamp=f"2026-01-01T00:0{n}:00Z", message=str(n)) for n in (1, 3, 2)]
    known.append(msgspec.convert({"involvedObject": {"name": "other"}}, EventObject))
    found = newest_first(known, only=lambda subject: subject.name == "web-0")
    assert [each.message for each in found] == ["3", "2", "1"]
