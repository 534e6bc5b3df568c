"""The conversation with one provider: where to send somebody, and what to make of their coming back."""

from __future__ import annotations

import hmac
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import msgspec
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import Key

from opsmodal.oidc import pending as pendings
from opsmodal.oidc.errors import ASK, NotVouched, ProviderAway
from opsmodal.oidc.line import Line
from opsmodal.oidc.pending import Pending
from opsmodal.oidc.provider import Provider, decoded, read_keys, read_provider
from opsmodal.oidc.remembered import Remembered
from opsmodal.oidc.token import Expected, verified
from opsmodal.registry.schema import OidcSpec
from runtimes.structs import make_ready

PROVIDER_S = 3600
"""How long a discovery document and a key set are good: providers rotate keys in days, and announce them before."""
ANEW_S = 60
"""An unknown key makes the set be read again, but not for each forged token that somebody sends."""
CODE_MAX_CHARS = 4000
ERROR_SHAPE = re.compile(r"[a-z_]{1,40}")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DENIED = frozenset({"access_denied", "consent_required", "interaction_required", "login_required"})
BASIC, POST, NONE = "client_secret_basic", "client_secret_post", "none"


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the token endpoint answers (Core 1.0, section 3.1.3.3), as far as it is used."""

    id_token: str
    access_token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Somebody the provider vouches for: the claims of the ID token, completed by those of the userinfo endpoint."""

    issuer: str
    subject: str
    claims: Mapping[str, Any]


