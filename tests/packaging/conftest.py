"""The distribution as a user gets it: built from the checkout, installed with its dependencies and nothing else."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]
BUILD_S = 300.0


def call(argv: Sequence[str | Path], *, folder: Path) -> str:
    """Run a program in an empty folder, so that nothing of the checkout is imported, and give what it prints."""
    done = subprocess.run([*map(str, argv)], check=False, capture_output=True, text=True, timeout=BUILD_S, cwd=folder)
    assert done.returncode == 0, f"{argv}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("empty")


@pytest.fixture(scope="session")
def built(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder with the sdist and the wheel that was built out of the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    call([sys.executable, "-m", "build", "--outdir", folder, HOUSE], folder=empty)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(built: Path) -> Path:
    (found,) = built.glob("*.tar.gz")
    return found


@pytest.fixture(scope="session")
def installed(wheel: Path, empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the programs' folder of an environment that has the wheel and what it depends on, and nothing else."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    venv.create(folder, with_pip=True)
    call([folder / "bin/python", "-m", "pip", "install", "--quiet", wheel], folder=empty)
    return folder / "bin"
