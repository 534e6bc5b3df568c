"""How a runtime is reached: direct now, SSH and VPN later. Knows nothing of what runs at the far end."""

from connectors.opening import opened

__all__ = ["opened"]
