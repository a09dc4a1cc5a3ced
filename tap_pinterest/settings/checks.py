"""What is wrong with a configuration: a sentence per problem, no value of a secret in it."""

from __future__ import annotations

import ast
import fnmatch
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jsonschema import Draft7Validator

from tap_pinterest import clock, columns, documents
from tap_pinterest.plan import dates
from tap_pinterest.settings.declared import CREDENTIALS, SETTINGS
from tap_pinterest.settings.given import spelled
from tap_pinterest.shown import plain
from tap_pinterest.words import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

SHORTEST_NAME = 32
"""Characters that names of flattened fields need to stay apart."""

STREAM_NAME = re.compile("[A-Za-z][A-Za-z0-9_-]{0,62}")
"""What a stream may be called: a table in any database, and a file that leads nowhere else."""

NAMES = ("__alias__", "__source__")
"""What in a stream map gives the name of a stream."""

BESIDE_A_STORE = (".lock", ".new", ".granted")
"""How files end that lie beside the token store of the same name."""

KINDS = {
    "array": 'a list such as ["a", "b"]',
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "text",
}
"""JSON's types in the user's words."""


def problems(config: Mapping[str, Any], schema: Mapping[str, Any] = SETTINGS) -> list[str]:
    """Everything that is wrong with a configuration, a sentence each; no value of a secret."""
    odd = dict(_odd_texts(config))
    config = {name: value for name, value in config.items() if name not in odd}
    found = [*_type_problems(config, schema)]
    wrong = {*odd, *(text.split("`")[1] for text in found)}
    sound = {name: value for name, value in config.items() if name not in wrong}
    found += odd.values()
    for check in CHECKS:
        found += [text for name, text in check(sound) if name not in wrong]
    return found


def map_problems(maps: Mapping[str, Any], streams: Collection[str]) -> Iterator[str]:
    """A sentence for each stream map that is about no stream, whose columns would leave unmasked.

    Args:
        maps: The setting `stream_maps`. A key names a stream or a pattern of names, except where
            the map names its stream in `__source__`; the SDK refuses unknown keys with `__`.
        streams: Names of the streams that exist.
    """
    for name, fields in maps.items():
        source = _source(name, fields)
        if not name.startswith("__") and not fnmatch.filter(streams, source):
            yield (
                f"Setting `stream_maps`, entry {plain(name)}: there is no stream "
                f"{plain(source)!r}." + nearest(plain(source), streams)
            )


def maps_of(maps: Mapping[str, Any], stream: str) -> dict[str, Any]:
    """The stream maps that are about a stream, out of the setting `stream_maps`."""
    return {n: each for n, each in maps.items() if fnmatch.fnmatch(stream, _source(n, each))}


def _source(name: str, fields: Any) -> str:
    """The name of the stream that a stream map is about, or a pattern of names."""
    return fields.get("__source__", name) if isinstance(fields, dict) else name


