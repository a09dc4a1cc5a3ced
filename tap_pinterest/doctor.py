"""tap-pinterest-doctor: says what the configured credentials can read, and what they lack."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING, cast

import click

from tap_pinterest import choosing, cli, clock
from tap_pinterest.accounts import account_name
from tap_pinterest.checkup import Checkup, Finding, lineage
from tap_pinterest.choosing import listed
from tap_pinterest.errors import Forbidden, QuotaExhausted, StreamError, TapError
from tap_pinterest.shown import plain
from tap_pinterest.streams import ADS
from tap_pinterest.streams.ads import LEFT_OUT_BY
from tap_pinterest.tap import TapPinterest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from singer_sdk.plugin_base import _ConfigInput

    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.run import Run

logger = logging.getLogger("tap-pinterest")

TOKEN_DEBUGGER = "https://developers.pinterest.com/docs/developer-tools/token-debugger/"  # noqa: S105

PATIENCE = 10
"""Seconds for which a quota is waited for at most: whoever asks wants to know, and not to wait."""

TRIES = 3
"""How often something is asked for; the waits in between stay short."""


def _account(run: Run) -> str:
    try:
        account = run.account()
    except StreamError as error:
        return f"cannot be read{_lacking(error, 'user_accounts:read')}: {error}"
    return account_name(account)


def _lacking(error: StreamError, scope: str) -> str:
    return f" (needs {scope})" if isinstance(error, Forbidden) else ""


def _ad_accounts(checkup: Checkup) -> str:
    """The first of them, by which the user chooses."""
    finding = checkup.of_ad_accounts()
    if finding.error and not checkup.accounts:
        return f"unknown{_lacking(finding.error, 'ads:read')}: {finding.error}"
    named = []
    for account in checkup.accounts:
        about = [account.record.get(name) for name in ("name", "currency")]
        told = [plain(each) for each in about if each] + ["not open"] * (not account.is_open)
        named.append(plain(account.record.get("id")) + (f" ({', '.join(told)})" if told else ""))
    return ", ".join(named) + ("" if checkup.are_all else " and more") or "none"


def _token(run: Run) -> Iterator[tuple[str, str]]:
    known = run.auth.known()
    if known is None:
        yield "Scopes", f"unknown: only the token's owner can look them up, at {TOKEN_DEBUGGER}"
        return
    yield "Scopes", "unknown" if known.scopes is None else ", ".join(sorted(known.scopes))
    for name, ends, more in (
        ("Access token", known.expires_at, ""),
        ("Refresh token", known.refresh_expires_at, ", if it is not used until then"),
    ):
        yield name, "unknown" if ends is None else f"ends on {clock.day(ends)}{more}"


def _quotas(run: Run) -> str:
    return ", ".join(
        f"{name} {quota.remaining} of {quota.limit}"
        for name, quota in sorted(run.transport.quotas.items())
        if quota.limit is not None
    )


def examine(run: Run, chosen: choosing.Streams | None = None) -> list[str]:
    """Show what works, and tell what to do about what does not.

    Args:
        run: Whose streams are tried.
        chosen: Those to try, all of which are to work. Without them, all are tried, and those are
            to work that are selected: by Meltano, or by default.
    """
    labels, needed = (15,), choosing.selected() if chosen is None else chosen
    streams = cast("Sequence[PinterestStream]", run.streams)
    asked = [each for each in streams if chosen is None or type(each) in chosen]
    above = {each.name for stream in asked for each in lineage(stream)}
    shown = [stream for stream in streams if stream.name in above]
    cli.show("Account", _account(run), widths=labels)
    checkup, failed = Checkup(run, shown), []
    cli.show("Ad accounts", _ad_accounts(checkup), widths=labels)
    for label, text in _token(run):
        cli.show(label, text, widths=labels)
    columns = (max(len(stream.name) for stream in shown) + 2, 10)
    click.echo()
    cli.show("Stream", "Readable", "", widths=columns)
    for stream in shown:
        finding = checkup.of(stream)
        cli.show(stream.name, finding.readable, finding.why, widths=columns)
        if finding.error and type(stream) in needed:
            failed.append(finding)
    click.echo()
    cli.show("Quota left", _quotas(run) or "unknown", widths=labels)
    advice = list(_advice(failed))
    if checkup.closed and not set(ADS).isdisjoint(needed):
        ids = ", ".join(plain(each.record.get("id")) for each in checkup.closed)
        advice.append(f"Ad accounts that are not open: {ids}; {LEFT_OUT_BY}.")
    return advice


def _advice(failed: Sequence[Finding]) -> Iterator[str]:
    """What to do about streams that cannot be read, by the kinds of what keeps them."""
    names: dict[type[StreamError], list[str]] = defaultdict(list)
    for finding in failed:
        kinds = (Forbidden, QuotaExhausted, StreamError)
        names[next(kind for kind in kinds if isinstance(finding.error, kind))].append(finding.name)
    if forbidden := names[Forbidden]:
        yield (
            f"Not readable: {listed(forbidden)}. Where the table names scopes that are missing, "
            "connect the account again and name all that you want, such as tap-pinterest-login "
            "--streams organic,ads; else deselect these streams. --streams tries only those that "
            "you name."
        )
    if exhausted := names[QuotaExhausted]:
        yield (
            f"Not tried, as a quota is used up: {', '.join(exhausted)}. The table says when it "
            "comes back: run this again then."
        )
    if others := names[StreamError]:
        yield f"Not read: {', '.join(others)}. The table says why: run this again later."


@click.command(cls=cli.Command, logger=logger)
@click.option(
    "--config",
    multiple=True,
    metavar="FILE",
    callback=TapPinterest.cb_config,
    help="The tap's configuration, or ENV for the environment; may be repeated.",
)
@click.option(
    "--streams",
    callback=lambda _, __, text: None if text is None else choosing.named(text),
    metavar="A,B,C",
    help="Try only these, or `organic`, `ads`, `everything`; the exit code is about all of them. "
    "Without it all are tried, and the exit code is about those that Meltano selects, or those "
    "selected by default.",
)
def main(config: _ConfigInput, streams: choosing.Streams | None) -> None:
    """Say what the configured credentials can read, stream by stream, with a request each."""
    given = {"max_wait": PATIENCE} | config.config
    if isinstance(given["max_wait"], int | float):
        given["max_wait"] = min(given["max_wait"], PATIENCE)
    tap = TapPinterest(config=given)
    _ = tap.streams  # which makes the run
    tap.run.patience, tap.run.tries = PATIENCE, TRIES
    if advice := examine(tap.run, streams):
        raise TapError(" ".join(advice))


if __name__ == "__main__":
    main()
