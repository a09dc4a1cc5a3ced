"""Tokens: who may ask, the token endpoint, and the page on which a user consents."""

from __future__ import annotations

import base64
import binascii
import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from .api import ApiError, invalid

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .quota import Clock
    from .world import World

# What the simulator accepts from the start. Obviously not secrets of anybody.
TOKEN = "simulator-token"
REFRESH_TOKEN = "simulator-refresh-token"
CLIENT_ID = "1234567"
CLIENT_SECRET = "simulator-client-secret"

ACCESS_LIFETIME = 2_592_000  # 30 days
REFRESH_LIFETIME = 5_184_000  # 60 days
CODE_LIFETIME = 600

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(slots=True)
class Grant:
    """A token or a code: what it allows, and until when."""

    scopes: frozenset[str] | None  # None: whatever the world says at the moment
    expires: float
    redirect_uri: str = ""


class OAuth:
    """Issues, refreshes, checks and revokes tokens.

    Args:
        world: says what the default token may do.
        clock: decides what has expired.
        token: accepted from the start, never expires by itself.
        token_lifetime: seconds that an access token lives.
        keep_old_refresh_token: whether a refresh token still works after it was used.
        redirect_uris: those registered with the app; None: any loopback address.
    """

    def __init__(
        self,
        world: World,
        clock: Clock,
        *,
        token: str = TOKEN,
        token_lifetime: float = ACCESS_LIFETIME,
        keep_old_refresh_token: bool = False,
        redirect_uris: Collection[str] | None = None,
    ) -> None:
        self.world = world
        self.token_lifetime = token_lifetime
        self.keep_old_refresh_token = keep_old_refresh_token
        self.redirect_uris = redirect_uris
        self._clock = clock
        self._issued = 0
        forever = float("inf")
        self._access: dict[str, Grant] = {token: Grant(None, forever)}
        self._refresh: dict[str, Grant] = {REFRESH_TOKEN: Grant(None, forever)}
        self._codes: dict[str, Grant] = {}

    # -- access tokens ----------------------------------------------------------------------

    def scopes(self, token: str | None) -> frozenset[str]:
        """What a bearer token allows; raises ApiError 401 code 2 if it is not (or no longer) good."""
        grant = self._access.get(token or "")
        if grant is None or grant.expires <= self._clock.now():
            raise ApiError(401, 2, "Authentication failed.")
        return self._allowed(grant)

    def _allowed(self, grant: Grant) -> frozenset[str]:
        return self.world.scopes if grant.scopes is None else grant.scopes

    def add_token(self, token: str, scopes: Collection[str] | None = None) -> None:
        """Accept another token, e.g. one that may do less."""
        scoped = None if scopes is None else frozenset(scopes)
        self._access[token] = Grant(scoped, float("inf"))

    def add_refresh_token(self, token: str) -> None:
        """Accept another refresh token."""
        self._refresh[token] = Grant(None, float("inf"))

    def revoke(self, *, refresh_tokens: bool = False) -> None:
        """All access tokens die now; refresh tokens too if asked."""
        self._access.clear()
        if refresh_tokens:
            self._refresh.clear()

    # -- POST /v5/oauth/token ---------------------------------------------------------------

    def token(self, authorization: str, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer of the token endpoint; raises ApiError."""
        try:
            kind, _, encoded = authorization.partition(" ")
            client = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            kind, client = "", ""
        if kind.lower() != "basic" or client != f"{CLIENT_ID}:{CLIENT_SECRET}":
            raise ApiError(401, 2, "Authentication failed.")
        match form.get("grant_type"):
            case "refresh_token":
                return self._refreshed(form)
            case "authorization_code":
                return self._exchanged(form)
        raise invalid("Missing or unsupported parameter 'grant_type'.")

    def _refreshed(self, form: Mapping[str, str]) -> dict[str, Any]:
        old = form.get("refresh_token", "")
        grant = self._refresh.get(old)
        if grant is None or grant.expires <= self._clock.now():
            raise _bad_grant()
        scopes = self._allowed(grant)
        if wanted := frozenset(form.get("scope", "").replace(",", " ").split()):
            if not wanted <= scopes:
                raise invalid("Invalid scope.")
            scopes = wanted
        if not self.keep_old_refresh_token:
            del self._refresh[old]
        return self._issue("refresh_token", scopes)

    def _exchanged(self, form: Mapping[str, str]) -> dict[str, Any]:
        grant = self._codes.pop(form.get("code", ""), None)  # a code works once
        if grant is None or grant.expires <= self._clock.now():
            raise _bad_grant()
        if form.get("redirect_uri") != grant.redirect_uri:
            raise _bad_grant()
        answer = self._issue("authorization_code", self._allowed(grant))
        if form.get("continuous_refresh") != "true":
            # An older app that does not ask for it gets a token that Pinterest no longer renews.
            del self._refresh[answer.pop("refresh_token")]
            del answer["refresh_token_expires_in"], answer["refresh_token_expires_at"]
        return answer

    def _issue(self, how: str, scopes: frozenset[str]) -> dict[str, Any]:
        self._issued += 1
        access = f"simulator-access-{self._issued}"
        refresh = f"simulator-refresh-{self._issued}"
        now = self._clock.now()
        self._access[access] = Grant(scopes, now + self.token_lifetime)
        self._refresh[refresh] = Grant(scopes, now + REFRESH_LIFETIME)
        return {
            "access_token": access,
            "refresh_token": refresh,
            "response_type": how,
            "token_type": "bearer",
            "expires_in": int(self.token_lifetime),
            "refresh_token_expires_in": REFRESH_LIFETIME,
            "refresh_token_expires_at": int(self._clock.wall()) + REFRESH_LIFETIME,
            "scope": " ".join(sorted(scopes)),
        }

    # -- GET and POST /oauth/ ---------------------------------------------------------------

    def _check_consent(self, query: Mapping[str, str]) -> frozenset[str]:
        """The scopes asked for; raises ApiError where the app cannot be trusted with an answer."""
        uri = query.get("redirect_uri", "")
        if query.get("client_id") != CLIENT_ID:
            raise invalid("Unknown client_id.")
        registered = (
            urlsplit(uri).hostname in LOOPBACK
            if self.redirect_uris is None
            else uri in self.redirect_uris
        )
        if not registered:
            raise invalid("redirect_uri is not registered with this app.")
        if query.get("response_type") != "code":
            raise invalid("response_type must be 'code'.")
        scopes = frozenset(query.get("scope", "").replace(",", " ").split())
        if not scopes or not scopes <= self.world.scopes:
            raise invalid("Missing or unknown scope.")
        return scopes

    def consent_page(self, query: Mapping[str, str]) -> str:
        """The page, as HTML; raises ApiError."""
        scopes = sorted(self._check_consent(query))
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(k)}" value="{html.escape(v)}">'
            for k, v in query.items()
        )
        listed = "".join(f"<li>{html.escape(scope)}</li>" for scope in scopes)
        return _PAGE.format(user=html.escape(self.world.username), scopes=listed, hidden=hidden)

    def decide(self, query: Mapping[str, str], *, allow: bool) -> str:
        """Where the browser goes after the user's decision; raises ApiError."""
        scopes = self._check_consent(query)
        uri = query["redirect_uri"]
        if allow:
            self._issued += 1
            code = f"simulator-code-{self._issued}"
            self._codes[code] = Grant(scopes, self._clock.now() + CODE_LIFETIME, uri)
            answer = {"code": code}
        else:
            answer = {"error": "access_denied"}
        if "state" in query:
            answer["state"] = query["state"]
        return f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"


def _bad_grant() -> ApiError:
    return ApiError(400, 283, "The provided authorization grant is invalid or has expired.")


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pinterest simulator: give access</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; background: #f4f1ec; margin: 0; }}
main {{ max-width: 26rem; margin: 10vh auto; background: #fff; border-radius: 1rem;
  padding: 2rem; box-shadow: 0 2px 12px #0002; }}
h1 {{ font-size: 1.3rem; margin-top: 0; }}
form {{ display: flex; gap: .75rem; }}
button {{ font: inherit; border: 0; border-radius: 2rem; padding: .6rem 1.4rem; cursor: pointer; }}
#allow {{ background: #b3001b; color: #fff; }}
</style>
</head>
<body>
<main>
<h1>Give this app access to {user}?</h1>
<p>It asks for:</p>
<ul>{scopes}</ul>
<form method="post" action="/oauth/">{hidden}
<button id="allow" name="decision" value="allow">Allow</button>
<button id="deny" name="decision" value="deny">Deny</button>
</form>
</main>
</body>
</html>
"""
