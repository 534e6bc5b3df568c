"""The simulated cluster: a Kubernetes API on loopback, in memory, for `opsmodal demo` and for the tests.

It starts no process and reaches nothing outside; whatever it shows is invented.
"""
