"""Debug pods, as Jobs that end by themselves. The door is `facet.PodDebugging`; `specs` writes what they are."""
