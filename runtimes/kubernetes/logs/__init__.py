"""The Logs tab. The door is `facet.PodLogs`; `sources` says which logs a question means, and `notices` which lines of
one are the kubelet's own.
"""
