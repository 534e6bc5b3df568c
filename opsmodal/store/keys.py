"""Where the key comes from: the environment, or a file of the data folder that only its owner can read.

Makes a key only for a store that has none yet: a new key beside old credentials would open nothing and hide why.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from opsmodal.store.address import PRIVATE_FILE, PRIVATE_FOLDER
from opsmodal.store.errors import WrongKey
from opsmodal.store.store import Store
from opsmodal.store.tables import Credential, Mark, RegistryLogin
from opsmodal.store.vault import KEY_HINT, Vault, new_key

KEY_FILE = "secret.key"
KEY_FILE_MAX_BYTES = 4096
PROOF = "key-proof"
"""A mark that is sealed with the key: opening it proves that the key is this store's."""


def login_owner(runtime: str, host: str) -> tuple[str, str, str]:
    """Name the record that the password of a registry login is sealed for."""
    return ("registryLogins", runtime, host)


def open_vault(store: Store, *, data_dir: Path, key: str = "") -> Vault:
    """Give the vault of a store. Raise WrongKey when there is no right key, or others can read its file.

    With several keys everything is sealed anew with the first, so that the old ones can be taken away afterwards.
    """
    path = data_dir / KEY_FILE
    if not key and not path.exists() and _is_new(store, path):
        _write(path)
    vault = Vault(key or _read(path))
    _prove(store, vault)
    if vault.key_count > 1:
        _seal_anew(store, vault)
    return vault


def _is_new(store: Store, path: Path) -> bool:
    """Tell whether the store has no key yet. Another process may make its key while this one asks."""
    with store.reading() as session:
        has_key = session.get(Mark, PROOF) is not None
    if has_key and not path.exists():
        raise WrongKey(f"The key of this store is missing: there is no {path} and no OPSMODAL_KEY.", hint=KEY_HINT)
    return not has_key


def _write(path: Path) -> None:
    """Make the file whole and private, or leave the one that another process has just made."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError as error:
        raise WrongKey(
            f"The key file {path} cannot be written: {error.strerror}.",
            hint="Give the data folder to the user that runs opsmodal, or set OPSMODAL_KEY.",
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise WrongKey(
                    f"Others than its owner can use the key file {path}.",
                    hint=f"Close it with: chmod 600 {path}. Make a new key if somebody may have read this one.",
                )
            return file.read(KEY_FILE_MAX_BYTES).decode("ascii").replace("\n", ",")
    except UnicodeDecodeError:
        raise WrongKey(f"The key file {path} holds no key.", hint=KEY_HINT) from None
    except OSError as error:
        raise WrongKey(f"The key file {path} cannot be read: {error.strerror}.", hint=KEY_HINT) from error


def _prove(store: Store, vault: Vault) -> None:
    owner = ("mark", PROOF)
    with store.reading() as session:
        mark = session.get(Mark, PROOF)
    if mark is None:
        with store.session() as session:
            store.lock(session, PROOF)
            mark = session.get(Mark, PROOF)
            if mark is None:
                session.add(Mark(name=PROOF, value=vault.seal(owner, PROOF).decode("ascii")))
                return
    try:
        vault.open(owner, mark.value.encode("ascii"))
    except WrongKey:
        raise WrongKey("This key is not the one that the stored credentials were sealed with.", hint=KEY_HINT) from None


def _seal_anew(store: Store, vault: Vault) -> None:
    with store.session() as session:
        for row in session.query(Credential).with_for_update():
            owner = (row.owner_kind, row.owner, row.field)
            row.sealed = vault.seal(owner, vault.open(owner, row.sealed))
        for login in session.query(RegistryLogin).with_for_update():
            whose = login_owner(login.runtime, login.host)
            login.sealed = vault.seal(whose, vault.open(whose, login.sealed))
        proof = session.get_one(Mark, PROOF)
        proof.value = vault.seal(("mark", PROOF), PROOF).decode("ascii")
