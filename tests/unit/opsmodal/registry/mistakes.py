"""Documents with one mistake each, and what is told about it."""

from __future__ import annotations

HEAD = "apiVersion: opsmodal/v1\n"
DOCKER = "{name: edge, kind: docker, socket: /var/run/docker.sock}"

EDGE = f"runtimes:\n- {{{DOCKER[1:-1]},"
SERVICE = f"runtimes: [{DOCKER}]\nservices:\n- name: s\n  runtime: edge\n  project: p"

# document after HEAD (its first line is 2) → line, path, words of the sentence, words of the hint
MISTAKES: dict[str, tuple[str, int, str, str, str]] = {
    "unknown key at the top": ("service: []", 2, "service", "not a key", "Did you mean “services”?"),
    "key of a later release": ("settings: {}", 2, "settings", "not a key", "later release"),
    "unknown key of a runtime": (
        "runtimes:\n- {name: a, kind: docker, sockt: /a, socket: /b}",
        3,
        "runtimes[0].sockt",
        "not a key",
        "Did you mean “socket”?",
    ),
    "runbooks of a cluster": (
        "runtimes:\n- name: a\n  kind: kubernetes\n  inCluster: true\n  runbooks: []",
        6,
        "runtimes[0].runbooks",
        "not a key",
        "Known here",
    ),
    "a runbook with a parameter that is not described": (
        f"{EDGE}\n   runbooks: [{{name: r, argv: [systemctl, restart,\n   '{{unit}}']}}]}}",
        5,
        "runtimes[0].runbooks[0].argv[2]",
        "“unit” is not described",
        "under “parameters”",
    ),
    "a runbook with a parameter that stands nowhere": (
        f"{EDGE}\n   runbooks: [{{name: r, argv: [uptime],\n   parameters: {{n: '[0-9]+'}}}}]}}",
        5,
        "runtimes[0].runbooks[0].parameters.n",
        "stands nowhere in argv",
        "by itself",
    ),
    "a runbook with a pattern that is none": (
        f"{EDGE}\n   runbooks: [{{name: r, argv: [tail, '{{n}}'],\n   parameters: {{n: '['}}}}]}}",
        5,
        "runtimes[0].runbooks[0].parameters.n",
        "no regular expression",
        "An example",
    ),
    "a runbook whose parameter has a pattern and choices": (
        f"{EDGE}\n   runbooks: [{{name: r, argv: [a, '{{n}}'],\n  parameters: {{n: {{pattern: a, choices: [b]}}}}}}]}}",
        5,
        "runtimes[0].runbooks[0].parameters.n",
        "either a pattern or choices",
        "whole value",
    ),
    "a runbook of an engine's own program": (
        f"{EDGE}\n   runbooks: [{{name: r,\n   argv: [docker, system, prune]}}]}}",
        5,
        "runtimes[0].runbooks[0].argv[0]",
        "judged by its own grammar",
        "a program of the host",
    ),
    "a runbook whose program is a parameter": (
        f"{EDGE}\n   runbooks: [{{name: r, argv: ['{{x}}'], parameters: {{x: a}}}}]}}",
        4,
        "runtimes[0].runbooks[0].argv[0]",
        "is no parameter",
        "for each program",
    ),
    "a runbook without a word": (
        f"{EDGE}\n   runbooks: [{{name: r, argv: []}}]}}",
        4,
        "runtimes[0].runbooks[0].argv",
        "at least one word",
        "first",
    ),
    "two runbooks of one name": (
        f"{EDGE}\n   runbooks: [{{name: r, argv: [w]}},\n   {{name: r, argv: [who]}}]}}",
        5,
        "runtimes[0].runbooks[1].name",
        "two runbooks named “r”",
        "Rename",
    ),
    "a service account on an engine": (
        f"{SERVICE}\n  serviceAccount: ops",
        7,
        "services[0].serviceAccount",
        "means nothing on edge",
        "project, containers or labels",
    ),
    "a policy for a role that is none": (
        f"{SERVICE}\n  policy: {{verbs: {{admin: []}}}}",
        7,
        "services[0].policy.verbs.admin",
        "not a key",
        "Known here: viewer",
    ),
    "a policy key that is none": (
        f"{SERVICE}\n  policy: {{verb: [get]}}",
        7,
        "services[0].policy.verb",
        "not a key",
        "Did you mean “verbs”?",
    ),
    "password of an SSH connection": (
        (
            "runtimes:\n- name: a\n  kind: docker\n  socket: /a\n  connections:\n"
            "  - {name: s, kind: ssh, host: h, user: u,\n     password: PLANTED}"
        ),
        8,
        "runtimes[0].connections[0].password",
        "names a file",
        "write the secret into a file",
    ),
    "key that stands twice": (
        "services: []\nservices: []",
        3,
        "services",
        "stands twice here, first on line 2",
        "Keep one",
    ),
    "no kind": ("runtimes:\n- name: a", 3, "runtimes[0].kind", "“kind” is missing", "kubernetes, docker or podman"),
    "a kind there is not": (
        "runtimes:\n- name: a\n  kind: dokcer",
        4,
        "runtimes[0].kind",
        "must be kubernetes, docker or podman, not “dokcer”",
        "Did you mean “docker”?",
    ),
    "no socket": (
        "runtimes:\n- {name: a, kind: docker}",
        3,
        "runtimes[0].socket",
        "“socket” is missing",
        "a path like",
    ),
    "socket that is none": (
        "runtimes:\n- {name: a, kind: docker, socket: docker.sock}",
        3,
        "runtimes[0].socket",
        "must be a path like /var/run/docker.sock",
        "",
    ),
    "socket with a password in it": (
        "runtimes:\n- {name: a, kind: docker, socket: 'tcp://u:p@h:1'}",
        3,
        "runtimes[0].socket",
        "must be a path",
        "",
    ),
    "list that is none": ("services: shop", 2, "services", "must be a list", "dash"),
    "entry that is no mapping": ("services: [shop]", 2, "services[0]", "must be a mapping", ""),
    "number for a name": ("groups:\n- {name: 5}", 3, "groups[0].name", "must be a name of at most 63", "quotes"),
    "capitals in a name": ("groups:\n- {name: Ops}", 3, "groups[0].name", "not “Ops”", ""),
    "name that is too long": (f"groups:\n- {{name: {'a' * 64}}}", 3, "groups[0].name", "a text of 64 characters", ""),
    "name with a line end": ('groups:\n- {name: "ops\\n"}', 3, "groups[0].name", "must be a name", ""),
    "name that ends with a dash": ("groups:\n- {name: ops-}", 3, "groups[0].name", "must be a name", ""),
    "empty name": ("groups:\n- {name: ''}", 3, "groups[0].name", "must be a name", ""),
    "name that is nothing": ("groups:\n- {name: }", 3, "groups[0].name", "not nothing", ""),
    "port in quotes": (
        (
            "runtimes:\n- name: a\n  kind: docker\n  socket: /a\n  connections:\n"
            "  - {name: s, kind: ssh, host: h, user: u, port: '22'}"
        ),
        7,
        "runtimes[0].connections[0].port",
        "whole number from 1 to 65535, not “22”",
        "without quotes",
    ),
    "port out of range": (
        (
            "runtimes:\n- name: a\n  kind: docker\n  socket: /a\n  connections:\n"
            "  - {name: s, kind: ssh, host: h, user: u, port: 65536}"
        ),
        7,
        "runtimes[0].connections[0].port",
        "from 1 to 65535, not 65536",
        "",
    ),
    "priority below zero": (
        "runtimes:\n- {name: a, kind: docker, socket: /a, connections: [{name: c, kind: direct, priority: -1}]}",
        3,
        "runtimes[0].connections[0].priority",
        "from 0 to 1000000, not -1",
        "",
    ),
    "a connection that is called as none may be": (
        "runtimes:\n- {name: a, kind: docker, socket: /a, connections: [{name: auto, kind: direct}]}",
        3,
        "runtimes[0].connections[0].name",
        "stands for whichever connection carries",
        "Rename",
    ),
    "two connections of one name": (
        (
            "runtimes:\n- name: a\n  kind: docker\n  socket: /a\n  connections:\n"
            "  - {name: c, kind: direct}\n  - {name: c, kind: direct}"
        ),
        8,
        "runtimes[0].connections[1].name",
        "two connections named “c”",
        "Rename",
    ),
    "yes for true": (
        "runtimes:\n- {name: a, kind: kubernetes, inCluster: yes}",
        3,
        "runtimes[0].inCluster",
        "must be true or false, not “yes”",
        "",
    ),
    "cluster without a way in": (
        "runtimes:\n- {name: a, kind: kubernetes}",
        3,
        "runtimes[0]",
        "needs either a kubeconfig or inCluster",
        "kubeconfig: {file: …}",
    ),
    "cluster with two ways in": (
        "runtimes:\n- {name: a, kind: kubernetes, inCluster: true, kubeconfig: prod.yaml}",
        3,
        "runtimes[0]",
        "needs either a kubeconfig or inCluster",
        "",
    ),
    "two runtimes of one name": (
        f"runtimes:\n- {DOCKER}\n- {DOCKER}",
        4,
        "runtimes[1].name",
        "two runtimes named “edge”",
        "another name",
    ),
    "service on no runtime": (
        f"runtimes:\n- {DOCKER}\nservices:\n- {{name: a, runtime: edgy, project: a}}",
        5,
        "services[0].runtime",
        "no runtime named “edgy”",
        "Did you mean “edge”?",
    ),
    "service without a namespace": (
        "runtimes:\n- {name: k, kind: kubernetes, inCluster: true}\nservices:\n- {name: a, runtime: k}",
        5,
        "services[0]",
        "needs a namespace",
        "kind kubernetes",
    ),
    "selector that is none": (
        (
            "runtimes:\n- {name: k, kind: kubernetes, inCluster: true}\n"
            "services:\n- {name: a, runtime: k, namespace: a, selector: 'app = = b'}"
        ),
        5,
        "services[0].selector",
        "no label selector",
        "part-of",
    ),
    "compose project on a cluster": (
        (
            "runtimes:\n- {name: k, kind: kubernetes, inCluster: true}\n"
            "services:\n- {name: a, runtime: k, namespace: a, project: a}"
        ),
        5,
        "services[0].project",
        "means nothing on k",
        "namespace",
    ),
    "service on an engine without anything": (
        f"runtimes:\n- {DOCKER}\nservices:\n- {{name: a, runtime: edge}}",
        5,
        "services[0]",
        "exactly one of project, containers and labels; it has none",
        "kind docker",
    ),
    "service on an engine with two": (
        f"runtimes:\n- {DOCKER}\nservices:\n- {{name: a, runtime: edge, project: a, containers: [b]}}",
        5,
        "services[0]",
        "it has project and containers",
        "",
    ),
    "namespace on an engine": (
        f"runtimes:\n- {DOCKER}\nservices:\n- {{name: a, runtime: edge, project: a, namespace: b}}",
        5,
        "services[0].namespace",
        "means nothing on edge",
        "",
    ),
    "grant on no service": (
        "grants:\n- {user: al, role: viewer, services: [a]}",
        3,
        "grants[0].services[0]",
        "no service",
        "",
    ),
    "grant on no runtime": (
        "grants:\n- {user: al, role: viewer, runtimes: [a]}",
        3,
        "grants[0].runtimes[0]",
        "no runtime",
        "",
    ),
    "role that there is not": (
        "grants:\n- {user: al, role: admin, all: true}",
        3,
        "grants[0].role",
        "must be viewer, developer, operator or manager, not “admin”",
        "",
    ),
    "grant without a role": ("grants:\n- {user: al, all: true}", 3, "grants[0].role", "missing", "viewer, developer"),
    "grant for nobody": (
        "grants:\n- {role: viewer, all: true}",
        3,
        "grants[0]",
        "either a user or a group",
        "user: NAME",
    ),
    "grant for two": ("grants:\n- {user: a, group: b, role: viewer, all: true}", 3, "grants[0]", "either a user", ""),
    "grant on nothing": (
        "grants:\n- {user: al, role: viewer}",
        3,
        "grants[0]",
        "this one has none",
        "one grant for each",
    ),
    "grant on two kinds": (
        f"runtimes:\n- {DOCKER}\ngrants:\n- {{user: al, role: viewer, all: true, runtimes: [edge]}}",
        5,
        "grants[0]",
        "this one has runtimes and all",
        "",
    ),
    "grant that stands twice": (
        "grants:\n- {user: al, role: viewer, all: true}\n- {user: al, role: manager, all: true}",
        4,
        "grants[1]",
        "granted twice, first on line 3: user al on all",
        "",
    ),
    "VPN profile that there is not": (
        "runtimes:\n- {name: a, kind: docker, socket: /a, connections: [{name: v, kind: vpn, profile: hq}]}",
        3,
        "runtimes[0].connections[0].profile",
        "no VPN profile named “hq”",
        "vpnProfiles",
    ),
    "TLS on a path": (
        "runtimes:\n- {name: a, kind: docker, socket: /a, tls: {ca: ca.pem}}",
        3,
        "runtimes[0].tls",
        "for tcp:// sockets only",
        "",
    ),
    "certificate without its key": (
        "runtimes:\n- {name: a, kind: docker, socket: 'tcp://h:2376', tls: {certificate: ca.pem}}",
        3,
        "runtimes[0].tls",
        "go together",
        "",
    ),
    "file that is not there": (
        "vpnProfiles:\n- {name: a, kind: openvpn, configFile: gone.conf}",
        3,
        "vpnProfiles[0].configFile",
        "“gone.conf” is not there",
        "relative",
    ),
    "folder for a file": (
        "vpnProfiles:\n- {name: a, kind: openvpn, configFile: .}",
        3,
        "vpnProfiles[0].configFile",
        "cannot be read: ",
        "",
    ),
    "fingerprint of nothing that is stored": (
        f"vpnProfiles:\n- {{name: a, kind: openvpn, configFile: {{file: gone, fingerprint: {'a' * 32}}}}}",
        3,
        "vpnProfiles[0].configFile",
        "no credential with this fingerprint",
        "export",
    ),
    "kubeconfig without the context": (
        "runtimes:\n- {name: a, kind: kubernetes, kubeconfig: {file: prod.yaml, context: stage}}",
        3,
        "runtimes[0].kubeconfig",
        "stage",
        "prod",
    ),
    "kubeconfig that starts a program": (
        "runtimes:\n- {name: a, kind: kubernetes, kubeconfig: exec.yaml}",
        3,
        "runtimes[0].kubeconfig",
        "aws",
        "",
    ),
    "kubeconfig that is none": (
        "runtimes:\n- {name: a, kind: kubernetes, kubeconfig: hq.conf}",
        3,
        "runtimes[0].kubeconfig",
        "kubeconfig",
        "",
    ),
}

