"""The shape of the registry: what may be written, with bounds. What refers to what is checked in `references`.

Keys are written in camelCase. A runtime and a connection are of the kind that their `kind` says. A named file is
either its name, or (in an export) its name and the fingerprint of what was stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct, field

from opsmodal.permissions import Role
from runtimes.base import Scope
from runtimes.structs import make_ready

API_VERSION = "opsmodal/v1"


def _text(shape: str, description: str, *, empty: bool = False) -> Meta:
    r"""Bound a text. Shapes end in \Z, not $: to Python "shop\n" still matches `shop$`."""
    return Meta(pattern=rf"\A(?:{shape}){'?' if empty else ''}\Z", description=description)


LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
LABEL_WORDS = "a name of at most 63 small letters, digits and dashes, like shop-2"

Name = Annotated[str, _text(LABEL, LABEL_WORDS)]
NameOrNone = Annotated[str, _text(LABEL, LABEL_WORDS, empty=True)]
Person = Annotated[
    str, _text(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,126}[A-Za-z0-9])?", "a name like alice or al@example.org")
]
PersonOrNone = Annotated[
    str, _text(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,126}[A-Za-z0-9])?", "a name like alice", empty=True)
]
Text = Annotated[str, _text(r"[^\x00-\x1f\x7f]{1,1024}", "a text of 1 to 1024 characters on one line")]
Value = Annotated[str, _text(r"[^\x00-\x1f\x7f]{0,1024}", "a text of at most 1024 characters on one line")]
Priority = Annotated[int, Meta(ge=0, le=1_000_000)]
PortNumber = Annotated[int, Meta(ge=1, le=65535)]
Host = Annotated[str, _text(r"[A-Za-z0-9\[][A-Za-z0-9._:\]-]{0,253}", "a host name or an IP address")]
Jump = Annotated[str, _text(r"[A-Za-z0-9\[][A-Za-z0-9._@:\[\]-]{0,320}", "a host as [user@]host[:port]")]
Network = Annotated[str, _text(r"[0-9A-Fa-f.:]{2,45}(?:/[0-9]{1,3})?", "a network like 10.8.0.0/24")]
InterfaceOrNone = Annotated[
    str, _text(r"[A-Za-z0-9_.-]{1,15}", "the name of a network interface, like wg0", empty=True)
]
AdminAddress = Annotated[
    str,
    _text(
        r"(?:unix://)?/[^\x00-\x1f\x7f]{1,1000}|https?://[^\s/@]{1,300}/?",
        "an address like http://127.0.0.1:2019, or unix:///path of a socket",
    ),
]
Socket = Annotated[
    str,
    _text(
        r"(?:unix://)?/[^\x00-\x1f\x7f]{1,1000}|tcp://[^\s/@]{1,300}",
        "a path like /var/run/docker.sock, or an address like tcp://host:2376",
    ),
]
ProjectOrNone = Annotated[
    str, _text(r"[a-z0-9][a-z0-9_-]{0,127}", "a compose project as the engine names it", empty=True)
]
ContainerName = Annotated[str, _text(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", "a container's name as the engine lists it")]
AccountOrNone = Annotated[
    str,
    _text(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", "the name of a service account of the namespace", empty=True),
]
ParameterName = Annotated[str, _text(r"[A-Za-z][A-Za-z0-9_-]{0,62}", "a name like unit")]
Fingerprint = Annotated[str, _text(r"[0-9a-f]{32}", "a fingerprint out of an export", empty=True)]
Issuer = Annotated[
    str,
    _text(
        r"https://[^\s/?#@]{1,253}(?:/[^\s?#]{0,200})?"
        r"|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?(?:/[^\s?#]{0,200})?",
        "the provider's address as it names itself, https://… (http:// on this very machine only)",
    ),
]
ScopeWord = Annotated[str, _text(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}", "a word of letters, digits and signs")]
Claim = Annotated[str, _text(r"[^\x00-\x1f\x7f]{1,200}", "the name of a claim, like preferred_username")]
Image = Annotated[
    str, _text(r"[A-Za-z0-9][A-Za-z0-9_./:@-]{0,510}", "an image as pods name it, like registry.example.com/name:tag")
]
Flag = Annotated[str, _text(r"--[a-z][a-z0-9-]{0,62}(?:=[^\x00-\x1f\x7f]{0,500})?", "a flag like --name=value")]
Domain = Annotated[str, _text(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", "a domain of mail addresses")]


class Spec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """What every part of the registry is: frozen, strict, written in camelCase, silent about defaults."""


class FileRef(Spec, frozen=True, kw_only=True):
    """A file that is read at apply; `fingerprint` stands for what is stored when the file is not at hand."""

    file: Text
    fingerprint: Fingerprint = ""


class KubeconfigRef(FileRef, frozen=True, kw_only=True):
    """A kubeconfig and which of its contexts to use: its current one when `context` is empty."""

    context: Value = ""


class Connection(Spec, tag_field="kind", frozen=True, kw_only=True):
    """A way to a runtime; the lowest priority that carries is taken."""

    kind: ClassVar[str]
    name: Name
    priority: Priority = 100


class DirectConnection(Connection, tag="direct", frozen=True, kw_only=True):
    """The address can be dialled from here."""

    kind: ClassVar[str] = "direct"


class VpnConnection(Connection, tag="vpn", frozen=True, kw_only=True):
    """Through the tunnel of a VPN profile."""

    kind: ClassVar[str] = "vpn"
    profile: Name


class JumpSpec(Spec, frozen=True, kw_only=True):
    """A jump host with a login of its own; the keys mean what they do for the connection."""

    host: Jump
    identity_file: FileRef | None = None
    certificate: FileRef | None = None
    passphrase: FileRef | None = None
    password: FileRef | None = None
    agent: bool = False
    known_hosts: FileRef | None = None


class SshConnection(Connection, tag="ssh", frozen=True, kw_only=True):
    """Through an SSH server, and before it through every jump host in turn; secrets are files like every credential.

    `password` and `passphrase` name files whose first line is meant; `agent` uses the agent of the user that runs
    opsmodal. A jump host that is only a text is signed in to as the host itself, and its key must be in the same file.
    """

    kind: ClassVar[str] = "ssh"
    host: Host
    port: PortNumber = 22
    user: Text
    identity_file: FileRef | None = None
    certificate: FileRef | None = None
    passphrase: FileRef | None = None
    password: FileRef | None = None
    agent: bool = False
    known_hosts: FileRef | None = None
    jump: tuple[Jump | JumpSpec, ...] = ()


AnyConnection = DirectConnection | VpnConnection | SshConnection

DIRECT = DirectConnection(name="direct")
"""What a runtime without connections is reached by."""


class ParameterSpec(Spec, frozen=True, kw_only=True):
    """What may stand in the place of a parameter: what matches a pattern as a whole, or one of a few choices."""

    pattern: Value = ""
    choices: tuple[Text, ...] = ()
    description: Value = ""


class RunbookSpec(Spec, frozen=True, kw_only=True):
    """A command that may run on the host: its words exactly, where `{name}` alone is a word stands a parameter.

    Who has `permission` on the service and exec on the runtime may run it; the roles of `approved_for`, and those above
    them, are not asked to confirm.
    """

    name: Name
    description: Value = ""
    argv: tuple[Text, ...]
    parameters: dict[ParameterName, Text | ParameterSpec] = field(default_factory=dict)
    permission: Literal["exec", "manage"] = "exec"
    approved_for: tuple[Role, ...] = ()


class RuntimeBase(Spec, tag_field="kind", frozen=True, kw_only=True):
    """What all runtimes have."""

    kind: ClassVar[str]
    name: Name
    connections: tuple[AnyConnection, ...] = ()
    egress_allow: tuple[Network, ...] = ()
    """Private networks that checks of domains may ask addresses in."""

    def ways(self) -> tuple[AnyConnection, ...]:
        """List the connections in the order in which they are tried."""
        return tuple(sorted(self.connections, key=lambda way: way.priority)) or (DIRECT,)


class MetricsServerSpec(Spec, frozen=True, kw_only=True):
    """What is installed as Metrics Server: an image of one's own registry, and flags beside or in place of ours."""

    image: Image | None = None
    flags: tuple[Flag, ...] = ()


