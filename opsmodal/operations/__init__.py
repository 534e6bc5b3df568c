"""Everything that can be done, behind one door: permit, guard, slot, intent, the action itself, outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from opsmodal.access import Watch
from opsmodal.fleet import Fleet
from opsmodal.operations.account import Account
from opsmodal.operations.auditing import Auditing
from opsmodal.operations.commands import CommandOperations
from opsmodal.operations.config import ConfigOperations
from opsmodal.operations.connection import ConnectionOperations
from opsmodal.operations.container_revisions import ContainerRevisions
from opsmodal.operations.debug_places import Places
from opsmodal.operations.debugging import DebuggingOperations
from opsmodal.operations.deployment import DeploymentOperations
from opsmodal.operations.domains import DomainOperations
from opsmodal.operations.door import Door
from opsmodal.operations.files import FileOperations
from opsmodal.operations.grants import Grants
from opsmodal.operations.groups import Groups
from opsmodal.operations.host_keys import HostKeys
from opsmodal.operations.images import ImageOperations
from opsmodal.operations.instances import InstanceOperations
from opsmodal.operations.libpod import LibpodOperations
from opsmodal.operations.logs import LogOperations
from opsmodal.operations.named import NamedSigning
from opsmodal.operations.oidc import OidcSigning
from opsmodal.operations.overview import OverviewOperations
from opsmodal.operations.people import PeopleReading
from opsmodal.operations.people_changes import PeopleChanges
from opsmodal.operations.provider import ProviderRegistration
from opsmodal.operations.reach import Reach
from opsmodal.operations.registration import Registration
from opsmodal.operations.registry_logins import RegistryLoginOperations
from opsmodal.operations.rights import Rights
from opsmodal.operations.services import Services
from opsmodal.operations.signing import Signing
from opsmodal.operations.tasks import TaskOperations
from opsmodal.operations.timeline import TimelineOperations
from opsmodal.operations.updating import Reached, Updating
from opsmodal.operations.upkeep import UpkeepOperations
from opsmodal.operations.usage import UsageOperations
from opsmodal.operations.vpn_profiles import VpnProfiles
from opsmodal.people import People
from opsmodal.registry.registry import Registry
from opsmodal.revisions import Revisions
from opsmodal.settings import Settings
from opsmodal.tasks import Tasks
from opsmodal.updates import UpdateJournal
from opsmodal.versions import Versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """The operations, by noun."""

    services: Services
    connection: ConnectionOperations
    host_keys: HostKeys
    registry_logins: RegistryLoginOperations
    overview: OverviewOperations
    instances: InstanceOperations
    logs: LogOperations
    libpod: LibpodOperations
    commands: CommandOperations
    config: ConfigOperations
    deployment: DeploymentOperations
    updating: Updating
    domains: DomainOperations
    tasks: TaskOperations
    upkeep: UpkeepOperations
    images: ImageOperations
    debugging: DebuggingOperations
    files: FileOperations
    registration: Registration
    signing: Signing
    oidc: OidcSigning
    named: NamedSigning
    provider: ProviderRegistration
    vpn_profiles: VpnProfiles
    auditing: Auditing
    timeline: TimelineOperations
    usage: UsageOperations
    people: PeopleReading
    people_changes: PeopleChanges
    grants: Grants
    groups: Groups
    account: Account
    rights: Rights
    reach: Reach


class OfClusters(TypedDict):
    """The operations on what runs in a namespace, beside its instances."""

    config: ConfigOperations
    deployment: DeploymentOperations
    updating: Updating
    domains: DomainOperations
    tasks: TaskOperations
    upkeep: UpkeepOperations
    images: ImageOperations
    debugging: DebuggingOperations
    files: FileOperations
    libpod: LibpodOperations


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the operations on what runs in a namespace need beside the door, the fleet and the registry."""

    background: Tasks
    journal: UpdateJournal
    revisions: Revisions
    versions: Versions
    watch: Watch
    settings: Settings


def of_clusters(door: Door, fleet: Fleet, registry: Registry, beside: Beside) -> OfClusters:
    """Make the operations on what runs in a namespace. Those on debug pods and updates are to be closed."""
    background, settings = beside.background, beside.settings
    places = Places(per_service=settings.debug_pods_per_service, per_person=settings.debug_pods_per_person)
    reached = Reached(door=door, fleet=fleet, registry=registry, watch=beside.watch)
    revisions = ContainerRevisions(beside.revisions)
    updating = Updating(reached, background, beside.journal, revisions, stays_up_s=settings.update_stays_up_s)
    deployment = DeploymentOperations(door, fleet, background, updating, revisions)
    return OfClusters(
        config=ConfigOperations(door, fleet, beside.versions, restart=deployment.apply),
        deployment=deployment,
        updating=updating,
        domains=DomainOperations(door, fleet, registry),
        tasks=TaskOperations(door, background),
        upkeep=UpkeepOperations(door, fleet, background, watch=beside.watch),
        images=ImageOperations(door, fleet, background, beside.journal, watch=beside.watch),
        debugging=DebuggingOperations(door, fleet, places),
        files=FileOperations(door, fleet, registry),
        libpod=LibpodOperations(door, fleet),
    )


class OfPeople(TypedDict):
    """The operations on people, and on what is theirs."""

    people: PeopleReading
    people_changes: PeopleChanges
    grants: Grants
    groups: Groups
    account: Account


def of_people(door: Door, people: People, registry: Registry, *, takes_passwords: bool = True) -> OfPeople:
    """Make the operations on people. `takes_passwords`: this installation lets people sign in by one."""
    grants = Grants(door, people, registry)
    return OfPeople(
        people=PeopleReading(door, people, registry, grants),
        people_changes=PeopleChanges(door, people, registry),
        grants=grants,
        groups=Groups(door, people, registry),
        account=Account(door, people, registry, takes_passwords=takes_passwords),
    )
