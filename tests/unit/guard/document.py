"""Writes docs/guard.md out of the data that the guard judges by: `python -m tests.unit.guard.document`.

The prose stands here, the verbs, flags, shapes and rules come from the tables. `test_document.py` holds the two
together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from opsmodal.guard import host_ip, host_ps
from opsmodal.guard.engine.tables import FlagRow, VerbRow, grammar
from opsmodal.guard.getopt import Grammar, named
from opsmodal.guard.host import OWN_GRAMMARS
from opsmodal.guard.host_table import DATABASES, GRAMMARS
from opsmodal.guard.kubectl import pods, reading
from opsmodal.guard.kubectl.flags import FILES, FOLLOW, HARMLESS, TARGET, TERMINAL, TRACE
from opsmodal.guard.kubectl.metadata import ACTING
from opsmodal.guard.kubectl.verbs import NEVER, VERBS, Verb
from opsmodal.guard.line import LINE_MAX_BYTES
from opsmodal.guard.rules import RULES

DOCUMENT = Path(__file__).parents[3] / "docs" / "guard.md"

HEAD = f"""\
# The guard of typed lines

Every line that somebody types on a Commands tab, sends to the API or hands to `opsmodal guard` is judged by one pure
function before anything runs. It reads the line as the program will read it, and refuses what it does not understand.
This page is printed by `python -m tests.unit.guard.document` out of the tables that it judges by.

## Whom it is for, and what it keeps apart

The person who types is signed in and has `exec` on one service. Their text may be hostile or careless, which look the
same. What must not happen: reading or changing another namespace (on Kubernetes) or another service's container (on
Docker and Podman); reaching objects of the whole cluster; getting at credentials, or making this server send them
somewhere; reading or writing files of this server or of a host, or starting another program there; opening a terminal,
a tunnel or a listener; running past the limits; scaling what an autoscaler owns.

It is one of four layers. The identity that a command runs under is the wall; the guard is the rail in front of it; the
command then runs with an empty environment and folder; time, bytes and the audit log bound the rest.

## How a line is judged

1. **The text.** At most {LINE_MAX_BYTES:,} bytes, no control or format characters, no blanks but space and tab.
   Nothing is normalised: a full-width letter stays one.
2. **The words.** Quotes and backslashes part a line into words as in a shell. Nothing is expanded: `$HOME`, `~`, `*`
   and `!` reach the program as they are. What only a shell would act on outside quotes is refused, `#` begins no
   comment, and a dash of a text program is refused in front of `--` unless it is quoted.
3. **The program.** On Kubernetes the first word is `kubectl`. On an engine it is the engine's own program, or a program
   of the host; with a container chosen, the whole line is a command inside it.
4. **The grammar.** Verbs, flags, clusters of letters, values and `--` are read with the program's own tables. A verb, a
   flag or an abbreviation that is not in them is refused. Behind `--`, and behind the container of an exec, the words
   are the inner command's and are not judged.
5. **What it names.** Kinds by their scope, containers by whose they are, workloads by their autoscalers.
6. **The person.** Permissions, read-only mode, and the policy of the service. They only refuse more.
7. **What runs** is written anew out of what was understood: `kubectl -n NAMESPACE VERB …`, full ids of containers,
   words of a host as they stand. That list is what runs; no shell on this server sees it.

A verdict is *allow*, *confirm* (it ends or deletes something) or *refuse*, with the id of a rule, a reason, a hint,
and a whole line to take over instead where there is one that passes.

## Who may run what

Every line needs `exec` on the service. The table names what a verb needs beside it.
"""

HOST_HEAD = """\
## Hosts

Without a container chosen, a line that begins with another word than the engine's program is for the host at the far
end of the connection. It needs `exec` granted on the runtime. These programs run, with these flags and no others; long
flags are written in full. Numbers, names, paths and formats have shapes of their own. “Endless” is for streaming only.

| program | shows | flags | with a value | endless without |
|---|---|---|---|---|
"""

HOST_TAIL = f"""\

`ps` is read as UNIX options and as BSD options, and passes only where no reading has the BSD `e`: procps reads what
fails as UNIX options a second time, and `ps -e -u nosuchuser` or `ps -ef -o args` would print environments. Flags of
`ip` are {{ip}}. `getent` asks {", ".join(f"`{name}`" for name in DATABASES.split("|"))}. `cat` prints
`/etc/os-release`, `/proc/loadavg`, `/proc/meminfo`, `/proc/cpuinfo`, `/proc/uptime` and `/proc/version`. `lsof` asks
for `-i`; `-p`, `-u` and `-c` with `-a` only. Shells, editors, wrappers, what writes, and every other program are
refused.

### Runbooks

An administrator lets more run on a host, word for word, by `runbooks` of a runtime of kind docker or podman:

```yaml
runtimes:
  - name: edge
    kind: docker
    socket: /var/run/docker.sock
    host: local
    runbooks:
      - name: tail
        description: the end of a log
        argv: [tail, -n, "{{{{lines}}}}", "{{{{path}}}}"]
        parameters:
          lines: {{{{choices: ["50", "500"]}}}}
          path: /var/log/[a-z-]{{{{1,40}}}}\\.log
        approvedFor: [operator]
      - {{{{name: restart-web, argv: [systemctl, restart, web], permission: manage}}}}
```

