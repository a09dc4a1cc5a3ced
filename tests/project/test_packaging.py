"""What is declared, pinned and built is what the code needs, and nothing comes along with it."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING, Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.harness import ROOT
from tests.project.test_docs import script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DEPENDENCIES = [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]
DEVELOPMENT = [Requirement(line) for line in PYPROJECT["dependency-groups"]["dev"]]
CONSTRAINTS = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


# -- what is declared


def imported(*folders: str) -> Iterator[str]:
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield node.module or ""


OURS = {"benchmarks", "scripts", "tap_pinterest", "tests"}


def packages(*folders: str) -> set[str]:
    """The packages whose modules the files of some folders import."""
    modules = {name.partition(".")[0] for name in imported(*folders)}
    installed = packages_distributions()
    return {
        canonicalize_name(name)
        for module in modules - OURS - sys.stdlib_module_names
        for name in installed.get(module, ())
    }


def names(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(each.name) for each in requirements}


def test_what_is_imported_is_declared_and_no_more() -> None:
    assert packages("tap_pinterest") == names(DEPENDENCIES)


def test_what_development_imports_is_declared() -> None:
    assert packages("tests", "scripts", "benchmarks") <= names([*DEPENDENCIES, *DEVELOPMENT])


# -- what is pinned


def test_constraints_are_names_and_versions_and_nothing_else() -> None:
    for line in CONSTRAINTS:
        pin, _, marker = line.partition(" ; ")
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][A-Za-z0-9.!+]*", pin), line
        assert not marker or Marker(marker)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_constraints_have_one_version_of_each_package_that_is_declared(python: str) -> None:
    here = {"python_version": python, "python_full_version": f"{python}.0"}
    pins: dict[str, str] = {}
    for line in CONSTRAINTS:
        pin = Requirement(line)
        if not pin.marker or pin.marker.evaluate({**here, "sys_platform": "linux"}):
            assert pin.name not in pins
            pins[pin.name] = str(pin.specifier).removeprefix("==")
    for each in DEPENDENCIES + DEVELOPMENT:  # `make constraints` where one is missing
        assert each.specifier.contains(pins[canonicalize_name(each.name)]), each


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_name_actions_by_their_content(path: Path) -> None:
    used = re.findall(r"uses: *(.*)", path.read_text("utf-8"))
    assert used
    for each in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)


# -- what is built


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist and the wheel, built as `make build` does."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return folder


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "dist")


def problems(folder: Path, tag: str = "") -> str:
    return "\n".join(script("artifacts").problems(folder, tag))


def test_what_is_built_is_the_package_and_no_test(built: Path) -> None:
    assert problems(built) == ""
    version = PYPROJECT["project"]["version"]
    assert problems(built, f"v{version}") == ""
    wheel = zipfile.ZipFile(next(built.glob("*.whl"))).namelist()
    with tarfile.open(next(built.glob("*.tar.gz"))) as file:
        sdist = file.getnames()
    for names, root in ((wheel, ""), (sdist, f"tap_pinterest-{version}/")):
        assert not [name for name in names if "test" in name]
        for part in ("schemas/organic/pin.json", "landing.html", "py.typed"):
            assert f"{root}tap_pinterest/{part}" in names


def test_wheel_runs_by_itself(built: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(next(built.glob("*.whl"))).extractall(tmp_path)
    command = [sys.executable, "-m", "tap_pinterest", "--discover"]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "TAP_PINTEREST_ACCESS_TOKEN": "x",
    }
    said = subprocess.check_output(command, env=environment, cwd=tmp_path, text=True)
    assert {each["tap_stream_id"] for each in json.loads(said)["streams"]} >= {"boards", "pins"}


@pytest.mark.parametrize(
    ("name", "said"),
    [("tests/test_x.py", "not belong there: tests/test_x.py"), ("tap_pinterest/.env", "/.env")],
)
def test_a_file_too_many_in_a_wheel_is_told(copy: Path, name: str, said: str) -> None:
    with zipfile.ZipFile(next(copy.glob("*.whl")), "a") as wheel:
        wheel.writestr(name, "x")
    assert said in problems(copy)


@pytest.mark.parametrize("part", ["schemas/organic/pin.json", "landing.html", "py.typed"])
def test_a_file_that_a_wheel_lacks_is_told(copy: Path, part: str) -> None:
    path = next(copy.glob("*.whl"))
    whole = zipfile.ZipFile(path)
    contents = {name: whole.read(name) for name in whole.namelist() if not name.endswith(part)}
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in contents.items():
            wheel.writestr(name, content)
    assert problems(copy) == f"The wheel lacks tap_pinterest/{part}."


def test_metadata_that_an_index_refuses_is_told(copy: Path) -> None:
    path = next(copy.glob("*.whl"))
    whole = zipfile.ZipFile(path)
    contents = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in contents.items():
            wheel.writestr(name, content.replace(b"\nVersion: ", b"\nVersion: one "))
    assert "The wheel has metadata that is not valid: 'one " in problems(copy)


def test_what_else_lies_there_is_told(copy: Path) -> None:
    (copy / "tap_pinterest-0.0.1.tar.gz").touch()
    assert "tap_pinterest-0.0.1.tar.gz" in problems(copy)


def test_a_tag_of_another_version_is_told(copy: Path) -> None:
    assert problems(copy, "v99.0").startswith("The tag is v99.0, and the version in pyproject.toml")
