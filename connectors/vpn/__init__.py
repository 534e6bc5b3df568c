"""Through a VPN: profiles that are read and judged, tunnels of our own, and tunnels of somebody else."""
