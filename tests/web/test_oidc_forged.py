"""A provider that lies, hangs or is somebody else: each lie is refused with a sentence, a row, and no session."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from sqlalchemy import select
from werkzeug.test import TestResponse

from opsmodal.demo.cluster import Cluster
from opsmodal.oidc import line
from opsmodal.store.tables import Session
from tests.engines import evil as evils
from tests.engines.evil import CLIENT, SECRET, Evil, now
from tests.web.conftest import Installation, Seed, closed, installed
from tests.web.test_oidc import rules

LOOK_ALIKE = "\N{CYRILLIC SMALL LETTER O}livia"
DISCOVERY = "/.well-known/openid-configuration"


@dataclass
class Attack:
    """An installation, the provider that it believes in, and a browser that has begun to sign in."""

    installation: Installation
    evil: Evil
    client: FlaskClient
    asked: dict[str, str]

    def back(self, **changed: str | list[str]) -> TestResponse:
        """Come back from the provider, with these parameters changed."""
        sent: dict[str, Any] = {"code": "code", "state": self.asked["state"], **changed}
        kept = {name: value for name, value in sent.items() if value != ""}
        return self.client.get("/sign-in/oidc/callback", query_string=kept)


@pytest.fixture
def evil() -> Iterator[Evil]:
    with evils.started() as provider:
        yield provider


@pytest.fixture
def believing(tmp_path: Path, seed: Seed, example_cluster: Cluster, evil: Evil) -> Iterator[Installation]:
    """Give an installation that has this provider registered, over a cluster that nobody changes."""
    installation = installed(tmp_path, seed, example_cluster)
    register(installation, evil)
    yield installation
    closed(installation)


def register(installation: Installation, evil: Evil, **more: Any) -> None:
    entry = {"issuer": evil.issuer, "clientId": CLIENT, "clientSecretFile": "oidc.secret", "create": True, **more}
    installation.registry.put("oidc", entry, {"clientSecretFile": SECRET})


def begun(installation: Installation, evil: Evil) -> Attack:
    client = installation.app.test_client()
    away = client.get("/sign-in/oidc")
    assert away.status_code == 303, away.text
    asked = {name: values[0] for name, values in parse_qs(urlsplit(away.location).query).items()}
    evil.nonce = asked["nonce"]
    return Attack(installation, evil, client, asked)


def demand_refused(attack: Attack, answer: TestResponse, rule: str, words: str, *, status: int = 401) -> None:
    """Check the sentence, the row of the audit log, and that nobody was signed in."""
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert 'name="password"' in answer.text, "the other way in stays"
    assert attack.client.get_cookie("opsmodal") is None
    assert attack.client.get("/api/v1/services").status_code == 401
    with attack.installation.store.reading() as session:
        assert session.scalars(select(Session)).all() == []
    assert rules(attack.installation) == [("", rule)]
    assert attack.installation.people.user("olivia") is None
    for secret in (SECRET, attack.asked.get("nonce", SECRET), "Traceback"):
        assert secret not in answer.text


def claims(**told: Any) -> Callable[[Evil], None]:
    return lambda evil: evil.claims.update(told)


def forging(make: Callable[[Evil], str]) -> Callable[[Evil], None]:
    return lambda evil: setattr(evil, "forge", make)


def _other_key(evil: Evil) -> str:
    return evil.signed(key=RSAKey.generate_key(2048, {"kid": "first"}))


def _unknown_key(evil: Evil) -> str:
    return evil.signed(key=RSAKey.generate_key(2048, {"kid": "never-published"}))


def _short_key(evil: Evil) -> None:
    evil.key = RSAKey.generate_key(1024, {"kid": "short"})
    evil.published = [evil.key]


def _shared_key(evil: Evil) -> None:
    shared = evils.shared_key()
    evil.published = [evil.key, shared]
    evil.forge = lambda it: it.signed(key=shared, header={"alg": "HS256"})


def _encryption_key(evil: Evil) -> None:
    key = RSAKey.generate_key(2048, {"kid": "other-use", "use": "enc"})
    evil.published = [evil.key, key]
    signing = RSAKey.import_key({**key.as_dict(private=True), "use": "sig"})
    evil.forge = lambda it: it.signed(key=signing)


def _changed_after_signing(evil: Evil) -> str:
    head, _, signature = evil.signed().split(".")
    evil.claims["sub"] = "somebody-else"
    return f"{head}.{evil.signed().split('.')[1]}.{signature}"


def _another_curve(evil: Evil) -> str:
    return evil.signed(key=evils.own_ec_key(), header={"alg": "ES256"})


def _another_padding(evil: Evil) -> str:
    same = {name: value for name, value in evil.key.as_dict(private=True).items() if name != "alg"}
    return evil.signed(key=RSAKey.import_key(same), header={"alg": "PS256"})


LIES: dict[str, tuple[Callable[[Evil], None], str, str]] = {
    "another nonce": (claims(nonce="of-another-sign-in"), "nonce", "belongs to another sign-in"),
    "no nonce": (claims(nonce=...), "nonce", "belongs to another sign-in"),
    "a nonce that is a list": (claims(nonce=["a"]), "nonce", "belongs to another sign-in"),
    "another audience": (claims(aud="another-client"), "audience", "is for somebody else"),
    "no audience": (claims(aud=...), "audience", "is for somebody else"),
    "an audience that is nothing": (claims(aud=[]), "audience", "is for somebody else"),
    "many audiences and nobody named": (claims(aud=[CLIENT, "another"]), "azp", "is for another client"),
    "many audiences, another one named": (
        claims(aud=[CLIENT, "another"], azp="another"),
        "azp",
        "is for another client",
    ),
    "our audience, another client": (claims(azp="another"), "azp", "is for another client"),
    "another issuer": (claims(iss="https://other.example"), "issuer", "comes from another issuer"),
    "the issuer with a slash more": (
        lambda evil: evil.claims.update(iss=f"{evil.issuer}/"),
        "issuer",
        "comes from another issuer",
    ),
    "no issuer": (claims(iss=...), "issuer", "comes from another issuer"),
    "expired": (claims(exp=now() - 3600, iat=now() - 7200), "expired", "has expired"),
    "no end": (claims(exp=...), "exp", "says something about itself"),
    "an end that is a text": (claims(exp="tomorrow"), "exp", "says something about itself"),
    "an end that is no number": (claims(exp=float("nan")), "exp", "says something about itself"),
    "issued in the future": (claims(iat=now() + 3600, exp=now() + 7200), "issued-at", "is from the future"),
    "not issued at all": (claims(iat=...), "issued-at", "is from the future"),
    "not valid yet": (claims(nbf=now() + 3600), "not-yet-valid", "is not valid yet"),
    "nobody": (claims(sub=...), "subject", "names nobody"),
    "an empty somebody": (claims(sub=""), "subject", "names nobody"),
    "a number": (claims(sub=42), "subject", "names nobody"),
    "a long somebody": (claims(sub="a" * 256), "subject", "names nobody"),
    "a somebody of two lines": (claims(sub="a\nb"), "subject", "names nobody"),
    "another access token": (claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "at_hash", "does not belong to what came"),
    "another key of the same name": (forging(_other_key), "signature", "signature of the provider"),
    "claims changed after signing": (forging(_changed_after_signing), "signature", "signature of the provider"),
    "a key that is not published": (forging(_unknown_key), "key", "does not publish"),
    "a key of another kind": (forging(_another_curve), "key", "does not publish"),
    "a key for encryption": (_encryption_key, "key", "does not publish"),
    "no algorithm": (forging(evils.unsigned), "algorithm", "not signed as it has to be"),
    "the public key as a secret": (forging(evils.signed_with_public_key), "algorithm", "not signed as it has to be"),
    "our own secret": (forging(evils.signed_with_client_secret), "algorithm", "not signed as it has to be"),
    "a published secret": (_shared_key, "algorithm", "not signed as it has to be"),
    "an algorithm that was not announced": (forging(_another_padding), "algorithm", "not signed as it has to be"),
    "no token": (forging(lambda _: "not.a.token"), "token", "cannot be read"),
    "one part": (forging(lambda _: "nothing"), "token", "cannot be read"),
    "an encrypted token": (forging(lambda _: "a.b.c.d.e"), "token", "cannot be read"),
    "a huge token": (forging(lambda evil: evil.signed() + "A" * 200_000), "token-size", "too large"),
    "a name that is markup": (claims(preferred_username="<b>olivia"), "name", "cannot be the name of a user"),
    "a name that looks alike": (
        claims(preferred_username="\N{CYRILLIC SMALL LETTER O}livia"),
        "name",
        "cannot be the name of a user",
    ),
    "a name that is a list": (claims(preferred_username=["olivia"]), "name", "gives nothing"),
    "a name of a megabyte": (claims(preferred_username="a" * 70_000), "name", "cannot be the name of a user"),
    "the name of somebody else": (claims(preferred_username="Admin"), "taken", "There is a user admin here"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused(believing: Installation, evil: Evil, lie: str) -> None:
    tell, rule, words = LIES[lie]
    attack = begun(believing, evil)
    tell(evil)
    answer = attack.back()
    if rule == "taken":
        assert words in answer.text
        assert rules(believing) == [("Admin", "oidc-taken")]
        assert believing.people.sessions("admin") == ()
    elif rule == "name":
        assert words in answer.text
        assert [one for _, one in rules(believing)] == ["oidc-name"]
        assert "<b>" not in answer.text.partition("<main")[2].partition("gives")[2][:20]
    else:
        demand_refused(attack, answer, f"oidc-{rule}", words)


def test_the_truth_is_believed(believing: Installation, evil: Evil) -> None:
    """Otherwise every lie above could be refused for another reason than its own."""
    attack = begun(believing, evil)
    answer = attack.back()
    assert answer.status_code == 303, answer.text
    assert attack.client.get("/services").status_code == 200
    path, sent = evil.asked[-1]
    assert path == "/token"
    assert sent["grant_type"] == ["authorization_code"]
    assert sent["redirect_uri"] == ["http://localhost/sign-in/oidc/callback"]
    assert len(sent["code_verifier"][0]) >= 43


@pytest.mark.parametrize(
    ("told", "who"),
    [
        ({"aud": [CLIENT]}, "olivia"),
        ({"aud": [CLIENT, "another"], "azp": CLIENT}, "olivia"),
        ({"iat": now() + 30}, "olivia"),
    ],
)
def test_what_is_unusual_and_right_is_believed(
    believing: Installation, evil: Evil, told: dict[str, Any], who: str
) -> None:
    attack = begun(believing, evil)
    evil.claims.update(told)
    assert attack.back().status_code == 303
    assert len(believing.people.sessions(who)) == 1


ANSWERS: dict[str, tuple[dict[str, Any], str, str]] = {
    "another state": ({"state": "of-another-browser"}, "oidc-state", "belongs to another sign-in"),
    "no state": ({"state": ""}, "oidc-state", "belongs to another sign-in"),
    "a state that is not ASCII": ({"state": "é"}, "oidc-state", "belongs to another sign-in"),
    "two states": ({"state": ["one", "two"]}, "oidc-answer", "says the same thing twice"),
    "no code": ({"code": ""}, "oidc-code", "holds no code"),
    "a huge code": ({"code": "a" * 5000}, "oidc-code", "holds no code"),
    "refused": (
        {"error": "access_denied", "code": ""},
        "oidc-refused access_denied",
        "was cancelled, or is not allowed",
    ),
    "an error of the provider": ({"error": "server_error"}, "oidc-refused server_error", "failed there: server_error"),
    "an error that is markup": (
        {"error": "<script>", "error_description": "<b>call 0900-123"},
        "oidc-refused an error that is not known",
        "failed there: an error that is not known",
    ),
    "another issuer in the address": ({"iss": "https://other.example"}, "oidc-issuer", "comes from another provider"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_is_not_ours_is_refused(believing: Installation, evil: Evil, kind: str) -> None:
    changed, rule, words = ANSWERS[kind]
    attack = begun(believing, evil)
    answer = attack.back(**changed)
    demand_refused(attack, answer, rule, words)
    assert "0900" not in answer.text, "a stranger's words are not repeated"
    assert not evil.asked, "the provider was not asked to take a code"


def test_a_provider_that_announces_its_issuer_must_send_it(believing: Installation, evil: Evil) -> None:
    evil.document["authorization_response_iss_parameter_supported"] = True
    attack = begun(believing, evil)
    demand_refused(attack, attack.back(), "oidc-issuer", "comes from another provider")
    right = begun(believing, evil)
    assert right.back(iss=evil.issuer).status_code == 303


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}),
        ("GET", {"Sec-Purpose": "prefetch"}),
    ],
)
def test_who_only_looks_uses_no_answer_up(
    believing: Installation, evil: Evil, method: str, headers: dict[str, str]
) -> None:
    attack = begun(believing, evil)
    sent = {"code": "code", "state": attack.asked["state"]}
    looked = attack.client.open("/sign-in/oidc/callback", method=method, query_string=sent, headers=headers)
    assert looked.status_code == 403
    assert attack.client.get_cookie("opsmodal") is None
    assert attack.back().status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "gAAAAA", "é", "a" * 4050], ids=lambda cookie: cookie[:8])
def test_without_its_cookie_an_answer_is_nobodys(believing: Installation, evil: Evil, cookie: str) -> None:
    attack = begun(believing, evil)
    attack.client.delete_cookie("opsmodal-oidc")
    if cookie:
        attack.client.set_cookie("opsmodal-oidc", cookie)
    demand_refused(attack, attack.back(), "oidc-state", "This browser has not begun this sign-in")


def test_a_cookie_of_another_installation_opens_nothing(believing: Installation, evil: Evil, tmp_path: Any) -> None:
    from opsmodal.oidc.pending import begun as pending_of
    from opsmodal.oidc.pending import sealed
    from opsmodal.store.vault import Vault, new_key

    attack = begun(believing, evil)
    forged = pending_of(
        issuer=evil.issuer,
        client_id=CLIENT,
        redirect_uri="http://localhost/sign-in/oidc/callback",
        target="",
        now=time.time(),
    )
    attack.client.set_cookie("opsmodal-oidc", sealed(Vault(new_key()), forged))
    demand_refused(attack, attack.back(state=forged.state), "oidc-state", "has not begun this sign-in")


def test_a_sign_in_begun_with_another_provider_is_not_finished_with_this_one(
    believing: Installation, evil: Evil
) -> None:
    attack = begun(believing, evil)
    register(believing, evil, clientId="another-client")
    demand_refused(attack, attack.back(), "oidc-state", "has not begun this sign-in")


def test_who_guesses_is_stopped(believing: Installation, evil: Evil) -> None:
    codes = []
    for _ in range(7):
        attack = begun(believing, evil)
        codes.append(attack.back(state="guessed").status_code)
    assert codes == [401] * 5 + [429] * 2
    assert rules(believing) == [("", "oidc-state")] * 5 + [("", "too-many")]


def test_a_key_that_was_rotated_is_read_anew_and_not_for_each_forgery(
    believing: Installation, evil: Evil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsmodal.oidc.client.ANEW_S", 0.0)
    assert begun(believing, evil).back().status_code == 303
    _rotate(evil, "second")
    assert begun(believing, evil).back().status_code == 303, "the keys were read again"
    monkeypatch.undo()
    register(believing, evil, name="registered anew, with a minute between two reads")
    assert begun(believing, evil).back().status_code == 303
    _rotate(evil, "third")
    assert "does not publish" in begun(believing, evil).back().text, "they were read less than a minute ago"


def _rotate(evil: Evil, name: str) -> None:
    evil.key = RSAKey.generate_key(2048, {"kid": name})
    evil.published = [evil.key]


WAYS_TO_BE_AWAY: dict[str, tuple[str, Callable[[Evil], Any], str]] = {
    "an error": (DISCOVERY, lambda _: evils.answering(500), "answers with HTTP 500"),
    "nothing there": (DISCOVERY, lambda _: evils.answering(404), "answers with HTTP 404"),
    "a page": (DISCOVERY, lambda _: evils.answering(200, b"<html>"), "cannot be understood"),
    "a list": (DISCOVERY, lambda _: evils.answering(200, b"[]"), "cannot be understood"),
    "deep nesting": (DISCOVERY, lambda _: evils.answering(200, b"[" * 100_000), "cannot be understood"),
    "a huge document": (DISCOVERY, lambda _: evils.endless, "larger than 1 MB"),
    "a redirect": (
        DISCOVERY,
        lambda _: evils.answering(302, Location="file:///etc/passwd"),
        "sends us elsewhere, which is not followed",
    ),
    "something compressed": (
        DISCOVERY,
        lambda _: evils.answering(200, b"\x1f\x8b", Content_Encoding="gzip"),
        "answers compressed",
    ),
    "silence": (DISCOVERY, evils.hang, "does not answer in time"),
    "a byte now and then": (DISCOVERY, evils.drip, "does not answer in time"),
}


@pytest.mark.parametrize("way", WAYS_TO_BE_AWAY)
def test_a_provider_that_is_away_is_said_before_anybody_is_sent_there(
    believing: Installation, evil: Evil, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(line, "STEP_MAX_S", 0.5)
    monkeypatch.setattr(line, "CALL_MAX_S", 1.0)
    path, broken, words = WAYS_TO_BE_AWAY[way]
    evil.broken[path] = broken(evil)
    client = believing.app.test_client()
    began = time.monotonic()
    answer = client.get("/sign-in/oidc")
    assert time.monotonic() - began < 5
    demand_refused(Attack(believing, evil, client, {}), answer, "oidc-provider-away", words, status=503)
    assert believing.browser("viewer").get("/services").status_code == 200, "the password works"
    evil.broken.clear()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"issuer": "https://other.example"}, "calls itself"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint is no address"),
        ({"authorization_endpoint": "http://other.example/"}, "authorization_endpoint is no address"),
        ({"token_endpoint": "file:///etc/passwd"}, "token_endpoint is no address"),
        ({"jwks_uri": "http://user@127.0.0.1/"}, "jwks_uri is no address"),
        ({"jwks_uri": 42}, "cannot be understood"),
        ({"code_challenge_methods_supported": ["plain"]}, "does not offer PKCE"),
    ],
)
def test_a_provider_that_describes_itself_wrongly_is_not_used(
    believing: Installation, evil: Evil, document: dict[str, Any], words: str
) -> None:
    evil.document.update(document)
    client = believing.app.test_client()
    answer = client.get("/sign-in/oidc")
    demand_refused(Attack(believing, evil, client, {}), answer, "oidc-provider-away", words, status=503)


@pytest.mark.parametrize("path", ["/token", "/jwks"])
@pytest.mark.parametrize("way", ["an error", "a page", "a huge document", "silence"])
def test_a_provider_that_goes_away_in_the_middle_signs_nobody_in(
    believing: Installation, evil: Evil, monkeypatch: pytest.MonkeyPatch, path: str, way: str
) -> None:
    attack = begun(believing, evil)
    monkeypatch.setattr(line, "STEP_MAX_S", 0.5)
    monkeypatch.setattr(line, "CALL_MAX_S", 1.0)
    _, broken, words = WAYS_TO_BE_AWAY[way]
    evil.broken[path] = broken(evil)
    demand_refused(attack, attack.back(), "oidc-provider-away", words, status=503)


@pytest.mark.filterwarnings("ignore:Key size should be")  # of the test's own short key
@pytest.mark.parametrize("keys", ["none", "short", "shared"])
def test_keys_that_prove_nothing_are_none(believing: Installation, evil: Evil, keys: str) -> None:
    attack = begun(believing, evil)
    if keys == "short":
        _short_key(evil)
    else:
        evil.published = [evils.shared_key()] if keys == "shared" else []
    words = "has no key that a signature can be checked with"
    demand_refused(attack, attack.back(), "oidc-provider-away", words, status=503)


def test_a_provider_that_is_away_is_not_asked_by_everybody_who_waits(
    believing: Installation, evil: Evil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "STEP_MAX_S", 1.0)
    evil.broken[DISCOVERY] = evils.hang(evil)
    began = time.monotonic()
    answers = [believing.app.test_client().get("/sign-in/oidc").status_code for _ in range(10)]
    assert answers == [503] * 10
    assert time.monotonic() - began < 5, "one waits, the others are told"
    assert rules(believing) == [("", "oidc-provider-away")], "one row a minute for each address"


def test_the_userinfo_of_somebody_else_is_not_believed(believing: Installation, evil: Evil) -> None:
    attack = begun(believing, evil)
    evil.claims["preferred_username"] = ...
    evil.userinfo = {"sub": "somebody-else", "preferred_username": "olivia"}
    demand_refused(attack, attack.back(), "oidc-userinfo", "about somebody else")


def test_a_claim_of_the_token_wins_over_the_same_at_the_userinfo_endpoint(believing: Installation, evil: Evil) -> None:
    register(believing, evil, groups={"/ops": "oncall"})
    attack = begun(believing, evil)
    evil.userinfo = {"sub": "subject-1", "preferred_username": "mallory", "groups": ["/ops"]}
    assert attack.back().status_code == 303
    assert len(believing.people.sessions("olivia")) == 1
    assert believing.people.user("mallory") is None