class Client:
    """One registered provider, as it is registered now."""

    def __init__(
        self, spec: OidcSpec, *, secret: str = "", ca: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self.spec = spec
        self._secret = secret.strip()
        self._clock = clock
        self._line = Line(spec.issuer, ca=ca)
        self._provider = Remembered(lambda: read_provider(self._line, spec.issuer), for_s=PROVIDER_S, again_s=ANEW_S)
        self._keys: Remembered[tuple[Key, ...]] = Remembered(
            lambda: read_keys(self._line, self._provider.get()), for_s=PROVIDER_S, again_s=ANEW_S
        )

    @classmethod
    def made(cls, spec: OidcSpec, *, secret: str = "", ca: str = "") -> Client:
        """Make a client. Raise ProviderAway when the certificates that it is to trust are none."""
        try:
            return cls(spec, secret=secret, ca=ca)
        except (OSError, ValueError) as error:
            raise ProviderAway("The provider's caFile holds no certificate.", hint=ASK) from error

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Say what the provider says of itself, as (name, text). Raise ProviderAway."""
        provider, keys = self._provider.get(), self._keys.get()
        kinds = sorted({f"{key.key_type} {key.get('alg') or ''}".strip() for key in keys})
        return (
            ("Signs in at", provider.authorization_endpoint),
            ("Signs with", f"{', '.join(provider.id_token_signing_alg_values_supported)}; keys: {', '.join(kinds)}"),
            ("Signs out at", provider.end_session_endpoint or "nowhere"),
        )

    def begin(self, *, redirect_uri: str, target: str) -> tuple[str, Pending]:
        """Give the address to send somebody to, and what has to be known when they come back. Raise ProviderAway."""
        provider = self._provider.get()
        pending = pendings.begun(
            issuer=self.spec.issuer,
            client_id=self.spec.client_id,
            redirect_uri=redirect_uri,
            target=target,
            now=self._clock(),
        )
        address = prepare_grant_uri(
            provider.authorization_endpoint,
            client_id=self.spec.client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=" ".join(self.spec.scopes),
            state=pending.state,
            nonce=pending.nonce,
            code_challenge=create_s256_code_challenge(pending.verifier),
            code_challenge_method="S256",
        )
        return str(address), pending

    def code(self, pending: Pending | None, answered: Mapping[str, Sequence[str]]) -> tuple[Pending, str]:
        """Give the sign-in that an answer belongs to, and its code; asks nobody but for discovery.

        `answered` are the parameters of the callback. Raise NotVouched or ProviderAway.
        """
        one = _single(answered)
        if pending is None or (pending.issuer, pending.client_id) != (self.spec.issuer, self.spec.client_id):
            sentence = "This browser has not begun this sign-in, or more than ten minutes ago."
            raise NotVouched(sentence, rule="state")
        if not hmac.compare_digest(one.get("state", "").encode(), pending.state.encode()):
            raise NotVouched("This answer belongs to another sign-in than the one begun in this browser.", rule="state")
        provider = self._provider.get()
        sends_issuer = provider.authorization_response_iss_parameter_supported
        if one.get("iss", "" if sends_issuer else self.spec.issuer) != self.spec.issuer:  # RFC 9207, section 2.4
            raise NotVouched("This answer comes from another provider.", rule="issuer", hint=ASK)
        if "error" in one:
            raise _refused(one["error"], self.spec.name)
        if not 0 < len(one.get("code", "")) <= CODE_MAX_CHARS:
            raise NotVouched("The provider's answer holds no code.", rule="code")
        return pending, one["code"]

    def vouched(self, pending: Pending, code: str) -> Vouched:
        """Exchange a code for who somebody is. Raise NotVouched or ProviderAway."""
        provider = self._provider.get()
        tokens = self._tokens(provider, pending, code)
        expected = Expected(
            issuer=self.spec.issuer,
            client_id=self.spec.client_id,
            nonce=pending.nonce,
            algorithms=provider.id_token_signing_alg_values_supported,
            access_token=tokens.access_token,
        )
        claims = verified(
            tokens.id_token, expected, keys=self._keys.get(), anew=self._keys.anew, now=int(self._clock())
        )
        subject = str(claims["sub"])
        more = self._userinfo(provider, tokens, subject) if self._lacks(claims) else {}
        return Vouched(issuer=self.spec.issuer, subject=subject, claims={**more, **claims})

    def leave_url(self, back_to: str) -> str:
        """Give where somebody may sign out of the provider itself; "" where it offers none, or does not answer."""
        try:
            end = self._provider.get().end_session_endpoint
        except ProviderAway:
            return ""
        if not end or not self._line.allows(end):
            return ""
        separator = "&" if "?" in end else "?"
        sent = f"client_id={quote_plus(self.spec.client_id)}&post_logout_redirect_uri={quote_plus(back_to)}"
        return f"{end}{separator}{sent}"

    def _lacks(self, claims: Mapping[str, Any]) -> bool:
        wanted = {self.spec.user_claim}
        if self.spec.groups or self.spec.admin_groups or self.spec.auditor_groups:
            wanted.add(self.spec.groups_claim)
        if self.spec.allowed_domains or self.spec.user_claim == "email":
            wanted |= {"email", "email_verified"}
        return not wanted <= claims.keys()

    def _tokens(self, provider: Provider, pending: Pending, code: str) -> Tokens:
        body = prepare_token_request(
            "authorization_code", redirect_uri=pending.redirect_uri, code=code, code_verifier=pending.verifier
        )
        address, headers, body = self._authorized(provider, str(body))
        reply = self._line.post(address, body, headers)
        if reply.status in (400, 401, 403):
            sentence = "The provider did not take the code that it gave."
            hint = f"{pendings.LIFE_S // 60} minutes may have passed; {ASK[0].lower()}{ASK[1:]}"
            raise NotVouched(sentence, rule="code-refused", hint=f"Begin the sign-in again. {hint}")
        return decoded(reply, Tokens)

    def _authorized(self, provider: Provider, body: str) -> tuple[str, dict[str, str], str]:
        """Say who we are: by the header where the provider takes it, as RFC 6749 (section 2.3.1) prefers."""
        offered = provider.token_endpoint_auth_methods_supported
        method = NONE if not self._secret else POST if POST in offered and BASIC not in offered else BASIC
        client, secret = self.spec.client_id, self._secret
        if method == BASIC:  # the header takes both form-encoded
            client, secret = quote_plus(client), quote_plus(secret)
        prepared = ClientAuth(client, secret, method).prepare("POST", provider.token_endpoint, dict(FORM), body)
        address, headers, body = prepared
        return str(address), headers, str(body)

    def _userinfo(self, provider: Provider, tokens: Tokens, subject: str) -> dict[str, Any]:
        """Read the claims that the token leaves out; they must be of the same subject (Core 1.0, section 5.3.2)."""
        if not provider.userinfo_endpoint or not tokens.access_token:
            return {}
        if not tokens.access_token.isascii() or not tokens.access_token.isprintable():
            raise NotVouched("The provider's answer cannot be read.", rule="token", hint=ASK)
        headers = {"Authorization": f"Bearer {tokens.access_token}"}
        told = decoded(self._line.get(provider.userinfo_endpoint, headers), dict[str, Any])
        if told.get("sub") != subject:
            raise NotVouched("The provider answers about somebody else.", rule="userinfo", hint=ASK)
        return told


class Clients:
    """The client of the provider that is registered at this moment; another registration makes another one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: tuple[object, Client] | None = None

    def of(self, spec: OidcSpec, credential: Callable[[str], str | None]) -> Client:
        """Give the client; `credential` opens a sealed file of the entry by its field. Raise WrongKey."""
        with self._lock:
            if self._made is not None and self._made[0] == spec:
                return self._made[1]
        secret = credential("clientSecretFile") if spec.client_secret_file else None
        ca = credential("caFile") if spec.ca_file else None
        client = Client.made(spec, secret=secret or "", ca=ca or "")
        with self._lock:
            self._made = (spec, client)
        return client


def _single(answered: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Give each parameter; one that comes twice is meant to be read twice differently (RFC 6749, section 3.1)."""
    if any(len(values) > 1 for values in answered.values()):
        raise NotVouched("The provider's answer says the same thing twice.", rule="answer")
    return {name: values[0] for name, values in answered.items() if values}


def _refused(error: str, name: str) -> NotVouched:
    if error in DENIED:
        hint = "Begin again; if you should be let in, ask who looks after that account."
        return NotVouched(f"Sign-in with {name} was cancelled, or is not allowed.", rule=f"refused {error}", hint=hint)
    word = error if ERROR_SHAPE.fullmatch(error) else "an error that is not known"
    return NotVouched(f"Sign-in with {name} failed there: {word}.", rule=f"refused {word}", hint=f"Try again. {ASK}")


make_ready(globals())
