"""Operates a service as an account of its own instead of as the runtime.

`facets.by_account` is the door: it gives each account facets with a client of its own. `identities` decides who a
service is operated as, `acting` sends requests as that account, `private` writes the kubeconfig that a typed command
gets.
"""
