"""Kubernetes, one namespace at a time: no page ever needs a list of the whole cluster.

The door is `open.open_kubernetes`. A facet of `runtimes.base` is a package of its own, whose `facet` module is all that
`open` takes of it; `overview` and `discovery` are small enough to be one module. Below them, from the wire upwards:
`login` gets in, `api` asks, `objects` is what is decoded, `watching` and `figures` keep it, `pods` and `workloads`
say what it means. The contract "Kubernetes is read from the top" in pyproject.toml holds who may know whom.
"""
