"""What a body is, and what is asked for, as the API server names it."""

JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
"""What a body is, see https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-update."""
ONLY_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
"""Asks for a list with nothing but the metadata of its objects, where the server can give that."""
