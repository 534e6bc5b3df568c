"""Who may do what: the one table of every route, socket, other address and command, and the answer each actor gets.

It is written by hand, beside the code and not out of it. A route, socket, address, command or action without a row
fails `test_routes.py`, and so does an answer that is other than the row says. docs/permissions.md is this table
printed: `python -m tests.web.permitted` writes it anew.

To add a row: put the route's name (`noun_view`) into ROUTES with one of the accesses below.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from flask import Flask

from opsmodal import actions
from opsmodal.app import ROUTES as REGISTERED
from opsmodal.app import SOCKETS as REGISTERED_SOCKETS
from opsmodal.app import close_app, create_app
from opsmodal.settings import Settings
from opsmodal.store import open_store
from opsmodal.web.routes import API

ROLES = ("viewer", "developer", "operator", "manager")
OUTSIDERS = ("none", "disabled", "expired", "revoked")
"""Nobody, and tokens of a disabled user, that have expired, that were revoked: all are told to sign in."""
ACTORS = (*OUTSIDERS, "nobody", *ROLES, "narrow", "narrow-admin", "auditor", "admin")
"""`nobody` has an account without any grant; roles are on the service shop alone. `narrow` is a manager's token for
`view` on shop, `narrow-admin` an administrator's token for everything on shop."""
NARROWED = {"narrow", "narrow-admin"}
SEES_SHOP = {*ROLES, *NARROWED, "admin"}
OWN, OTHER, UNKNOWN = "shop", "payments", "no-such-service"
SERVICES = (OWN, OTHER, UNKNOWN)
DOCUMENT = Path(__file__).parents[2] / "docs" / "permissions.md"

IN, SIGN_IN, REFUSED, ABSENT = "✓", "401", "403", "404"


@dataclass(frozen=True, slots=True)
class Access:
    """Whom something is for, in words and by actor. `of_a_service`: who does not see the service gets a 404."""

    words: str
    actors: frozenset[str]
    of_a_service: bool = False
    by_session_only: bool = False

    def answer(self, actor: str, service: str = OWN, *, by_token: bool = False) -> str:
        """Say what an actor gets: IN, SIGN_IN, REFUSED or ABSENT."""
        if actor in self.actors and "none" in self.actors:
            return IN
        if actor in OUTSIDERS:
            return SIGN_IN
        if self.of_a_service and not _sees(actor, service):
            return ABSENT
        return IN if actor in self.actors and not (by_token and self.by_session_only) else REFUSED


def _sees(actor: str, service: str) -> bool:
    return service != UNKNOWN and (actor == "admin" or (actor in SEES_SHOP and service == OWN))


def _of(words: str, *actors: str, of_a_service: bool = False) -> Access:
    return Access(words, frozenset(actors), of_a_service)


ANYBODY = _of("anybody, signed in or not", *ACTORS)
SIGNED_IN = _of("everybody who is signed in", *(set(ACTORS) - set(OUTSIDERS)))
ACCOUNT = _of("everybody, for what is their own; no narrowed token", *(set(ACTORS) - set(OUTSIDERS) - NARROWED))
SESSION = replace(ACCOUNT, words="everybody, for what is their own; by session only", by_session_only=True)
VIEW = _of("`view` on the service", *SEES_SHOP, of_a_service=True)
LOGS = _of("`logs` on the service", *(SEES_SHOP - {"viewer", "narrow"}), of_a_service=True)
EXEC = _of("`exec` on the service", "operator", "manager", "narrow-admin", "admin", of_a_service=True)
MANAGE = _of("`manage` on the service", "manager", "narrow-admin", "admin", of_a_service=True)
ADMIN = _of("administrators; no narrowed token", "admin")
ADMIN_HERE = _of("administrators; no narrowed token", "admin", of_a_service=True)
AUDIT = _of("auditors and administrators; no narrowed token", "auditor", "admin")
SCRAPER = _of("loopback, or the token of the setting `metrics_token`", *ACTORS)
MACHINE = _of("whoever may read and write the data folder on the machine")

