"""The programs that may run on a host, and the arguments that each may get. What is not written here does not run.

The lists are of flags that only show something. Left out on purpose: what reads a file of the caller's choice
(`date -f`, `ss -F`, `last -f`, `dig -f`, `hostname -F`, `ip -batch`), what writes or changes (`ss -K`, `date -s`,
`hostname NAME`), what enters another namespace, root or host (`ip -n`, `lsblk --sysroot`, `systemctl -H`), what loads
code (`getent -s`), and what floods (`ping -f`). `ps` and `ip` have grammars of their own and modules for them.
Facts from the manual pages of procps-ng, coreutils, util-linux, net-tools, iproute2, iputils, BIND, sysstat, lsof
and systemd.
"""

from __future__ import annotations

from collections.abc import Mapping

from opsmodal.guard.getopt import Grammar, flags

NUMBER = r"[0-9]{1,9}"
COUNT = r"[1-9][0-9]{0,6}"
"""A count of nothing is no end to some programs."""
SECONDS = r"(?:[1-9][0-9]{0,4}(?:\.[0-9]{1,3})?|0?\.[1-9][0-9]{0,2})"
"""At least a tenth of a second, so that nothing spins."""
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.@:-]{0,127}"
NAMES = rf"{NAME}(?:,{NAME})*"
COLUMNS = r"[=+]?[A-Za-z0-9_%:-]{1,40}(?:,[A-Za-z0-9_%:-]{1,40})*"
HOST = r"[A-Za-z0-9_:][A-Za-z0-9_.:%-]{0,253}"
NOT_UP = r"(?!(?:[^/]*/)*\.\.(?:/|$))"
"""No part of a path is `..`: what it leads to stands nowhere in it."""
PATH = rf"{NOT_UP}/[^\x00-\x1f]{{0,1000}}|\."
DEVICE = r"[a-z][A-Za-z0-9_/.-]{0,63}"
TIME = r"[A-Za-z0-9+][A-Za-z0-9 :+.,-]{0,63}"
PING_INTERVAL = r"(?:[1-9][0-9]{0,4}(?:\.[0-9]{1,3})?|0?\.[2-9][0-9]{0,2})"
"""Five a second is what iputils lets ordinary users send."""
PACKET = r"[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|6550[0-7]"
"""65,507 bytes is all that an IPv4 packet holds beside its headers."""
QUERY_OPTION = r"\+[a-z0-9]{1,24}(?:=[A-Za-z0-9.:/]{0,64})?"
"""Those with a dash name files: +tls-ca, +tls-keyfile."""
SERVICE = r"(?:tcp|udp|TCP|UDP)"
INTERNET = rf"[46]?{SERVICE}?(?:@[A-Za-z0-9_.:\[\]-]{{1,253}})?(?::[A-Za-z0-9,-]{{1,100}})?"
"""What lsof takes for an internet address: [46][protocol][@host][:service|port]."""
UNIT = r"[A-Za-z0-9_@][A-Za-z0-9_@:.\\-]{0,254}"
LINES = r"[0-9]{1,2}|1[0-9]{2}|200"
"""Of a journal: a status is what somebody looks at, and not the whole journal of a unit."""
SHORT = r"short(?:-(?:full|iso|iso-precise|precise|monotonic|delta|unix))?"
"""cat and json give lines without their times, or with all that is kept beside them."""
FILES = "/etc/os-release|/proc/(?:loadavg|meminfo|cpuinfo|uptime|version)"
SOCKET_FILTER = (
    r"state|exclude|sport|dport|src|dst|dev|and|or|not|eq|ne|neq|lt|gt|le|ge|"
    r"\(|\)|!|&&?|\|\|?|==?|!=|[<>]=?|[A-Za-z0-9:*\[(][A-Za-z0-9_.:*/%\[\] ()=!<>|&-]{0,200}"
)
DATABASES = (
    "passwd|group|hosts|ahosts|ahostsv4|ahostsv6|services|protocols|networks|netgroup|rpc|ethers|aliases|initgroups"
)
"""All but shadow and gshadow, which hold the hashes of passwords."""


def _table(*grammars: Grammar) -> Mapping[str, Grammar]:
    return {grammar.program: grammar for grammar in grammars}


