"""What the cluster under a service needs: the Metrics API, and room for images on its nodes."""

from runtimes.kubernetes.upkeep.upkeep import ClusterUpkeep, UpkeepSettings

__all__ = ["ClusterUpkeep", "UpkeepSettings"]
