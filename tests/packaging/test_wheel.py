"""What `pip install` brings must be the whole house: programs, templates, static files and migrations."""

from __future__ import annotations

import json
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.conftest import HOUSE, call

PACKAGES = ("opsmodal", "runtimes", "connectors")
RENDERING = Path(__file__).with_name("rendering.py")

pytestmark = pytest.mark.timeout(600)  # an environment is built from nothing, perhaps without a cache


def shipped() -> set[str]:
    """Give what must be in the wheel, under the name that it has there."""
    listed = subprocess.run(["git", "-C", HOUSE, "ls-files"], check=False, capture_output=True, text=True, timeout=30)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: what belongs to the house is not known")
    there = [name for name in listed.stdout.splitlines() if (HOUSE / name).is_file()]
    packages = {name for name in there if name.split("/")[0] in PACKAGES}
    return packages | {f"opsmodal/{name}" for name in there if name.startswith("templates/")}


def test_the_wheel_has_every_file_of_the_packages_and_nothing_beside_them(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert shipped() - names == set()
    assert {name.split("/")[0] for name in names} == {
        *PACKAGES,
        *(name.split("/")[0] for name in names if ".dist-info/" in name),
    }


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in archive.namelist())


def test_the_sdist_has_the_tests_and_no_caches(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        folders = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {"opsmodal", "templates", "tests", "pyproject.toml", "LICENSE"} <= folders
    assert folders & {".venv", ".test-engines", ".mypy_cache", ".git"} == set()


def test_the_installed_program_says_what_it_can_do(installed: Path, empty: Path) -> None:
    said = call([installed / "opsmodal", "--help"], folder=empty)
    assert "demo" in said
    assert "serve" in said


def test_the_installed_server_has_the_worker_that_it_serves_with(installed: Path, empty: Path) -> None:
    # gunicorn's gevent worker imports packaging, which gunicorn 27 does not ask for; without it `serve` ends at once.
    call([installed / "python", "-I", "-c", "import gunicorn.workers.ggevent"], folder=empty)


@pytest.fixture(scope="module")
def rendered(installed: Path, empty: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(call([installed / "python", "-I", RENDERING], folder=empty))
    return answer


def test_every_template_compiles_where_it_is_installed(rendered: dict[str, Any]) -> None:
    assert rendered["template_root"] == f"{rendered['package']}/templates"
    in_checkout = {str(path.relative_to(HOUSE / "templates")) for path in (HOUSE / "templates").rglob("*.html")}
    assert set(rendered["templates"]) == in_checkout


def test_the_installed_application_answers_and_lets_nobody_in(rendered: dict[str, Any]) -> None:
    assert rendered["pages"] == {"/sign-in": 200, "/healthz": 200, "/services": 303}
    assert "site-packages" in rendered["package"]


def test_the_installed_application_serves_its_static_files(rendered: dict[str, Any]) -> None:
    assert "icon.svg" in rendered["static"]
    assert set(rendered["static"].values()) == {200}