ROUTES: dict[str, Access] = {
    "services_listing": SIGNED_IN,
    "services_one": VIEW,
    "services_star": VIEW,
    "services_unstar": VIEW,
    "connection_read": VIEW,
    "connection_choose": VIEW,
    "connection_test": VIEW,
    "overview_read": VIEW,
    "instances_listing": VIEW,
    "instances_one": VIEW,
    "instances_cause": VIEW,
    "instances_delete": MANAGE,
    "instances_restart": MANAGE,
    "instances_stop": MANAGE,
    "instances_start": MANAGE,
    "instances_delete_pending": MANAGE,
    "deployment_listing": VIEW,
    "deployment_one": VIEW,
    "deployment_replicas": MANAGE,
    "deployment_autoscaler": MANAGE,
    "deployment_remove_autoscaler": MANAGE,
    "deployment_image": MANAGE,
    "deployment_redeploy": MANAGE,
    "deployment_redeploy_all": MANAGE,
    "deployment_restart": MANAGE,
    "deployment_restart_policy": MANAGE,
    "deployment_pause": MANAGE,
    "deployment_resume": MANAGE,
    "deployment_rollback": MANAGE,
    "deployment_resources": MANAGE,
    "deployment_strategy": MANAGE,
    "deployment_suspend": MANAGE,
    "deployment_run": MANAGE,
    "deployment_manifest": MANAGE,
    "deployment_edit": MANAGE,
    "config_listing": MANAGE,
    "config_new": MANAGE,
    "config_listing_of": MANAGE,
    "config_create": MANAGE,
    "config_one": MANAGE,
    "config_edit": MANAGE,
    "config_value": MANAGE,
    "config_save": MANAGE,
    "config_delete": MANAGE,
    "config_versions": MANAGE,
    "config_restore": MANAGE,
    "debugging_listing": VIEW,
    "debugging_run": MANAGE,
    "debugging_copy": MANAGE,
    "debugging_remove": MANAGE,
    "debugging_fetch": EXEC,
    "libpod_pods": VIEW,
    "libpod_one": VIEW,
    "libpod_check": EXEC,
    "logs_read": LOGS,
    "logs_sources": LOGS,
    "commands_read": EXEC,
    "commands_run": EXEC,
    "commands_check": EXEC,
    "commands_completions": EXEC,
    "commands_one": EXEC,
    "commands_text": EXEC,
    "commands_stop": EXEC,
    "jobs_one": VIEW,
    "jobs_stop": MANAGE,
    "domains_listing": VIEW,
    "domains_new": MANAGE,
    "domains_add": MANAGE,
    "domains_one": VIEW,
    "domains_edit": MANAGE,
    "domains_change": MANAGE,
    "domains_renew": MANAGE,
    "domains_remove": MANAGE,
    "domains_checks": VIEW,
    "domains_check": VIEW,
    "guard_rules": SIGNED_IN,
    "timeline_read": VIEW,
    "upkeep_scaling": VIEW,
    "upkeep_metrics_server": VIEW,
    "upkeep_diagnostics": MANAGE,
    "upkeep_install": MANAGE,
    "upkeep_remove": MANAGE,
    "upkeep_nodes": VIEW,
    "upkeep_clean": MANAGE,
    "images_listing": VIEW,
    "images_tags": MANAGE,
    "images_clean": MANAGE,
    "usage_whole": VIEW,
    "usage_one": VIEW,
    "provider_read": ADMIN,
    "provider_put": ADMIN,
    "provider_remove": ADMIN,
    "provider_test": ADMIN,
    "registry_page": ADMIN,
    "registry_export": ADMIN,
    "registry_apply": ADMIN,
    "registry_runtimes": ADMIN,
    "registry_services": ADMIN,
    "registry_add_runtime": ADMIN,
    "registry_create_runtime": ADMIN,
    "registry_runtime": ADMIN,
    "registry_put_runtime": ADMIN,
    "registry_remove_runtime": ADMIN,
    "registry_test": ADMIN,
    "registry_suggestions": ADMIN,
    "registry_proposals": ADMIN,
    "registry_take": ADMIN,
    "registry_add_service": ADMIN,
    "registry_create_service": ADMIN,
    "registry_service": ADMIN,
    "registry_put_service": ADMIN,
    "registry_remove_service": ADMIN,
    "vpn_profiles_listing": ADMIN,
    "vpn_profiles_add": ADMIN,
    "vpn_profiles_create": ADMIN,
    "vpn_profiles_show": ADMIN,
    "vpn_profiles_put": ADMIN,
    "vpn_profiles_remove": ADMIN,
    "host_keys_ways": ADMIN,
    "host_keys_test": ADMIN,
    "host_keys_trust": ADMIN,
    "host_keys_trusted": ADMIN,
    "host_keys_forget": ADMIN,
    "registry_logins_listing": ADMIN,
    "registry_logins_put": ADMIN,
    "registry_logins_add": ADMIN,
    "registry_logins_remove": ADMIN,
    "audit_listing": AUDIT,
    "audit_export": AUDIT,
    "audit_forwarding": AUDIT,
    "audit_one": AUDIT,
    "people_listing": ADMIN,
    "people_create": ADMIN,
    "people_one": ADMIN,
    "people_give_flag": ADMIN,
    "people_take_flag": ADMIN,
    "people_disable": ADMIN,
    "people_enable": ADMIN,
    "people_password": ADMIN,
    "people_link": ADMIN,
    "people_end_sessions": ADMIN,
    "people_end_session": ADMIN,
    "people_create_token": ADMIN,
    "people_revoke_tokens": ADMIN,
    "people_revoke_token": ADMIN,
    "grants_listing": ADMIN,
    "grants_put": ADMIN,
    "grants_change": ADMIN,
    "grants_remove": ADMIN,
    "grants_groups": ADMIN,
    "grants_group": ADMIN,
    "grants_create_group": ADMIN,
    "grants_put_group": ADMIN,
    "grants_remove_group": ADMIN,
    "rights_listing": SIGNED_IN,
    "rights_here": VIEW,
    "rights_people": ADMIN_HERE,
    "account_read": ACCOUNT,
    "account_password": SESSION,
    "account_end_other_sessions": ACCOUNT,
    "account_end_session": ACCOUNT,
    "account_create_token": SESSION,
    "account_revoke_token": ACCOUNT,
}
SOCKETS: dict[str, Access] = {
    "/services/<service>/live": VIEW,
    "/services/<service>/logs/follow": LOGS,
    "/services/<service>/commands/<command>/output": EXEC,
    "/services/<service>/jobs/<job>/events": VIEW,
}
ADDRESSES: dict[str, Access] = {
    "GET /": SIGNED_IN,
    "GET /api/v1/openapi.json": SIGNED_IN,
    "GET /favicon.ico": ANYBODY,
    "GET /static/<path:filename>": ANYBODY,
    "GET /healthz": ANYBODY,
    "GET /readyz": ANYBODY,
    "GET /metrics": SCRAPER,
    "GET /sign-in": ANYBODY,
    "POST /sign-in": ANYBODY,
    "POST /sign-out": ANYBODY,
    "GET /sign-in/oidc": ANYBODY,
    "GET /sign-in/oidc/callback": ANYBODY,
}
"""Addresses that stand outside the declared routes: they decide by themselves who may."""
COMMANDS: dict[str, tuple[str, ...]] = {
    "demo": (),
    "serve": (),
    "doctor": (),
    "apply": ("registry.change",),
    "diff": (),
    "export": (),
    "user add": ("user.add",),
    "user password": ("user.password",),
    "user link": ("user.link",),
    "user identity": ("user.identity",),
    "user disable": ("user.disable",),
    "user enable": ("user.enable",),
    "user flags": ("user.give-flag", "user.take-flag"),
    "user list": (),
    "session list": (),
    "session end": ("session.end",),
    "token create": ("token.create",),
    "token list": (),
    "token revoke": ("token.revoke",),
    "connection import": (),
    "connection suggest": (),
    "host-key list": (),
    "host-key trust": ("host-key.trust",),
    "host-key forget": ("host-key.forget",),
    "registry-login list": (),
    "registry-login add": ("registry-login.put",),
    "registry-login remove": ("registry-login.remove",),
    "guard check": (),
    "guard test": (),
    "audit verify": (),
    "audit export": ("audit.export",),
}
"""Each command and the actions that it takes; they are all for MACHINE, which is asked nothing and written down."""
BY_THEMSELVES = {
    "sign-in": "the sign-in page, whatever way is used",
    "sign-out": "the button “Sign out”",
    "instance.force-delete": "`instances_delete` with `force`",
    "deployment.remove-pods": "`deployment_replicas` with 0, which wants to be confirmed",
    "metrics-server.replace": "`upkeep_install` over what somebody else installed, which wants to be confirmed",
    "logs.download": "`logs_read` with `download`",
    "config.reveal": "`config_one` with `reveal`, `config_edit` with it, and `config_value` of a Secret",
    "command.exec": "`commands_run` with a line that runs a program in a container or on the host",
    "command.change": "`commands_run` with a line that changes something; needs `manage`",
    "command.destroy": "`commands_run` with a line that wants to be confirmed; needs `manage`",
    "command.runbook": "`commands_run` with a runbook that is not approved beforehand; confirmed",
    "access.ended": "opsmodal itself, when a right ends under an open stream",
    "connection.switched": "opsmodal itself, when Auto takes another connection",
}
"""Actions that no route, socket or command names, and how each is taken."""


