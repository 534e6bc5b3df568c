"""Put a simulated cluster together, start and stop it: the only module that others need.

It listens on loopback only, needs a token for everything but its version, and starts no process of the machine.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import yaml

from opsmodal.demo import certificates, example, gateway, writing
from opsmodal.demo.api.access import cluster_roles, standing_grants
from opsmodal.demo.api.app import Api
from opsmodal.demo.api.users import ADMIN, Tokens, User, service_account
from opsmodal.demo.api.watch import BOOKMARK_S
from opsmodal.demo.clock import Clock
from opsmodal.demo.documents import Obj, copied, dig
from opsmodal.demo.faults import Faults
from opsmodal.demo.kinds import PODS
from opsmodal.demo.life import controllers, registrations
from opsmodal.demo.life.inside import Inside
from opsmodal.demo.life.loop import Life
from opsmodal.demo.life.output import Line, Outputs, nanoseconds
from opsmodal.demo.names import Names
from opsmodal.demo.problems import Problem
from opsmodal.demo.server import LOOPBACK, Front
from opsmodal.demo.world import World

NARROW = "narrow"
"""The service account that holds one namespace and nothing else."""
PAST = timedelta(minutes=40)
"""How long the example world has been there when it starts."""
SEED = 20_261_121


class Cluster:
    """A running simulated cluster."""

    def __init__(self, *, port: int, seed: int, speed: float, bookmark_s: float) -> None:
        self.world = World(names=Names(seed), clock=Clock(speed=speed))
        self.faults = Faults()
        self._outputs = Outputs()
        self._inside = Inside(self.world, self._outputs)
        self._tokens = Tokens()
        self._authority, context = certificates.make()
        parts = controllers.all_of(self.world, self._outputs, self._inside, self.authority)
        self._life = Life(self.world, parts)
        self._api = Api(
            self.world,
            outputs=self._outputs,
            inside=self._inside,
            tokens=self._tokens,
            faults=self.faults,
            bookmark_s=bookmark_s,
        )
        self._front = Front(self._api, context, port=port)

    @property
    def url(self) -> str:
        """Give the address of the API: `https://127.0.0.1:port`."""
        return f"https://{LOOPBACK}:{self._front.port}"

    @property
    def authority(self) -> str:
        """Give the PEM of the certificate authority."""
        return self._authority.decode()

    def start(self) -> None:
        """Begin to live and to listen."""
        self._life.start()
        self._front.switch_on()

    def play(self, past: timedelta) -> None:
        """Let the time since `past` go by at once. Only before `start`."""
        self._life.play(datetime.now(UTC) - past)

    def stop(self) -> None:
        """End everything. May be called twice."""
        self._api.is_ending = True
        self.faults.clear()
        self._front.switch_off()
        self._life.stop()

    def pause(self) -> None:
        """Play "the API server was killed": the port refuses, open connections are cut, what is stored stays."""
        self._api.is_ending = True
        self._front.switch_off()

    def resume(self) -> None:
        """Listen again on the same port."""
        self._api.is_ending = False
        self._front.switch_on()

    def token(self, user: str = "admin", *, namespace: str = "shop") -> str:
        """Give the token of `admin`, or of `narrow`, who holds `namespace` alone."""
        return self._tokens.of(self._user(user, namespace))

    def expire(self, user: str = "admin", *, namespace: str = "shop") -> None:
        """Make the present token worthless."""
        self._tokens.expire(self._user(user, namespace))

    def _user(self, user: str, namespace: str) -> User:
        if user == "admin":
            return ADMIN
        if user != NARROW:
            raise ValueError(f"there is no user {user!r} in the simulated cluster: admin or {NARROW}")
        for manifest in standing_grants(namespace, NARROW):
            try:
                self.create(manifest)
            except Problem as problem:
                if problem.reason != "AlreadyExists":
                    raise
        return service_account(namespace, NARROW)

    def kubeconfig(self, user: str = "admin", *, namespace: str = "") -> str:
        """Give a kubeconfig (YAML, everything inlined). `narrow` holds `namespace` alone, shop unless given."""
        space = namespace or ("shop" if user == NARROW else "default")
        name = "opsmodal-demo"
        authority = base64.b64encode(self._authority).decode()
        server = {"server": self.url, "certificate-authority-data": authority}
        context = {"cluster": name, "user": user, "namespace": space}
        document: Obj = {"apiVersion": "v1", "kind": "Config", "current-context": name}
        document["clusters"] = [{"name": name, "cluster": server}]
        document["users"] = [{"name": user, "user": {"token": self.token(user, namespace=space)}}]
        document["contexts"] = [{"name": name, "context": context}]
        return yaml.safe_dump(document, sort_keys=False)

    def create(self, manifest: Obj) -> Obj:
        """Create an object; give it as it was stored. Raise a Problem when it is refused."""
        kind = self.world.catalogue.of(manifest)
        if kind is None:
            raise ValueError(f"the simulated cluster has no kind {manifest.get('kind')!r}")
        space = dig(manifest, "metadata", "namespace") or ("default" if kind.namespaced else "")
        return writing.create(self.world, kind, space, copied(manifest)).copy()

    def write_log(self, namespace: str, pod: str, container: str, text: bytes) -> bool:
        """Put a line into the log of a running container as if its program had written it; tell whether it runs."""
        record = self.world.storage.get(PODS, namespace, pod)
        line = Line(nanoseconds(self.world.clock.now()), text)
        return record is not None and self._outputs.write(record.document["metadata"]["uid"], container, line)

    def apply_example(self) -> None:
        """Create the three example services, and what the domain of one stands on."""
        for manifest in [*example.manifests(), *example.around_domain(*certificates.pair(example.DOMAIN))]:
            self.create(manifest)

    def apply_base(self) -> None:
        """Create what every cluster has: nodes, namespaces, classes, roles, and the kinds of the Gateway API."""
        served = [*gateway.definitions(), gateway.standard_class(), registrations.of_metrics()]
        for manifest in [*example.base(), *cluster_roles(), *served]:
            self.create(manifest)


def start(
    *, port: int = 0, example: bool = True, seed: int = SEED, speed: float = 1.0, bookmark_s: float = BOOKMARK_S
) -> Cluster:
    """Start a simulated cluster on a loopback port (0: any free one), with the example services or empty.

    `speed` shortens waits such as back-off; stamps stay true. The same `seed` gives the same names and the same logs.
    """
    cluster = Cluster(port=port, seed=seed, speed=speed, bookmark_s=bookmark_s)
    clock = cluster.world.clock
    if example:
        clock.play(datetime.now(UTC) - PAST)
    cluster.apply_base()
    if example:
        cluster.apply_example()
        cluster.play(PAST)
    cluster.world.storage.forget()  # nobody can have seen an older version: a watch from one is too old
    cluster.start()
    return cluster
