"""Checks what one entry says about another: references, and whether a service fits the kind of its runtime.

Pure: it sees the document and the registry as it would be afterwards, and tells problems; it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from opsmodal.registry import policies, vpn
from opsmodal.registry.reading import NOUNS, Read, Reading
from opsmodal.registry.rights import apart, name_of
from opsmodal.registry.schema import (
    EngineSpec,
    GrantSpec,
    KubernetesSpec,
    OidcSpec,
    RuntimeSpec,
    ServiceSpec,
    VpnConnection,
    VpnProfile,
)
from opsmodal.registry.shape import Path, closest
from opsmodal.registry.single import SPEC_MAX_CHARS, too_large
from opsmodal.registry.state import State
from runtimes.caddy.address import address
from runtimes.errors import Invalid

ENGINE_SCOPES = ("project", "containers", "labels")
CLUSTER_SCOPES = ("namespace", "selector")
CLUSTER_KEYS = (*CLUSTER_SCOPES, "serviceAccount")
PLAIN_SOCKET = "tcp://"
NO_NAME = "auto"
"""What people choose in place of a connection's name (see `opsmodal.choices`)."""
OPENID = "openid"
OPEN_TO_ALL = frozenset({"https://accounts.google.com", "https://gitlab.com"})
"""Issuers where anybody may have an account."""


def check_references(reading: Reading, after: State) -> None:
    """Tell what does not fit; `after` is the registry with the document's well-formed entries in it."""
    for read in reading.entries["vpnProfiles"]:
        for key, sentence, hint in vpn.entry_wrong(read.spec):
            reading.add(_inside(read.path, key), sentence, hint)
    for read in reading.entries["runtimes"]:
        _runtime(reading, read.path, read.spec, after)
    for read in reading.entries["services"]:
        _service(reading, read, after)
    _services_left(reading, after)
    seen: dict[str, Path] = {}
    for read in reading.entries["grants"]:
        _grant(reading, read.path, read.spec, after)
        _demand_one_role(reading, read, seen)
    for read in reading.entries["oidc"]:
        _oidc(reading, read.path, read.spec)


def _inside(path: Path, key: str) -> Path:
    """Give the path of a key, or of an item of one: `allowedNetworks[1]`."""
    name, _, number = key.removesuffix("]").partition("[")
    return (*path, name, int(number)) if number else (*path, name)


def _runtime(reading: Reading, path: Path, spec: RuntimeSpec, after: State) -> None:
    names: set[str] = set()
    for index, way in enumerate(spec.connections):
        here = (*path, "connections", index)
        if way.name in names:
            reading.add((*here, "name"), f"There are two connections named “{way.name}”.", "Rename one of them.")
        if way.name == NO_NAME:
            reading.add((*here, "name"), "“auto” is no name: it stands for whichever connection carries.", "Rename it.")
        names.add(way.name)
        if isinstance(way, VpnConnection):
            _demand(reading, (*here, "profile"), "vpnProfiles", way.profile, after.vpn_profiles)
    for index, text in enumerate(spec.egress_allow):
        if mistaken := vpn.network_wrong(text):
            reading.add((*path, "egressAllow", index), *mistaken)
    if isinstance(spec, KubernetesSpec):
        if (spec.kubeconfig is None) != spec.in_cluster:
            hint = "Give kubeconfig: {file: …}, or inCluster: true."
            reading.add(path, f"The runtime {spec.name} needs either a kubeconfig or inCluster.", hint)
        return
    _tls(reading, path, spec)
    _proxy(reading, path, spec)
    for key, sentence, hint in policies.runbooks_wrong(spec.runbooks):
        reading.add((*path, "runbooks", *key), sentence, hint)


def _tls(reading: Reading, path: Path, spec: EngineSpec) -> None:
    if spec.tls is None:
        return
    if not spec.socket.startswith(PLAIN_SOCKET):
        reading.add((*path, "tls"), "TLS is for tcp:// sockets only.", "Remove tls, or give a tcp:// address.")
    if (spec.tls.certificate is None) != (spec.tls.key is None):
        reading.add((*path, "tls"), "A certificate and its key go together.", "Give both, or neither.")


def _proxy(reading: Reading, path: Path, spec: EngineSpec) -> None:
    try:
        if spec.proxy_admin is not None:
            address(spec.proxy_admin)
    except Invalid as problem:
        reading.add((*path, "proxyAdmin"), problem.sentence, problem.hint)


def _service(reading: Reading, read: Read, after: State) -> None:
    spec = read.spec
    if not _demand(reading, (*read.path, "runtime"), "runtimes", spec.runtime, after.runtimes):
        return
    runtime = after.runtimes.get(spec.runtime)
    if runtime is not None:
        for key, sentence, hint in _misfits(spec, runtime):
            reading.add((*read.path, key) if key else read.path, sentence, hint)


