"""The SDK's default way to read the same Pins: public classes only, nothing tuned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator

from tap_pinterest.records.schemas import load_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk import Stream


class Pins(RESTStream[str]):
    """Pins that the account owns; pages by the default JSONPathPaginator."""

    name = "pins"
    path = "/pins"
    primary_keys = ("id",)
    schema = load_schema("organic/pin", ("id",))
    records_jsonpath = "$.items[*]"
    next_page_token_jsonpath = "$.bookmark"

    @property
    def url_base(self) -> str:
        """The simulator's address."""
        return str(self.config["api_url"])

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """The token of the settings."""
        return BearerTokenAuthenticator(token=self.config["access_token"])

    def get_url_params(self, context: Any, next_page_token: str | None) -> dict[str, Any]:
        """The query that the settings give, and the bookmark."""
        params = dict(parse_qsl(self.config["query"]))
        return {**params, "bookmark": next_page_token} if next_page_token else params


class SdkTap(Tap):
    """A tap with one stream."""

    name = "tap-sdk"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("access_token", th.StringType, required=True, secret=True),
        th.Property("query", th.StringType, required=True),
    ).to_dict()

    def discover_streams(self) -> Sequence[Stream]:
        """The Pins."""
        return (Pins(self),)


if __name__ == "__main__":
    SdkTap.cli()
