from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.store import Vault, WrongKey
from opsmodal.store.vault import new_key

OWNER = ("runtimes", "prod", "kubeconfig")
NAMES = st.lists(st.text(max_size=8), min_size=1, max_size=4).map(tuple)
KEY = new_key()


@given(owner=NAMES, text=st.text())
def test_what_is_sealed_opens_again(owner: tuple[str, ...], text: str) -> None:
    vault = Vault(KEY)
    sealed = vault.seal(owner, text)
    assert vault.open(owner, sealed) == text
    assert text.encode() not in sealed or len(text) < 8


@given(owner=NAMES, other=NAMES)
def test_what_is_sealed_for_one_record_does_not_open_for_another(
    owner: tuple[str, ...], other: tuple[str, ...]
) -> None:
    vault = Vault(KEY)
    sealed = vault.seal(owner, "x")
    if owner != other:
        with pytest.raises(WrongKey, match="for another record"):
            vault.open(other, sealed)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(WrongKey, match="does not open with this key") as refused:
        Vault(new_key()).open(OWNER, Vault(new_key()).seal(OWNER, "PLANTED"))
    assert "OPSMODAL_KEY" in refused.value.hint


def test_an_old_key_beside_the_new_one_still_opens() -> None:
    old, new = new_key(), new_key()
    sealed = Vault(old).seal(OWNER, "x")
    assert Vault(f"{new}, {old}").open(OWNER, sealed) == "x"
    with pytest.raises(WrongKey):
        Vault(old).open(OWNER, Vault(f"{new},{old}").seal(OWNER, "x"))


def test_a_changed_byte_does_not_open() -> None:
    sealed = bytearray(Vault(KEY).seal(OWNER, "x" * 50))
    sealed[40] ^= 1
    with pytest.raises(WrongKey):
        Vault(KEY).open(OWNER, bytes(sealed))


@pytest.mark.parametrize("keys", ["", " , ", "short", "A" * 42, "ü" * 44, "A" * 43 + "=,short"])
def test_what_is_no_key_is_refused_without_repeating_it(keys: str) -> None:
    with pytest.raises(WrongKey) as refused:
        Vault(keys)
    assert "openssl rand" in refused.value.hint
    assert not keys.strip(" ,") or keys not in str(refused.value)


def test_a_fingerprint_tells_texts_apart_and_depends_on_the_key() -> None:
    vault = Vault(KEY)
    assert vault.fingerprint("a") == vault.fingerprint("a") != vault.fingerprint("b")
    assert Vault(new_key()).fingerprint("a") != vault.fingerprint("a")
