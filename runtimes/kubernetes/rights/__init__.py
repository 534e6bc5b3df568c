"""What a service's tabs may do in its namespace, and what is missing.

`needed` writes the manifest that gives just that, `review` asks the cluster what an identity lacks. The rights
themselves are of `runtimes.kubernetes.roles`, which refusals use too.
"""
