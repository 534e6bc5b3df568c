"""Write down what a real cluster answers: `python -m tests.conformance.record KUBECONFIG [TOPIC …]`.

For whoever adds a case: give it an id and a line, record, and read what was written before it is committed. Cases that
are compared by `has` keep what a person wrote; a case that is not for real clusters is left alone.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.cases import FOLDER, case, names
from tests.conformance.playing import difference, matches
from tests.conformance.stage import Set, Stage
from tests.engines.kubectl import find_kubectl

BY_HAND = ("has",)


class Blocks(yaml.SafeDumper):
    """Texts of several lines are written as they are."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Blocks.add_representer(str, _text)


def record(on: Set, topic_name: str, row: dict[str, Any]) -> None:
    """Fill in one case."""
    wanted = case(topic_name, row["id"])
    if not wanted.real:
        return
    deadline = time.monotonic() + wanted.within_s
    while difference(wanted, heard := on.heard(wanted)) and time.monotonic() < deadline:
        time.sleep(0.25)
    found = {"code": heard.code, "out": heard.out, "err": heard.err}
    if wanted.match in BY_HAND:
        found.pop("out")
        if not matches(wanted.out, heard.out, wanted.match):
            sys.stderr.write(f"{topic_name}/{wanted.id} has not what was written:\n{heard.out}\n")
    for name, value in found.items():
        row.pop(name, None)
        if value:
            row[name] = value


def main(kubeconfig: str, topics: list[str]) -> None:
    """Play topics and write their files anew."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("KUBECACHEDIR", f"{folder}/cache")
        stage = Stage(find_kubectl(), Path(kubeconfig).read_text(), Path(folder))
        try:
            for name in topics or names():
                path = FOLDER / f"{name}.yaml"
                document = yaml.safe_load(path.read_text())
                on = stage.of(name)
                for row in document["cases"]:
                    record(on, name, row)
                path.write_text(yaml.dump(document, Dumper=Blocks, sort_keys=False, width=110, allow_unicode=True))
        finally:
            stage.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
