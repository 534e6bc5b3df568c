"""What the cluster under a service needs: the Metrics API, and room for images on its nodes.

The door is `facet.ClusterUpkeep`. `standing` says how the Metrics API is and `serving` who serves it; `installing`
sets it up by the `manifest`. `cleaning` removes images by pods that `cleaner` writes. `lately` keeps what hardly ever
changes.
"""
