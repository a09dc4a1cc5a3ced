"""The bare loop: requests, msgspec decode, msgspec encode, write. No tap can do less.

python -m benchmarks.loop URL TOKEN 'a=1&b=2'
"""

from __future__ import annotations

import sys
from urllib.parse import parse_qsl

import msgspec
import requests


def main(url: str, token: str, query: str) -> None:
    """Write all items of a list as RECORD messages."""
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    write = sys.stdout.buffer.write
    params = dict(parse_qsl(query))
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        while True:
            page = decode(session.get(url, params=params, timeout=60).content)
            for record in page["items"]:
                write(encode({"type": "RECORD", "stream": "pins", "record": record}) + b"\n")
            if not page["bookmark"]:
                break
            params["bookmark"] = page["bookmark"]
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
