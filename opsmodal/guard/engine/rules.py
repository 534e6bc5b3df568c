"""The rules of docker and podman lines as data: ids for verdicts and records, sentences for pages and the docs."""

from __future__ import annotations

from opsmodal.guard.rule import Rule

RULES = (
    Rule(
        "engine-read",
        "ps, inspect, top, port, diff, stats, events and podman's healthcheck run read the service's own containers; "
        "ps, events and stats are narrowed to them.",
    ),
    Rule("engine-logs", "logs reads the logs of the service's own containers, with the permission logs as well."),
    Rule("engine-exec", "exec runs a command inside one of the service's own containers; its words are its own."),
    Rule(
        "engine-manage",
        "restart, stop, start, kill, pause and unpause act on the service's own containers, with the permission manage "
        "as well; what interrupts them wants to be confirmed.",
    ),
    Rule("engine-version", "version is about the whole engine: it needs exec granted on the runtime."),
    Rule("container-exec", "With a container chosen, the line is a command that runs inside it."),
    Rule(
        "container-program",
        "With a container chosen, a line that begins with docker, podman or kubectl is refused.",
        "The line runs inside the container: leave that beginning out, or choose no container.",
    ),
    Rule(
        "engine-verb",
        "Only verbs that the guard knows run; plugins and everything else do not.",
        "Verbs: ps, inspect, top, port, diff, stats, events, version, logs, exec, restart, stop, start, kill, pause, "
        "unpause.",
    ),
    Rule(
        "engine-global",
        "Nothing stands in front of the verb: those flags choose another engine, identity, program or configuration.",
        "The connection of the service chooses the engine: leave them out.",
    ),
    Rule("engine-flag", "Each flag is one that the program has for this verb.", "See the help of the verb."),
    Rule("engine-value", "The value of a flag has the form that the program wants.", "Give it a value of that form."),
    Rule(
        "engine-terminal",
        "There is no terminal and no input: -i, -t, attach and what belongs to them are refused, one alone too.",
        "Leave the flag out. A shell is told what to do by sh -c '…'; logs shows what a container prints.",
    ),
    Rule(
        "engine-detach",
        "A command does not outlive its limits: exec in the background is refused.",
        "Leave -d out; a long command can run as a stream.",
    ),
    Rule(
        "engine-privileged",
        "A command has no more rights than its container.",
        "Leave --privileged out; -u root is root of the container.",
    ),
    Rule(
        "engine-file",
        "No file of the server or of the host is read or written.",
        "Print what you need: exec with cat shows a file of the container, and the output can be downloaded.",
    ),
    Rule(
        "engine-everyone",
        "A line names its containers; flags that take all, the latest or those of a filter are refused.",
        "Name the containers.",
    ),
    Rule(
        "engine-follow",
        "A one-shot command does not follow or watch.",
        "Leave the flag out, or run it as a stream.",
    ),
    Rule(
        "engine-endless",
        "As a one-shot, stats wants --no-stream, and events an end: --until, or podman's --stream=false.",
        "Add it, or run the line as a stream.",
    ),
    Rule("engine-container", "Names, ids and beginnings of ids are those of one of the service's own containers."),
    Rule("engine-arguments", "A line has the arguments that its verb takes.", "See the help of the verb."),
    Rule("engine-filter", "Filters narrow a list further, by what the service's own containers have."),
    Rule(
        "engine-type",
        "inspect shows containers; images, volumes and networks belong to the whole engine.",
        "Leave --type out and name a container; ps shows its image.",
    ),
    Rule(
        "engine-ps-options",
        "top takes the usual columns of ps: it is the host's own ps that dockerd starts with them.",
        "Type top CONTAINER, or top CONTAINER -eo pid,user,args.",
    ),
    Rule(
        "engine-environment",
        "-e gives a name and a value; a name alone would take the value from this server.",
        "Write -e NAME=value.",
    ),
    Rule(
        "engine-workdir",
        "-w is an absolute folder of the container, and none below /proc or /dev, which may lead out of it.",
        "Name a folder such as /tmp.",
    ),
    Rule(
        "engine-new",
        "No container is made here.",
        "exec runs a command in what is there. New ones are made on the host itself, by whoever deploys the service.",
    ),
    Rule(
        "engine-image",
        "Images and registries are not touched here.",
        "ps shows the image of each container; it is changed on the host itself, by whoever deploys the service.",
    ),
    Rule(
        "engine-object",
        "Containers are not removed, renamed or reconfigured here.",
        "The Containers tab restarts them; the rest is done on the host itself, by whoever deploys the service.",
    ),
    Rule(
        "engine-administration",
        "The engine itself, its networks, volumes, pods and clusters are nobody's by a service.",
        "Use the verbs for containers; everything else is an administrator's, on the host itself.",
    ),
)
HINTS = {rule.id: rule.hint for rule in RULES}
"""What to do instead, by the id of the rule."""
