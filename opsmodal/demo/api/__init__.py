"""The HTTP side of the simulated cluster: paths, verbs, forms of answers. What objects do is not decided here."""
