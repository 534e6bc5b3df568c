"""Turns the registry's forms into entries as they stand in a document, and the texts of files beside them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsmodal.errors import BadRequest, Problem
from opsmodal.registry.tree import Unreadable, plucked, read_tree

Form = Mapping[str, str]
FILE_NAMES = {"kubeconfig": "kubeconfig", "ca": "ca.pem", "certificate": "cert.pem", "key": "key.pem"}
UNSHOWN = frozenset({"policy", "runbooks", "egressAllow", "metricsServer", "imageCleanup"})
"""Keys that are written in a document only: saving a form must not take a policy away."""
PROFILE_SUFFIXES = {("openvpn", "configFile"): "ovpn", ("openvpn", "authFile"): "login"}


def runtime_entry(form: Form, name: str, before: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the form of a runtime. A credential that is left empty keeps the one that `before` names."""
    entry: dict[str, Any] = {"name": name, "kind": form.get("kind", "")}
    if before.get("kind", entry["kind"]) == entry["kind"]:
        entry |= {key: value for key, value in before.items() if key in UNSHOWN and value}
    sent: dict[str, str] = {}
    if entry["kind"] == "kubernetes":
        _cluster(form, before, entry, sent)
    else:
        _engine(form, before, entry, sent)
    connections = _yaml(form.get("connections", ""), "connections")
    if connections:
        entry["connections"] = connections
    return entry, sent


def profile_entry(
    form: Form, texts: Mapping[str, str], name: str, before: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the form of a VPN profile. A file that is left empty stays as `before` names it, unless it is dropped."""
    entry: dict[str, Any] = {"name": name, "kind": form.get("kind", ""), "mode": form.get("mode", "")}
    sent: dict[str, str] = {}
    for field in ("configFile", "authFile"):
        if texts.get(field, "").strip():
            entry[field] = {"file": f"{name or 'profile'}.{PROFILE_SUFFIXES.get((entry['kind'], field), 'conf')}"}
            sent[field] = texts[field]
        elif before.get(field) and not form.get(f"drop.{field}"):
            entry[field] = dict(before[field])
    if form.get("interface", "").strip():
        entry["interface"] = form["interface"].strip()
    networks = form.get("allowedNetworks", "").replace(",", " ").split()
    return {**entry, **({"allowedNetworks": networks} if networks else {})}, sent


def service_entry(form: Form, name: str, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read the form of a service; empty fields are left out. What the form does not show stays as `before` has it."""
    entry: dict[str, Any] = {"name": name, "runtime": form.get("runtime", "")}
    entry |= {key: value for key, value in (before or {}).items() if key in UNSHOWN and value}
    for field in ("environment", "namespace", "selector", "project", "serviceAccount"):
        if form.get(field, "").strip():
            entry[field] = form[field].strip()
    containers = [one for one in form.get("containers", "").replace(",", " ").split() if one]
    labels = dict(_label(line) for line in form.get("labels", "").splitlines() if line.strip())
    return {**entry, **({"containers": containers} if containers else {}), **({"labels": labels} if labels else {})}


def _cluster(form: Form, before: Mapping[str, Any], entry: dict[str, Any], sent: dict[str, str]) -> None:
    if form.get("inCluster"):
        entry["inCluster"] = True
        return
    reference = dict(before.get("kubeconfig") or {})
    if form.get("kubeconfig", "").strip():
        reference = {"file": FILE_NAMES["kubeconfig"]}
        sent["kubeconfig"] = form["kubeconfig"]
    reference.pop("context", None)
    if form.get("context", "").strip():
        reference["context"] = form["context"].strip()
    if reference:
        entry["kubeconfig"] = reference


def _engine(form: Form, before: Mapping[str, Any], entry: dict[str, Any], sent: dict[str, str]) -> None:
    entry["socket"] = form.get("socket", "").strip()
    if form.get("proxyAdmin", "").strip():
        entry["proxyAdmin"] = form["proxyAdmin"].strip()
    if form.get("host", "").strip():
        entry["host"] = form["host"].strip()
    tls = dict(before.get("tls") or {})
    for part in ("ca", "certificate", "key"):
        text = form.get(f"tls.{part}", "")
        if text.strip():
            tls[part] = {"file": FILE_NAMES[part]}
            sent[f"tls.{part}"] = text
    if tls:
        entry["tls"] = tls


def _yaml(text: str, field: str) -> Any:
    if not text.strip():
        return None
    repeated: list[Problem] = []
    try:
        # The registry's own reader: aliases that unfold to gigabytes, or to themselves, are not for forms either.
        values = plucked(read_tree(text.encode("utf-8", "replace"), repeated))
    except Unreadable as unreadable:
        repeated.append(unreadable.problem)
    if repeated:
        where = f" in line {repeated[0].line}" if repeated[0].line else ""
        hint = f"{repeated[0].sentence} Write a list, one connection an item."
        raise BadRequest(f"{field} is not YAML{where}.", hint=hint)
    return values


def _label(line: str) -> tuple[str, str]:
    key, _, value = line.partition("=")
    return key.strip(), value.strip()
