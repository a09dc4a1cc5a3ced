"""Settings as they are given: by the environment, in other spellings, under names that are none."""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import TYPE_CHECKING, Any

from tap_pinterest import documents
from tap_pinterest.settings.declared import SETTINGS
from tap_pinterest.shown import plain
from tap_pinterest.words import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "TAP_PINTEREST_"
"""What the names of settings begin with in the environment."""

VARIABLE = f"{PREFIX}(?!_|LOGLEVEL$)"
"""How variables begin that are meant for settings.

With two underscores begin what Meltano itself takes, such as TAP_PINTEREST__SELECT.
"""

SPELLINGS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}
"""Of settings in the environment that are true or false."""


FOR_EXPRESSIONS = ("faker_config", "stream_map_config")
"""Settings of the SDK in which expressions of stream maps find what they hash and encrypt with."""

SECRET_NAME = re.compile(
    "salt|seed|pepper|passw|passphrase|passcode|credential|secret|token|key(?![a-z])",
    re.IGNORECASE,
)
"""What names have in them there that are a secret's.

Wider than for the fields of the API: users choose these names, and nothing is lost but words in
the log. All texts would be too many, as the name of a stream or a field may be among them.
"""


def spelled(value: Any) -> str:
    """A value of a setting as it is written down: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def as_meant(config: Mapping[str, Any], schema: Mapping[str, Any] = SETTINGS) -> dict[str, Any]:
    """A configuration without what is null, its values as the settings spell them.

    Whole numbers may come as 8.0, and allowed values in any case: `public` is PUBLIC, and the text
    "false", which Meltano makes of a variable, is false. So it is with a list where a word may
    stand, too: it makes a text of that.
    """
    fields = schema["properties"]
    return {
        name: _as_meant(value, fields.get(name) or {})
        for name, value in config.items()
        if value is not None
    }


def _as_meant(value: Any, field: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_as_meant(entry, field.get("items") or {}) for entry in value]
    if isinstance(value, float) and value.is_integer():  # which is no `int` to Python
        return int(value)
    if isinstance(value, str):
        text = value.strip().lower()
        if {"string", "array"} <= set(field.get("type", ())):
            return _list_or_word(value)
        return next(
            (each for each in field.get("enum", ()) if spelled(each).lower() == text), value
        )
    return value


def _list_or_word(text: str) -> Any:
    """A list that is written as JSON, or a word; what looks like a list and is none stays text."""
    if text.lstrip().startswith("["):
        with contextlib.suppress(documents.Unusable):
            return documents.parse(text)
        return text
    return text.strip().lower()


def from_environment(
    schema: Mapping[str, Any] = SETTINGS, environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """The settings in variables `TAP_PINTEREST_…`: texts as they are, all else as JSON.

    What is no JSON stays text, for `problems` to complain about.
    """
    found: dict[str, Any] = {}
    for name, field in schema["properties"].items():
        kinds, text = field.get("type", ()), environment.get(PREFIX + name.upper())
        if not text:
            continue
        found[name] = text
        if "boolean" in kinds:
            found[name] = SPELLINGS.get(text.lower(), text)
        elif "string" not in kinds:
            with contextlib.suppress(documents.Unusable):
                found[name] = documents.parse(text)
    return found


def from_file(variables: Mapping[str, str], schema: Mapping[str, Any] = SETTINGS) -> dict[str, Any]:
    """The settings in the variables of a file `.env`; what is none stays, for `unknown` to tell."""
    others = {n: text for n, text in variables.items() if _name_of(n) not in schema["properties"]}
    return others | from_environment(schema, variables)


def unknown(
    config: Mapping[str, Any],
    schema: Mapping[str, Any] = SETTINGS,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[str]:
    """A warning for each setting that does not exist, in the configuration or the environment."""
    known = schema["properties"]
    variables = [name for name in environment if re.match(VARIABLE, name)]
    given = [name for name in variables if _name_of(name) not in known]
    given += [name for name in config if name not in known]
    for name in sorted(given, key=_name_of):
        yield f"There is no setting `{plain(name)}`; it is ignored." + nearest(
            _name_of(name), known
        )


def _name_of(variable: str) -> str:
    """The setting that a variable is meant for."""
    return variable.removeprefix(PREFIX).lower()


def secrets_of(config: Mapping[str, Any]) -> list[str]:
    """The texts of the settings that are secret, and of what a name calls so in those for maps."""
    fields = SETTINGS["properties"]
    found: list[str] = []
    for name, value in config.items():
        if fields.get(name, {}).get("secret"):
            found += _texts(value)
        elif name in FOR_EXPRESSIONS:
            found += _secret_texts(value)
    return found


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value, however deep; the names in it are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _secret_texts(value: Any) -> Iterator[str]:
    """The texts below names that call them a secret."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _texts(part) if SECRET_NAME.search(name) else _secret_texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _secret_texts(part)


def without_loose_ends(schema: Any) -> Any:
    """A JSON schema without the choices that are no schemas."""
    if not isinstance(schema, dict):
        return schema
    return {
        name: [without_loose_ends(choice) for choice in value if isinstance(choice, dict)]
        if name == "anyOf"
        else without_loose_ends(value)
        for name, value in schema.items()
    }
