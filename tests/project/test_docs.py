"""The documents say what the code does: tables, commands, links, and the example of a new stream."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import ROOT, discover

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def script(name: str) -> Any:
    """A module of scripts/."""
    spec = importlib.util.spec_from_file_location(
        f"scripts_{name}", ROOT / "scripts" / f"{name}.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_tables_and_settings_are_those_of_the_classes(capsys: pytest.CaptureFixture[str]) -> None:
    assert script("docs").main(["--check"]) == 0, capsys.readouterr().out


def test_generated_part_is_replaced_and_kept_in_its_place() -> None:
    filled = script("docs").filled
    text = "a\n  # begin: x (y)\n  old\n  # end: x\nb\n"
    assert filled(text, "x", ["new", "", "new"]) == (
        "a\n  # begin: x (y)\n  new\n\n  new\n  # end: x\nb\n"
    )
    with pytest.raises(ValueError, match="begin: z"):
        filled(text, "z", [])


def anchors(path: Path) -> set[str]:
    """What a link into a document may name: its headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each).strip().lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if not link.startswith("https://"):
            name, _, anchor = link.partition("#")
            target = path.parent / name if name else path
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = re.findall(
        r"(?:`|^)make ((?:[A-Z]+=\S+ )*)([a-z]+)", path.read_text("utf-8"), re.MULTILINE
    )
    assert {target for _, target in named} <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_environment_variables_are_settings(path: Path) -> None:
    names = {name.upper() for name in script("docs").settings()} | {"_SELECT"}
    assert set(re.findall(r"TAP_PINTEREST_([A-Z_]*[A-Z])", path.read_text("utf-8"))) <= names


def test_changelog_begins_with_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    first = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert first
    assert first[1] == version


# -- CONTRIBUTING's examples of a stream


def blocks(path: str) -> list[tuple[str, str]]:
    """What CONTRIBUTING.md says of a file: kind and text of the blocks below its name."""
    found = re.search(
        rf"^`{re.escape(path)}`:\n\n((?:```.*?^```\n\n?)+)", CONTRIBUTING, re.MULTILINE | re.DOTALL
    )
    assert found, path
    return re.findall(r"```(\w+)\n(.*?)```", found[1], re.DOTALL)


@pytest.fixture
def without(tmp_path: Path) -> Path:
    """A copy of the code from which the steps of CONTRIBUTING.md are taken."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tap_pinterest", tmp_path / "tap_pinterest", ignore=ignored)
    for path in re.findall(r"^`([\w/]+\.\w+)`:$", CONTRIBUTING, re.MULTILINE):
        for kind, block in blocks(path):
            text = (ROOT / path).read_text("utf-8")
            assert text.count(block) == 1, f"{path} differs from what CONTRIBUTING.md shows"
            if kind == "json":
                assert block == text
                (tmp_path / path).unlink()
            elif path.startswith("tap_pinterest/"):
                assert len([line for line in block.splitlines() if line.strip()]) <= 10
                (tmp_path / path).write_text(text.replace(block, ""), "utf-8")
    return tmp_path


def test_a_stream_is_what_contributing_shows_and_nothing_else(without: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tap_pinterest", "--discover"],
        cwd=without,
        env=os.environ | {"PYTHONPATH": str(without)},
        capture_output=True,
        check=True,
    )
    found = {entry["tap_stream_id"]: entry for entry in json.loads(done.stdout)["streams"]}
    whole = {entry["tap_stream_id"]: entry for entry in discover()["streams"]}
    assert whole.keys() - found.keys() == {"media", "order_lines"}
    assert all(entry == whole[name] for name, entry in found.items())
