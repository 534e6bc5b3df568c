"""A kubeconfig is inlined or refused with a sentence and a hint, before anything is started, read or dialled."""

from __future__ import annotations

import base64
import contextlib
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runtimes.errors import Invalid
from runtimes.kubernetes.login.kubeconfig import check, chosen, inlined

PEM = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PEM_DATA = base64.b64encode(PEM).decode()
Change = Callable[[dict[str, Any]], object]


def config(change: Change = lambda _: None) -> str:
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "preferences": {},
        "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.5:6443"}}],
        "users": [{"name": "u", "user": {"token": "s3cret"}}],
        "contexts": [
            {"name": "prod", "context": {"cluster": "c", "user": "u", "namespace": "shop"}},
            {"name": "open", "context": {"cluster": "c"}},
        ],
    }
    change(document)
    return yaml.safe_dump(document)


def user(**fields: Any) -> Change:
    return lambda d: d["users"][0].update(user=fields)


def cluster(**fields: Any) -> Change:
    return lambda d: d["clusters"][0]["cluster"].update({key.replace("_", "-"): value for key, value in fields.items()})


def exec_plugin(**fields: Any) -> Change:
    return user(exec={"apiVersion": "client.authentication.k8s.io/v1", "command": "env", **fields})


def test_a_good_one_is_accepted_and_read() -> None:
    found = chosen(config(), None, ())
    assert (found.context, found.namespace, found.cluster.server) == ("prod", "shop", "https://10.0.0.5:6443")
    assert found.user.token == "s3cret"
    assert chosen(config(), "open", ()).user.token == ""
    check(config(cluster(certificate_authority_data=PEM_DATA)), "prod", ())


REFUSED: list[tuple[str, str, str]] = [
    # name, kubeconfig, a part of the sentence
    ("empty", "", "empty"),
    ("a list", "- a", "not a mapping"),
    ("no yaml", "a: [", "not valid YAML (line"),
    ("a tag that makes objects", "!!python/object/apply:os.system ['id']", "not valid YAML"),
    ("aliases", "a: &a [1]\nb: [*a, *a]", "aliases"),
    ("too large", "a: " + "x" * 1_000_001, "larger than 1 MB"),
    ("wrong types", config(lambda d: d.update(clusters="x")), "is not one"),
    ("no current context", config(lambda d: d.pop("current-context")), "no current context"),
    ("unknown context", config(lambda d: d.update({"current-context": "nope"})), 'no context "nope"'),
    ("dangling cluster", config(lambda d: d.update(clusters=[])), 'cluster "c"'),
    ("dangling user", config(lambda d: d.update(users=[])), 'user "u"'),
    ("no server", config(cluster(server="")), "no https:// address"),
    ("odd server", config(cluster(server="file:///etc/passwd")), "no https:// address"),
    ("server with a password", config(cluster(server="https://a:b@x")), "no https:// address"),
    ("proxy over socks", config(cluster(proxy_url="socks5://x:1")), "proxy-url"),
    ("proxy over a file", config(cluster(proxy_url="file:///x")), "proxy-url"),
    ("broken CA", config(cluster(certificate_authority_data="bm9wZQ==")), "certificate-authority-data"),
    ("CA that is no base64", config(cluster(certificate_authority_data="%%%")), "certificate-authority-data"),
    ("CA file", config(cluster(certificate_authority="/etc/ca.pem")), "certificate-authority"),
    ("certificate file", config(user(**{"client-certificate": "/x"})), "client-certificate"),
    ("token file", config(user(tokenFile="/x")), "tokenFile"),
    ("half a pair", config(user(**{"client-certificate-data": PEM_DATA})), "but not both"),
    ("token of two lines", config(user(token="a\nb: c")), "line breaks"),
    ("token beyond ASCII", config(user(token="ä")), "cannot be sent"),
    (
        "auth provider",
        config(user(**{"auth-provider": {"name": "gcp", "config": {"cmd-path": "id"}}})),
        "auth-provider",
    ),
    ("exec, not allowed", config(exec_plugin(command="aws")), '"aws", which is not allowed'),
    ("exec by a path, the name allowed", config(exec_plugin(command="/tmp/env")), "not allowed"),
    ("exec, not installed", config(exec_plugin(command="no-such-plugin")), "not installed"),
    ("exec by a relative path", config(exec_plugin(command="./env")), "relative path"),
    ("exec that asks", config(exec_plugin(interactiveMode="Always")), "wants to ask"),
    ("exec with a loader", config(exec_plugin(env=[{"name": "LD_PRELOAD", "value": "/tmp/x.so"}])), "LD_PRELOAD"),
    ("exec with a path", config(exec_plugin(env=[{"name": "PATH", "value": "/tmp"}])), "PATH"),
]


