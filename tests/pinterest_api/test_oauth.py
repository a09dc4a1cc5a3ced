"""Tokens: good, dead, refreshed, and consented to."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import requests

from tests.pinterest_api import (
    CLIENT_ID,
    REFRESH_TOKEN,
    SCOPES,
    TOKEN,
    Simulator,
)
from tests.pinterest_api.client import Client, ask_token, error


def test_tokens_that_are_unknown_revoked_or_expired(sim: Simulator, client: Client) -> None:
    with Client(sim, "somebody-else").session as stranger:
        assert error(stranger.get(f"{sim.url}/boards")) == (401, 2)
    sim.oauth.token_lifetime = 3600
    fresh = ask_token(sim, grant_type="refresh_token", refresh_token=REFRESH_TOKEN).json()
    client.session.headers["Authorization"] = f"Bearer {fresh['access_token']}"
    assert client.get("/boards").status_code == 200
    sim.advance(3601)
    assert error(client.get("/boards")) == (401, 2)
    client.session.headers["Authorization"] = f"Bearer {TOKEN}"
    assert client.get("/boards").status_code == 200
    sim.revoke_tokens()
    assert error(client.get("/boards")) == (401, 2)


def test_a_missing_scope_is_not_a_dead_token(sim: Simulator, client: Client) -> None:
    sim.world.scopes = frozenset({"boards:read"})
    assert client.get("/boards").status_code == 200
    assert error(client.get("/pins")) == (401, 3)


def test_each_refresh_returns_a_new_refresh_token(sim: Simulator) -> None:
    first = ask_token(sim, grant_type="refresh_token", refresh_token=REFRESH_TOKEN).json()
    assert first["expires_in"] == 2_592_000
    assert first["refresh_token_expires_in"] == 5_184_000
    assert first["refresh_token_expires_at"] > time.time()
    assert (first["response_type"], first["token_type"]) == ("refresh_token", "bearer")
    assert set(first["scope"].split()) == SCOPES
    again = ask_token(sim, grant_type="refresh_token", refresh_token=REFRESH_TOKEN)
    assert error(again) == (400, 283)
    second = ask_token(sim, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert second.json()["access_token"] != first["access_token"]
    sim.oauth.keep_old_refresh_token = True
    latest = second.json()["refresh_token"]
    for _ in range(2):
        answer = ask_token(sim, grant_type="refresh_token", refresh_token=latest)
        assert answer.status_code == 200
    assert error(ask_token(sim, secret="wrong", grant_type="refresh_token"))[0] == 401
    sim.advance(5_184_001)
    assert error(ask_token(sim, grant_type="refresh_token", refresh_token=latest)) == (400, 283)


def consent(sim: Simulator, decision: str, uri: str, **more: str) -> requests.Response:
    form = {
        "client_id": CLIENT_ID,
        "redirect_uri": uri,
        "response_type": "code",
        "scope": "boards:read,pins:read",
        "state": "xyz",
        **more,
    }
    page = requests.get(sim.authorize_url, params=form)
    if page.status_code == 200:
        assert 'id="allow"' in page.text
        assert 'id="deny"' in page.text
    return requests.post(
        sim.authorize_url, data=form | {"decision": decision}, allow_redirects=False
    )


def test_consent_leads_to_a_token(sim: Simulator) -> None:
    uri = "http://localhost:8085/"
    answer = consent(sim, "allow", uri)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(uri)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["state"] == ["xyz"]
    form = {"grant_type": "authorization_code", "code": query["code"][0], "redirect_uri": uri}
    token = ask_token(sim, continuous_refresh="true", **form).json()
    assert token["response_type"] == "authorization_code"
    assert token["scope"] == "boards:read pins:read"
    assert token["refresh_token"]
    with Client(sim, token["access_token"]).session as session:
        assert session.get(f"{sim.url}/boards").status_code == 200
        assert error(session.get(f"{sim.url}/user_account")) == (401, 3)
    assert error(ask_token(sim, continuous_refresh="true", **form)) == (400, 283)  # used


def test_consent_denied_or_not_to_be_trusted(sim: Simulator) -> None:
    answer = consent(sim, "deny", "http://localhost:8085/")
    assert answer.headers["location"] == "http://localhost:8085/?error=access_denied&state=xyz"
    assert consent(sim, "allow", "https://elsewhere.example/").status_code == 400
    sim.oauth.redirect_uris = ["https://elsewhere.example/"]
    assert consent(sim, "allow", "https://elsewhere.example/").status_code == 302
    assert consent(sim, "allow", "http://localhost:8085/").status_code == 400
    assert consent(sim, "allow", "https://elsewhere.example/", client_id="1").status_code == 400


def test_a_code_is_bound_to_its_redirect_uri(sim: Simulator) -> None:
    location = consent(sim, "allow", "http://localhost:8085/").headers["location"]
    code = parse_qs(urlsplit(location).query)["code"][0]
    form = {"code": code, "redirect_uri": "http://localhost:8086/"}
    assert error(ask_token(sim, grant_type="authorization_code", **form)) == (400, 283)
