"""tap-pinterest-doctor: says what the configured credentials can read, and what they lack."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import click

from tap_pinterest import cli, clock
from tap_pinterest.consent import account_name, scopes_of
from tap_pinterest.errors import Forbidden, StreamError, TapError, plain
from tap_pinterest.network.transport import Request
from tap_pinterest.records.pages import Envelope
from tap_pinterest.records.shape import Record, decode, decode_one
from tap_pinterest.tap import TapPinterest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from singer_sdk.plugin_base import _ConfigInput

    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.network.transport import Quota, Transport
    from tap_pinterest.run import Run

T = TypeVar("T")

logger = logging.getLogger("tap-pinterest")

TOKEN_DEBUGGER = "https://developers.pinterest.com/docs/developer-tools/token-debugger/"  # noqa: S105

FEW = 5
"""Ad accounts that are named."""

YES, NO, SKIPPED, UNTRIED = "yes", "no", "skipped", "untried"


class Readable(BaseException):
    """A stream's own request was answered: it can be read. Nobody on the way handles this."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    @property
    def record(self) -> Record | None:
        """The first record of the answer, where it is a page that has one."""
        records = decode(self.answer.items) if isinstance(self.answer, Envelope) else []
        return records[0] if records else None


class Probe:
    """A transport that sends a stream's own request as small as it gets, and ends there.

    What the stream asks for before its own request goes through as it is.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._own = re.compile("")

    @property
    def quotas(self) -> Mapping[str, Quota]:
        """What is known of each rate-limit category."""
        return self._transport.quotas

    def look_at(self, stream: PinterestStream) -> None:
        """Take the stream that is tried next."""
        fixed = re.split(r"\{\w+\}", getattr(stream, "path", ""))
        self._own = re.compile("[^/]+".join(map(re.escape, fixed)))

    def get(self, request: Request, read: Callable[[bytes], T]) -> T:
        """The answer to a request on the way to the stream's own.

        Raises:
            Readable: It was the stream's own, and it was answered.
        """
        if not self._own.fullmatch(request.path):
            return self._transport.get(request, read)
        params = tuple(
            (name, "1" if name == "page_size" else value) for name, value in request.query()
        )
        raise Readable(self._transport.get(request._replace(params=params, single=False), read))


@dataclass(slots=True)
class Finding:
    """What came of trying a stream."""

    name: str
    readable: str
    why: str = ""
    record: Record | None = None


class Checkup:
    """Tries streams, each with one smallest request."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._probe = Probe(run.transport)
        run.transport = cast("Transport", self._probe)
        self._findings: dict[str, Finding] = {}

    def of(self, stream: PinterestStream) -> Finding:
        """What came of trying a stream, and its parents before it."""
        if stream.name not in self._findings:
            self._findings[stream.name] = self._try(stream)
        return self._findings[stream.name]

    def _try(self, stream: PinterestStream) -> Finding:
        name, parent = stream.name, self._parent_of(stream)
        if hindered := self._hindered(stream, parent):
            return hindered
        record = parent.record if parent else None
        self._probe.look_at(stream)
        try:
            page = next(stream.sample(record), None)
        except Readable as found:
            keys = stream.parent_of(record) if record else {}
            return Finding(name, YES, record=found.record and {**found.record, **keys})
        except StreamError as error:
            tried = (
                f" (tried with {parent.name} {plain((record or {}).get('id'))})" if parent else ""
            )
            return Finding(name, NO, self._reason(stream, error) + tried)
        if page is None:
            return Finding(name, UNTRIED, f"found nothing to try it with; {self._needs(stream)}")
        return Finding(name, YES, record=next(iter(page.records()), None))

    def _hindered(self, stream: PinterestStream, parent: Finding | None) -> Finding | None:
        """Why a stream cannot be tried."""
        if reason := stream.root.why_skipped():
            return Finding(stream.name, SKIPPED, reason)
        if parent is None or parent.record is not None:
            return None
        if parent.readable != YES:
            return Finding(stream.name, parent.readable, f"see {parent.name}")
        return Finding(stream.name, UNTRIED, f"{parent.name} is empty: there is none to try with")

    def _parent_of(self, stream: PinterestStream) -> Finding | None:
        parent = stream.parent
        if parent is None:
            return None
        named = parent.only_parents.of(parent.config) if parent.only_parents else None
        return Finding(parent.name, YES, record={"id": named[0]}) if named else self.of(parent)

    def _reason(self, stream: PinterestStream, error: StreamError) -> str:
        return f"{self._needs(stream)}: {error}" if isinstance(error, Forbidden) else str(error)

    def _needs(self, stream: PinterestStream) -> str:
        """The scopes that a stream needs, or those of them that the token is known to lack."""
        needs, known = scopes_of(type(stream)), self._run.auth.known()
        if known is None or known.scopes is None:
            return f"needs {', '.join(sorted(needs))}"
        if lacks := needs - known.scopes:
            return f"lacks {', '.join(sorted(lacks))}"
        return "has its scopes, but the app or the account may not"


# -- what is shown


def _account(run: Run) -> str:
    try:
        account = run.account()
    except StreamError as error:
        return f"cannot be read (needs user_accounts:read): {error}"
    return account_name(account)


def _ad_accounts(run: Run) -> str:
    try:
        answer = run.transport.get(Request("/ad_accounts", quota="ads_read"), decode_one)
    except StreamError as error:
        # No stream needs them yet.
        return f"unknown (listing them needs ads:read): {error}"
    items = answer.get("items") or []
    named = [f"{item.get('id')} ({plain(item.get('name'))})" for item in items[:FEW]]
    return (
        ", ".join(named) + (" and more" if answer.get("bookmark") or items[FEW:] else "") or "none"
    )


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


def examine(run: Run) -> list[PinterestStream]:
    """Show what works; the streams that cannot be read although they are selected by default."""
    labels = (15,)
    cli.show("Account", _account(run), widths=labels)
    cli.show("Ad accounts", _ad_accounts(run), widths=labels)
    for label, text in _token(run):
        cli.show(label, text, widths=labels)
    streams = cast("Sequence[PinterestStream]", run.streams)
    columns = (max(len(stream.name) for stream in streams) + 2, 10)
    click.echo()
    cli.show("Stream", "Readable", "", widths=columns)
    checkup, missing = Checkup(run), []
    for stream in streams:
        finding = checkup.of(stream)
        cli.show(stream.name, finding.readable, finding.why, widths=columns)
        if finding.readable == NO and stream.selected_by_default:
            missing.append(stream)
    click.echo()
    cli.show("Quota left", _quotas(run) or "unknown", widths=labels)
    return missing


@click.command(cls=cli.Command, logger=logger)
@click.option(
    "--config",
    multiple=True,
    metavar="FILE",
    callback=TapPinterest.cb_config,
    help="The tap's configuration, or ENV for the environment; may be repeated.",
)
def main(config: _ConfigInput) -> None:
    """Say what the configured credentials can read, stream by stream, with a request each."""
    tap = TapPinterest(config=config.config)
    _ = tap.streams  # which makes the run
    if missing := examine(tap.run):
        names = ", ".join(stream.name for stream in missing)
        raise TapError(
            f"Not readable: {names}. The table says why: connect the account again with the scopes "
            "that are missing (tap-pinterest-login), or deselect these streams."
        )


if __name__ == "__main__":
    main()
