"""Answers as they go over the wire, whole and spoiled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .faults import Answer, Fault

_encode = msgspec.json.Encoder().encode


def as_json(status: int, body: bytes, headers: Mapping[str, str]) -> web.Response:
    """An answer whose body is JSON."""
    return web.Response(
        body=body, status=status, headers={"content-type": "application/json", **headers}
    )


def answered(answer: Answer, headers: Mapping[str, str]) -> web.Response:
    """The answer of a fault, with the quota headers that it does not set itself."""
    body = answer.body() if callable(answer.body) else answer.body
    if body is None:
        body = b""
    elif isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = _encode(body)
    return as_json(answer.status, body, {**headers, **answer.headers})


async def break_off(request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
    """Never answer (hang), or close the connection (reset)."""
    if fault.kind == "hang":
        await asyncio.Event().wait()
    if request.transport:
        request.transport.abort()
    return web.Response()


def truncate(request: web.BaseRequest, response: web.Response) -> web.StreamResponse:
    """Announce the whole body, send two thirds of it and hang up."""
    body = bytes(response.body or b"")  # type: ignore[arg-type]
    head = f"HTTP/1.1 {response.status} OK\r\ncontent-type: application/json\r\n"
    head += f"content-length: {len(body)}\r\n\r\n"
    if request.transport:
        request.transport.write(head.encode() + body[: len(body) * 2 // 3])
        request.transport.close()
    return web.Response()


async def drip(request: web.BaseRequest, response: web.Response) -> web.StreamResponse:
    """Announce the whole body and send a byte of it every tenth of a second."""
    body = bytes(response.body or b"")  # type: ignore[arg-type]
    slow = web.StreamResponse(status=response.status, headers={"content-length": str(len(body))})
    await slow.prepare(request)
    for byte in body:
        await slow.write(bytes((byte,)))
        await asyncio.sleep(0.1)
    return slow
