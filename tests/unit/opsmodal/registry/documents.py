"""The registry document of the documentation, with the files that it names. Every planted text is a secret."""

from __future__ import annotations

from pathlib import Path

from opsmodal.registry.changes import Change
from opsmodal.registry.files import Folder
from opsmodal.registry.registry import Registry

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: prod
contexts: [{name: prod, context: {cluster: c, user: u}}, {name: other, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://prod.example:6443", certificate-authority: ca.pem}}]
users: [{name: u, user: {token: PLANTED-TOKEN}}]
"""
CA = "-----BEGIN CERTIFICATE-----\nUExBTlRFRC1DQQ==\n-----END CERTIFICATE-----\n"
PLANTED_KEY = "UExBTlRFRC1XSVJFR1VBUkQtS0VZLTMyLWJ5dGVzISE="
"""In base64: PLANTED-WIREGUARD-KEY-32-bytes!!"""
WIREGUARD = f"""\
[Interface]
PrivateKey = {PLANTED_KEY}
Address = 10.9.0.2/32
[Peer]
PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
Endpoint = vpn.example:51820
AllowedIPs = 10.0.0.0/8
"""
FILES = {
    "prod.yaml": KUBECONFIG,
    "ca.pem": CA,
    "hq.conf": WIREGUARD,
    "ops.key": "PLANTED-SSH-KEY\n",
    "known_hosts": "10.0.0.5 ssh-ed25519 PLANTED-HOST-KEY\n",
}
PLANTED = ("PLANTED-TOKEN", PLANTED_KEY, "PLANTED-SSH-KEY", "PLANTED-HOST-KEY", "UExBTlRFRC1DQQ")

DOCUMENT = """\
apiVersion: opsmodal/v1
vpnProfiles:
  - {name: hq, kind: wireguard, configFile: hq.conf}
runtimes:
  - name: prod
    kind: kubernetes
    kubeconfig: {file: prod.yaml, context: prod}
    connections:
      - {name: lan, kind: direct, priority: 10}
      - {name: hq-vpn, kind: vpn, priority: 20, profile: hq}
      - {name: bastion, kind: ssh, priority: 30, host: 10.0.0.5, port: 22, user: ops, identityFile: ops.key,
         knownHosts: known_hosts, jump: [edge]}
  - name: edge
    kind: docker
    socket: /var/run/docker.sock
    host: local
    proxyAdmin: http://127.0.0.1:2019
services:
  - {name: shop, runtime: prod, namespace: shop, selector: app.kubernetes.io/part-of=shop, environment: production}
  - {name: blog, runtime: edge, project: blog}
groups:
  - {name: oncall, users: [bob, carol@example.org]}
grants:
  - {user: alice, role: operator, services: [shop]}
  - {group: oncall, role: viewer, runtimes: [prod, edge]}
  - {user: root, role: manager, all: true}
"""


def written(folder: Path) -> Path:
    """Write the files beside each other; give their folder."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def changed(registry: Registry, document: str, folder: Path) -> dict[str, Change]:
    """Apply a document; give what it changed, by name."""
    applied = registry.apply(document.encode(), Folder(folder))
    return {change.name: change for change in applied.changes if change.action != "unchanged"}
