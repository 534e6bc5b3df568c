"""What the cluster under a service needs: the Metrics API, and room for images on its nodes.

The door is `facet.ClusterUpkeep`. `standing` says how both are; `installing` sets up the Metrics API by the `manifest`
it has, and `cleaning` removes images by pods that `cleaner` writes.
"""