class ImageCleanupSpec(Spec, frozen=True, kw_only=True):
    """The image of the pods that clean nodes: it needs sh and chroot."""

    image: Image | None = None


class KubernetesSpec(RuntimeBase, tag="kubernetes", frozen=True, kw_only=True):
    """A cluster, by a kubeconfig or as the pod that opsmodal itself runs in."""

    kind: ClassVar[str] = "kubernetes"
    kubeconfig: KubeconfigRef | None = None
    in_cluster: bool = False
    metrics_server: MetricsServerSpec = MetricsServerSpec()
    image_cleanup: ImageCleanupSpec = ImageCleanupSpec()


class TlsFiles(Spec, frozen=True, kw_only=True):
    """PEM files: whom to trust, and who we are (both or neither)."""

    ca: FileRef | None = None
    certificate: FileRef | None = None
    key: FileRef | None = None


class EngineSpec(RuntimeBase, frozen=True, kw_only=True):
    """A Docker or Podman engine."""

    socket: Socket
    tls: TlsFiles | None = None
    host: Literal["local", "none"] = "none"
    proxy_admin: AdminAddress | None = None
    """The admin API of the Caddy that serves this host's domains: on loopback, or a Unix socket."""
    runbooks: tuple[RunbookSpec, ...] = ()


class DockerSpec(EngineSpec, tag="docker", frozen=True, kw_only=True):
    """A Docker engine."""

    kind: ClassVar[str] = "docker"


