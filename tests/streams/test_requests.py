"""Every request is valid by the API description, whatever the settings.

The description is not part of the project: the environment variable SPEC names the file.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from tests.harness import ALL, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Everything
    from tests.pinterest_api import Simulator

SPEC = os.environ.get("SPEC")

OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": {
        "search_queries": ["kitchen & bath?", "été 🌿", '"a"+b%20c#d/e', " a "],
        "board_privacy": "PUBLIC_AND_SECRET",
        "following_feed_type": "RANKED_CREATOR_ONLY",
        "explicit_following": True,
        "pin_metrics": True,
        "include_protected_pins": False,
    },
    "restricted": {
        "board_privacy": "SECRET",
        "board_ids": ["100000000000000007", "99"],
        "search_queries": ["x"],
        "following_feed_type": "CREATOR_ONLY",
    },
    "as another": {"ad_account_id": "OTHER", "search_queries": ["y"], "board_privacy": "PROTECTED"},
}


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    if not SPEC or not Path(SPEC).is_file():
        pytest.skip("no API description: set SPEC to its path to check every request against it")
    return json.loads(Path(SPEC).read_text("utf-8"))


class Description:
    """Looks requests up in an OpenAPI description."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.paths = {
            re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(path)) + r"\Z"): path
            for path in sorted(document["paths"], key=lambda path: path.count("{"))
        }

    def resolved(self, node: Any) -> Any:
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for key in node["$ref"].split("/")[1:]:
                target = target[key]
            node = target
        return node

    def problems(self, method: str, path: str, query: list[tuple[str, str]]) -> list[str]:
        """Everything about a request that the description does not allow."""
        template, parts = self._find(path)
        if template is None:
            return [f"no such path {path}"]
        item = self.document["paths"][template]
        operation = item.get(method.lower())
        if operation is None:
            return [f"{template} has no {method}"]
        declared = {}
        for stated in [*item.get("parameters", ()), *operation.get("parameters", ())]:
            parameter = self.resolved(stated)
            declared[parameter["in"], parameter["name"]] = parameter
        given: dict[tuple[str, str], list[str]] = {}
        for name, value in zip(re.findall(r"\{(\w+)\}", template), parts, strict=True):
            given["path", name] = [value]
        for name, value in query:
            given.setdefault(("query", name), []).append(value)
        found = [f"unknown parameter {key}" for key in given.keys() - declared.keys()]
        for key, parameter in declared.items():
            if key in given:
                found += self._mismatch(parameter, given[key])
            elif parameter.get("required") and parameter["in"] in ("path", "query"):
                found.append(f"missing parameter {key}")
        return found

    def _find(self, path: str) -> tuple[str | None, tuple[str, ...]]:
        for pattern, template in self.paths.items():
            if match := pattern.match(path):
                return template, match.groups()
        return None, ()

    def _mismatch(self, parameter: dict[str, Any], values: list[str]) -> list[str]:
        schema = self._plain(parameter["schema"])
        name = parameter["name"]
        if schema.get("type") == "array":
            explode = parameter.get("explode", parameter.get("style", "form") == "form")
            items = values if explode else values[0].split(",")
            if not explode and len(values) > 1:
                return [f"{name}: a comma-separated list given {len(values)} times"]
            value: Any = [self._typed(self._plain(schema["items"]), item) for item in items]
        elif len(values) > 1:
            return [f"{name}: given {len(values)} times"]
        else:
            value = self._typed(schema, values[0])
        return [f"{name}: {e.message}" for e in Draft7Validator(schema).iter_errors(value)]

    def _plain(self, schema: Any) -> dict[str, Any]:
        schema = dict(self.resolved(schema))
        for part in schema.pop("allOf", ()):
            schema = {**self._plain(part), **schema}
        if "oneOf" in schema:  # some of its choices overlap, which the API does not mind
            schema["anyOf"] = [self._plain(choice) for choice in schema.pop("oneOf")]
        if "items" in schema:
            schema["items"] = self._plain(schema["items"])
        return schema

    @staticmethod
    def _typed(schema: dict[str, Any], text: str) -> Any:
        kind = schema.get("type")
        if kind in ("integer", "number") and re.fullmatch(r"-?\d+", text):
            return int(text)
        if kind == "boolean" and text in ("true", "false"):
            return text == "true"
        return text


