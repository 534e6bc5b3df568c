"""What is read around a pod that is not ok, for `runtimes.causes` to explain. The door is `facts.Surroundings`.

`nodes` and `wants` are for a pod that no node takes: how much room there is, and what it asks for.
"""
