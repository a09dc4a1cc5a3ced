"""A client for tests of the simulator itself."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import requests

from tests.pinterest_api import (
    CLIENT_ID,
    CLIENT_SECRET,
    TOKEN,
    Simulator,
)

TODAY = date(2026, 3, 10)


class Client:
    """Asks the simulator, with a token."""

    def __init__(self, sim: Simulator, token: str = TOKEN) -> None:
        self.sim = sim
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.session.get(self.sim.url + path, params=params, allow_redirects=False)

    def pages(self, path: str, **params: Any) -> list[dict[str, Any]]:
        found, bookmark = [], None
        while True:
            answer = self.get(path, **params, **({"bookmark": bookmark} if bookmark else {}))
            assert answer.status_code == 200, answer.text
            found.append(answer.json())
            bookmark = found[-1]["bookmark"]
            if bookmark is None:
                return found

    def all(self, path: str, **params: Any) -> list[dict[str, Any]]:
        return [item for page in self.pages(path, **params) for item in page["items"]]


def error(answer: requests.Response) -> tuple[int, int]:
    """Status and code of a refusal, which must look as the API's do."""
    body = answer.json()
    assert set(body) == {"code", "message", "status"}
    assert body["status"] == "failure"
    return answer.status_code, body["code"]


def as_texts(record: dict[str, Any]) -> dict[str, Any]:
    """A record of the ads corner with every id as a text, as the world has them."""
    return {
        name: str(int(value))
        if isinstance(value, int | Decimal) and f"_{name}".lower().endswith("_id")
        else value
        for name, value in record.items()
    }


def exact(answer: requests.Response) -> Any:
    """The JSON of an answer with every digit of its numbers."""
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal)


def on(days_back: int) -> str:
    return (TODAY - timedelta(days=days_back)).isoformat()


def ask_token(sim: Simulator, secret: str = CLIENT_SECRET, **form: str) -> requests.Response:
    """Ask the token endpoint."""
    auth = (CLIENT_ID, secret)
    return requests.post(f"{sim.url}/oauth/token", data=form, auth=auth)
