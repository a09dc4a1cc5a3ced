"""Which fields of a record are secrets: by their names, unless a schema or a key says otherwise."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest

from tap_pinterest.records import schemas
from tap_pinterest.records.secrets import is_secret
from tap_pinterest.records.shape import Shape
from tap_pinterest.streams import STREAMS
from tests.harness import run_tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.pinterest_api import Simulator


@pytest.mark.parametrize(
    "name",
    [
        *("password", "feed_password", "passphrase", "credentials", "cryptographic_key"),
        *("partner_access_token", "partner_refresh_token", "token", "tokens", "accessToken"),
        *("client_secret", "secret", "api_key", "private_key", "secretKey", "secret_access_key"),
    ],
)
def test_secrets_by_name(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("secret_board_count", "secret_boards", "is_secret", "has_password", "token_type"),
        *("access_token_expires_in", "password_updated_at", "key", "keywords", "credential_id"),
        *("tokenized", "secret_pin_ids", "access_keywords", "expired_token_count"),
    ],
)
def test_what_only_tells_of_a_secret(name: str) -> None:
    assert not is_secret(name)


SCHEMA = {
    "type": "object",
    "properties": {
        "token": {"type": ["string", "null"]},
        "report_token": {"type": ["string", "null"], "secret": False},
        "api_key": {"type": ["string", "null"]},
        "secret_value": {"type": ["integer", "null"]},
        "parts": {
            "type": ["array", "null"],
            "items": {
                "type": ["object", "null"],
                "properties": {
                    "token": {"type": ["string", "null"]},
                    "api_key": {"type": ["string", "null"], "secret": False},
                },
            },
        },
        "free": {"type": ["object", "null"]},
        "lists": {"type": ["array", "null"], "items": {"type": ["array", "null"]}},
        "text": {"type": ["string", "null"]},
    },
    "additionalProperties": True,
}


@pytest.fixture
def record_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A schema file beside the tap's own."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "thing.json").write_text(json.dumps(SCHEMA))
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    return "thing"


def test_keys_and_what_the_schema_calls_public_stay(record_type: str) -> None:
    schema = schemas.load_schema(record_type, ("token",))
    public = schemas.public_fields(record_type) | {("token",)}
    assert public == {("token",), ("report_token",), ("parts", "api_key")}
    assert '"secret"' not in json.dumps(schema)
    shape = Shape(schema, lambda crumb: True, [].append, public=public)
    for number in range(3):  # the later ones are recognised by the first
        record: dict[str, Any] = {
            "token": f"t{number}",
            "report_token": "r",
            "api_key": "hunter2",
            "secret_value": 5,
            "parts": [{"token": "hunter2", "api_key": "k"}],
            "free": {"a": {"password": "hunter2"}},
            "lists": [[{"password": "hunter2"}]],
            "text": {"password": "hunter2", "b": 1},
        }
        shape.conform(record)
        assert record == {
            "token": f"t{number}",
            "report_token": "r",
            "api_key": "***",
            "secret_value": 5,
            "parts": [{"token": "***", "api_key": "k"}],
            "free": {"a": {"password": "***"}},
            "lists": [[{"password": "***"}]],
            "text": '{"password":"***","b":1}',
        }


def test_public_records_are_recognised_without_a_look(
    record_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = schemas.load_schema(record_type, ("token",))
    public = schemas.public_fields(record_type) | {("token",)}
    shape = Shape(schema, lambda crumb: True, [].append, public=public)
    page = [{"token": f"t{number}", "report_token": "r"} for number in range(3)]
    shape.conform_all(page)
    looked_at: list[Any] = []
    monkeypatch.setattr(shape._root, "conform", looked_at.append)
    shape.conform_all(page)
    assert looked_at == []


def test_two_records_do_not_share_a_masked_key(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key is whatever the catalog's stream is keyed by, and never masked."""
    (boards,) = (stream for stream in STREAMS if stream.declared_name() == "boards")
    monkeypatch.setattr(boards, "primary_keys", ("token",))
    monkeypatch.setattr(boards, "adds", {"token": "string", "secret_board_count": "integer"})
    sim = simulate(boards=3, secret_boards=0, messy=False)
    sim.world.alter["board"] = lambda board: (
        board | {"token": f"t{board['id']}", "secret_board_count": 7, "access_token": "hunter2"}
    )
    records = run_tap(sim, start_days_back=2, end_days_back=1).records("boards")
    assert len(records) > 2
    assert {record["token"] for record in records} == {f"t{record['id']}" for record in records}
    assert {record["secret_board_count"] for record in records} == {7}
    assert {record["access_token"] for record in records} == {"***"}


def test_a_name_without_end_is_masked_in_doubt_and_at_once() -> None:
    """To look for a harmless end from each of its beginnings would take a day."""
    assert is_secret("password" + "_expir" * 500_000 + "-")
    assert not is_secret("x" * 3_000_000)