def name_problems(names: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """A sentence for each name under which records cannot leave: targets make files of them.

    Args:
        names: Those of the streams that are read, each with the name under which it leaves, which
            is whatever the expression of an `__alias__` gave.
    """
    taken: dict[str, str] = {}
    for stream, name in names:
        where = f"Setting `stream_maps`: records of the stream {stream} would leave as "
        if not isinstance(name, str):
            yield f"{where}{plain(repr(name))}, which is no name: an `__alias__` is to give text."
            continue
        if not STREAM_NAME.fullmatch(name):
            yield (
                f"{where}{plain(name)!r}. The name of a stream begins with a letter and has up to "
                "63 letters, digits, `_` and `-`."
            )
        elif name.lower() in taken:
            other = taken[name.lower()]
            yield (
                f"{where}`{name}`, which those of {other} do. Two streams in one table would undo "
                "each other's rows: give each a name of its own."
            )
        taken.setdefault(name.lower(), stream)


def _odd_texts(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in config.items():
        for place, what in documents.odd_parts({name: value}, nul=False):
            entry = f", entry {place[1]}" if place[1:] else ""
            yield name, f"Setting `{plain(name)}`{entry}: it {what}. Write it again."
            break


def _type_problems(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    errors: dict[tuple[Any, ...], Any] = {}
    for error in Draft7Validator(schema).iter_errors(config):
        where = tuple(error.path)
        if where not in errors or error.validator == "enum":  # which says more than a type
            errors[where] = error
    for (name, *inner), error in errors.items():
        expected = _expected(error)
        entry = f", entry {inner[0]}" if inner else ""
        declared = SETTINGS["properties"].get(name)
        # The SDK's settings may hold secrets too, such as seeds.
        hidden = declared is None or bool(declared.get("secret"))
        value = error.instance
        hint = ""
        if expected == KINDS["string"] and type(value) in (int, float):
            # YAML and JSON take an id without quotes for a number.
            hint = ": put it in quotes" + ("" if hidden else f', "{value}"')
        yield f"Setting `{name}`{entry}: expected {expected}, not {_shown(value, hidden)}{hint}."


def _expected(error: Any) -> str:
    if error.validator == "enum":
        return "one of " + ", ".join(spelled(each) for each in error.validator_value)
    if error.validator in ("anyOf", "oneOf", "const"):  # in the SDK's settings for maps alone
        return "what https://sdk.meltano.com/en/latest/stream_maps.html describes"
    kinds = error.validator_value
    if error.validator != "type":
        return f"{error.validator} {plain(spelled(kinds))}"
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(KINDS[kind] for kind in kinds if kind != "null")


def _shown(value: Any, hidden: bool) -> str:
    """A value that is of the wrong kind or not allowed; of one that may be a secret its kind."""
    kinds = {dict: "an object", list: "a list", bool: "true or false", str: "text"}
    kind = kinds.get(type(value), "a number")
    if value is None:
        return "null"
    if hidden or isinstance(value, dict | list):
        return kind
    if isinstance(value, str):
        return repr(plain(value))
    return spelled(value) if isinstance(value, bool) else f"the number {spelled(value)}"


NOT_EMPTY = (
    "app_types",
    "entity_statuses",
    "split_fields",
    "top_pins_sort_by",
    "top_video_pins_sort_by",
)
"""Lists of which something is asked for."""

Check = "Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]"


def _credentials(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    apps = ("client_id", "client_secret")
    sources = [name for name in ("refresh_token", "token_store") if config.get(name)]
    if config.get("access_token"):
        if sources:
            yield (
                "access_token",
                f"Settings `access_token` and `{sources[0]}` are both given. Keep one: an access "
                "token alone, or `client_id` and `client_secret` with `token_store`.",
            )
    elif not sources and not any(config.get(name) for name in apps):
        yield (
            "access_token",
            "No credentials. Run tap-pinterest-login and set `client_id`, `client_secret` and "
            "`token_store`, or set `access_token`.",
        )
    else:
        missing = [name for name in apps if not config.get(name)]
        if not sources:
            missing.append("token_store")
        if missing:
            what, verb = ("Settings", "are") if len(missing) > 1 else ("Setting", "is")
            yield (
                missing[0],
                f"{what} `{'` and `'.join(missing)}` {verb} missing: `client_id` and "
                "`client_secret` are needed together with `token_store` (or `refresh_token`).",
            )


def _no_space_in_credentials(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in sorted({name for names in CREDENTIALS for name in names} - {"token_store"}):
        value = config.get(name)
        if isinstance(value, str) and not re.fullmatch(r"[!-~]*", value):
            yield (
                name,
                (
                    f"Setting `{name}` holds a space, a line break or another character that none "
                    "has: copy it again."
                ),
            )


def _ids(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    account = config.get("ad_account_id")
    given = [] if account is None else [("ad_account_id", "", account)]
    for number, each in enumerate(config.get("ad_account_ids") or ()):
        given.append(("ad_account_ids", f", entry {number}", each))
    for name, entry, account in given:
        if not re.fullmatch(r"[0-9]{1,18}", account or ""):
            is_long = re.fullmatch(r"[0-9]{19,}", account or "")
            hint = " This one is longer: it may be the id of a user." if is_long else ""
            what = f"an ad account's id is 1 to 18 digits, not {plain(account)!r}"
            yield name, f"Setting `{name}`{entry}: {what}.{hint}"
    for number, board in enumerate(config.get("board_ids") or ()):
        if not re.fullmatch(r"[0-9]+", board or ""):
            what = f"a board's id is digits, not {plain(board)!r}"
            yield "board_ids", f"Setting `board_ids`, entry {number}: {what}."


def _columns(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    chosen = config.get("ads_columns")
    if isinstance(chosen, str):
        if chosen not in (columns.COMMON, columns.ALL):
            yield (
                "ads_columns",
                f"Setting `ads_columns` is {columns.COMMON!r}, {columns.ALL!r} or a list of names, "
                f"not {plain(chosen)!r}.",
            )
        return
    if chosen is not None and not chosen:
        yield "ads_columns", "Setting `ads_columns` cannot be empty; leave it out for its default."
    known = columns.report_columns()
    for number, name in enumerate(chosen or ()):
        if name.upper() not in known:
            hint = nearest(plain(name.upper()), known)
            yield (
                "ads_columns",
                f"Setting `ads_columns`, entry {number}: there is no column {plain(name)!r}.{hint}",
            )


def _texts(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for number, query in enumerate(config.get("search_queries") or ()):
        if not (query or "").strip():
            yield (
                "search_queries",
                (f"Setting `search_queries`, entry {number}: a query cannot be empty."),
            )
    if not (config.get("likes_board_name") or "").strip():
        yield "likes_board_name", "Setting `likes_board_name` cannot be empty."


def _maps(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for stream, fields in (config.get("stream_maps") or {}).items():
        for field, expression in fields.items() if isinstance(fields, dict) else ():
            given = isinstance(expression, str) and bool(expression.strip())
            where = (
                f"Setting `stream_maps`, entry {plain(stream)}: the expression of {plain(field)}"
            )
            if not given and (isinstance(expression, str) or field in NAMES):
                yield "stream_maps", f"{where} is empty."
            elif given and field not in NAMES and not _is_expression(expression):
                # Of several the SDK would take the first, and fail at each record for others.
                yield "stream_maps", f"{where} is not one of Python: {plain(expression)!r}."


def _is_expression(text: str) -> bool:
    """Whether a text is one expression of Python; one without end is told where a map is made."""
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    except (MemoryError, RecursionError):
        pass
    return True


def _numbers(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if (config.get("max_wait") or 0) < 0:
        yield "max_wait", "Setting `max_wait` is a number of seconds and cannot be negative."
    if not 1 <= (config.get("top_pins_count") or 0) <= 50:  # noqa: PLR2004
        yield "top_pins_count", "Setting `top_pins_count` is a number from 1 to 50."
    for name in ("lookback_days", "ads_lookback_days", "pin_created_within_days"):
        if not 0 <= (config.get(name) or 0) <= 3650:  # noqa: PLR2004
            yield name, f"Setting `{name}` is a number of days up to 3650 and cannot be negative."
    for name in NOT_EMPTY:
        if not config.get(name):
            yield name, f"Setting `{name}` cannot be empty; leave it out for its default."
    if not 1 <= (config.get("max_concurrency") or 0) <= 64:  # noqa: PLR2004
        yield "max_concurrency", "Setting `max_concurrency` is a number from 1 to 64."


def _flattening(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    depth = config.get("flattening_max_depth")
    if depth is None and config.get("flattening_enabled"):
        yield (
            "flattening_max_depth",
            (
                "Setting `flattening_max_depth` is missing: say with `flattening_enabled` how many "
                "levels of objects become columns, such as 1."
            ),
        )
    if (depth or 0) < 0:
        yield (
            "flattening_max_depth",
            "Setting `flattening_max_depth` is a number of levels and cannot be negative.",
        )
    if (config.get("flattening_max_key_length", SHORTEST_NAME) or 0) < SHORTEST_NAME:
        yield (
            "flattening_max_key_length",
            (
                f"Setting `flattening_max_key_length` is {SHORTEST_NAME} or more: shorter names "
                "would be the same for different fields."
            ),
        )


def _address(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    try:
        url = urlsplit(config.get("api_url") or "")
        local = url.hostname in ("localhost", "127.0.0.1", "::1")
        good = bool(url.hostname) and (url.scheme == "https" or (url.scheme == "http" and local))
        _ = url.port
    except ValueError:
        good = False
    if not good or url.query or url.fragment or "@" in url.netloc:
        yield (
            "api_url",
            (
                "Setting `api_url` must be an https address such as https://api.pinterest.com/v5 "
                "(http is allowed for localhost only)."
            ),
        )


def _token_store(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if str(config.get("token_store") or "").endswith(BESIDE_A_STORE):
        yield (
            "token_store",
            (
                "Setting `token_store` names a file that ends in "
                f"{' or '.join(BESIDE_A_STORE)}, as what the tap puts beside a token store does. "
                "Give it another name."
            ),
        )


CHECKS: tuple[Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]], ...] = (
    _credentials,
    _no_space_in_credentials,
    _ids,
    _columns,
    _texts,
    _maps,
    _numbers,
    _flattening,
    lambda config: dates.problems(config, clock.today()),
    _address,
    _token_store,
)
