"""The tables, by topic. Importing this package makes all of them known to the metadata."""

from opsmodal.store.tables.audit import AuditHeadRow, AuditRow
from opsmodal.store.tables.base import Table
from opsmodal.store.tables.history import HappenedRow, LeaseRow, UsageRow, VersionRow
from opsmodal.store.tables.jobs import JobRow
from opsmodal.store.tables.people import Choice, Favorite, Session, SignInFailure, Ticket, Token, User
from opsmodal.store.tables.registry import (
    Credential,
    Entry,
    GrantEntry,
    GroupEntry,
    Mark,
    RuntimeEntry,
    ServiceEntry,
    VpnProfileEntry,
)

__all__ = [
    "AuditHeadRow",
    "AuditRow",
    "Choice",
    "Credential",
    "Entry",
    "Favorite",
    "GrantEntry",
    "GroupEntry",
    "HappenedRow",
    "JobRow",
    "LeaseRow",
    "Mark",
    "RuntimeEntry",
    "ServiceEntry",
    "Session",
    "SignInFailure",
    "Table",
    "Ticket",
    "Token",
    "UsageRow",
    "User",
    "VersionRow",
    "VpnProfileEntry",
]
