"""Secrets are masked wherever they stand in a text, names stay, and no text makes it slow or longer without bound."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsmodal.audit.redaction import MASK, is_sensitive, redacted

BASIC = base64.b64encode(b"joe:hunter2").decode()
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIhunter2\n-----END RSA PRIVATE KEY-----"
SECRET_YAML = "kind: Secret\ndata:\n  password: aHVudGVyMg==\n  cert: |\n    aHVudGVyMg==\ntype: Opaque"
SECRET_JSON = '{"kind":"Secret","stringData":{"a":"hunter2","b":"hunter2"},"type":"Opaque"}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("create secret generic x --from-literal=k=hunter2", f"create secret generic x --from-literal=k={MASK}"),
        ("--from-literal k=hunter2 x", f"--from-literal k={MASK} x"),
        ('--from-literal="k=hunter2 more" x', f'--from-literal="k={MASK}" x'),
        ("--from-literal=a=1 --from-literal=b=2", f"--from-literal=a={MASK} --from-literal=b={MASK}"),
        ("--from-env-file=.env x", f"--from-env-file={MASK} x"),
        ("run -e NAME=hunter2 web", f"run -e NAME={MASK} web"),
        ("run --env NAME=hunter2 --env=B='x y' web", f"run --env NAME={MASK} --env=B={MASK} web"),
        ("set env deployment/web A=hunter2 B=2", f"set env deployment/web A={MASK} B={MASK}"),
        ("sed -e s/a=b/c/", "sed -e s/a=b/c/"),
        ("login --username joe --password hunter2", f"login --username joe --password {MASK}"),
        ("login --docker-password='hun ter2' x", f"login --docker-password='{MASK}' x"),
        ("--token hunter2", f"--token {MASK}"),
        ("--token-file path", "--token-file path"),
        ("curl -u joe:hunter2 x", f"curl -u joe:{MASK} x"),
        ("run --user 1000:1000 web", "run --user 1000:1000 web"),
        ("mysql -uroot -phunter2 shop", f"mysql -uroot -p{MASK} shop"),
        ("https://joe:hunter2@example.org/x", f"https://joe:{MASK}@example.org/x"),
        ("https://joe:hun@ter2@example.org", f"https://joe:{MASK}@example.org"),
        ("postgresql://joe:hun/ter2@db/shop refused", f"postgresql://joe:{MASK}@db/shop refused"),
        ("https://hunter2@example.org", f"https://{MASK}@example.org"),
        ("https://a.org/b,https://joe:hunter2@c.org", f"https://a.org/b,https://joe:{MASK}@c.org"),
        ("ssh://git@example.org", "ssh://git@example.org"),
        ("docker://registry:5000/app@sha256:0123", "docker://registry:5000/app@sha256:0123"),
        ("Authorization: Bearer hunter2", f"Authorization: {MASK}"),
        ("-H 'Authorization: Basic x' y", f"-H 'Authorization: {MASK}' y"),
        ("Cookie: a=hunter2; b=c", f"Cookie: {MASK}"),
        ("sent bearer abc-123-def to it", f"sent bearer {MASK} to it"),
        ("a bearer token.", "a bearer token."),
        (f"basic {BASIC}", f"basic {MASK}"),
        ("basic authentication", "basic authentication"),
        ("opm_abcDEF123-_", f"opm_{MASK}"),
        (f"jwt {JWT}.", f"jwt {MASK}"),
        (PEM, f"-----BEGIN RSA PRIVATE KEY-----{MASK}-----END RSA PRIVATE KEY-----"),
        (PEM[:40], f"-----BEGIN RSA PRIVATE KEY-----{MASK}"),
        (SECRET_YAML, f"kind: Secret\ndata:\n  password: {MASK}\n  cert: {MASK}\n    {MASK}\ntype: Opaque"),
        (SECRET_JSON, f'{{"kind":"Secret","stringData":{{"a":"{MASK}","b":"{MASK}"}},"type":"Opaque"}}'),
        ('{"password": "hun ter2", "user": "joe"}', f'{{"password": "{MASK}", "user": "joe"}}'),
        ("DB_PASSWORD=hunter2 USER=joe", f"DB_PASSWORD={MASK} USER=joe"),
        ("/sign-in?ticket=hunter2&next=/a", f"/sign-in?ticket={MASK}&next=/a"),
        ("ticket: OPS-12", "ticket: OPS-12"),
        ("token:0123456789ab", "token:0123456789ab"),
        ("secret/db revealed", "secret/db revealed"),
        ("secretName: db", "secretName: db"),
        ("Name or password is wrong.", "Name or password is wrong."),
        ("compass: north", "compass: north"),
    ],
)
def test_values_are_masked_and_names_stay(text: str, expected: str) -> None:
    assert redacted(text) == expected


FORMS = (
    "--from-literal=key={}",
    "--from-env={}",
    "-e NAME={}",
    "--env=NAME={}",
    "--password {}",
    "--api-token={}",
    "https://user:{}@example.org/",
    "postgresql://user:{}@example.org/db",
    "Authorization: Bearer {}",
    "opm_{}",
    "password={}",
    '"client_secret": "{}"',
    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
    "?ticket={}",
)
PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30)
VALUES = st.from_regex(r"[A-Za-z0-9_-]{12,40}", fullmatch=True).map(lambda text: f"z{text}z")
FRAGMENTS = st.one_of(
    st.sampled_from([*FORMS, "secret", "token", '"', "'", "\\", "=", ":", " ", "\n", "://", "@", "-", "--", MASK]),
    st.sampled_from(
        ["kind: Secret\n", "data:\n", "  a: b\n", "eyJ", ".", "basic ", "env ", "-u ", "login -p", ",", "&"]
    ),
    PLAIN,
)


@given(st.sampled_from(FORMS), VALUES, PLAIN, PLAIN)
def test_a_value_in_any_form_is_gone_whatever_stands_around_it(form: str, value: str, before: str, after: str) -> None:
    assert value not in redacted(f"{before} {form.format(value)} {after}")


@settings(max_examples=400)
@given(st.lists(FRAGMENTS, max_size=12).map("".join))
def test_masking_twice_is_masking_once_and_never_makes_a_text_much_longer(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once
    assert len(once) <= 3 * len(text)


@given(st.from_regex(r"[a-z0-9/ .()•-]{0,60}", fullmatch=True))
def test_words_without_a_mark_of_a_secret_stay(text: str) -> None:
    if not any(
        word in text for word in ("pass", "pwd", "secret", "token", "credential", "key", "basic", "-p", "-a", "-u")
    ):
        assert redacted(text) == text


ONE_MEGABYTE = 1_000_000
LINE_MAX_S = 5.0
"""Ten times what the slowest takes here; what is not linear takes minutes."""
WORST = (
    *("a", "a ", "-", "--a", "a-", "://", "a://b:", "a://b@", "h", "http", "\\", '"', "'", "=", "&", " ", "\n"),
    *("password", "password ", "--password ", "password='", "token\\\\", "opm_", "eyJa-", "eyJa.", "bearer ", "basic "),
    *("-----BEGIN PRIVATE KEY-----", "env a=b ", "login -p", "login ", "login -", "?sig=", "-e ", "-e '", "cookie:"),
    *(
        '--from-literal=" ',
        "authorization ",
        '"data":{ ',
        '"data":{"',
        "data:\n",
        "data:\n a\n",
        "kind: Secret\ndata:\n a: b\n",
    ),
)


@pytest.mark.parametrize("piece", WORST)
def test_a_line_of_a_megabyte_takes_linear_time(piece: str) -> None:
    text = piece * (ONE_MEGABYTE // len(piece))
    began = time.process_time()
    assert len(redacted(text)) <= 3 * len(text)
    assert time.process_time() - began < LINE_MAX_S


@pytest.mark.parametrize(
    ("name", "sensitive"),
    [
        *((name, True) for name in ("password", "db_password", "api_token", "authorization", "ticket")),
        *((name, False) for name in ("name", "path", "secret_name", "tokens_found")),
    ],
)
def test_fields_are_known_by_the_end_of_their_name(name: str, sensitive: bool) -> None:
    assert is_sensitive(name) is sensitive
