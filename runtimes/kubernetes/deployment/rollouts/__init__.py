"""How far a rollout is: through, going on, held or stuck. Pure; `judging.progress` is the door.

`look` is one look at a workload and the sentences of it, `counts` its pods as its own status counts them, `pods` those
pods sorted by revision, `steps` the rollout told one step after the other.
"""
