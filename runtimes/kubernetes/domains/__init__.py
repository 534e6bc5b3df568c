"""Domains of a service: Ingresses, and HTTPRoutes of the Gateway API, as rows that can be changed.

The door is `facet.ClusterDomains`. `reading` gets what there is, `rows` turns it into rows, `wishes` and `conflicts`
judge what is asked for, and `drafts` makes what is sent, by `ingress` or by `routes`.
"""
