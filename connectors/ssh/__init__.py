"""Ways through SSH: one authenticated transport for all who go the same way, tunnels and commands as its channels."""
