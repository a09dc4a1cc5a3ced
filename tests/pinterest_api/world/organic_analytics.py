"""Performance of pins and of the account, as of the world's today."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tests.pinterest_api import metrics
from tests.pinterest_api.noise import mix

from .organic import Content
from .settings import CLAIMED_DOMAIN, Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.pinterest_api.metrics import Counts

    from .records import Record

Cell = tuple[str, str, str, str]  # (app, source, claimed or not, format)

# Pins that top_pins chooses from: ranking 200,000 would take minutes and teach nothing.
TOP_CANDIDATES = 200

SPLITS = {"APP_TYPE": 0, "SOURCE": 1, "OWNED_CONTENT": 2, "PIN_FORMAT": 3}


def days(start: date, end: date) -> list[date]:
    """Both ends included."""
    return [date.fromordinal(n) for n in range(start.toordinal(), end.toordinal() + 1)]


@lru_cache(maxsize=256)
def _cells(app: str, source: str, claimed: str, pin_format: str, content: str) -> tuple[Cell, ...]:
    formats: tuple[str, ...] = {
        "ALL": metrics.FORMATS,
        "PAID": metrics.ADS_FORMATS,
        "ORGANIC": metrics.ORGANIC_FORMATS,
    }[content]
    return tuple(
        (a, s, c, f)
        for a in metrics.APPS
        for s in metrics.SOURCES
        for c in metrics.CLAIMED
        for f in formats
        if app in ("ALL", a)
        and source in ("ALL", s)
        and claimed in ("BOTH", c)
        and pin_format in ("ALL", f)
    )


def _row(
    on: date, state: str, values: Counts, names: tuple[str, ...], today: date
) -> tuple[Record, Counts]:
    """A daily row, and the counts that it shows (for the summary)."""
    visible, shown = metrics.NOTHING, {}
    if state in (metrics.READY, metrics.ESTIMATE):
        visible, shown = values, metrics.named(values, names)
    elif state == metrics.PROCESSING and on < today:
        visible, shown = metrics.partial(values), metrics.partly_named(values, names)
    return {"data_status": state, "date": on.isoformat(), "metrics": shown}, visible


class Measured(Content):
    """Metrics; each row is what the wire carries."""

    # -- pins -------------------------------------------------------------------------------

    def pin_metric_names(self, place: Place, asked: Iterable[str]) -> list[str]:
        """Those of the metrics asked for that exist for this pin.

        Video metrics only for videos; follows and profile visits for the others, and for pins made
        before 2023-03-20 only for idea pins.
        """
        video = self.is_video(place)
        old = self.created_on(place) < date(2023, 3, 20)
        follows = not video and not (old and self.creative_type(place) != "IDEA")
        return [
            name
            for name in asked
            if (video or name not in metrics.VIDEO_ONLY)
            and (follows or name not in metrics.FOLLOWS)
        ]

    def daily_metrics(
        self, pin_id: str, on: date, app_type: str = "ALL", names: Iterable[str] | None = None
    ) -> dict[str, float]:
        """The final metrics of a pin on a day, whatever the wire shows of them yet."""
        place = self._pin(pin_id)
        asked = metrics.VIDEO_METRICS if self.is_video(place) else metrics.STANDARD_METRICS
        values = metrics.counts(self.who(place), on, app_type)
        return metrics.named(values, self.pin_metric_names(place, names or asked))

    def _pin(self, pin_id: str) -> Place:
        place = self.pin_place(pin_id)
        if place is None:
            raise KeyError(pin_id)
        return place

    def pin_analytics(
        self,
        pin_id: str,
        start: date,
        end: date,
        names: Iterable[str],
        *,
        app_types: str = "ALL",
        split_field: str = "NO_SPLIT",
    ) -> Record:
        """GET /pins/{pin_id}/analytics. Keys: "all", or the app types. KeyError: no such pin."""
        place = self._pin(pin_id)
        names = tuple(names)
        if split_field == "NO_SPLIT":
            groups = {"all": app_types}
        else:
            groups = {app: app for app in metrics.APPS if app_types in ("ALL", app)}
        return {
            key: self._pin_group(place, days(start, end), app, names) for key, app in groups.items()
        }

    def _pin_group(
        self, place: Place, dates: list[date], app: str, asked: tuple[str, ...]
    ) -> Record:
        who, born = self.who(place), self.created_on(place)
        names = tuple(self.pin_metric_names(place, asked))
        rows, shown, today = [], [], self.today
        for on in dates:
            state = metrics.BEFORE_PIN_CREATED if on < born else metrics.status(on, today)
            values = metrics.counts(who, on, app, estimate=state == metrics.ESTIMATE)
            row, visible = _row(on, state, values, names, today)
            rows.append(row)
            shown.append(visible)
        return {
            "daily_metrics": rows,
            "summary_metrics": metrics.named(metrics.add(shown), names),
            "lifetime_metrics": self._lifetime_metrics(place, asked),
        }

    def _lifetime_metrics(self, place: Place, asked: Iterable[str]) -> dict[str, int]:
        if self.created_on(place) < date(2023, 3, 20) and not (
            self.is_video(place) or self.creative_type(place) == "IDEA"
        ):
            return {}
        values = dict(zip(metrics.LIFETIME, self.lifetime(place), strict=True))
        return {name: values[name] for name in metrics.LIFETIME if name in tuple(asked)}

    # -- account ----------------------------------------------------------------------------

    def _cell(self, cell: Cell) -> int:
        _, source, claimed, pin_format = cell
        return mix(
            self.seed,
            9,
            metrics.SOURCES.index(source),
            metrics.CLAIMED.index(claimed),
            metrics.FORMATS.index(pin_format),
        )

    def account_analytics(
        self,
        start: date,
        end: date,
        names: Iterable[str] = metrics.ACCOUNT_METRICS,
        *,
        split_field: str = "NO_SPLIT",
        app_types: str = "ALL",
        source: str = "ALL",
        from_claimed_content: str = "BOTH",
        pin_format: str = "ALL",
        content_type: str = "ALL",
    ) -> Record:
        """GET /user_account/analytics: groups by split value; the groups add up to the whole."""
        names = tuple(names)
        cells = _cells(app_types, source, from_claimed_content, pin_format, content_type)
        groups: dict[str, list[Cell]] = {} if split_field != "NO_SPLIT" else {"all": list(cells)}
        if split_field != "NO_SPLIT":
            for cell in cells:
                groups.setdefault(cell[SPLITS[split_field]], []).append(cell)
        answer, today = {}, self.today
        for key, group in groups.items():
            members = [(self._cell(cell), cell[0]) for cell in group]
            rows, shown = [], []
            for on in days(start, end):
                state = metrics.status(on, today)
                estimate = state == metrics.ESTIMATE
                values = metrics.add(
                    metrics.counts(who, on, app, estimate=estimate, scale=metrics.audience(on))
                    for who, app in members
                )
                row, visible = _row(on, state, values, names, today)
                rows.append(row)
                shown.append(visible)
            answer[key] = {
                "daily_metrics": rows,
                "summary_metrics": metrics.named(metrics.add(shown), names),
            }
        return answer

    def views(self, last: int) -> int:
        """Impressions of the account in the last so many days that are over."""
        cells = _cells("ALL", "ALL", "BOTH", "ALL", "ALL")
        return sum(
            metrics.counts(self._cell(cell), on, cell[0], scale=metrics.audience(on))[0]
            for on in days(self.today - timedelta(days=last), self.today - timedelta(days=1))
            for cell in cells
        )

    # -- top pins ---------------------------------------------------------------------------

    def top_pins(
        self,
        start: date,
        end: date,
        sort_by: str,
        names: Iterable[str],
        *,
        video: bool = False,
        num_of_pins: int = 10,
        created_in_last_n_days: int | None = None,
        app_types: str = "ALL",
        **filters: str,
    ) -> Record:
        """GET /user_account/analytics/top_pins or top_video_pins.

        The filters other than app_types choose among pins: by media, promoted or not, the
        account's own or not, linking to the claimed domain or not.
        """
        names = tuple(names)
        dates, today = days(start, end), self.today
        newest = today - timedelta(days=created_in_last_n_days or 10**5)
        ranked = []
        for place in self._candidates(video=video):
            born = self.created_on(place)
            if born < newest or not self._chosen(place, **filters):
                continue
            who = self.who(place)
            shown = []
            for on in dates:
                state = metrics.BEFORE_PIN_CREATED if on < born else metrics.status(on, today)
                values = metrics.counts(who, on, app_types, estimate=state == metrics.ESTIMATE)
                shown.append(_row(on, state, values, (), today)[1])
            total = metrics.add(shown)
            ranked.append((-metrics.METRICS[sort_by](total), self.pin_id(*place), total))
        state = metrics.status(end, today)
        latest = datetime.combine(today - timedelta(days=2), time(), UTC)
        return {
            "date_availability": {
                "is_realtime": False,
                "latest_available_timestamp": int(latest.timestamp()) * 1000,
            },
            "pins": [
                {
                    "pin_id": pin_id,
                    "metrics": metrics.named(total, names),
                    "data_status": dict.fromkeys(names, state),
                }
                for _, pin_id, total in sorted(ranked)[:num_of_pins]
            ],
            "sort_by": sort_by,
        }

    def _candidates(self, *, video: bool) -> list[Place]:
        found: list[Place] = []
        for board in self._board_indexes("ALL", ()):
            for place in self._places(board):
                if not video or self.is_video(place):
                    found.append(place)
                    if len(found) == TOP_CANDIDATES:
                        return found
        return found

    def _chosen(
        self,
        place: Place,
        *,
        source: str = "ALL",
        from_claimed_content: str = "BOTH",
        pin_format: str = "ALL",
        content_type: str = "ALL",
    ) -> bool:
        _, _kind, promoted, _ = self.traits(place)
        creative = self.creative_type(place)
        product = creative == "SHOPPING"
        video = self.is_video(place)
        own_format = (
            ("ADS_PRODUCT" if product else "ADS_VIDEO" if video else "ADS_STANDARD")
            if promoted
            else ("ORGANIC_PRODUCT" if product else "ORGANIC_VIDEO" if video else "ORGANIC_IMAGE")
        )
        link: Any = self.pin(place).get("link") or ""
        claimed = "CLAIMED" if f"//{CLAIMED_DOMAIN}/" in link else "OTHER"
        return (
            source in ("ALL", "YOUR_PINS" if self.is_mine(place) else "OTHER_PINS")
            and from_claimed_content in ("BOTH", claimed)
            and pin_format in ("ALL", own_format)
            and content_type in ("ALL", "PAID" if promoted else "ORGANIC")
        )
