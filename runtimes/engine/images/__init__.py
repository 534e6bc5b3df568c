"""The images of an engine's host."""
