"""The bare loop over answers that are lists of rows, such as analytics, one after the other.

python -m benchmarks.rows_loop TOKEN FILE: the file has an address a line.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import requests


def main(token: str, addresses: str) -> None:
    """Write all rows as RECORD messages; answers that are no list are only read and decoded."""
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    write = sys.stdout.buffer.write
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        for address in Path(addresses).read_text("utf-8").splitlines():
            answer = decode(session.get(address, timeout=60).content)
            for record in answer if isinstance(answer, list) else ():
                write(encode({"type": "RECORD", "stream": "rows", "record": record}) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
