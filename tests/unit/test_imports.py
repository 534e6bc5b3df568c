"""The import contracts of pyproject.toml catch what they are for: each planted import fails the one that is named."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLANTED = [
    ("opsmodal/tabs/overview.py", "from opsmodal.fleet import Fleet", "What is open is reached through operations"),
    ("opsmodal/tabs/logs.py", "import opsmodal.registry.registry", "Tabs know operations and the web"),
    (
        "opsmodal/web/services.py",
        "import runtimes.kubernetes.api.client",
        "Engines and connections are opened in one place",
    ),
    ("opsmodal/web/respond.py", "from opsmodal.audit import Audit", "Rows of the audit log are written by the door"),
    ("opsmodal/web/registry.py", "from opsmodal.people.users import Users", "Pages change nothing by themselves"),
    ("opsmodal/web/usage.py", "import opsmodal.store.tables.people", "Tables are read by those who keep them"),
    ("opsmodal/operations/hits.py", "import runtimes.docker.open", "Engines and connections are opened in one place"),
    ("opsmodal/operations/people.py", "import opsmodal.web.asking", "Nothing in opsmodal knows what stands above it"),
    ("opsmodal/people/users.py", "import opsmodal.registry.registry", "Who somebody is, what is registered"),
    ("opsmodal/audit/heads.py", "import opsmodal.people.people", "Who somebody is, what is registered"),
    ("opsmodal/guard/line.py", "import subprocess", "The guard judges words, and reaches nothing"),
    ("opsmodal/guard/host.py", "import opsmodal.audit.redaction", "Nothing in opsmodal knows what stands above it"),
    ("opsmodal/store/keys.py", "import runtimes.base", "The store knows only what it stores"),
    ("opsmodal/demo/clock.py", "import runtimes.base", "The simulated cluster is a program of its own"),
    ("opsmodal/helpers.py", "", "Nothing in opsmodal knows what stands above it"),
    (
        "runtimes/kubernetes/pods/status.py",
        "import runtimes.kubernetes.instances.facet",
        "Kubernetes is read from the top",
    ),
    ("runtimes/memory.py", "import flask", "Runtimes and connectors know nothing of the web"),
    ("connectors/errors.py", "import runtimes.base", "The web application stands on runtimes"),
]


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sysconfig.get_path("scripts")) / "lint-imports"
    argv = [sys.executable, str(program), "--cache-dir", str(folder / ".cache")]
    # The copy must be found before the package that is installed.
    return subprocess.run(
        argv, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what the contracts are about; it keeps them as it stands."""
    folder = tmp_path_factory.mktemp("imports")
    for name in ("opsmodal", "runtimes", "connectors"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    done = linted(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize(("path", "line", "contract"), PLANTED)
def test_a_planted_import_fails_its_contract(copied: Path, path: str, line: str, contract: str) -> None:
    module = copied / path
    before = module.read_text() if module.exists() else None
    module.write_text(f"{before or '# nothing'}\n{line}\n")
    try:
        done = linted(copied)
    finally:
        module.write_text(before) if before is not None else module.unlink()
    broken = " ".join(done.stdout.partition("Broken contracts")[2].split())
    assert done.returncode == 1, done.stdout + done.stderr
    assert contract in broken


def test_every_way_around_a_contract_is_one_that_the_door_is_for() -> None:
    """`allow_indirect_imports` stands three times, each under a comment that says why."""
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    found = [number for number, line in enumerate(lines) if line.startswith("allow_indirect_imports")]
    assert len(found) == 3
    assert all(lines[number - 1].startswith("# ") for number in found)
