"""Domains of a service on a container engine: routes of the host's Caddy, as rows that can be changed."""

from runtimes.engine.domains.facet import EngineDomains

__all__ = ["EngineDomains"]
