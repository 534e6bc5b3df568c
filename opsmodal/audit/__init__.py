"""The audit log: written by the door alone, read by administrators and auditors, checked by anyone who has the rows."""

from opsmodal.audit.writing import Audit, Row

__all__ = ["Audit", "Row"]
