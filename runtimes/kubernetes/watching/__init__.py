"""Lists that are kept by a watch for as long as somebody asks. They only ever save a question.

`live.LivePods` has the pods of a service, `kept.KeptLists` any other collection. `pods` and `source` list and watch
for the one and for the other.
"""