A parameter is a whole word. Its value matches the pattern (a regular expression, held against all of it) or is one of
the choices, and never begins with a dash. Who has `permission` (`exec` unless it says `manage`) on the service and
`exec` on the runtime may run it; it wants to be confirmed, but not by the roles of `approvedFor` and those above. A
runbook counts as a change: read-only mode refuses it. Do not give a shell a parameter: its pattern would be all that
stands between.

## Policy of a site

`policy` of a service leaves only what it names of what the guard lets through, for everybody or by role:

```yaml
services:
  - name: shop
    runtime: prod
    namespace: shop
    serviceAccount: shop-operator
    policy:
      verbs: {{{{operator: [get, describe, logs, exec, rollout status]}}}}
      kinds: [pods, deployments, events]
      programs: [ls, cat, env]
```

- `verbs` are written as in the table above, `rollout` stands for all of its subcommands, `host` for every program of
  the host, `host ps` for one, `runbook` for every runbook.
- `kinds` are the plural names of kinds on Kubernetes. A line about no kind is not held against them.
- `programs` are first words of commands inside a container, exactly. Who leaves a shell in, leaves everything in.
- A list for a role narrows the roles below it too, and tokens that have no more than they. A role without a list, and
  without one above it, is not narrowed. A policy never lets through what the built-in rules refuse.

`serviceAccount` is whom the lines of a service on Kubernetes run as; without it they run as the runtime's credential.
"""

TAIL = """\

## What it does not promise

- **It is no wall.** Inside a container `exec` means everything that the container can do: environment, mounted secrets,
  the token of its service account, and the network. What a command there does is not judged.
- **It knows the kubectl, docker and podman of its tables.** A newer program may read a line otherwise. What is not in a
  table is refused, and a test holds the tables against the installed programs; the narrow identity bounds what is left.
- **It knows some controllers.** Of labels and annotations the keys in the table below are left alone; those of other
  controllers of a cluster are not known. Who lets people patch beside such a controller gives them what it does.
- **A pod may be given a secret of its namespace** by `set env --from` or by a patched volume, and `exec` then reads it.
  So may it be given nodes, by `nodeSelector` and affinity, but no tolerations.
- **A program may outlive its command inside a container.** What is started is found by its session and by the mark
  OPSMODAL_RUN in its environment. A program that drops the mark and leaves its session runs on until the container
  ends.
- **Typed values stand in the arguments of kubectl while it runs**: those of `--from-literal` and of patches. They are
  masked in records, but whoever may list processes on the server sees them for that time.
- **An autoscaler may come between the verdict and the command.** A line is judged again right before it starts, and the
  API gives no lock.
- **Output may hold secrets.** Values of `kubectl get secret` are masked; what a program prints into its log is not
  known.
- **A selector is no wall on Kubernetes.** The namespace is: two services of one namespace can do the same to each
  other.
- **A runbook does what its author wrote**, and a pattern that is too wide is too wide.
- **`ping`, `dig` and their like send packets** to whatever address they are given, from the host.

## Trying it

```
opsmodal guard check --runtime kubernetes --mode oneshot --namespace shop -- 'kubectl get pods | grep web'
opsmodal guard test lines.yaml
```

`check` exits with 0 for allow, 3 for confirm, 4 for refuse and 2 for wrong usage; `--json` prints the whole verdict.
One word behind `--` is the line as it is typed, several are its words. `test` reads files like this one, prints each
mismatch and `N passed, M failed`, and exits with 1 on a mismatch and 2 when a file cannot be read:

```yaml
world:                                     # all of it is optional
  permissions: [view, logs, exec, manage]  # on the service
  runtimePermissions: [exec]               # granted on the runtime
  autoscaled: [deployment/web]
  switchedOff: {deployment/web: {min: 2, max: 10}}  # of these, what has 0 replicas, with its autoscaler's bounds
  owners: {replicaset/web-5d4f: deployment/web}
  tokens: [robot-token]                    # Secrets that hold tokens of the cluster
  containers: {own: [web, db], other: {pay-db: bbbb}}
  kinds: [{name: backups, short: [bk], group: example.com}]
  clusterKinds: [{name: tenants, short: [tnt], categories: [platform]}]
  policy: {verbs: [get, logs, exec]}
  readOnly: false
cases:
  - {id: a1, runtime: kubernetes, mode: oneshot, namespace: shop, command: kubectl get pods -A, expect: deny}
  - {id: a2, runtime: docker, mode: streaming, container: web, command: tail -f /var/log/x, expect: allow, why: inside}
```

`confirm` counts as allow.

## Labels and annotations that are left alone

`label`, `annotate` and `patch` neither set nor remove these keys, on an object or in the template of a workload:

| key | why |
|---|---|
{ACTING}

## The rules

| rule | what holds | what to do |
|---|---|---|
"""

KUBECTL_TAIL = """\

