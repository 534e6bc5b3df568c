"""What collectors ask of a cluster while nobody looks. The door is `facet.ClusterHistory`.

`reports` tells of events as they happen, `owners` whose they are, `endings` why a container was started again.
"""
