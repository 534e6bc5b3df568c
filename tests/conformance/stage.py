"""A cluster on which cases are played: a namespace for each topic, kubectl in a folder with the topic's files.

The stage knows the cluster by its kubeconfig alone; whether that is simulated or real makes no difference to it.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.cases import Case, Topic, topic
from tests.conformance.masks import masked

IMAGE = os.environ.get("OPSMODAL_TEST_IMAGE", "docker.io/library/busybox:1")
LINE_S = 60.0
POLL_S = 0.2
LOGGED = re.compile(r"[EIW]\d{4} \d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Heard:
    """What a line answered."""

    code: int
    out: str
    err: str


class Stage:
    """One cluster, and the topics that were set up on it."""

    def __init__(self, program: Path, kubeconfig: str, folder: Path) -> None:
        self._program = program
        self._config: dict[str, Any] = yaml.safe_load(kubeconfig)
        self._folder = folder
        self._sets: dict[str, Set] = {}
        nodes = self._plain("get nodes -o jsonpath={.items[*].metadata.name}").split()
        self.nodes = tuple(sorted(nodes, key=lambda name: ("control" in name, name)))

    def _plain(self, line: str) -> str:
        path = self._folder / "kubeconfig"
        path.write_text(yaml.safe_dump(self._config))
        done = run(self._program, path, self._folder, shlex.split(line))
        assert done.code == 0, f"{line}: {done.err}"
        return done.out

    def of(self, name: str) -> Set:
        """Give the set of a topic, made when it is first asked for."""
        if name not in self._sets:
            self._sets[name] = Set(self._program, self._config, self._folder / name, topic(name), self.nodes)
        made = self._sets[name]
        if made.broken:
            raise AssertionError(f"the set of {name} could not be prepared: {made.broken}")
        return made

    def close(self) -> None:
        """Take every namespace away again; nobody waits for it."""
        for made in self._sets.values():
            self._plain(f"delete namespace {made.namespace} --wait=false --ignore-not-found")


class Set:
    """The namespace of one topic."""

    def __init__(
        self, program: Path, config: dict[str, Any], folder: Path, played: Topic, nodes: tuple[str, ...]
    ) -> None:
        self._program, self._config, self.folder = program, config, folder
        self.namespace = f"conf-{played.name}-{secrets.token_hex(3)}"
        self._names = {self.namespace: "$NS", IMAGE: "$IMAGE"} | dict.fromkeys(nodes, "$NODE")
        self._words = {"$NS": self.namespace, "$IMAGE": IMAGE, "$NODE": nodes[0]}
        folder.mkdir()
        self.broken = ""
        for name, content in played.files.items():
            (folder / name).write_text(self._filled(content))
        for line in (f"create namespace {self.namespace}", *played.setup):
            heard = self._settled(line) if line.startswith("wait") else self.said(line)
            if heard.code:
                self.broken = f"{line}: {heard.err or heard.out}"
                return

    def _settled(self, line: str) -> Heard:
        """Wait also for what is not there yet: `kubectl wait` gives up at once on nothing."""
        deadline = time.monotonic() + LINE_S
        while (heard := self.said(line)).code and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return heard

    def _filled(self, text: str) -> str:
        for word, value in self._words.items():
            text = text.replace(word, value)
        return text

    def kubeconfig(self, user: str = "admin") -> Path:
        """Give the path of a kubeconfig: of the cluster's own user, of nobody, or of the service account `narrow`."""
        path = self.folder / f".{user}"
        if not path.exists():
            config = yaml.safe_load(yaml.safe_dump(self._config))
            config["contexts"][0]["context"]["namespace"] = self.namespace
            config["current-context"] = config["contexts"][0]["name"]
            if user == "stranger":
                config["users"][0]["user"] = {"token": "nobody-knows-this"}
            elif user != "admin":
                config["users"][0]["user"] = {"token": self.said(f"create token {user}").out.strip()}
            path.write_text(yaml.safe_dump(config))
        return path

    def said(self, line: str, *, user: str = "admin", typed: str = "") -> Heard:
        """Type one line."""
        words = shlex.split(self._filled(line))
        return run(self._program, self.kubeconfig(user), self.folder, words, self._filled(typed))

    def heard(self, case: Case) -> Heard:
        """Type the line of a case; give the answer with what may differ masked."""
        heard = self.said(case.line, user=case.user, typed=case.typed)
        return Heard(heard.code, self._shown(heard.out, case), self._shown(without_warnings(heard.err), case))

    def _shown(self, text: str, case: Case) -> str:
        return masked(text, self._names, case.masks)


def without_warnings(err: str) -> str:
    """Leave out what kubectl says about its own version, and the lines of its log, which carry its process number."""
    return "".join(
        line
        for line in err.splitlines(keepends=True)
        if not line.startswith("WARNING: version difference") and not LOGGED.match(line)
    )


def run(program: Path, kubeconfig: Path, folder: Path, words: list[str], typed: str = "") -> Heard:
    """Run kubectl once."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "KUBECACHEDIR")}
    done = subprocess.run(
        [program, "--kubeconfig", kubeconfig, *words],
        capture_output=True,
        text=True,
        errors="replace",
        input=typed,
        cwd=folder,
        env=kept | {"HOME": str(folder), "TZ": "UTC", "KUBE_EDITOR": "sed -i s/before/after/"},
        timeout=LINE_S,
        check=False,
    )
    return Heard(done.returncode, done.stdout, done.stderr)
