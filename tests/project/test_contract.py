"""The contract script: against a small description, and against Pinterest's own."""

import copy
import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

from tap_pinterest.records.shape import Shape
from tests.unit.test_schemas import EACH, ROOT, SCHEMAS, assert_valid, nodes


def load_contract():
    """Import the script, which lives outside the package."""
    spec = importlib.util.spec_from_file_location("contract", ROOT / "scripts" / "contract.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


contract = load_contract()


# The contract script, against a small description with each of the constructs it has to see through


def obj(**properties):
    return {"type": "object", "properties": properties}


def ref(name, kind="schemas"):
    return {"$ref": f"#/components/{kind}/{name}"}


def listed(items):
    return {"type": "array", "items": items}


def mapped(values):
    return {"type": "object", "additionalProperties": values}


def answer(schema, *parameters):
    content = {"application/json": {"schema": schema}}
    return {"get": {"parameters": list(parameters), "responses": {"200": {"content": content}}}}


TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
TIME = TEXT | {"format": "date-time"}
KIND = {"allOf": [ref("Kind")], "nullable": True}
ALTERNATIVES = [ref("Photo"), ref("Movie")]
METRICS = listed({"oneOf": [{"enum": ["VIEW", "TOTAL_COMMENTS"]}, {"enum": ["VIEW", "SAVE"]}]})
DESCRIPTION = {
    "info": {"title": "Small", "version": "1"},
    "paths": {
        "/things": answer({"allOf": [ref("Page"), obj(items={"items": ref("Thing")})]}),
        "/days": answer(
            mapped(mapped(obj(daily=listed(ref("Day")), lifetime_metrics=mapped(WHOLE)))),
            {"name": "metric_types", "schema": METRICS},
            ref("source", "parameters"),
        ),
        "/list": answer(listed(ref("Photo"))),
    },
    "components": {
        "parameters": {"source": {"name": "source", "schema": TEXT}},
        "schemas": {
            "Page": obj(bookmark=TEXT | {"nullable": True}, items=listed({"type": "object"})),
            "Base": obj(id=TEXT, size=WHOLE, made=TIME),
            "Kind": TEXT | {"enum": ["A", "B"]},
            "Photo": obj(kind=TEXT, px=WHOLE),
            "Movie": obj(kind=TEXT, parts=listed({"anyOf": [ref("Photo"), ref("Base")]})),
            "Thing": {"allOf": [ref("Base")]}
            | obj(
                kind=KIND,
                media={"discriminator": {"propertyName": "kind"}, "oneOf": ALTERNATIVES},
                tags=listed(TEXT),
                open={"type": "object"},
                free={"title": "has no type"},
                parent=ref("Thing"),
            ),
            "Day": obj(date=TEXT, metrics=mapped(NUMBER), data_status=mapped(TEXT)),
        },
    },
}


def nullable(kind, **more):
    return {"type": [kind, "null"], **more}


PHOTO = {"kind": nullable("string"), "px": nullable("integer")}
BASE = {
    "id": {"type": "string"},
    "size": nullable("integer"),
    "made": nullable("string", format="date-time"),
}
PARTS = nullable("array", items=nullable("object", properties=PHOTO | BASE))
OURS = {
    "thing": BASE
    | {
        "url": nullable("string"),
        "kind": nullable("string"),
        "media": nullable("object", properties=PHOTO | {"parts": PARTS}),
        "tags": nullable("array", items=nullable("string")),
        "open": nullable("object", properties={"seen": nullable("string")}),
        "free": nullable("number"),
    },
    "day": {
        "source": {"type": "string"},
        "date": {"type": "string", "format": "date"},
        "view": nullable("number"),
        "save": nullable("number"),
        "view_status": nullable("string"),
        "save_status": nullable("string"),
    },
    "total": {"total_comments": nullable("integer")},
    "photo": PHOTO,
}
RECORDS = {
    "thing": contract.Record(("/things",), added=("url",), skipped=frozenset({"parent"})),
    "day": contract.Record(("/days",), ("daily",)),
    "total": contract.Record(("/days",), ("",), (), frozenset({"daily", "source"})),
    "photo": contract.Record(("/list",), ("",)),
}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Run the script on the small description; the test may change files, streams, description."""
    folder = tmp_path / "schemas"
    folder.mkdir()
    schemas, description = copy.deepcopy((OURS, DESCRIPTION))
    monkeypatch.setattr(contract, "SCHEMAS", folder)
    monkeypatch.setattr(contract, "RECORDS", RECORDS)
    monkeypatch.setattr(contract, "STREAMS", streams := [])

    def run(*more):
        for name, properties in schemas.items():
            schema = {"type": "object", "properties": properties}
            (folder / f"{name}.json").write_text(json.dumps(schema))
        (tmp_path / "openapi.json").write_text(json.dumps(description))
        return contract.main([str(tmp_path / "openapi.json"), *more])

    run.schemas, run.description, run.streams = schemas, description, streams
    return run


def said(capsys):
    """The findings that were printed: kind and field."""
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line[:2] == "  "]
    return {(kind, where.rstrip(":")) for kind, where, *_ in lines}


def test_contract_is_content_when_all_fits(small, capsys):
    assert small() == 0
    assert "1, 4 schema files: no differences" in capsys.readouterr().out.splitlines()[-1]


def holder(schema, where):
    """The properties among which a field stands, and its name."""
    *above, name = where.replace("[]", ".[]").split(".")
    for step in above:
        schema = schema["items"] if step == "[]" else schema["properties"][step]
    return schema["properties"], name


@pytest.mark.parametrize(
    ("file", "field"),
    [
        ("thing", "id"),  # from allOf
        ("thing", "kind"),  # beside allOf
        ("thing", "media.px"),  # from the first of oneOf
        ("thing", "media.parts"),  # from the second
        ("thing", "media.parts[].px"),
        ("thing", "media.parts[].made"),
        ("day", "view"),  # from both alternatives of the parameter
        ("day", "save"),  # from the second
        ("day", "save_status"),
        ("day", "source"),  # a parameter
        ("total", "total_comments"),
        ("photo", "px"),
    ],
)
def test_contract_reports_a_missing_field(small, capsys, file, field):
    properties, name = holder({"properties": small.schemas[file]}, field)
    del properties[name]
    assert small() == 1
    assert said(capsys) == {("missing", field)}


@pytest.mark.parametrize(
    ("field", "schema", "retyped"),
    [
        ("thing.size", nullable("number"), "size"),
        ("thing.size", nullable("string"), "size"),
        ("thing.id", {"type": "integer"}, "id"),
        ("thing.kind", {"type": "string"}, "kind"),  # the API's null stands beside allOf
        ("thing.made", nullable("string"), "made"),
        ("thing.media", nullable("array", items=nullable("object")), "media"),
        ("thing.tags", nullable("array", items=nullable("integer")), "tags[]"),
        ("thing.tags", nullable("array"), "tags[]"),
        ("day.save", nullable("integer"), "save"),
        ("day.view_status", nullable("number"), "view_status"),
        ("total.total_comments", nullable("number"), "total_comments"),
    ],
)
def test_contract_reports_a_retyped_field(small, capsys, field, schema, retyped):
    file, name = field.split(".")
    small.schemas[file][name] = schema
    assert small() == 1
    assert said(capsys) == {("retyped", retyped)}


def test_contract_reports_types_on_which_alternatives_disagree(small, capsys):
    small.description["components"]["schemas"]["Movie"]["properties"]["kind"] = {"type": "integer"}
    assert small() == 1
    assert said(capsys) == {("retyped", "media.kind")}


def test_contract_reports_a_new_metric_and_a_new_parameter(small, capsys):
    operation = small.description["paths"]["/days"]["get"]
    operation["parameters"][0]["schema"]["items"]["oneOf"][0]["enum"] = [
        "VIEW",
        "CLICK",
        "TOTAL_COMMENTS",
    ]
    operation["parameters"].append({"name": "split", "schema": {"type": "string"}})
    assert small() == 1
    assert said(capsys) == {
        ("missing", "click"),
        ("missing", "click_status"),
        ("missing", "split"),
    }


def test_contract_only_tells_what_the_description_lacks(small, capsys):
    small.schemas["thing"]["extra"] = nullable("string")
    small.schemas["thing"]["media"]["properties"]["more"] = nullable("string")
    assert small() == 0
    assert said(capsys) == {("undescribed", "extra"), ("undescribed", "media.more")}


def test_contract_reports_what_it_could_not_compare(small, capsys):
    del small.description["paths"]["/list"]
    small.description["paths"]["/things"] = answer({"$ref": "#/components/schemas/Photo"})
    small.schemas["new"] = {}
    del small.schemas["total"]
    assert small() == 1
    assert said(capsys) == {
        ("gone", "GET"),  # /list and /things
        ("unchecked", "new.json"),
        ("unchecked", "total.json"),
    }


def test_contract_survives_schemas_that_contain_themselves(small, capsys):
    photo = small.description["components"]["schemas"]["Photo"]
    photo["properties"] |= {"twin": ref("Photo"), "parts": listed(ref("Photo")), "deep": KIND}
    assert small() == 1
    assert ("missing", "deep") in said(capsys)


def test_contract_looks_into_places_that_one_release_has_and_skips_paths(
    small, monkeypatch, capsys
):
    record = contract.Record(
        ("/things",), ("items", "items.media.parts", "items.not.there"), skipped=frozenset({"open"})
    )
    monkeypatch.setattr(contract, "RECORDS", RECORDS | {"thing": record})
    assert small() == 1
    assert said(capsys) == {("missing", "px"), ("missing", "parent"), ("undescribed", "url")}
    small.schemas["thing"] |= {"px": nullable("integer")}
    del small.schemas["thing"]["media"]["properties"]["parts"]
    skipped = record.skipped | {"media.parts", "parent"}
    monkeypatch.setattr(
        contract, "RECORDS", RECORDS | {"thing": record._replace(skipped=skipped, added=("url",))}
    )
    assert small() == 0
    small.description["paths"]["/things"] = small.description["paths"]["/list"]
    assert small() == 1
    assert ("gone", "GET") in said(capsys)


class Listed:
    record_type, primary_keys, parent_fields = "listed", ("kind",), {"thing_id": "id"}
    path = "/things/{thing_id}/photos"


def test_contract_looks_up_a_plain_list_by_the_path_of_its_stream(small, capsys):
    small.streams.append(Listed)
    small.schemas["listed"] = PHOTO | {"thing_id": nullable("string")}
    small.description["paths"]["/things/{id}/photos"] = small.description["paths"]["/list"]
    assert small() == 0
    small.description["paths"]["/things/{id}/photos"] = small.description["paths"]["/things"]
    assert small() == 1
    assert ("missing", "tags") in said(capsys)


def test_contract_takes_a_time_for_what_the_api_sends_as_a_number(small, capsys):
    small.schemas["photo"]["px"] = nullable("string", format="date-time")
    small.schemas["thing"]["media"]["properties"]["px"] = nullable("string", format="date-time")
    assert small() == 0
    small.schemas["photo"]["kind"] = nullable("string", format="date")
    assert small() == 0


def test_contract_writes_a_first_schema(small, tmp_path, capsys):
    base = small.description["components"]["schemas"]["Base"]["properties"]
    base |= {"made_at": WHOLE, "free_form": mapped(TEXT), "either": {"type": ["integer", "number"]}}
    base |= {"which": {"type": "string", "enum": ["A"], "pattern": "A", "description": "theirs"}}
    assert small("--write", "corner/thing", "/things") == 0
    file = tmp_path / "schemas" / "corner" / "thing.json"
    text = file.read_text()
    written = json.loads(text)
    assert [*written["properties"]] == ["id", *sorted(written["properties"].keys() - {"id"})]
    assert written["properties"]["id"] == {"type": "string"}
    for name, field in {
        "made": nullable("string", format="date-time"),
        "made_at": nullable("string", format="date-time"),
        "size": nullable("integer"),
        "either": nullable("number"),
        "which": nullable("string"),
        "free": nullable("string"),
        "free_form": nullable("object", properties={}, additionalProperties=True),
        "tags": nullable("array", items=nullable("string")),
    }.items():
        assert written["properties"][name] == field
    assert written["properties"]["media"]["additionalProperties"] is True
    assert '    "kind": { "type": ["string", "null"] },\n' in text
    with pytest.raises(SystemExit) as stopped:
        small("--write", "corner/thing", "/things")
    assert stopped.value.code == 2
    with pytest.raises(SystemExit) as stopped:
        small("--write", "corner/other", "/nowhere")
    assert stopped.value.code == 2
    assert [path.name for path in file.parent.iterdir()] == ["thing.json"]


def test_a_first_schema_begins_with_the_keys_of_its_streams(small, tmp_path):
    small.streams.append(Listed)
    assert small("--write", "listed", "/list") == 0
    assert json.loads((tmp_path / "schemas" / "listed.json").read_text())["properties"] == {
        "kind": {"type": "string"},
        "px": nullable("integer"),
    }


def test_a_first_schema_is_laid_out_as_the_files_are():
    name = "organic/board_section"
    text = (contract.SCHEMAS / f"{name}.json").read_text("utf-8")
    assert contract.laid_out(SCHEMAS[name]) + "\n" == text


@pytest.mark.parametrize("text", [None, "not json", "[]", "{}"])
def test_contract_called_wrongly_exits_with_2(tmp_path, text):
    path = tmp_path / "openapi.json"
    if text:
        path.write_text(text)
    for arguments in ([], [str(path), "two"], [str(path)]):
        with pytest.raises(SystemExit) as stopped:
            contract.main(arguments)
        assert stopped.value.code == 2


def test_contract_knows_every_file():
    assert set(contract.records()) == set(SCHEMAS)


# Against Pinterest's own description


@pytest.fixture(scope="module")
def description():
    if not os.environ.get("SPEC"):
        pytest.skip("the contract was not checked: SPEC names no API description")
    return json.loads(Path(os.environ["SPEC"]).read_text(encoding="utf-8"))


def test_schemas_keep_the_contract(description, capsys):
    code = contract.main([os.environ["SPEC"]])
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert printed.count(": fits") == len(SCHEMAS)
    assert "undescribed" not in printed


UNTYPED = {"dca_assets"}
"""Fields that the description names and does not type."""


@EACH
def test_each_dropped_or_retyped_field_breaks_the_contract(description, name):
    """No field that the API describes goes uncompared."""
    record = contract.records()[name]
    for where, _ in nodes(SCHEMAS[name]):
        if not where or where.endswith("[]") or "pin_metrics." in where:
            continue
        if where.startswith(record.added) and record.added:
            continue
        for kind in ("missing", "retyped") if where not in UNTYPED else ("missing",):
            schema = copy.deepcopy(SCHEMAS[name])
            properties, field = holder(schema, where)
            del properties[field]
            if kind == "retyped":
                properties[field] = {"type": ["boolean", "integer", "null"]}
            found = contract.check(description, record, schema)
            assert (kind, where) in {x[:2] for x in found}


def examples(description, node, field=""):
    """Yield the name of each field and the value that the description shows for it."""
    node = contract.follow(description, node)
    if "example" in node:
        yield field, node["example"]
    for name, inner in node.get("properties", {}).items():
        yield from examples(description, inner, name)
    for inner in [*node.get("allOf", ()), node.get("items"), node.get("additionalProperties")]:
        if isinstance(inner, dict):
            yield from examples(description, inner, field)


@EACH
def test_examples_in_the_description_validate(description, name):
    """Values that Pinterest shows for the fields of a record leave as what the schema says."""
    record, properties = contract.records()[name], SCHEMAS[name]["properties"]
    shown = []
    for path in record.paths:
        content = contract.operation_of(description, path)["responses"]["200"]["content"]
        for field, value in examples(description, content["application/json"]["schema"]):
            metrics = value if field.endswith("metrics") and field != "pin_metrics" else {}
            shown += [(key.lower(), x) for key, x in metrics.items()] or [(field, value)]
    theirs, ours = record.renamed
    shown = [(ours if field == theirs else field, value) for field, value in shown]
    known = [(field, value) for field, value in shown if field in properties]
    if not known:
        pytest.skip("the description shows no values for this record")
    shape = Shape(SCHEMAS[name], selected=lambda crumb: True, note=lambda sentence: None)
    for field, value in known:
        listed = "array" in properties[field]["type"] and not isinstance(value, list)
        shape.conform(left := {field: [value] if listed else value})  # it shows one of the list
        assert_valid(left[field], properties[field])
    assert not shape.unfit


def test_descriptions_are_in_our_own_words(description):
    theirs = json.dumps(description).lower()
    for name, schema in SCHEMAS.items():
        for where, node in nodes(schema):
            words = node.get("description", "")
            if len(words.split()) > 4:
                assert json.dumps(words)[1:-1].lower() not in theirs, f"{name}: {where}"
