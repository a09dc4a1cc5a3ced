"""POST and GET /_control: the simulator's own knobs, for whoever runs it as a process.

POST takes a JSON object with any of: today ("2025-01-31" or null), latency, jitter, empty_pages
(null or a number), advance (seconds), faults (a list of the arguments of Faults.add), clear_faults,
clear (forget the requests), revoke (true, or "all" for refresh tokens too), remove_boards,
remove_pins, gone_boards, gone_pins, forbidden_boards, forbidden_pins (lists of ids, added), world
(settings of World by name). GET, and the answer to POST, tell how things stand; with `?log` they
list the requests seen, too: paths with their queries.

A page in a developer's browser can send requests to this machine, so the knobs are only for whoever
asks for them at a loopback address and sends application/json, which no page may do unasked: 403
for another host or a foreign Origin, 415 for another type.
"""

from __future__ import annotations

from datetime import date
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from .server import Simulator

LONGEST = 10 * 366 * 86_400.0
"""Seconds that may be advanced at once."""

_SETS = {
    "remove_boards": "removed_boards",
    "remove_pins": "removed_pins",
    "gone_boards": "gone_boards",
    "gone_pins": "gone_pins",
    "forbidden_boards": "forbidden_boards",
    "forbidden_pins": "forbidden_pins",
}


def answer(simulator: Simulator, request: web.BaseRequest, body: bytes) -> web.Response:
    """Answer a control request; it leaves no trace among the requests seen."""
    host = request.headers.get("Host", "")
    if not _is_loopback(host):
        return _refused(403, "ask at a loopback address, such as 127.0.0.1 or localhost")
    if request.headers.get("Origin", f"http://{host}") != f"http://{host}":
        return _refused(403, "a page of another origin may not ask")
    if request.method == "POST" and request.content_type != "application/json":
        return _refused(415, "send JSON, with Content-Type: application/json")
    try:
        if request.method == "POST":
            for name, value in msgspec.json.decode(body).items():
                apply(simulator, name, value)
    except (ValueError, TypeError, AttributeError, RecursionError, msgspec.MsgspecError) as error:
        return _refused(400, str(error))
    told = state(simulator)
    if "log" in request.rel_url.query:
        told["log"] = [
            f"{seen.path}?{urlencode(seen.query)}" if seen.query else seen.path
            for seen in simulator.requests
        ]
    return web.json_response(told)


def _refused(status: int, why: str) -> web.Response:
    return web.json_response({"error": why}, status=status)


def _is_loopback(host: str) -> bool:
    """Whether a Host header names this machine by itself; another name may be led here by DNS."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def apply(simulator: Simulator, name: str, value: Any) -> None:  # noqa: PLR0912  one per knob
    """Turn one knob; ValueError or TypeError where it cannot be turned so."""
    world = simulator.world
    match name:
        case "today":
            world.today = date.fromisoformat(value) if value else None
        case "latency" | "jitter":
            setattr(simulator, name, float(value))
        case "empty_pages":
            simulator.pager.empty_pages = None if value is None else int(value)
        case "advance":
            if not 0 <= float(value) <= LONGEST:
                raise ValueError(f"advance takes seconds, up to {LONGEST:.0f}")
            simulator.advance(float(value))
        case "faults":
            for fault in value:
                simulator.faults.add(**fault)
        case "clear_faults" if value:
            simulator.faults.clear()
        case "clear" if value:
            simulator.clear()
        case "revoke" if value:
            simulator.revoke_tokens(refresh_tokens=value == "all")
        case "world":
            for setting, wanted in value.items():
                if setting.startswith("_") or setting not in vars(world):
                    raise ValueError(f"the world has no setting {setting!r}")
                setattr(world, setting, frozenset(wanted) if setting == "scopes" else wanted)
        case _ if name in _SETS:
            getattr(world, _SETS[name]).update(value)
        case _:
            raise ValueError(f"unknown control {name!r}")


def state(simulator: Simulator) -> dict[str, Any]:
    """How things stand."""
    return {
        "url": simulator.url,
        "today": simulator.world.today.isoformat(),
        "latency": simulator.latency,
        "requests": simulator.served,
        "in_flight": simulator.in_flight,
        "peak_in_flight": simulator.peak_in_flight,
        "paths": dict(simulator.paths()),
        "faults": [
            {
                "kind": rule.kind,
                "path": rule.path.pattern,
                "matched": rule.matched,
                "fired": rule.fired,
            }
            for rule in simulator.faults
        ],
    }
