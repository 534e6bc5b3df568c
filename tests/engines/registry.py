"""Start a real image registry with TLS by a CA of its own and a password, and put images into it as a client would.

Debian's docker-registry. It listens at an address of this machine that no engine takes for an insecure one: dockerd
verifies no certificate of 127.0.0.0/8, so for that it is the address of its own bridge. Images are sent by the
registry's API, so that tags move and layers have the sizes that a test wants.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import secrets
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

import urllib3

from tests.engines import images
from tests.engines.certificates import Authority
from tests.engines.containers import ContainerEngine
from tests.engines.process import CannotStart, Daemon, own_folder, sweep

USER, PASSWORD = "puller", "PLANTED-registry-password"
HASH = "$2b$04$oM.oO/nJY89U0flTMVIbtOuNu2MTzBWDmC9FkjZonKYrhz1zUCu6G"
"""bcrypt of PASSWORD: the only kind that docker-registry reads."""
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_TRUST = Path("/etc/docker/certs.d")
"""The only place where dockerd looks for a CA, whatever it is told."""
PODMAN_TRUST = ".config/containers/certs.d"
ANSWER_S = 20.0


@dataclass
class Registry:
    """A running registry; `host` is host:port, as it stands in the names of its images."""

    host: str
    daemon: Daemon
    folder: Path
    _http: urllib3.PoolManager
    _trusted: list[Path] = field(default_factory=list)

    def push(self, name: str, tag: str, version: str, *, filler_bytes: int = 0) -> str:
        """Put the tests' image of a version under a name and tag, with a layer of noise; give HOST/NAME:TAG."""
        layers = [images.archive(version)]
        if filler_bytes:
            layers.append(images.packed({"filler": secrets.token_bytes(filler_bytes)}))
        described = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["sh"], "Env": ["PATH=/bin:/sbin:/usr/bin:/usr/sbin"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(each) for each in layers]},
            "history": [{"created_by": "opsmodal tests"} for _ in layers],
        }
        config = json.dumps(described).encode()
        parts = [self._blob(name, gzip.compress(each, compresslevel=1, mtime=0), LAYER) for each in layers]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": self._blob(name, config, CONFIG)}
        body = json.dumps({**manifest, "layers": parts}).encode()
        self._send("PUT", f"/v2/{name}/manifests/{tag}", body, {"Content-Type": MANIFEST})
        return f"{self.host}/{name}:{tag}"

    def trusted_by(self, engine: ContainerEngine, host: str = "") -> None:
        """Let an engine of the tests trust the CA, for another port of the same address; `close` takes that back."""
        place = DOCKER_TRUST if engine.name == "docker" else engine.folder / PODMAN_TRUST
        place = place / (host or self.host)
        made = next((each for each in (*reversed(place.parents), place) if not each.exists()), place)
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.folder / "ca.pem", place / "ca.crt")
        self._trusted.append(made)

    def close(self) -> None:
        """End it, and the trust in it."""
        self.daemon.stop()
        for place in self._trusted:
            shutil.rmtree(place, ignore_errors=True)
        sweep(self.folder)

    def _blob(self, name: str, data: bytes, kind: str) -> Mapping[str, object]:
        digest = _digest(data)
        opened = self._send("POST", f"/v2/{name}/blobs/uploads/", b"", {})
        place = urljoin(f"https://{self.host}", opened.headers["Location"])
        sign = "&" if "?" in place else "?"
        sent = {"Content-Type": "application/octet-stream"}
        self._send("PUT", f"{place}{sign}digest={digest}", data, sent)
        return {"mediaType": kind, "size": len(data), "digest": digest}

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        login = urllib3.make_headers(basic_auth=f"{USER}:{PASSWORD}")
        url = urljoin(f"https://{self.host}", path)
        answer = self._http.request(method, url, body=body, headers={**headers, **login})
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.data[:300]!r}"
        return answer


def start(address: str = "127.0.0.1") -> Registry:
    """Start one at an address of this machine; raise CannotStart with the reason."""
    program = shutil.which("docker-registry")
    if program is None:
        raise CannotStart("no docker-registry on this machine (package docker-registry)")
    folder = own_folder("registry")
    host = f"{address}:{_free_port(address)}"
    authority = Authority()
    certificate, key = authority.pair("registry", address)
    for name, text in (("ca.pem", authority.pem), ("registry.pem", certificate), ("registry.key", key)):
        (folder / name).write_text(text)
    (folder / "htpasswd").write_text(f"{USER}:{HASH}\n")
    (folder / "config.json").write_text(json.dumps(_settings(folder, host)))
    http = urllib3.PoolManager(ca_certs=str(folder / "ca.pem"), timeout=ANSWER_S, retries=False)
    daemon = Daemon([program, "serve", folder / "config.json"], folder=folder, ready=lambda: _answers(http, host))
    try:
        daemon.start()
    except CannotStart:
        sweep(folder)
        raise
    return Registry(host=host, daemon=daemon, folder=folder, _http=http)


def start_for(engine: ContainerEngine) -> Registry:
    """Start one where an engine verifies certificates; raise CannotStart with the reason."""
    bridge = getattr(engine, "bridge", None)
    return start(bridge.address.partition("/")[0] if engine.name == "docker" and bridge else "127.0.0.1")


def _settings(folder: Path, host: str) -> Mapping[str, object]:
    """Give the configuration (YAML takes JSON). Source: /usr/share/doc/docker-registry/configuration.md.gz"""
    certificate, key = (str(folder / name) for name in ("registry.pem", "registry.key"))
    return {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": host, "secret": secrets.token_hex(8), "tls": {"certificate": certificate, "key": key}},
        "auth": {"htpasswd": {"realm": "opsmodal tests", "path": str(folder / "htpasswd")}},
    }


def _answers(http: urllib3.PoolManager, host: str) -> bool:
    try:
        return bool(http.request("GET", f"https://{host}/v2/").status == 401)
    except urllib3.exceptions.HTTPError:
        return False


def _free_port(address: str) -> int:
    with socket.socket() as asked:
        asked.bind((address, 0))
        return int(asked.getsockname()[1])


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
