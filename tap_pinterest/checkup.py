"""A checkup: each stream is tried with one request, as small as it gets, side by side."""

from __future__ import annotations

import contextlib
import re
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar, cast

from tap_pinterest.consent import scopes_of
from tap_pinterest.errors import Forbidden, QuotaExhausted, StreamError, Withheld, as_described
from tap_pinterest.records.pages import Envelope, Page, is_id, reader
from tap_pinterest.shown import plain
from tap_pinterest.streams.ads import LEFT_OUT_BY, AdAccounts, Campaigns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_pinterest.kinds.stream import PinterestStream
    from tap_pinterest.network.gate import Quota
    from tap_pinterest.network.transport import Request, Transport
    from tap_pinterest.records.decoding import Record
    from tap_pinterest.run import Run

T = TypeVar("T")

FEW = 5
"""Ad accounts that are looked into."""

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

    def look_at(self, stream: PinterestStream, size: int = 1) -> None:
        """Take the stream that this thread tries next, and how many records are enough."""
        fixed = re.split(r"\{\w+\}", getattr(stream, "path", ""))
        self._tried.own = re.compile("[^/]+".join(map(re.escape, fixed)))
        self._tried.size = size

    def get(self, request: Request, read: Callable[[bytes], T]) -> T:
        """The answer to a request on the way to the stream's own.

        Raises:
            Readable: It was the stream's own, and it was answered.
        """
        if not self._tried.own.fullmatch(request.path):
            return self.send(request, read)
        params = tuple((name, self._least(name, value)) for name, value in request.query())
        raise Readable(self.send(request._replace(params=params, single=False), read))

    def send(self, request: Request, read: Callable[[bytes], T]) -> T:
        """The answer to a request, which is sent as it is."""
        return self._transport.get(request, read)

    def _least(self, name: str, value: str) -> str:
        if name == "page_size":
            return str(self._tried.size)
        return value.partition(",")[0] if name == "targeting_types" else value


@dataclass(slots=True)
class Finding:
    """What came of trying a stream."""

    name: str
    readable: str
    why: str = ""
    record: Record | None = None
    error: StreamError | None = None


@dataclass(slots=True)
class Account:
    """An ad account that was looked into, and why it cannot be; None where it can."""

    record: Record
    error: StreamError | None = None

    @property
    def is_open(self) -> bool:
        """Whether what is in it can be read, as far as that was found out."""
        return self.error is None or isinstance(self.error, QuotaExhausted)