class PodmanSpec(EngineSpec, tag="podman", frozen=True, kw_only=True):
    """A Podman engine, rootful or rootless."""

    kind: ClassVar[str] = "podman"


RuntimeSpec = KubernetesSpec | DockerSpec | PodmanSpec


class ByRole(Spec, frozen=True, kw_only=True):
    """A list for each role that has one, which narrows the roles below it too."""

    viewer: tuple[Text, ...] | None = None
    developer: tuple[Text, ...] | None = None
    operator: tuple[Text, ...] | None = None
    manager: tuple[Text, ...] | None = None


class PolicySpec(Spec, frozen=True, kw_only=True):
    """What of the typed lines that the guard lets through is left on a service: for everybody, or by role."""

    verbs: tuple[Text, ...] | ByRole | None = None
    kinds: tuple[Text, ...] | ByRole | None = None
    programs: tuple[Text, ...] | ByRole | None = None


class ServiceSpec(Spec, frozen=True, kw_only=True):
    """A service: what of a runtime belongs together."""

    name: Name
    runtime: Name
    environment: NameOrNone = ""
    namespace: NameOrNone = ""
    selector: Value = ""
    project: ProjectOrNone = ""
    containers: tuple[ContainerName, ...] = ()
    labels: dict[Text, Value] = field(default_factory=dict)
    service_account: AccountOrNone = ""
    policy: PolicySpec | None = None

    def scope(self) -> Scope:
        """Give the scope that the runtimes' facets take."""
        return Scope(
            service=self.name,
            namespace=self.namespace,
            selector=self.selector,
            project=self.project,
            containers=self.containers,
            labels=dict(self.labels),
            service_account=self.service_account,
        )

    def scope_key(self) -> tuple[object, ...]:
        """Give what the scope is, and who looks at it, to keep answers by."""
        return (*scope_key(self.runtime, self.scope()), self.service_account)


def scope_key(runtime: str, scope: Scope) -> tuple[object, ...]:
    """Tell a scope from every other one, whatever its service is called and whoever looks."""
    labels = tuple(sorted(scope.labels.items()))
    return (runtime, scope.namespace, scope.selector, scope.project, scope.containers, labels)


class VpnProfile(Spec, frozen=True, kw_only=True):
    """A VPN profile; its file is sealed like every credential.

    A `managed` tunnel is brought up and taken down by opsmodal; an `external` one is somebody else's, comes out at
    `interface`, and is only checked. `auth_file` holds a name and a password on two lines.
    """

    name: Name
    kind: Literal["wireguard", "openvpn"]
    mode: Literal["managed", "external"] = "managed"
    config_file: FileRef | None = None
    auth_file: FileRef | None = None
    allowed_networks: tuple[Network, ...] = ()
    interface: InterfaceOrNone = ""


class GroupSpec(Spec, frozen=True, kw_only=True):
    """A group of people."""

    name: Name
    users: tuple[Person, ...] = ()


class GrantSpec(Spec, frozen=True, kw_only=True):
    """A role for one user or one group: on services, on all services of runtimes, or on all there are."""

    user: PersonOrNone = ""
    group: NameOrNone = ""
    role: Role
    services: tuple[Name, ...] = ()
    runtimes: tuple[Name, ...] = ()
    everything: bool = field(default=False, name="all")


class OidcSpec(Spec, frozen=True, kw_only=True):
    """The OpenID provider that people may sign in with, and what its groups mean here.

    `name` is what the button of the sign-in page says. Groups and claims are spelled as the provider spells them.
    """

    issuer: Issuer
    client_id: Text
    client_secret_file: FileRef | None = None
    ca_file: FileRef | None = None
    name: Text = "the company account"
    scopes: tuple[ScopeWord, ...] = ("openid", "profile", "email")
    user_claim: Claim = "preferred_username"
    groups_claim: Claim = "groups"
    groups: dict[Text, Name] = field(default_factory=dict)
    admin_groups: tuple[Text, ...] = ()
    auditor_groups: tuple[Text, ...] = ()
    create: bool = False
    allowed_domains: tuple[Domain, ...] = ()


class Document(Spec, frozen=True, kw_only=True):
    """A registry document: a part of the registry, or all of it."""

    api_version: Literal["opsmodal/v1"]
    vpn_profiles: tuple[VpnProfile, ...] = ()
    runtimes: tuple[RuntimeSpec, ...] = ()
    services: tuple[ServiceSpec, ...] = ()
    groups: tuple[GroupSpec, ...] = ()
    grants: tuple[GrantSpec, ...] = ()
    oidc: OidcSpec | None = None


LATER: Mapping[type[Spec], tuple[str, ...]] = {
    Document: ("settings",),
    ServiceSpec: ("alerts",),
    RuntimeBase: ("registries", "hosts"),
}
"""Keys that a later release brings: refused like every unknown key, and the hint says so."""


make_ready(globals())
