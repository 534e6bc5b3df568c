"""Rows that change by themselves: one reading for each service, one computation for each view, however many look."""

from opsmodal.live.live import Live
from opsmodal.live.reader import MISSED, Reader
from opsmodal.live.view import Dress, mark_of

__all__ = ["MISSED", "Dress", "Live", "Reader", "mark_of"]
