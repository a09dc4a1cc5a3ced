"""tap-pinterest-doctor: says what the configured credentials can read, and what they lack."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections import defaultdict
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar, cast

import click

from tap_pinterest import cli, clock
from tap_pinterest.accounts import account_name
from tap_pinterest.consent import scopes_of
from tap_pinterest.errors import (
    Forbidden,
    QuotaExhausted,
    StreamError,
    TapError,
    as_described,
)
from tap_pinterest.network.transport import Request
from tap_pinterest.records.decoding import Record, decode_one
from tap_pinterest.records.pages import Envelope, Page, is_id
from tap_pinterest.shown import plain
from tap_pinterest.tap import TapPinterest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from singer_sdk.plugin_base import _ConfigInput

    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.network.gate import Quota
    from tap_pinterest.network.transport import Transport
    from tap_pinterest.run import Run

T = TypeVar("T")

logger = logging.getLogger("tap-pinterest")

TOKEN_DEBUGGER = "https://developers.pinterest.com/docs/developer-tools/token-debugger/"  # noqa: S105

FEW = 5
"""Ad accounts that are named."""

PATIENCE = 10
"""Seconds for which a quota is waited for at most: whoever asks wants to know, and not to wait."""

TRIES = 3
"""How often something is asked for; the waits in between stay short."""

YES, NO, SKIPPED, UNTRIED = "yes", "no", "skipped", "untried"


class Readable(BaseException):
    """A stream's own request was answered: it can be read. Nobody on the way handles this."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer


class Probe:
    """A transport that sends a stream's own request as small as it gets, and ends there.

    What the stream asks for before its own request goes through as it is. Each thread tries one
    stream at a time.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._tried = threading.local()

    @property
    def quotas(self) -> Mapping[str, Quota]:
        """What is known of each rate-limit category."""
        return self._transport.quotas

    def look_at(self, stream: PinterestStream) -> None:
        """Take the stream that this thread tries next."""
        fixed = re.split(r"\{\w+\}", getattr(stream, "path", ""))
        self._tried.own = re.compile("[^/]+".join(map(re.escape, fixed)))

    def get(self, request: Request, read: Callable[[bytes], T]) -> T:
        """The answer to a request on the way to the stream's own.

        Raises:
            Readable: It was the stream's own, and it was answered.
        """
        if not self._tried.own.fullmatch(request.path):
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
    error: StreamError | None = None


class Checkup:
    """Tries streams side by side, each with one smallest request."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._probe = Probe(run.transport)
        run.transport = cast("Transport", self._probe)
        self._findings: dict[str, Future[Finding]] = {each.name: Future() for each in run.streams}
        # Parents first, so that no thread waits for one whose turn does not come.
        turns: SimpleQueue[PinterestStream] = SimpleQueue()
        for stream in sorted(cast("Sequence[PinterestStream]", run.streams), key=_generation):
            turns.put(stream)
        for _ in range(run.config["max_concurrency"]):
            # Nobody waits for them where the main thread has heard enough.
            threading.Thread(target=self._work, args=(turns,), daemon=True).start()

    def of(self, stream: PinterestStream) -> Finding:
        """What came of trying a stream.

        Raises:
            TapError: Nothing can be tried: nobody answers, or the credentials do not work.
        """
        return self._findings[stream.name].result()

    def _work(self, turns: SimpleQueue[PinterestStream]) -> None:
        while not turns.empty():
            with contextlib.suppress(Empty):  # another thread was quicker
                stream = turns.get_nowait()
                finding = self._findings[stream.name]
                try:
                    finding.set_result(self._try(stream))
                except BaseException as exc:  # noqa: BLE001 - raised where the finding is asked for
                    finding.set_exception(exc)

    def _try(self, stream: PinterestStream) -> Finding:
        name, parent = stream.name, self._parent_of(stream)
        if hindered := self._hindered(stream, parent):
            return hindered
        record = parent.record if parent else None
        try:
            page = self._first_page(stream, record)
            found = _usable(page) if page else None
        except StreamError as error:
            tried = (
                f" (tried with {parent.name} {plain((record or {}).get('id'))})" if parent else ""
            )
            readable = UNTRIED if isinstance(error, QuotaExhausted) else NO
            return Finding(name, readable, self._reason(stream, error) + tried, error=error)
        if page is None:
            return Finding(name, UNTRIED, f"found nothing to try it with; {self._needs(stream)}")
        return Finding(name, YES, record=found)

    def _first_page(self, stream: PinterestStream, record: Record | None) -> Page | None:
        """What a stream's own request is answered with; None where there is none to send.

        Raises:
            StreamError: It cannot be read, or not for this parent, whose record is as it came.
        """
        self._probe.look_at(stream)
        with as_described():
            parent = stream.parent_of(record) if record else {}
            try:
                return next(stream.pages_of(parent) if record else stream.pages(), None)
            except Readable as found:
                answer = found.answer
                return Page(answer.items if isinstance(answer, Envelope) else [], 0, adds=parent)

    def _hindered(self, stream: PinterestStream, parent: Finding | None) -> Finding | None:
        """Why a stream cannot be tried."""
        if reason := stream.why_skipped():
            return Finding(stream.name, SKIPPED, reason)
        if parent is None or parent.record is not None:
            return None
        if parent.readable != YES:
            return Finding(stream.name, parent.readable, f"see {parent.name}", error=parent.error)
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