# whole documents → line, words of the sentence
UNREADABLE: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 0, "empty"),
    "a comment": (b"# later\n", 0, "empty"),
    "a word": (b"hello", 1, "must be a mapping"),
    "a list": (b"- a", 1, "must be a mapping"),
    "another version": (b"apiVersion: v1", 1, "“apiVersion” must be opsmodal/v1, not “v1”"),
    "no version": (b"services: []", 1, "“apiVersion” is missing"),
    "an open bracket": (b"apiVersion: opsmodal/v1\nservices: [", 3, "not YAML"),
    "a tab": (b"apiVersion: opsmodal/v1\nservices:\n\t- a", 3, "not YAML"),
    "a second document": (b"apiVersion: opsmodal/v1\n---\na: b", 2, "more than one document"),
    "an anchor": (b"apiVersion: opsmodal/v1\nservices: &a []", 2, "Anchors"),
    "an alias": (b"apiVersion: opsmodal/v1\nservices: *a", 2, "Anchors"),
    "a merge": (b"apiVersion: opsmodal/v1\n<<: {a: b}", 2, "“<<” is not a key"),
    "a tag of Python": (b"apiVersion: opsmodal/v1\nservices: !!python/object/apply:os.system ['true']", 2, "Tags"),
    "a key that is a list": (b"apiVersion: opsmodal/v1\n? [a]\n: b", 2, "A key must be a word"),
    "nothing but depth": (b"apiVersion: " + b"[" * 50_000, 1, "nested deeper than 16"),
    "no UTF-8": (b"apiVersion: opsmodal/v1\nservices: \xff", 2, "not UTF-8"),
    "a NUL": (b"apiVersion: opsmodal/v1\nservices: \x00", 2, "characters that YAML does not allow"),
}
