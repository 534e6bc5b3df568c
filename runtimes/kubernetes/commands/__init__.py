"""Typed commands: kubectl as a child of the server. The door is `facet.KubectlCommands`.

`program` finds the kubectl and `cache` keeps what it learned; `execs` and `inner` see to it that nothing of a `kubectl
exec` is left in its pod. `customs`, `scaled` and `targets` read what a guard has to know of the cluster.
"""
