"""The Docker-compatible HTTP API, shared by Docker and Podman: facets, and what an engine's answers mean."""

from runtimes.engine.tls import TLS

__all__ = ["TLS"]
