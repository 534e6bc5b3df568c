"""The way into one cluster: from a kubeconfig or a pod's own account to a connection that proves who we are.

`access.Access` is the door: it signs in anew before a credential ends. `kubeconfig` reads what was registered, out of
`entries`, and `checks` judges it; `configuring` sets up the client library by it, `plugins` runs an exec plugin that
was allowed, `expiry` says when a credential ended.
"""
