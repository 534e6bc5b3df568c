"""Why an instance is not what it should be: facts in, one sentence and its causes out. Pure: asks no runtime."""

from runtimes.causes.explain import explain

__all__ = ["explain"]