Flags of every verb: {harmless}. Refused wherever they stand: what chooses target, identity or TLS ({target});
what traces or writes ({trace}); files ({files}); `--raw`; every spelling of `--all-namespaces`; and
{terminal} where they are true. {follow} are for streaming. Each `-n` has to be the own namespace. In front of the verb
only that `-n` may stand. `-o` takes no format that reads a file.

Refused verbs, and what there is instead:

| verb | instead |
|---|---|
"""

ENGINE_TAIL = """\

Containers are named by name or id; what is not the service's own is refused, also as a part of an id that fits
another's. `ps`, `events` and `stats` without a name are narrowed to the service's own containers. Flags in front of
the verb are refused. Every other verb is refused: what makes containers, images, networks or volumes, copies files,
attaches, signs in, or administers the engine.

"""


def printed() -> str:
    """Give the whole document."""
    return "".join(
        [HEAD, *_kubectl(), *_engine("docker"), *_engine("podman"), ENGINE_TAIL, *_host(), _tail(), *_rules()]
    )


def _tail() -> str:
    acting = (f"| `{one.keys}` | {_cell(one.reason)} |" for one in ACTING)
    return TAIL.replace("{ACTING}", "\n".join(acting))


def _kubectl() -> Iterator[str]:
    yield "\n### kubectl\n\n| verb | needs | flags beside those of every verb |\n|---|---|---|\n"
    for verb in VERBS.values():
        yield f"| `{verb.path}` | {_level(verb)} | {_flags(verb.flags)} |\n"
    yield KUBECTL_TAIL.format(
        harmless=_flags(HARMLESS),
        target=_flags(TARGET),
        trace=_flags(TRACE),
        files=_flags(FILES),
        terminal=_flags(TERMINAL),
        follow=_flags(FOLLOW),
    )
    for verb, hint in NEVER.items():
        yield f"| `{verb}` | {_cell(hint)} |\n"


def _level(verb: Verb) -> str:
    if verb.judge is pods.logs:
        return "logs"
    if verb.judge is pods.execute or verb.judge.__module__ == reading.__name__:
        return "–"
    return "manage"


def _engine(program: str) -> Iterator[str]:
    known = grammar("docker" if program == "docker" else "podman")
    rows: dict[str, VerbRow] = {verb.row.name: verb.row for verb in known.verbs.values()}
    yield f"\n### {program}\n\n| verb | also | needs | flags | streaming only |\n|---|---|---|---|---|\n"
    for row in rows.values():
        also = ", ".join(f"`{spelling}`" for spelling in row.spellings if spelling != row.name)
        passing = [flag for flag in row.flags if flag.use in ("pass", "filter", "inner", "kind")]
        follows = [flag for flag in row.flags if flag.use == "follow"]
        needs = {"view": "–", "exec": "–", "engine": "exec on the runtime"}.get(row.row, row.row)
        needs += ", confirmed" if row.confirm else ""
        yield f"| `{row.name}` | {also} | {needs} | {_rows(passing)} | {_rows(follows) or _ends(row)} |\n"


def _ends(row: VerbRow) -> str:
    return f"without {_flags(row.ends)}" if row.ends else ""


def _host() -> Iterator[str]:
    yield HOST_HEAD
    for grammar_ in sorted([*GRAMMARS.values(), host_ps.UNIX], key=lambda one: one.program):
        about = OWN_GRAMMARS.get(grammar_.program, grammar_.about)
        valued = _flags([*grammar_.values, *grammar_.loose, *grammar_.eager])
        yield f"| `{grammar_.program}` | {about} | {_flags(grammar_.flags)} | {valued} | {_until(grammar_)} |\n"
    for program in sorted(OWN_GRAMMARS.keys() - {host_ps.UNIX.program}):
        yield f"| `{program}` | {OWN_GRAMMARS[program]} | | | |\n"
    yield HOST_TAIL.format(ip=", ".join(f"`{option}`" for option in sorted(host_ip.OPTIONS)))


def _until(grammar_: Grammar) -> str:
    if grammar_.counted:
        return "a count behind the interval"
    if grammar_.repeats is None:
        return ""
    given = f", where {named(grammar_.repeats)} is given" if grammar_.repeats else ""
    return f"{named(grammar_.until)}{given}"


def _rules() -> Iterator[str]:
    for rule in RULES.values():
        yield f"| `{rule.id}` | {_cell(rule.sentence)} | {_cell(rule.hint)} |\n"


def _flags(names: Iterable[str]) -> str:
    ordered = sorted(set(names), key=lambda name: (len(name) > 1, name.lower(), name))
    return " ".join(f"`-{name}`" if len(name) == 1 else f"`--{name}`" for name in ordered)


def _rows(rows: Iterable[FlagRow]) -> str:
    return _flags(row.name for row in rows)


def _cell(text: str) -> str:
    """Keep a text from ending its cell, and signs from being read as Markdown."""
    return re.sub(r"([|<>*_`])", r"\\\1", text)


if __name__ == "__main__":
    DOCUMENT.write_text(printed(), encoding="utf-8")
