"""What the guard allows, run with the real programs against servers that write down every request."""
