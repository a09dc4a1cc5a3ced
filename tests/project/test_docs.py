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
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from tests.harness import ROOT, Run, config_for, files

if TYPE_CHECKING:
    from tests.pinterest_api import Simulator

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


# -- CONTRIBUTING's example of a new stream


def blocks(path: str) -> list[tuple[str, str]]:
    """What CONTRIBUTING.md says of a file: kind and text of the blocks below its name."""
    found = re.search(
        rf"^`{re.escape(path)}`:\n\n((?:```.*?^```\n\n?)+)", CONTRIBUTING, re.MULTILINE | re.DOTALL
    )
    assert found, path
    return re.findall(r"```(\w+)\n(.*?)```", found[1], re.DOTALL)


def patched(text: str, diff: str) -> str:
    """The text with a difference applied that has no line numbers."""
    lines = diff.splitlines()
    old = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
    new = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
    assert text.count(old) == 1, f"these lines are not there exactly once:\n{old}"
    return text.replace(old, new)


def follow_steps(root: Path) -> None:
    """Do to a copy of the code what CONTRIBUTING.md says."""
    for path in re.findall(r"^`([\w/]+\.\w+)`:$", CONTRIBUTING, re.MULTILINE):
        file = root / path
        for kind, block in blocks(path):
            old = file.read_text("utf-8") if file.exists() else ""
            if kind == "json":
                assert not old, f"{path} exists: choose another example"
            if path.startswith("tests/"):
                assert block in old, f"{path} differs from what CONTRIBUTING.md shows"
                continue
            new = patched(old, block) if kind == "diff" else f"{old}\n\n{block}" if old else block
            file.write_text(new, "utf-8")


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the code with the example's stream."""
    for folder in ("tap_pinterest", "tests/pinterest_api", "scripts"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    follow_steps(tmp_path)
    return tmp_path


def run_there(root: Path, *args: str) -> Run:
    done = subprocess.run(
        [sys.executable, *args],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        check=False,
    )
    return Run(done.stdout, done.stderr.decode(), done.returncode)


def test_a_new_stream_is_a_schema_and_ten_lines(example: Path, sim: Simulator) -> None:
    ((_, block),) = blocks("tap_pinterest/streams/organic.py")
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    assert (example / "tap_pinterest/schemas/organic/ad_account.json").exists()
    discovered = run_there(example, "-m", "tap_pinterest", "--discover").ok()
    catalog = json.loads(discovered.stdout)
    for entry in catalog["streams"]:
        for meta in entry["metadata"]:
            if not meta["breadcrumb"]:
                meta["metadata"]["selected"] = entry["tap_stream_id"] == "ad_accounts"
    args = files(example, config=config_for(sim, {}), catalog=catalog)
    run = run_there(example, "-m", "tap_pinterest", *args).ok()
    assert run.records("ad_accounts") == [
        account
        | {
            name: account[name] and f"{datetime.fromtimestamp(account[name], UTC):%FT%TZ}"
            for name in ("created_time", "updated_time")
        }
        for account in sim.world.all_ad_accounts()
    ]
    schema = run.schemas["ad_accounts"]
    assert schema["key_properties"] == ["id"]
    for record in run.records("ad_accounts"):
        Draft7Validator(schema["schema"]).validate(record)
    assert run.warnings == []
    assert set(sim.paths()) == {"/v5/ad_accounts"}


@pytest.mark.skipif(not os.environ.get("SPEC"), reason="SPEC names no description of the API")
def test_the_new_streams_schema_fits_the_description(example: Path) -> None:
    spec = str(Path(os.environ["SPEC"]).resolve())
    run = run_there(example, "scripts/contract.py", spec)
    assert "\norganic/ad_account: fits\n" in run.stdout.decode(), run.stdout.decode()