class Checkup:
    """Tries streams side by side, each with one smallest request.

    Attributes:
        tried: The streams: those asked for, what is above them, and the list of ad accounts.
        accounts: The first ad accounts, once they have been looked into.
        are_all: Whether there are no more of them.
    """

    def __init__(self, run: Run, streams: Sequence[PinterestStream]) -> None:
        self._run = run
        self._probe = Probe(run.transport)
        run.transport = cast("Transport", self._probe)
        self.accounts: list[Account] = []
        self.are_all = True
        self._campaigns: dict[str, Page | StreamError | None] = {}
        roots = [each for each in self._all if isinstance(each, AdAccounts)]
        found = {id(each): each for stream in (*streams, *roots) for each in lineage(stream)}
        # Parents first, so that no thread waits for one whose turn does not come.
        self.tried = sorted(found.values(), key=lambda each: len(lineage(each)))
        self._findings: dict[str, Future[Finding]] = {each.name: Future() for each in self.tried}
        turns: SimpleQueue[PinterestStream] = SimpleQueue()
        for stream in self.tried:
            turns.put(stream)
        for _ in range(run.config["max_concurrency"]):
            # Nobody waits for them where the main thread has heard enough.
            threading.Thread(target=self._work, args=(turns,), daemon=True).start()

    @property
    def _all(self) -> Sequence[PinterestStream]:
        return cast("Sequence[PinterestStream]", self._run.streams)

    def of(self, stream: PinterestStream) -> Finding:
        """What came of trying a stream.

        Raises:
            TapError: Nothing can be tried: nobody answers, or the credentials do not work.
        """
        return self._findings[stream.name].result()

    def of_ad_accounts(self) -> Finding:
        """What came of asking for the ad accounts."""
        return self.of(next(each for each in self.tried if isinstance(each, AdAccounts)))

    @property
    def closed(self) -> list[Account]:
        """The ad accounts that cannot be looked into."""
        return [account for account in self.accounts if not account.is_open]

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
            if isinstance(stream, AdAccounts):
                return self._ad_accounts(stream)
            page = self._first_page(stream, record)
            found = _usable(page) if page else []
        except StreamError as error:
            tried = (
                f" (tried with {parent.name} {plain((record or {}).get('id'))})" if parent else ""
            )
            readable = UNTRIED if isinstance(error, QuotaExhausted) else NO
            return Finding(name, readable, self._reason(stream, error) + tried, error=error)
        if page is None:
            return Finding(name, UNTRIED, f"found nothing to try it with; {self._needs(stream)}")
        return Finding(name, YES, record=found[0] if found else None)

    def _first_page(self, stream: PinterestStream, record: Record | None) -> Page | None:
        """What a stream's own request is answered with; None where there is none to send.

        Raises:
            StreamError: It cannot be read, or not for this parent, whose record is as it came.
        """
        if not isinstance(stream, Campaigns):
            return self._ask(stream, record)
        # They have been asked for already where it was found out which ad accounts are open.
        account = str((record or {}).get("id"))
        if account not in self._campaigns:
            try:
                self._campaigns[account] = self._ask(stream, record)
            except StreamError as error:
                self._campaigns[account] = error
        found = self._campaigns[account]
        if isinstance(found, StreamError):
            raise found
        return found

    def _ask(self, stream: PinterestStream, record: Record | None, size: int = 1) -> Page | None:
        self._probe.look_at(stream, size)
        with as_described():
            parent = stream.parent_of(record) if record else {}
            batch = stream.batch
            if record and batch and batch.if_any and not parent.get(batch.of):
                return None
            try:
                return next(stream.pages_of(parent) if record else stream.pages(), None)
            except Readable as found:
                answer = found.answer
                return Page(answer.items if isinstance(answer, Envelope) else [], 0, adds=parent)

    # -- ad accounts

    def _ad_accounts(self, stream: AdAccounts) -> Finding:
        """Which ad accounts there are, and which of the first are open: a request for each.

        Raises:
            StreamError: They cannot be listed, or not one of those that are named can be read.
        """
        named = list(dict.fromkeys(stream.config.get("ad_account_ids") or ()))
        self.accounts = self._named(stream, named) if named else self._listed(stream)
        self.are_all = self.are_all and len(named) <= FEW
        errors = [account.error for account in self.accounts if account.error]
        if named and len(errors) == len(self.accounts):
            # That none of them is ours to see is more than a matter of one of them.
            raise Forbidden(str(errors[0])) if isinstance(errors[0], Withheld) else errors[0]
        # Streams below are tried with one that is open, where there is one.
        first = sorted(self.accounts, key=lambda account: account.error is not None)[:1]
        why = "; ".join(f"not {plain(each.record.get('id'))}: {each.error}" for each in self.closed)
        why += f"; {LEFT_OUT_BY}" if why else ""
        return Finding(stream.name, YES, why, first[0].record if first else None)

    def _named(self, stream: AdAccounts, named: Sequence[str]) -> list[Account]:
        found = []
        for identity in named[:FEW]:
            account = Account({"id": identity})
            try:
                path = f"{stream.path}/{identity}"
                request = stream.request(path, stream.query(), single=True)
                with as_described():
                    answer = self._probe.send(request, reader(""))
                    account.record = {**_usable(Page(answer.items, 0))[0], "id": identity}
            except StreamError as error:
                account.error = error
            found.append(account)
        return found

    def _listed(self, stream: AdAccounts) -> list[Account]:
        page = self._ask(stream, None, FEW + 1)
        records = _usable(page) if page else []
        self.are_all = len(records) <= FEW
        found = [Account(record) for record in records[:FEW]]
        campaigns = next((each for each in self.tried if isinstance(each, Campaigns)), None)
        for account in found if campaigns else ():
            try:
                self._first_page(cast("PinterestStream", campaigns), account.record)
            except StreamError as error:
                account.error = error
        return found

    # -- what keeps a stream from being tried, or read

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


def _usable(page: Page) -> list[Record]:
    """The records of a page, those first with which children can be tried: by an id.

    Raises:
        StreamError: There are no records on the page, but something else.
    """
    records = page.records()
    if page.odd and not records:
        raise page.odd[0]
    usable = sorted(records, key=lambda record: not is_id(record.get("id")))
    return [{**record, **page.adds} for record in usable]


def lineage(stream: PinterestStream) -> list[PinterestStream]:
    """A stream and those above it."""
    return [stream, *(lineage(stream.parent) if stream.parent else ())]
