"""What the workloads of a service are, before anybody looks into one: shared by several facets.

`summary` says which there are and how many of their pods are ready, `around` what else says something of them,
`autoscalers` what sets their replicas.
"""