def taken(app: Flask) -> dict[str, str]:
    """Say of every action by what it can be taken."""
    ways = {name: f"by {words}" for name, words in BY_THEMSELVES.items()}
    for command, names in COMMANDS.items():
        ways |= dict.fromkeys(names, f"opsmodal {command}")
    ways |= {route.action.name: route.path for route in app.extensions[REGISTERED_SOCKETS]}
    return ways | {route.action.name: route.name for route in app.extensions[REGISTERED]}


def path_of(rule: str, service: str = OWN) -> str:
    """Give an address of a rule on a service; everything else in it names nothing that there is."""
    return re.sub(
        r"<(?:\w+:)?(\w+)>",
        lambda part: {"service": service, "number": "999999"}.get(part[1], f"no-such-{part[1]}"),
        rule,
    )


def addresses(app: Flask) -> Iterator[str]:
    """List the addresses that are none of the declared routes and sockets."""
    declared = {f"{API}{route.path}" for route in (*app.extensions[REGISTERED], *app.extensions[REGISTERED_SOCKETS])}
    declared |= {route.page for route in app.extensions[REGISTERED] if route.page}
    for rule in app.url_map.iter_rules():
        if rule.rule not in declared:
            yield from (f"{method} {rule.rule}" for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))


def printed(app: Flask) -> str:
    """Write the table for people."""
    lines = [_ABOUT, *_head("route", "form or page"), *_routes(app)]
    lines += ["", "## Sockets", "", *_head("socket", "action")]
    lines += [_line(f"`WS {API}{path}`", _action(app, path), access) for path, access in SOCKETS.items()]
    lines += ["", "## Other addresses", "", "| address | who |", "|---|---|"]
    lines += [f"| `{address}` | {access.words} |" for address, access in ADDRESSES.items()]
    lines += ["", "## Commands", "", f"All are for {MACHINE.words}.", "", "| command | actions |", "|---|---|"]
    lines += [
        f"| `opsmodal {name}` | {', '.join(f'`{one}`' for one in done) or 'none'} |" for name, done in COMMANDS.items()
    ]
    lines += ["", "## Actions", "", "| action | dangerous | refused in read-only mode | in the audit log | taken by |"]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| `{name}` | {_tick(one.dangerous)} | {_tick(one.changes)} | {_tick(one.recorded)} | {ways} |"
        for name, ways in sorted(taken(app).items())
        for one in (actions.KNOWN[name],)
    ]
    return "\n".join(lines) + "\n"


