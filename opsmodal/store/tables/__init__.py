"""The tables, by topic. Importing this package makes all of them known to the metadata."""

from opsmodal.store.tables.audit import AuditForwardedRow, AuditHeadRow, AuditRow
from opsmodal.store.tables.base import Table
from opsmodal.store.tables.commands import CommandOutputRow, CommandRow
from opsmodal.store.tables.config import ConfigVersionRow
from opsmodal.store.tables.history import HappenedRow, LeaseRow, UsageRow, VersionRow
from opsmodal.store.tables.jobs import JobRow
from opsmodal.store.tables.people import Choice, Favorite, Identity, Session, SignInFailure, Ticket, Token, User
from opsmodal.store.tables.registry import (
    Credential,
    Entry,
    GrantEntry,
    GroupEntry,
    HostKey,
    Mark,
    RegistryLogin,
    RuntimeEntry,
    ServiceEntry,
    VpnProfileEntry,
)
from opsmodal.store.tables.revisions import RevisionRow
from opsmodal.store.tables.tasks import TaskRow
from opsmodal.store.tables.updates import UpdateRow

__all__ = [
    "AuditForwardedRow",
    "AuditHeadRow",
    "AuditRow",
    "Choice",
    "CommandOutputRow",
    "CommandRow",
    "ConfigVersionRow",
    "Credential",
    "Entry",
    "Favorite",
    "GrantEntry",
    "GroupEntry",
    "HappenedRow",
    "HostKey",
    "Identity",
    "JobRow",
    "LeaseRow",
    "Mark",
    "RegistryLogin",
    "RevisionRow",
    "RuntimeEntry",
    "ServiceEntry",
    "Session",
    "SignInFailure",
    "Table",
    "TaskRow",
    "Ticket",
    "Token",
    "UpdateRow",
    "UsageRow",
    "User",
    "VersionRow",
    "VpnProfileEntry",
]
