"""One HTTP exchange: bounded in time, never redirected, trouble on the way told as `Transient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from tap_pinterest.errors import TapError, Transient

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT = (10.0, 120.0)
"""Seconds to wait for a connection, and for the next byte of an answer."""


class Response(NamedTuple):
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def new_session(url: str) -> requests.Session:
    """A session for one host, with one kept connection.

    Retries are the transport's business, not urllib3's. What the environment says of proxies and
    certificates is looked up once, not with each request.
    """
    session = requests.Session()
    found = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies, session.verify, session.cert = found["proxies"], found["verify"], found["cert"]
    session.trust_env = False
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    *,
    auth: requests.auth.AuthBase,
    params: object = None,
    data: object = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Send a request and read the whole answer, whatever its status.

    Redirects are not followed: the token never travels to another place than the one configured.

    Raises:
        Transient: The connection failed, timed out or ended before the answer did.
        TapError: The server's certificate is not to be trusted, or the address cannot be used.
    """
    host = requests.utils.urlparse(url).netloc  # type: ignore[attr-defined]
    try:
        with session.request(
            method,
            url,
            params=params,  # type: ignore[arg-type]
            data=data,  # type: ignore[arg-type]
            headers=headers,
            auth=auth,
            timeout=TIMEOUT,
            # Plain http never leaves this machine, not even towards a proxy.
            proxies={"http": ""},
            allow_redirects=False,
            stream=True,
        ) as response:
            # One read, not requests' small chunks: each chunk would wait for the interpreter lock.
            body = response.raw.read(decode_content=True)
            return Response(response.status_code, response.headers, body)
    except requests.exceptions.SSLError as exc:
        if "CERTIFICATE_VERIFY_FAILED" not in str(exc):
            raise Transient(f"the connection to {host} failed ({type(exc).__name__})") from exc
        raise TapError(
            f"The certificate of {host} could not be verified. Check `api_url`, and any proxy "
            "between this machine and Pinterest."
        ) from exc
    except requests.exceptions.Timeout as exc:
        raise Transient(f"{host} did not answer in time") from exc
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as exc:
        raise TapError(
            f"`api_url` (or a proxy set for this machine) does not work: {host!r} cannot be used "
            "as a host to connect to."
        ) from exc
    except (requests.exceptions.RequestException, HTTPError, OSError) as exc:
        raise Transient(f"the connection to {host} failed ({type(exc).__name__})") from exc
