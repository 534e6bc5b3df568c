"""Custom kinds: what a CustomResourceDefinition makes the API serve, and how objects of such kinds are judged."""