_ABOUT = f"""# Who may do what

Every route, socket, other address and command, and what each kind of actor gets on the service that they have a role
on. Printed by `python -m tests.web.permitted` out of the table in tests/web/permitted.py; each of its rows is tried by
tests/web/test_routes.py.

- {IN} is let in, {IN}* with a session only and not with a token. {SIGN_IN} is told to sign in (a page leads there),
  {REFUSED} is refused and audited, {ABSENT} is told that there is no such service, as of one that does not exist.
- *none* has sent nothing that is valid: also the token of a disabled user, and one that expired or was revoked.
  *nobody* has an account and no grant. *narrow* is a manager's token for `view`, *narrow-admin* an administrator's
  for one service.
- On any other service everybody but an administrator gets {ABSENT}; on one that does not exist an administrator, too.
- In read-only mode what changes something is {REFUSED} for those who are let in here.
"""


def _head(*columns: str) -> list[str]:
    names = [*columns, *_SHOWN]
    return [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]


_SHOWN = tuple(actor for actor in ACTORS if actor not in OUTSIDERS[1:])


def _line(first: str, second: str, access: Access) -> str:
    return f"| {first} | {second} | {' | '.join(_shown(access, actor) for actor in _SHOWN)} |"


def _shown(access: Access, actor: str) -> str:
    answer = access.answer(actor)
    return f"{answer}*" if answer == IN and access.by_session_only else answer


def _routes(app: Flask) -> Iterable[str]:
    for route in app.extensions[REGISTERED]:
        form = "GET" if route.method == "GET" else "POST"
        path = f"`{route.method} {API}{route.path}`" if route.path else "–"
        yield _line(path, f"`{form} {route.page}`" if route.page else "–", ROUTES[route.name])


def _action(app: Flask, path: str) -> str:
    return next(f"`{route.action.name}`" for route in app.extensions[REGISTERED_SOCKETS] if route.path == path)


def _tick(given: bool) -> str:
    return "✓" if given else ""


def main() -> None:
    """Write the document."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), collect=False)
        store = open_store(settings.store_url)
        app = create_app(settings, store)
        DOCUMENT.write_text(printed(app))
        close_app(app)
        store.close()


if __name__ == "__main__":
    main()
