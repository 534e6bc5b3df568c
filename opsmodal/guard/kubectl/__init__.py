"""Judges lines of kubectl as kubectl will read them. Pure; the entry is `judge_kubectl`."""

from opsmodal.guard.kubectl.judging import judge_kubectl

__all__ = ["judge_kubectl"]
