"""Command line: serve until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
from datetime import date
from typing import TYPE_CHECKING, Any

from .oauth import ACCESS_LIFETIME, TOKEN
from .quota import PUBLISHED
from .server import Simulator
from .world import World
from .world.settings import SCOPES

if TYPE_CHECKING:
    from .quota import Limit

SIZES = {
    "boards": 12,
    "protected-boards": 2,
    "secret-boards": 2,
    "sections-per-board": 2,
    "followers": 60,
    "following-users": 30,
    "following-boards": 30,
    "following-interests": 30,
    "media": 30,
    "websites": 3,
    "businesses": 2,
    "ad-accounts": 1,
    "campaigns": 12,
    "ad-groups": 2,
    "ads": 2,
    "keywords": 3,
    "audiences": 5,
    "product-groups": 2,
    "other-accounts": 1,
    "seed": 1,
}


def quota(value: str) -> tuple[str, Limit]:
    """`org_read=1000/60`: category, requests, seconds."""
    category, _, limit = value.partition("=")
    most, _, seconds = limit.partition("/")
    return category, (int(most), float(seconds or 60))


def parser() -> argparse.ArgumentParser:
    """Every setting of the world and of the simulator."""
    cli = argparse.ArgumentParser(
        prog="python -m tests.pinterest_api", description=(__doc__ or "").splitlines()[0]
    )
    server = cli.add_argument_group("server")
    server.add_argument("--host", default="127.0.0.1")
    server.add_argument("--port", type=int, default=0, help="0: a free one (default)")
    server.add_argument("--latency", type=float, default=0.0, help="seconds per request")
    server.add_argument("--jitter", type=float, default=0.0, help="part of the latency, 0 to 1")
    server.add_argument(
        "--quota",
        type=quota,
        action="append",
        default=[],
        metavar="CATEGORY=N/SECONDS",
        help="may be repeated; safety_net counts all categories",
    )
    server.add_argument(
        "--published-quotas",
        action="store_true",
        help="those that Pinterest publishes for the tier; --quota overrides single ones",
    )
    server.add_argument("--empty-pages", type=int, help="every nth page is empty")
    server.add_argument("--cache", type=float, default=256, help="megabytes of finished answers")
    server.add_argument(
        "--warm",
        action="append",
        default=[],
        metavar="PATH",
        help="compute this listing beforehand in pages of 250, e.g. /pins; may be repeated",
    )
    server.add_argument("--faults", type=json.loads, default=[], help="JSON list, see Faults.add")
    tokens = cli.add_argument_group("tokens")
    tokens.add_argument("--token", default=TOKEN)
    tokens.add_argument("--scopes", help="comma-separated; default: all that reading needs")
    tokens.add_argument("--token-lifetime", type=float, default=ACCESS_LIFETIME)
    tokens.add_argument("--keep-old-refresh-token", action="store_true")
    tokens.add_argument("--redirect-uri", action="append", dest="redirect_uris")
    world = cli.add_argument_group("world")
    for name, size in SIZES.items():
        world.add_argument(f"--{name}", type=int, default=size)
    world.add_argument(
        "--pins-per-board",
        default="20",
        help="one size, or sizes with commas of which the last holds for the rest",
    )
    world.add_argument("--likes", type=int, default=5, help="-1: no board of likes")
    world.add_argument("--video-share", type=float, default=0.2)
    world.add_argument("--today", type=date.fromisoformat, help="default: the real date, UTC")
    world.add_argument("--origin", type=date.fromisoformat, help="ages count back from here")
    world.add_argument("--clean", dest="messy", action="store_false", help="no nulls, no surprises")
    world.add_argument("--busy", action="store_true", help="ads have metrics on every day")
    world.add_argument("--username", default="simulated_user")
    world.add_argument("--account-id")
    world.add_argument("--tier", choices=("standard", "trial"), default="standard")
    world.add_argument("--no-bulk-analytics", action="store_true")
    return cli


def build(args: argparse.Namespace) -> Simulator:
    """The simulator that the arguments describe."""
    sizes = [int(size) for size in args.pins_per_board.split(",")]
    settings: dict[str, Any] = {
        name.replace("-", "_"): getattr(args, name.replace("-", "_")) for name in SIZES
    }
    world = World(
        **settings,
        pins_per_board=sizes if len(sizes) > 1 else sizes[0],
        likes=None if args.likes < 0 else args.likes,
        video_share=args.video_share,
        today=args.today,
        origin=args.origin,
        messy=args.messy,
        busy=args.busy,
        username=args.username,
        account_id=args.account_id,
        scopes=args.scopes.split(",") if args.scopes else SCOPES,
        tier=args.tier,
        bulk_analytics=False if args.no_bulk_analytics else None,
    )
    simulator = Simulator(
        world,
        host=args.host,
        port=args.port,
        latency=args.latency,
        jitter=args.jitter,
        quotas={**(PUBLISHED[args.tier] if args.published_quotas else {}), **dict(args.quota)},
        empty_pages=args.empty_pages,
        cache=args.cache,
        token=args.token,
        token_lifetime=args.token_lifetime,
        keep_old_refresh_token=args.keep_old_refresh_token,
        redirect_uris=args.redirect_uris,
    )
    for fault in args.faults:
        simulator.faults.add(**fault)
    for path in args.warm:
        simulator.warm(path, page_size=250)
    return simulator


async def serve(simulator: Simulator) -> None:
    """Announce the address and serve until a signal."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(
        simulator.serve(
            lambda: print(f"Pinterest simulator at {simulator.url}", flush=True)  # noqa: T201
        )
    )
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    asyncio.run(serve(build(parser().parse_args())))
