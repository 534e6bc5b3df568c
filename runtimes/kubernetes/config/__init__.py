"""The Config facet: ConfigMaps and Secrets of a namespace. The door is `facet.NamespaceConfig`.

`objects` has them as keys and bytes, `rules` says what may be in them, `plans` what a change would do, and `uses` who
uses them, out of what `using` reads. `certificates` looks into a certificate, `tokensecrets` names the Secrets that
hold tokens of the cluster.
"""