GRAMMARS: Mapping[str, Grammar] = _table(
    Grammar(
        program="free",
        about="memory, in any unit; `-s N` with `-c N`",
        flags=flags(
            "bkmghltvwV bytes kilo mega giga tera peta kibi mebi gibi tebi pebi human si lohi line total committed wide"
        ),
        values={"s": SECONDS, "seconds": SECONDS, "c": COUNT, "count": COUNT},
        repeats=frozenset({"s", "seconds"}),
        until=frozenset({"c", "count"}),
    ),
    Grammar(
        program="df",
        about="file systems, of paths if wanted",
        flags=flags("ahHiklmPTv all human-readable si inodes local portability print-type total sync no-sync output"),
        values={"B": r"[0-9]{0,9}[A-Za-z]{0,3}", "t": NAME, "x": NAME}
        | {"block-size": r"[0-9]{0,9}[A-Za-z]{0,3}", "type": NAME, "exclude-type": NAME},
        loose={"output": COLUMNS},
        operands=PATH,
        most=8,
    ),
    Grammar(
        program="netstat",
        about="sockets, routes and interfaces; never `-c`",
        flags=flags(
            "atunlprisgeowxvWM46 all tcp udp listening numeric numeric-hosts numeric-ports numeric-users program "
            "programs route interfaces statistics groups extend timers wide raw unix verbose inet inet6 symbolic"
        ),
        values={"A": r"inet6?|unix", "protocol": r"inet6?|unix"},
    ),
    Grammar(
        program="ss",
        about="sockets, by port and state; never `-D`, `-F`, `-K`, `-E`, `-N`",
        flags=flags(
            "tulnpaxw46oemisrHO0dZzSbM tcp udp listening numeric processes all unix raw ipv4 ipv6 options extended "
            "memory info summary resolve no-header oneline packet dccp sctp vsock mptcp bpf tos context contexts"
        ),
        values={"f": r"inet6?|unix|link|netlink|vsock|tipc|xdp", "family": r"inet6?|unix|link|netlink|vsock|tipc|xdp"}
        | {"A": r"[a-z0-9_,!]{1,100}", "query": r"[a-z0-9_,!]{1,100}", "socket": r"[a-z0-9_,!]{1,100}"},
        operands=SOCKET_FILTER,
        most=40,
    ),
    Grammar(program="uptime", about="how long it is up, and its load", flags=flags("ps pretty since")),
    Grammar(
        program="w",
        about="who is signed in, and what they do",
        flags=flags("hsfuip no-header short from ip-addr old-style no-current pids"),
        operands=NAME,
        most=1,
    ),
    Grammar(
        program="who",
        about="who is signed in",
        flags=flags(
            "abdHlmpqrstTuw all boot dead heading login process count runlevel short time mesg message writable users "
            "ips lookup"
        ),
        operands="am|i|I",
        most=2,
    ),
    Grammar(program="whoami", about="the user that commands run as"),
    Grammar(
        program="id",
        about="the ids of a user",
        flags=flags("ugGnrazZ user group groups name real zero"),
        operands=NAME,
        most=1,
    ),
    Grammar(
        program="last",
        about="who was signed in",
        flags=flags("adFiwxR0123456789 hostlast dns fulltimes ip fullnames system nohostname"),
        values={"n": COUNT, "limit": COUNT, "p": TIME, "present": TIME, "s": TIME, "since": TIME, "t": TIME}
        | {"until": TIME, "time-format": r"notime|short|full|iso"},
        operands=rf"{NAME}|pts/[0-9]{{1,5}}",
        most=4,
    ),
    Grammar(
        program="uname",
        about="the kernel",
        flags=flags(
            "asnrvmpio all kernel-name nodename kernel-release kernel-version machine processor hardware-platform "
            "operating-system"
        ),
    ),
    Grammar(
        program="nproc",
        about="how many processors there are",
        flags=flags(" all"),
        values={"ignore": NUMBER},
    ),
    Grammar(
        program="lscpu",
        about="the processors",
        flags=flags("abcJxyB all online offline json hex physical bytes output-all raw hierarchic"),
        loose={"e": COLUMNS, "extended": COLUMNS, "p": COLUMNS, "parse": COLUMNS, "C": COLUMNS, "caches": COLUMNS},
    ),
    Grammar(
        program="lsblk",
        about="block devices",
        flags=flags(
            "abdfmtSplnrJPiDNvOMsAzT all bytes nodeps fs perms topology scsi paths list noheadings raw json pairs "
            "ascii discard nvme virtio output-all merge inverse noempty zoned tree"
        ),
        values={"o": COLUMNS, "output": COLUMNS, "x": NAME, "sort": NAME, "e": r"[0-9,]{1,64}", "I": r"[0-9,]{1,64}"}
        | {"exclude": r"[0-9,]{1,64}", "include": r"[0-9,]{1,64}", "w": NUMBER, "width": NUMBER},
        operands=rf"{NOT_UP}/dev/[A-Za-z0-9_/.-]{{1,100}}",
        most=8,
    ),
    Grammar(
        program="date",
        about="the time; never sets it",
        flags=flags("uR utc universal rfc-email"),
        values={"d": r"[A-Za-z0-9@+ :.,_/=\"()-]{0,100}", "date": r"[A-Za-z0-9@+ :.,_/=\"()-]{0,100}"}
        | {"rfc-3339": r"date|seconds|ns"},
        loose={"I": r"date|hours|minutes|seconds|ns", "iso-8601": r"date|hours|minutes|seconds|ns"},
        operands=r"\+[^\x00-\x1f]{0,200}",
        most=1,
    ),
    Grammar(
        program="hostname",
        about="the name and addresses; never sets them",
        flags=flags("Iifs all-ip-addresses ip-address fqdn long short"),
    ),
    Grammar(program="mount", about="what is mounted, bare only"),
    Grammar(
        program="vmstat",
        about="memory and processors over time; an interval with a count",
        flags=flags("afmnsdDtwy active forks slabs one-header stats disk disk-sum timestamp wide no-first"),
        values={"S": r"[kKmM]", "unit": r"[kKmM]", "p": r"(?:/dev/)?[a-z][a-z0-9]{0,31}"}
        | {"partition": r"(?:/dev/)?[a-z][a-z0-9]{0,31}"},
        operands=COUNT,
        most=2,
        counted=True,
    ),
    Grammar(
        program="iostat",
        about="processors and devices over time; an interval with a count",
        flags=flags("cdhkmNtxyzsH human pretty compact"),
        values={"j": r"ID|LABEL|PATH|UUID", "o": "JSON", "dec": r"[012]"},
        eager={"p": rf"(?:ALL|{DEVICE})(?:,{DEVICE})*"},
        operands=rf"{COUNT}|{DEVICE}",
        most=10,
        counted=True,
    ),
    Grammar(
        program="top",
        about="processes, with `-b`; `-n N` unless streaming",
        flags=flags("bHciSs1AI batch batch-mode threads-show cmdline-toggle idle-toggle accum-time-toggle"),
        values={"n": COUNT, "iterations": COUNT, "d": SECONDS, "delay": SECONDS, "p": r"[0-9]{1,9}(?:,[0-9]{1,9})*"}
        | {
            "pid": r"[0-9]{1,9}(?:,[0-9]{1,9})*",
            "o": r"[-+]?[A-Za-z%+]{1,20}",
            "sort-override": r"[-+]?[A-Za-z%+]{1,20}",
        }
        | {"u": NAME, "U": NAME, "E": r"[kmgtpe]", "e": r"[kmgtp]"},
        eager={"w": r"[0-9]{1,3}", "width": r"[0-9]{1,3}"},
        wants=frozenset({"b", "batch", "batch-mode"}),
        repeats=frozenset(),
        until=frozenset({"n", "iterations"}),
    ),
    Grammar(
        program="ping",
        about="whether a host answers; `-c N` unless streaming; never a flood",
        flags=flags("46nqDOvaLrR"),
        values={"c": COUNT, "i": PING_INTERVAL, "W": SECONDS, "w": COUNT, "s": PACKET, "t": r"[0-9]{1,3}"}
        | {"I": r"[A-Za-z0-9_.:%-]{1,64}", "M": r"do|dont|want|probe", "Q": r"(?:0x)?[0-9a-fA-F]{1,4}"},
        operands=HOST,
        least=1,
        most=1,
        repeats=frozenset(),
        until=frozenset({"c"}),
    ),
    Grammar(
        program="dig",
        about="what DNS answers; never `-f`, `-k`",
        flags=flags("46rmuv"),
        values={"t": NAME, "c": r"[A-Za-z]{2,6}", "p": NUMBER, "q": HOST + r"|\.", "x": r"[0-9A-Fa-f.:]{1,64}"},
        operands=rf"@{HOST}|{QUERY_OPTION}|[A-Za-z0-9_*][A-Za-z0-9_.*:/-]{{0,253}}|\.",
        most=24,
    ),
    Grammar(
        program="host",
        about="what DNS answers",
        flags=flags("aACdlrsTUvV46"),
        values={"c": r"[A-Za-z]{2,6}", "N": NUMBER, "t": r"[A-Za-z0-9=]{1,20}", "W": COUNT, "R": COUNT, "p": NUMBER},
        operands=HOST,
        least=1,
        most=2,
    ),
    Grammar(
        program="getent",
        about="entries of the system's databases; never shadow",
        operands=rf"{DATABASES}|[A-Za-z0-9_.:@][A-Za-z0-9_.:@/-]{{0,253}}",
        least=1,
        most=20,
    ),
    Grammar(
        program="lsof",
        about="network connections: `-i` in its forms",
        flags=flags("nPlRta"),
        values={"p": r"\^?[0-9]{1,9}(?:,\^?[0-9]{1,9})*", "u": NAMES, "c": NAME},
        eager={"i": INTERNET, "s": rf"{SERVICE}:\^?[A-Za-z0-9_,^]{{1,100}}"},
        wants=frozenset({"i"}),
    ),
    Grammar(
        program="systemctl",
        about="`status`, `is-active` and `is-enabled` of one unit, `list-units`; at most 200 lines of a journal",
        flags=flags("laq full all quiet no-pager no-legend plain failed user system no-ask-password"),
        values={"n": LINES, "lines": LINES, "t": r"[a-z,]{1,100}", "type": r"[a-z,]{1,100}"}
        | {"state": r"[a-z,-]{1,100}", "o": SHORT, "output": SHORT},
        operands=rf"status|is-active|is-enabled|list-units|{UNIT}|[A-Za-z0-9_@*][A-Za-z0-9_@*:.-]{{0,254}}",
        least=1,
        most=2,
    ),
    Grammar(
        program="cat",
        about="/etc/os-release, /proc/loadavg, meminfo, cpuinfo, uptime and version",
        operands=FILES,
        least=1,
        most=6,
    ),
)
