"""Replacing a container by one with the same settings: what they are, how it is done, and how it is undone."""
