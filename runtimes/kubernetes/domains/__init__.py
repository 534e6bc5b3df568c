"""Domains of a service on Kubernetes: Ingresses, and HTTPRoutes of the Gateway API, as rows that can be changed."""

from runtimes.kubernetes.domains.facet import ClusterDomains

__all__ = ["ClusterDomains"]
