"""The settings of an installation: read once at start, checked whole, frozen afterwards.

They come from `settings.yaml` in the data folder, then `OPSMODAL_*` variables, then options of the command; the later
wins. Every mistake is told in a sentence that names where it was made. Nothing reads the environment afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from opsmodal import sign_in_settings
from opsmodal.errors import Problem, Rejected
from opsmodal.networks import networks
from opsmodal.reasons import NEVER, REQUIRED
from opsmodal.setting_values import parsed

PREFIX = "OPSMODAL_"
SETTINGS_FILE = "settings.yaml"
DATABASE_FILE = "opsmodal.db"
HEADS_FILE = "audit-heads.jsonl"
DEFAULT_DATA_DIR = Path("~/.local/share/opsmodal")
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
HOST_SHAPE = re.compile(r"[a-z0-9_.-]{1,253}|[0-9a-f:.]{2,45}|\*")
"""A name, an address of either family, or every name."""
MEGABYTE = 1_000_000
LOG_FORMATS = ("auto", "json", "text")
TOKEN_MIN_CHARS = 16
"""Nobody guesses that many at random, and a word is caught."""

_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S


def _bounded(default: float, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set. Units are in the names; the limits' defaults are those of the documentation."""

    data_dir: Path
    database_url: str = ""
    """Empty means an SQLite file in the data folder; `store_url` is what to open."""
    key: str = field(default="", repr=False)
    """What credentials are sealed with; empty means the file secret.key of the data folder."""
    bind: str = "127.0.0.1:8080"
    workers: int = _bounded(1, 1, 64)
    read_only: bool = False
    reason_required: str = NEVER
    """Where a reason must be given for what is dangerous: never, on services in production, or always."""
    allowed_hosts: tuple[str, ...] = LOOPBACK_HOSTS
    """The host names that are answered to, besides loopback; pages of other origins are refused. `*` is every name."""
    allowed_exec: tuple[str, ...] = ()
    """Programs that a kubeconfig may start (`exec` plugins), as the kubeconfig spells them."""
    kubectl: str = "kubectl"
    collect: bool = True
    """Whether events and figures of registered services are collected while nobody looks."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For, -Proto and -Host are believed. Everybody else's are dropped."""
    metrics_token: str = field(default="", repr=False)
    """What Prometheus sends as its bearer token; without one, /metrics answers on loopback only."""
    log_format: str = "auto"
    """`json`, `text`, or `auto`: JSON lines unless somebody watches on a terminal."""
    session_idle_s: int = _bounded(12 * _HOUR_S, 60, 30 * _DAY_S)
    session_life_s: int = _bounded(7 * _DAY_S, 300, 90 * _DAY_S)
    sign_in_failures_per_minute: int = _bounded(5, 1, 1000)
    sign_in_password: bool = True
    """Whether people sign in by password; one-time links and tokens work in any case."""
    sign_in_header: str = ""
    """The header in which a proxy names whom it has signed in; believed from `sign_in_header_from` alone."""
    sign_in_header_from: tuple[str, ...] = ()
    sign_in_header_groups: str = ""
    sign_in_header_create: bool = False
    log_lines: int = _bounded(500, 1, 1_000_000)
    log_lines_max: int = _bounded(10_000, 1, 1_000_000)
    command_oneshot_s: int = _bounded(30, 1, 600)
    command_oneshot_long_s: int = _bounded(60, 1, 600)
    """For one-shot commands that read logs or events."""
    command_oneshot_bytes: int = _bounded(5 * MEGABYTE, 10_000, 50 * MEGABYTE)
    """What is taken of a one-shot command's output; it goes on without the rest."""
    command_streaming_s: int = _bounded(600, 1, 24 * _HOUR_S)
    command_streaming_bytes: int = _bounded(5 * MEGABYTE, 10_000, 100 * MEGABYTE)
    command_streaming_count: int = _bounded(3, 1, 100)
    """Streaming commands at once a person, over all workers."""
    debug_pods_per_service: int = _bounded(10, 1, 1000)
    debug_pods_per_person: int = _bounded(3, 1, 1000)
    """Debug pods alive at once on one service: of everybody, and of one person."""
    update_stays_up_s: int = _bounded(10, 1, 600)
    """How long a replaced container without a health check has to run before the old one is put aside for good."""
    command_output_keep: bool = True
    """Whether the output of commands is kept, sealed; the lines themselves always are."""
    command_output_days: int = _bounded(30, 1, 3650)
    body_max_bytes: int = _bounded(1 * MEGABYTE, 10_000, 100 * MEGABYTE)
    large_body_max_bytes: int = _bounded(3 * MEGABYTE, 10_000, 100 * MEGABYTE)

    audit_heads_file: str = ""
    """Empty means a file in the data folder; `audit_heads` is the path."""
    audit_heads_every_s: int = _bounded(60, 1, 86_400)
    audit_forward: tuple[str, ...] = ()
    """Where audit rows are forwarded to; see `opsmodal.audit.targets`."""
    audit_forward_token: str = field(default="", repr=False)
    """What webhooks get as their bearer token."""
    audit_forward_ca_file: str = ""
    """Whose certificates of webhooks and syslog are trusted; empty means those that the system trusts."""

    @property
    def audit_heads(self) -> Path:
        """Give the file that the heads of the audit log are noted in."""
        return Path(self.audit_heads_file) if self.audit_heads_file else self.data_dir / HEADS_FILE

    @property
    def store_url(self) -> str:
        """Give the address of the store."""
        return self.database_url or f"sqlite:///{self.data_dir / DATABASE_FILE}"

    @property
    def on_sqlite(self) -> bool:
        """Tell whether the store is a file, which one server at a time may use."""
        return self.store_url.startswith("sqlite")


