"""The Pods tab: list, look at, explain and delete the pods of a service. The door is `facet.PodInstances`.

`blast` says what else is hit when pods are deleted, `news` when rows may be different. The rows themselves are made in
`runtimes.kubernetes.pods`.
"""