def _services_left(reading: Reading, after: State) -> None:
    """A runtime that changes its kind may leave services behind that no longer fit."""
    named = reading.names["services"]
    for read in reading.entries["runtimes"]:
        runtime = read.spec
        for spec in after.services.values():
            if spec.runtime == runtime.name and spec.name not in named and any(_misfits(spec, runtime)):
                sentence = f"The service {spec.name} is registered on {runtime.name} and does not fit a {runtime.kind}."
                reading.add((*read.path, "kind"), sentence, "Change or remove the service too.")


def _misfits(spec: ServiceSpec, runtime: RuntimeSpec) -> list[tuple[str, str, str]]:
    """List (key, sentence, hint) for what of a service does not fit the kind of its runtime."""
    given = [key for key in (*CLUSTER_SCOPES, *ENGINE_SCOPES) if getattr(spec, key)]
    accounts = ["serviceAccount"] if spec.service_account else []
    on_cluster = isinstance(runtime, KubernetesSpec)
    foreign = ENGINE_SCOPES if on_cluster else CLUSTER_KEYS
    hint = "Give a namespace, and a selector if wanted." if on_cluster else "Give a project, containers or labels."
    found = [
        (key, f"“{key}” means nothing on {runtime.name}, which is of kind {runtime.kind}.", hint)
        for key in (*given, *accounts)
        if key in foreign
    ]
    if on_cluster:
        found += _bad_selector(spec.selector)
    if on_cluster and not spec.namespace:
        found.append(("", f"The service {spec.name} needs a namespace.", f"{runtime.name} is of kind kubernetes."))
    scopes = [key for key in given if key in ENGINE_SCOPES]
    if not on_cluster and len(scopes) != 1:
        has = f"has {' and '.join(scopes)}" if scopes else "has none"
        sentence = f"The service {spec.name} needs exactly one of project, containers and labels; it {has}."
        found.append(("", sentence, f"{runtime.name} is of kind {runtime.kind}."))
    return found


def _bad_selector(selector: str) -> list[tuple[str, str, str]]:
    from runtimes.kubernetes.selectors import matcher

    try:
        matcher(selector)
    except Invalid as problem:
        return [("selector", problem.sentence, problem.hint)]
    return []


def _grant(reading: Reading, path: Path, spec: GrantSpec, after: State) -> None:
    if bool(spec.user) == bool(spec.group):
        reading.add(path, "A grant is for either a user or a group.", "Give user: NAME or group: NAME.")
    targets = [key for key, value in _targets(spec).items() if value]
    if len(targets) != 1:
        has = f"has {' and '.join(targets)}" if targets else "has none"
        hint = "Write one grant for each."
        reading.add(path, f"A grant needs exactly one of services, runtimes and all; this one {has}.", hint)
    known: Mapping[str, Mapping[str, object]] = {"services": after.services, "runtimes": after.runtimes}
    for section in known:
        for index, name in enumerate(getattr(spec, section)):
            _demand(reading, (*path, section, index), section, name, known[section])


def _oidc(reading: Reading, path: Path, spec: OidcSpec) -> None:
    if OPENID not in spec.scopes:
        reading.add((*path, "scopes"), "The scopes must hold “openid”.", "Without it a provider vouches for nobody.")
    if spec.create and not spec.allowed_domains and spec.issuer in OPEN_TO_ALL:
        sentence = f"Everybody in the world has an account at {spec.issuer}."
        reading.add((*path, "create"), sentence, "Give allowedDomains, or create: false.")
    if too_large(spec):
        sentence = f"The entry is larger than {SPEC_MAX_CHARS:,} characters."
        reading.add((*path, "groups"), sentence, "Name only the groups that mean something here.")


def _targets(spec: GrantSpec) -> Mapping[str, object]:
    return {"services": spec.services, "runtimes": spec.runtimes, "all": spec.everything}


def _demand_one_role(reading: Reading, read: Read, seen: dict[str, Path]) -> None:
    for single in apart(read.spec):
        name = name_of(single)
        if name in seen:
            line = reading.line(seen[name])
            where = f", first on line {line}" if line else ""
            reading.add(read.path, f"This is granted twice{where}: {name}.", "Keep the role that is meant.")
        seen[name] = read.path


def _demand(reading: Reading, path: Path, section: str, name: str, known: Mapping[str, VpnProfile | object]) -> bool:
    if name in known or name in reading.names[section]:
        return True
    hint = closest(name, [*known, *reading.names[section]]) or f"Add it under “{section}”."
    reading.add(path, f"There is no {NOUNS[section]} named “{name}”.", hint)
    return False
