"""What `doctor` says of the proxy that serves a host's domains: whether it answers, and how to come to one."""

from __future__ import annotations

from collections.abc import Iterator

from opsmodal.cli.doctor import Finding
from opsmodal.registry.schema import EngineSpec, RuntimeSpec
from runtimes.base import Runtime
from runtimes.errors import RuntimeProblem


def proxy(runtime: Runtime, spec: RuntimeSpec) -> Iterator[Finding]:
    """Ask the proxy of an engine's host for itself. One that is registered and does not answer is broken."""
    domains = runtime.domains
    if not isinstance(spec, EngineSpec) or domains is None:
        return
    subject = f"proxy of {spec.kind} {spec.name}"
    try:
        setup = domains.setup()
    except RuntimeProblem as problem:
        yield Finding(ok=False, subject=subject, sentence=problem.sentence, hint=problem.hint)
        return
    if setup is None:
        yield Finding(ok=True, subject=subject, sentence=f"Caddy answers at {spec.proxy_admin}.")
        return
    hint = "\n       ".join(part for part in (setup.hint, setup.command) if part)
    yield Finding(ok=not setup.broken, subject=subject, sentence=setup.sentence, hint=hint)
