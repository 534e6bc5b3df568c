"""The parts of Kubernetes objects that are looked at, as structs: decoding skips what is not named here.

`held` is what is kept in memory of every pod, `pods` a whole one, `workloads` what the Deployment tab needs, and
`neighbours` what stands around pods; `common` is of every kind. `quantity` reads amounts like "250m".
"""