def _usable(page: Page) -> Record | None:
    """A record to try children with, the first where none has an id that can be asked for.

    Raises:
        StreamError: There are no records on the page, but something else.
    """
    records = page.records()
    if page.odd and not records:
        raise page.odd[0]
    usable = (each for each in records if is_id(each.get("id")))
    record = next(usable, records[0] if records else None)
    return record and {**record, **page.adds}


def _generation(stream: PinterestStream) -> int:
    """How many parents are above a stream."""
    return _generation(stream.parent) + 1 if stream.parent else 0


# -- what is shown


def _account(run: Run) -> str:
    try:
        account = run.account()
    except StreamError as error:
        return f"cannot be read{_lacking(error, 'user_accounts:read')}: {error}"
    return account_name(account)


def _lacking(error: StreamError, scope: str) -> str:
    return f" (needs {scope})" if isinstance(error, Forbidden) else ""


def _ad_accounts(run: Run) -> str:
    try:
        with as_described():
            answer = run.transport.get(Request("/ad_accounts", quota="ads_read"), decode_one)
            items = answer.get("items") or []
            named = [f"{plain(item.get('id'))} ({plain(item.get('name'))})" for item in items[:FEW]]
    except StreamError as error:
        # No stream needs them yet.
        return f"unknown{_lacking(error, 'ads:read')}: {error}"
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


def examine(run: Run) -> list[Finding]:
    """Show what works; what came of those streams that are selected by default and do not."""
    labels = (15,)
    cli.show("Account", _account(run), widths=labels)
    cli.show("Ad accounts", _ad_accounts(run), widths=labels)
    for label, text in _token(run):
        cli.show(label, text, widths=labels)
    streams = cast("Sequence[PinterestStream]", run.streams)
    columns = (max(len(stream.name) for stream in streams) + 2, 10)
    click.echo()
    cli.show("Stream", "Readable", "", widths=columns)
    checkup, failed = Checkup(run), []
    for stream in streams:
        finding = checkup.of(stream)
        cli.show(stream.name, finding.readable, finding.why, widths=columns)
        if finding.error and stream.selected_by_default:
            failed.append(finding)
    click.echo()
    cli.show("Quota left", _quotas(run) or "unknown", widths=labels)
    return failed


def _advice(failed: Sequence[Finding]) -> Iterator[str]:
    """What to do about streams that cannot be read, by the kinds of what keeps them."""
    names: dict[type[StreamError], list[str]] = defaultdict(list)
    for finding in failed:
        kinds = (Forbidden, QuotaExhausted, StreamError)
        names[next(kind for kind in kinds if isinstance(finding.error, kind))].append(finding.name)
    if forbidden := names[Forbidden]:
        yield (
            f"Not readable: {', '.join(forbidden)}. Where the table names scopes that are missing, "
            "connect the account again (tap-pinterest-login); else deselect these streams."
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
def main(config: _ConfigInput) -> None:
    """Say what the configured credentials can read, stream by stream, with a request each."""
    given = {"max_wait": PATIENCE} | config.config
    if isinstance(given["max_wait"], int | float):
        given["max_wait"] = min(given["max_wait"], PATIENCE)
    tap = TapPinterest(config=given)
    _ = tap.streams  # which makes the run
    tap.run.patience, tap.run.tries = PATIENCE, TRIES
    if failed := examine(tap.run):
        raise TapError(" ".join(_advice(failed)))


if __name__ == "__main__":
    main()
