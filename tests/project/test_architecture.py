"""ARCHITECTURE.md: a paragraph per file, and arrows that point down only."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tap_pinterest.streams import STREAMS
from tests.harness import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "tap_pinterest"
TEXT = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
FILES = {
    path.relative_to(ROOT / PACKAGE).as_posix(): path for path in (ROOT / PACKAGE).rglob("*.py")
}

PLACES = {
    place: {name.strip("` ") for name in names.split(",") if name.strip("` ")}
    for place, names in re.findall(r"^\| `([\w/.]+)` \| ([^|]*) \|$", TEXT, re.MULTILINE)
}
"""What each place (a folder, or a file beside them) may import, from the table, top to bottom."""


def place_of(file: str) -> str:
    """The folder that a file is in, or the file itself where it is in none."""
    folder, _, rest = file.partition("/")
    return f"{folder}/" if rest else folder


def file_of(module: str) -> str | None:
    """The file of a module, or of the module that a name is imported from."""
    while module.startswith(PACKAGE):
        stem = module.removeprefix(PACKAGE).lstrip(".").replace(".", "/")
        for path in (f"{stem}.py", f"{stem}/__init__.py".lstrip("/")):
            if path in FILES:
                return path
        module = module.rpartition(".")[0]
    return None


@cache
def tree(file: str) -> ast.Module:
    return ast.parse(FILES[file].read_text("utf-8"))


def imports(file: str) -> set[str]:
    """The files of the package that a file imports, wherever it does so and for whatever."""
    modules: list[str] = []
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: relative imports are not used here"
            modules += [f"{node.module}.{alias.name}" for alias in node.names]
    return {found for module in modules if (found := file_of(module))}


def test_the_table_has_every_place() -> None:
    assert set(PLACES) == set(map(place_of, FILES))


@pytest.mark.parametrize("file", sorted(FILES))
def test_a_sentence_tells_what_the_file_is_for(file: str) -> None:
    sentences = re.findall(
        rf"^(?:- )?\*\*`{re.escape(file)}`\*\* (.+?)(?=\n\n|\n- |\Z)",
        TEXT,
        re.MULTILINE | re.DOTALL,
    )
    assert len(sentences) == 1
    assert len(sentences[0].split()) > 5


@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_place_imports_what_the_table_says(place: str) -> None:
    files = [file for file in FILES if place_of(file) == place]
    found = {other for file in files for other in map(place_of, imports(file))} - {place}
    assert found <= PLACES[place], f"{place} imports {found - PLACES[place]}"
    assert found == PLACES[place], f"{place} does not import {PLACES[place] - found} any more"


def test_arrows_point_down() -> None:
    order = list(PLACES)
    up = [
        f"{place} -> {other}"
        for number, place in enumerate(order)
        for other in PLACES[place]
        if other not in order[number + 1 :]
    ]
    assert up == []


def below_the_streams() -> Iterator[str]:
    order = list(PLACES)
    below = order[order.index("streams/") + 1 :]
    return (file for file in sorted(FILES) if place_of(file) in below)


@pytest.mark.parametrize("file", list(below_the_streams()))
def test_nothing_below_the_streams_knows_one_by_name(file: str) -> None:
    names = {stream.declared_name() for stream in STREAMS}
    classes = {stream.__name__ for stream in STREAMS}
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert node.value not in names, f"line {node.lineno}: {node.value!r}"
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            assert name not in classes, f"line {node.lineno}: {name}"


@pytest.mark.parametrize("file", sorted(FILES))
def test_no_file_and_no_class_is_too_long_to_be_read_at_once(file: str) -> None:
    assert len(FILES[file].read_text("utf-8").splitlines()) <= 400
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.ClassDef):
            assert (node.end_lineno or 0) - node.lineno < 200, node.name


def at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only the type checker sees."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING"):
            yield child
            yield from at_run_time(child)


def test_one_file_is_the_way_out_to_the_network() -> None:
    clients = {"requests", "urllib3", "http.client", "urllib.request", "socket", "aiohttp", "httpx"}
    reaching = {
        file
        for file in FILES
        for node in at_run_time(tree(file))
        if isinstance(node, ast.Import) and clients & {alias.name for alias in node.names}
    }
    assert reaching == {"network/http.py"}