def load_settings(environ: Mapping[str, str], **options: object) -> Settings:
    """Read the settings; options that are None were not given. Raise Rejected with every mistake there is."""
    problems: list[Problem] = []
    data_dir = _data_dir(environ, options.get("data_dir"))
    given: dict[str, Any] = {}
    for name, value, source, line in _sources(data_dir, environ, options, problems):
        checked = parsed(_FIELDS[name], value, source=source, line=line, problems=problems)
        if checked is not None:
            given[name] = checked
    settings = answering_to(Settings(**{**given, "data_dir": data_dir}), *LOOPBACK_HOSTS)
    problems += _contradictions(settings)
    if problems:
        raise Rejected(" ".join(problem.sentence for problem in problems), problems)
    return settings


def answering_to(settings: Settings, *hosts: str) -> Settings:
    """Add host names that are answered to."""
    return replace(
        settings, allowed_hosts=tuple(dict.fromkeys(host.lower() for host in (*settings.allowed_hosts, *hosts)))
    )


_FIELDS = {one.name: one for one in fields(Settings)}


def _data_dir(environ: Mapping[str, str], option: object) -> Path:
    chosen = str(option or environ.get(f"{PREFIX}DATA_DIR") or DEFAULT_DATA_DIR)
    return Path(chosen).expanduser().absolute()


def _sources(
    data_dir: Path, environ: Mapping[str, str], options: Mapping[str, object], problems: list[Problem]
) -> Iterator[tuple[str, object, str, int]]:
    """Give (name, value, where it was set, line), the strongest source last."""
    yield from _file(data_dir / SETTINGS_FILE, problems)
    for name in _FIELDS:
        if (variable := f"{PREFIX}{name.upper()}") in environ:
            yield name, environ[variable], variable, 0
    for name, value in options.items():
        if value is not None and name in _FIELDS:
            yield name, value, f"--{name.replace('_', '-')}", 0


def _file(path: Path, problems: list[Problem]) -> Iterator[tuple[str, object, str, int]]:
    from opsmodal.registry.shape import closest
    from opsmodal.registry.tree import Unreadable, read_tree

    if not path.exists():
        return
    try:
        tree = read_tree(path.read_bytes(), problems)
    except Unreadable as unreadable:
        problems.append(_in_file(path, unreadable.problem))
        return
    except OSError as error:
        problems.append(Problem(field="", sentence=f"{path} cannot be read: {error.strerror}."))
        return
    for name, node in tree.value.items() if isinstance(tree.value, dict) else ():
        line = tree.keys[name]
        if name not in _FIELDS or name == "data_dir":
            sentence = f"{path}, line {line}: “{name[:80]}” is not a setting of this file."
            problems.append(Problem(field=name, sentence=sentence, hint=closest(name, _FIELDS), line=line))
            continue
        value = [item.value for item in node.value] if isinstance(node.value, list) else node.value
        yield name, value, f"{path}, line {line}: {name}", line


def _in_file(path: Path, problem: Problem) -> Problem:
    where = f"{path}, line {problem.line}" if problem.line else str(path)
    return Problem(field="", sentence=f"{where}: {problem.sentence}", hint=problem.hint, line=problem.line)


def _contradictions(settings: Settings) -> Iterator[Problem]:
    if settings.session_idle_s > settings.session_life_s:
        yield Problem(
            field="session_idle_s",
            sentence="OPSMODAL_SESSION_IDLE_S must not be longer than OPSMODAL_SESSION_LIFE_S.",
        )
    if settings.log_lines > settings.log_lines_max:
        yield Problem(field="log_lines", sentence="OPSMODAL_LOG_LINES must not be more than OPSMODAL_LOG_LINES_MAX.")
    for host in settings.allowed_hosts:
        if not HOST_SHAPE.fullmatch(host):
            yield Problem(
                field="allowed_hosts",
                sentence=f"OPSMODAL_ALLOWED_HOSTS must hold host names without scheme and port, not {host[:80]!r}.",
            )
    try:
        networks(settings.trusted_proxies)
    except ValueError:
        sentence = "OPSMODAL_TRUSTED_PROXIES must hold networks or addresses, like 10.0.0.0/8."
        yield Problem(field="trusted_proxies", sentence=sentence)
    if settings.log_format not in LOG_FORMATS:
        yield Problem(field="log_format", sentence=f"OPSMODAL_LOG_FORMAT must be one of {', '.join(LOG_FORMATS)}.")
    if settings.reason_required not in REQUIRED:
        yield Problem(
            field="reason_required", sentence=f"OPSMODAL_REASON_REQUIRED must be one of {', '.join(REQUIRED)}."
        )
    if 0 < len(settings.metrics_token) < TOKEN_MIN_CHARS:
        sentence = f"OPSMODAL_METRICS_TOKEN must have at least {TOKEN_MIN_CHARS} characters."
        yield Problem(field="metrics_token", sentence=sentence)
    yield from sign_in_settings.contradictions(settings)
    if settings.audit_forward:
        yield from _unfit_targets(settings)
    if settings.on_sqlite and settings.workers > 1:
        yield Problem(
            field="workers",
            sentence="More than one worker needs PostgreSQL: on SQLite one process serves.",
            hint="Leave --workers out, or give --database-url postgresql://…",
        )


def _unfit_targets(settings: Settings) -> Iterator[Problem]:
    from opsmodal.audit.targets import mistakes

    for sentence in mistakes(settings.audit_forward, ca_file=settings.audit_forward_ca_file):
        yield Problem(field="audit_forward", sentence=sentence)