@pytest.fixture(scope="module")
def description(spec: dict[str, Any]) -> Description:
    return Description(spec)


def test_the_check_finds_what_is_wrong(description: Description) -> None:
    wrong = [
        ("GET", "/nowhere", [], "no such path"),
        ("POST", "/user_account", [], "has no POST"),
        ("GET", "/boards", [("page_size", "251")], "greater than the maximum"),
        ("GET", "/boards", [("privacy", "all")], "is not one of"),
        ("GET", "/boards", [("boards", "1")], "unknown parameter"),
        ("GET", "/boards", [("page_size", "1"), ("page_size", "2")], "given 2 times"),
        ("GET", "/boards", [("ad_account_id", "x")], "does not match"),
        ("GET", "/boards/abc/pins", [], "does not match"),
        ("GET", "/search/pins", [], "missing parameter"),
        ("GET", "/search/pins", [("query", "a"), ("page_size", "5")], "unknown parameter"),
        ("GET", "/user_account/followers", [("ad_account_id", "1")], "unknown parameter"),
        ("GET", "/pins", [("pin_metrics", "True")], "is not of type"),
        ("GET", "/pins", [("creative_types", "REGULAR,VIDEO")], "is not one of"),
    ]
    rebuilt = "rebuilt" in description.document["info"]["title"]  # from a client: no patterns
    for method, path, query, what in wrong:
        if rebuilt and what == "does not match":
            continue
        problems = description.problems(method, path, query)
        assert any(what in problem for problem in problems), (path, query, problems)
    assert description.problems("GET", "/boards/12/pins", [("creative_types", "REGULAR")]) == []


@pytest.mark.parametrize("name", OPTIONS)
def test_every_request_is_valid(
    simulate: Callable[..., Simulator], description: Description, name: str
) -> None:
    sim = simulate(boards=3, pins_per_board=[2, 251, 0], followers=260, empty_pages=3)
    options = {"start_days_back": 5, "end_days_back": 2, **OPTIONS[name]}
    if "ad_account_id" in options:
        options["ad_account_id"] = list(sim.world.accounts)[-1]
    run = run_tap(sim, select=ALL, **options)
    assert len(sim.requests) > 10, run.log
    for seen in sim.requests:
        problems = description.problems(seen.method, seen.path.removeprefix("/v5"), seen.query)
        assert problems == [], f"{seen.method} {seen.path} {seen.query}"
        assert seen.status not in (400, 404, 405) or "/99/" in seen.path, (
            f"{seen.path} {seen.query}"
        )


def test_lists_are_asked_for_in_the_largest_pages(everything: Everything) -> None:
    without = {"/v5/user_account", "/v5/search/pins", "/v5/user_account/businesses"}
    other = re.compile("analytics|/conversion_tags$")
    listed = [s for s in everything.requests if s.path not in without and not other.search(s.path)]
    assert len({seen.path for seen in listed}) > 8
    assert {seen.params().get("page_size") for seen in listed} == {"250"}


def test_requests_say_who_asks(sim: Simulator) -> None:
    run_tap(sim, select=["account", "boards"])
    for seen in sim.requests:
        assert seen.headers["User-Agent"].startswith("tap-pinterest/")
        assert seen.headers["Accept"] == "application/json"
        assert "gzip" in seen.headers["Accept-Encoding"]


def test_everything_goes_through_kept_connections(simulate: Callable[..., Simulator]) -> None:
    sim = simulate(boards=60, pins_per_board=1)
    ports = set()
    original = sim._handle

    async def handle(request: Any) -> Any:
        ports.add(request.transport.get_extra_info("peername"))
        return await original(request)

    sim._handle = handle  # type: ignore[method-assign]
    sim.stop()
    sim.start()
    run_tap(sim, select=["boards", "board_pins"], max_concurrency=4).ok()
    assert len(sim.requests) > 60
    assert len(ports) <= 5
