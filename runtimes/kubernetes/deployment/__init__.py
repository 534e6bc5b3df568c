"""The Deployment facet: workloads as they are deployed, and their revisions. The door is `facet.WorkloadDeployment`.

`reads` gets workloads with what stands around them, and `deployed` makes of each what the tab shows, in the words of
`conditions`, `probes`, `strategies` and `runs`. `rollouts` says how far one is, `reasons` why its pods are not ready.
`manifests` writes one as YAML. What is changed goes to `runtimes.kubernetes.changes`.
"""