@pytest.mark.parametrize(("text", "part"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_bad_one_is_refused_in_words_without_its_secrets(text: str, part: str) -> None:
    with pytest.raises(Invalid) as caught:
        check(text, None, ("env", "no-such-plugin", "./env"))
    assert part in caught.value.sentence
    assert "s3cret" not in caught.value.sentence + caught.value.hint + caught.value.detail
    assert len(caught.value.sentence) < 400


def test_a_missing_context_names_those_that_are_there() -> None:
    with pytest.raises(Invalid) as caught:
        check(config(), "elsewhere", ())
    assert "open, prod" in caught.value.hint


def test_an_allowed_and_installed_plugin_is_accepted(tmp_path: Path) -> None:
    check(config(exec_plugin()), None, ("env",))
    program = tmp_path / "plugin"
    program.write_text("#!/bin/sh\n")
    program.chmod(stat.S_IRWXU)
    check(config(exec_plugin(command=str(program))), None, (str(program),))


def test_a_plugin_of_a_context_that_is_not_used_is_no_matter() -> None:
    text = config(
        lambda d: d["users"].append({"name": "other", "user": {"exec": {"command": "rm", "apiVersion": "x"}}})
    )
    check(text, "prod", ())


FILES = {
    "ca.pem": PEM,
    "/abs/cert.pem": PEM,
    "key.pem": b"-----BEGIN PRIVATE KEY-----\n",
    "token": b"  t0ken\n",
}


def with_files(d: dict[str, Any]) -> None:
    cluster(certificate_authority="ca.pem")(d)
    d["users"][0]["user"] = {"client-certificate": "/abs/cert.pem", "client-key": "key.pem", "tokenFile": "token"}


def test_files_are_inlined_through_the_callers_reader() -> None:
    text = inlined(config(with_files), FILES.__getitem__)
    check(text, None, ())
    found = chosen(text, None, ())
    assert base64.b64decode(found.cluster.certificate_authority_data) == PEM
    assert base64.b64decode(found.user.client_certificate_data) == PEM
    assert found.user.token == "t0ken"
    assert "ca.pem" not in text


def test_without_a_reader_a_file_is_refused_by_name() -> None:
    with pytest.raises(Invalid) as caught:
        inlined(config(with_files), None)
    assert "ca.pem" in caught.value.sentence
    assert "flatten" in caught.value.hint


def test_data_wins_over_a_file_that_is_then_not_read() -> None:
    def both(d: dict[str, Any]) -> None:
        cluster(certificate_authority="/etc/shadow", certificate_authority_data=PEM_DATA)(d)

    text = inlined(config(both), None)
    assert "/etc/shadow" not in text
    check(text, None, ())


def test_a_file_that_cannot_be_read_is_named() -> None:
    def read(_: str) -> bytes:
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(Invalid) as caught:
        inlined(config(with_files), read)
    assert "ca.pem" in caught.value.sentence
    assert "No such file" in caught.value.sentence


def test_inlining_keeps_everything_else() -> None:
    text = config()
    assert yaml.safe_load(inlined(text, None)) == yaml.safe_load(text)


@given(st.text(max_size=200))
def test_any_text_is_refused_or_accepted_but_never_fatal(text: str) -> None:
    with pytest.raises(Invalid):
        check(text, None, ())
    with contextlib.suppress(Invalid):
        inlined(text, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "user", "cluster", "exec"]), inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["clusters", "users", "contexts", "current-context"]), JSON))
def test_any_structure_is_refused_but_never_fatal(document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document)
    with pytest.raises(Invalid):
        check(text, None, ())
    inlined(text or "{}", None)
