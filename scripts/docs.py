"""Write what the documents say about streams and settings, out of the classes themselves.

    python scripts/docs.py [--check]

It replaces the text between pairs of lines `begin: NAME` and `end: NAME`: the tables of README.md,
and what meltano.yml says of the tap and selects. With --check it writes nothing and ends with 1
where a document differs.
"""

from __future__ import annotations

import argparse
import copy
import functools
import inspect
import json
import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_pinterest.settings import CREDENTIALS, SETTINGS, spelled
from tap_pinterest.streams import ADS, ORGANIC, PRESETS, STREAMS
from tap_pinterest.tap import TapPinterest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tap_pinterest.kinds.stream import PinterestStream

ROOT = Path(__file__).parent.parent
API_PAGE = "https://developers.pinterest.com/docs/api/v5/{}"
TEXT = {"string": "text", "boolean": "true or false", "array": "list", "integer": "number"}


def settings() -> dict[str, dict[str, Any]]:
    """All settings of the tap with their JSON schemas, those of the SDK last."""
    schema = copy.deepcopy(SETTINGS)
    TapPinterest.append_builtin_config(schema)
    properties: dict[str, dict[str, Any]] = schema["properties"]
    return properties


def kinds(schema: Mapping[str, Any]) -> list[str]:
    """The JSON types of a setting beside null."""
    found = schema["type"]
    return [each for each in ([found] if isinstance(found, str) else found) if each != "null"]


def kind(schema: Mapping[str, Any]) -> str:
    """The one that Meltano is told; text where a setting may also be something else."""
    found = kinds(schema)
    return "string" if "string" in found else found[0]


def allowed(schema: Mapping[str, Any]) -> list[str]:
    """The values that a setting may have, where these are few."""
    return [spelled(value) for value in schema.get("enum", ())]


def row(*cells: str) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def listed(names: Iterable[str]) -> str:
    """Names in a sentence."""
    return ", ".join(f"`{name}`" for name in names)


def described(stream: type[PinterestStream]) -> tuple[str, list[str]]:
    """What a stream holds, and the operations of the API that it reads."""
    first = inspect.cleandoc(stream.__doc__ or "").partition("\n\n")[0]
    text, _, operations = " ".join(first.split()).partition(" API: ")
    return text.removesuffix("."), operations.removesuffix(".").split(", ")


def stream_tables() -> Iterator[str]:
    """Every stream by corners, and which of them are left out when."""
    yield from stream_table(ORGANIC)
    yield ""
    opt_in = [each.declared_name() for each in ORGANIC if not each.selected_by_default]
    if ads := [each.declared_name() for each in ADS if each.selected_by_default]:
        raise ValueError(f"the sentence below is wrong: {ads}")
    yield f"Only read when you ask for them: {listed(opt_in)}, and everything about ads."
    own = [each.declared_name() for each in STREAMS if each.takes_ad_account is False]
    yield f"Skipped when `ad_account_id` is set: {listed(own)}."
    yield ""
    yield "### Ads"
    yield ""
    yield from stream_table(ADS)


def stream_table(streams: Sequence[type[PinterestStream]]) -> Iterator[str]:
    """What streams hold, their keys, and the scopes that a token needs for them.

    Scopes are a column where they are not the same for all.
    """
    same = len({stream.scopes for stream in streams}) == 1
    if same:
        yield f"All of these need the scope {listed(streams[0].scopes)}."
        yield ""
    columns = ("Stream", "What it holds", "Key", *([] if same else ["Scopes"]), "API")
    yield row(*columns)
    yield row(*["---"] * len(columns))
    for stream in streams:
        text, operations = described(stream)
        links = (f"[{each}]({API_PAGE.format(each.replace('/', '-'))})" for each in operations)
        cells = [f"`{stream.declared_name()}`", text, listed(stream.primary_keys)]
        yield row(*cells, *([] if same else [listed(stream.scopes)]), ", ".join(links))


def setting_table() -> Iterator[str]:
    """Every setting: its kind, its default and what it means."""
    yield row("Setting", "Kind", "Default", "What it means")
    yield row(*["---"] * 4)
    for name, schema in settings().items():
        values = [f"`{value}`" for value in allowed(schema)]
        text = " or ".join(values or (TEXT.get(each, each) for each in kinds(schema)))
        if schema.get("secret"):
            text += ", secret"
        shown = f"`{spelled(schema['default'])}`" if "default" in schema else ""
        yield row(f"`{name}`", text, shown, schema["description"])


def meltano_plugin() -> Iterator[str]:
    """What meltano.yml says of the tap: capabilities, settings, and what is selected."""
    yield "capabilities:"
    yield from (f"- {capability.value}" for capability in TapPinterest.capabilities)
    yield "settings_group_validation:"
    yield from (f"- [{', '.join(names)}]" for names in CREDENTIALS)
    yield "settings:"
    for name, schema in settings().items():
        yield f"- name: {name}"
        yield f"  label: {schema['title']}"
        # Not `options`: Meltano takes these in one spelling only, and true and false for texts
        # where they come from the environment. What is wrong it tells with a traceback.
        yield f"  kind: {kind(schema)}"
        if "default" in schema:
            yield f"  value: {json.dumps(schema['default'])}"
        if schema.get("secret"):
            yield "  sensitive: true"
        yield "  description: >-"
        text = schema["description"]
        if values := allowed(schema):
            text += f" One of: {', '.join(values)}."
        yield from (f"    {line}" for line in textwrap.wrap(text, 88))
    yield "# What your own account knows, but for what needs scopes that most tokens lack."
    yield from selection("organic")


def selection(preset: str) -> Iterator[str]:
    """What Meltano is to select for a preset."""
    streams = PRESETS[preset]
    names = ["*"] if streams == STREAMS else [each.declared_name() for each in streams]
    yield "select:"
    yield from (f'- "{name}.*"' for name in names)


DOCUMENTS: dict[str, dict[str, Callable[[], Iterator[str]]]] = {
    "README.md": {"streams": stream_tables, "settings": setting_table},
    "meltano.yml": {
        "ads": functools.partial(selection, "ads"),
        "everything": functools.partial(selection, "everything"),
        "plugin": meltano_plugin,
    },
}


def filled(text: str, name: str, lines: Iterable[str]) -> str:
    """The text with other lines between its lines `begin: name` and `end: name`.

    Raises:
        ValueError: The text does not have this pair of lines.
    """
    pair = rf"(^( *)[^\n]*\bbegin: {name}\b[^\n]*\n).*?(^[^\n]*\bend: {name}\b)"
    found = re.search(pair, text, re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError(f"no lines `begin: {name}` and `end: {name}`")
    new = "".join(f"{found[2]}{line}".rstrip() + "\n" for line in lines)
    return text[: found.end(1)] + new + text[found.start(3) :]


def main(arguments: list[str] | None = None) -> int:
    """Write the documents, or tell which of them differ."""
    parser = argparse.ArgumentParser(description="Write what the documents say of the classes.")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    check = parser.parse_args(arguments).check
    differ = 0
    for name, parts in DOCUMENTS.items():
        path = ROOT / name
        old = new = path.read_text("utf-8")
        for part, lines in parts.items():
            new = filled(new, part, lines())
        if new != old:
            differ += 1
            print(f"{name} {'differs from the classes: run `make docs`' if check else 'written'}")
            if not check:
                path.write_text(new, "utf-8")
    return 1 if differ and check else 0


if __name__ == "__main__":
    sys.exit(main())
