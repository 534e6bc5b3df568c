"""Kubernetes, one namespace at a time: no page ever needs a list of the whole cluster."""
