"""Docker: what differs from the shared engine API, which is next to nothing."""
