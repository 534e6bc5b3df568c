"""Podman: what differs from the shared engine API: pods, systemd units, rootless sockets."""
