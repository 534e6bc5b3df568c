"""What a runtime answers when it cannot do what was asked.

    RuntimeProblem
    ├── Missing        the thing does not exist (any more), or is not the service's own
    ├── Denied         the runtime refuses our identity, or what it may do (401, 403)
    ├── Stale          the thing changed since it was read (409 on resourceVersion, 412)
    ├── Conflict       the thing is in a state that does not allow this
    │   └── AutoscalerActive  an autoscaler owns the replica count: names it, and the two ways out
    ├── Invalid        the runtime refuses the request itself (400, 422)
    │   └── Disallowed       a rule of the runtime's own refuses it: a quota, an admission webhook, a policy
    ├── Lacking        something that the cluster would need for this is not installed there
    ├── Unsupported    this runtime cannot do this at all
    ├── Expired        a position in a list or watch is too old (410)
    └── Unavailable    the runtime does not answer, or not in time
        └── Malformed        it answers with an object that is not what the runtime's API describes: names it

`sentence` is what happened in words for a page, `hint` what to do next, `detail` at most DETAIL_MAX_CHARS of the
runtime's own words. None of the three ever holds a credential. `field` is the part of a change that is wrong, as the
facet names it ("host", "values.LOG_LEVEL"); "" where it is no single one. `recorded` is what a record keeps in the
place of a `sentence` that quotes what somebody typed: it may be a password in the wrong field.
"""

from __future__ import annotations

DETAIL_MAX_CHARS = 500
"""Foreign text is capped: an engine may answer with a page of HTML or a megabyte of trace."""


class RuntimeProblem(Exception):
    """Say what a runtime could not do, in a sentence."""

    def __init__(
        self,
        sentence: str,
        *,
        hint: str = "",
        detail: str = "",
        retry_after_s: float | None = None,
        field: str = "",
        recorded: str = "",
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self._recorded = recorded
        self.hint = hint
        self.field = field
        self.detail = detail[:DETAIL_MAX_CHARS]
        self.retry_after_s = retry_after_s

    @property
    def recorded(self) -> str:
        """The words of it for a record: those of a sentence that was put right later, too."""
        return self._recorded or self.sentence


class Missing(RuntimeProblem):
    """The thing does not exist, or is not one of the service's own: both look the same."""


class Denied(RuntimeProblem):
    """The runtime refuses our identity or what it may do; `grant` is YAML that would give the right, or ""."""

    def __init__(
        self, sentence: str, *, hint: str = "", detail: str = "", retry_after_s: float | None = None, grant: str = ""
    ) -> None:
        super().__init__(sentence, hint=hint, detail=detail, retry_after_s=retry_after_s)
        self.grant = grant


class Stale(RuntimeProblem):
    """The thing changed since it was read."""


class Conflict(RuntimeProblem):
    """The thing is in a state that does not allow this."""


class AutoscalerActive(Conflict):
    """An autoscaler owns the replica count of a workload; `autoscaler` is its name."""

    def __init__(self, sentence: str, *, hint: str = "", autoscaler: str) -> None:
        super().__init__(sentence, hint=hint)
        self.autoscaler = autoscaler


class Lacking(RuntimeProblem):
    """Something that this needs is not installed at the runtime: `what` is a short stable word, "metrics-server"."""

    def __init__(self, sentence: str, *, hint: str = "", what: str) -> None:
        super().__init__(sentence, hint=hint)
        self.what = what


class Invalid(RuntimeProblem):
    """The runtime refuses the request itself."""


class Disallowed(Invalid):
    """A rule of the runtime's own refuses it, whoever asks: `rule` is a short stable word, "quota"."""

    def __init__(self, sentence: str, *, hint: str = "", detail: str = "", rule: str) -> None:
        super().__init__(sentence, hint=hint, detail=detail)
        self.rule = rule


class Unsupported(RuntimeProblem):
    """This runtime cannot do this."""


class Expired(RuntimeProblem):
    """A position in a list or a watch is too old to go on from."""


class Unavailable(RuntimeProblem):
    """The runtime does not answer, or not in time."""


class Malformed(Unavailable):
    """The runtime sent an object that is not as its API describes it: the sentence names it and what is wrong."""
