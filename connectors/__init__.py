"""How a runtime is reached: directly, over SSH, through a VPN. Knows nothing of what runs at the far end."""

from connectors.opening import Connectors

__all__ = ["Connectors"]
