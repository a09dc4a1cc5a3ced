"""Analytics of ads: what every entity cost and brought, each day.

The counts of a campaign on a day come from its id and the day; those of its ads are shares of them,
and everything else is a sum of ads. So nothing is stored, and everything adds up.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from zlib import crc32

import msgspec

from tests.pinterest_api.noise import mix

from .ads_entities import AdEntities, Campaign, Entity, Part
from .ads_metrics import (
    METRICS,
    Counts,
    by_value,
    day_of,
    share,
    with_conversions,
    without_conversions,
)
from .ads_tree import STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from .records import Record

KEYS = {
    "ad_account": "AD_ACCOUNT_ID",
    "campaign": "CAMPAIGN_ID",
    "ad_group": "AD_GROUP_ID",
    "ad": "AD_ID",
    "product_group": "PRODUCT_GROUP_ID",
    "pin": "PIN_ID",
}
"""Level -> the column that names its entities, which comes unasked."""

COSTLY_DAY = 5
"""So many days before the origin the first campaign costs more than a double can hold, and odd."""


class AdsMeasured(AdEntities):
    """The analytics endpoints below an ad account."""

    def ads_analytics(
        self,
        level: str,
        ad_account_id: str,
        ids: Iterable[str],
        start: date,
        end: date,
        *,
        columns: Sequence[str],
        granularity: str = "DAY",
        campaign_id: str | None = None,
        **windows: Any,
    ) -> list[Record]:
        """The rows of analytics, one per entity and day with anything; ids are texts.

        Args:
            level: a name in KEYS.
            ad_account_id: a key of `accounts`.
            ids: of the entities; not read for the level "ad_account". Product groups are those of
                product_group_promotions; Pins are looked for in the campaign.
            start: the first day.
            end: the last day.
            columns: names in COLUMNS.
            granularity: DAY, WEEK, MONTH, TOTAL or HOUR.
            campaign_id: for the level "pin".
            windows: click_window_days, engagement_window_days, view_window_days,
                conversion_report_time.

        Raises:
            KeyError: the ad account has no such entity.
        """
        count = self._counter(granularity, **windows)
        pieces = list(_pieces(start, end, granularity))
        metrics = [(name, METRICS[name]) for name in columns if name in METRICS]
        key = KEYS[level]
        rows = []
        for entity in self.entities(level, ad_account_id, ids, campaign_id):
            known = {key: entity.identity}
            known |= {name: entity.known[name] for name in columns if name in entity.known}
            for label, days in pieces:
                counts = count(entity, days)
                if counts:
                    row = {**label, **known}
                    for name, formula in metrics:
                        value = formula(counts)
                        if value is not None:  # a column without a value is not in the row
                            row[name] = value
                    rows.append(row)
        return rows

    def targeting_analytics(
        self,
        level: str,
        ad_account_id: str,
        ids: Iterable[str],
        start: date,
        end: date,
        *,
        columns: Sequence[str],
        types: Sequence[str],
        granularity: str = "DAY",
        **windows: Any,
    ) -> list[Record]:
        """The items of `data`: targeting_type, targeting_value (a text) and metrics; ids are integers.

        The values of a type sum to at most the entity. At the level "ad_account" nothing names the
        account unasked. Arguments and errors as for `ads_analytics`.
        """
        count = self._counter(granularity, **windows)
        pieces = list(_pieces(start, end, granularity))
        metrics = [(name, METRICS[name]) for name in columns if name in METRICS]
        rows = []
        for entity in self.entities(level, ad_account_id, ids, None):
            known = {} if level == "ad_account" else {KEYS[level]: int(entity.identity)}
            for name in columns:
                if name in entity.known:
                    value = entity.known[name]
                    known[name] = int(value) if name.endswith("_ID") else value
            values = [(kind, *how) for kind in types for how in by_value(kind, entity.identity)]
            for label, days in pieces:
                counts = count(entity, days)
                if not counts:
                    continue
                for kind, value, low, high, whole in values:
                    own = share(counts, low, high, whole)
                    if any(own):
                        found = {name: formula(own) for name, formula in metrics}
                        found = {n: v for n, v in found.items() if v is not None}
                        row = {"targeting_type": kind, "targeting_value": value}
                        rows.append({**row, "metrics": {**label, **known, **found}})
        return rows

    # -- as it is sent ------------------------------------------------------------------------

    def wire_rows(self, level: str, rows: list[Record]) -> list[Record]:
        """Rows of `ads_analytics` as they are sent: in a messy world, as in the wild.

        The ids of a row are texts, integers, or numbers with a fraction (…988.0) that has all its
        digits; some counts have a fraction, too; ad groups have the status of the campaign as a
        number.
        """
        if not self.messy:
            return rows
        key = KEYS[level]
        for row in rows:
            way = crc32(row[key].encode())
            for name in row:
                if name.endswith("_ID") and way % 3:
                    digits = row[name]
                    row[name] = int(digits) if way % 3 == 1 else msgspec.Raw(f"{digits}.0".encode())
            for name in ("IMPRESSION_1", "TOTAL_CONVERSIONS"):
                if name in row and way & 8:
                    row[name] = float(row[name])
            if level == "ad_group" and "CAMPAIGN_ENTITY_STATUS" in row:
                row["CAMPAIGN_ENTITY_STATUS"] = STATUSES.index(row["CAMPAIGN_ENTITY_STATUS"]) + 1
        return rows

    def wire_targeting(self, rows: list[Record]) -> list[Record]:
        """Rows of `targeting_analytics` as they are sent: some values are integers."""
        for row in rows if self.messy else ():
            if row["targeting_type"] == "LOCATION":
                row["targeting_value"] = int(row["targeting_value"])
        return rows

    # -- counting -----------------------------------------------------------------------------

    def _counter(
        self,
        granularity: str,
        *,
        click_window_days: int | str = 30,
        engagement_window_days: int | str = 30,
        view_window_days: int | str = 1,
        conversion_report_time: str = "TIME_OF_AD_ACTION",
    ) -> Callable[[Entity, Sequence[int]], Counts | None]:
        """What counts an entity on some days; None: nothing at all."""
        windows = (int(click_window_days), int(engagement_window_days), int(view_window_days))
        late = conversion_report_time == "TIME_OF_AD_ACTION"
        today, costly = self.today.toordinal(), self.origin.toordinal() - COSTLY_DAY
        days: dict[tuple[int, int], Counts | None] = {}

        def of_day(campaign: Campaign, on: int) -> Counts | None:
            record, end = campaign.record, campaign.record["end_time"]
            noon = (on - EPOCH) * 86_400 + 43_200
            much = campaign.index == 0 and on == costly
            h = mix(self.seed, 21, campaign.number, on)
            over = noon < record["start_time"] or (end and noon > end)
            idle = over or (h % 9 == 0 and not much)
            if not campaign.edges[-1] or (idle and not self.busy):
                return None
            video = record["objective_type"] == "VIDEO_COMPLETION"
            counts = day_of(h, today - on, windows, video=video, late=late)
            if much:
                counts = (*counts[:8], counts[8] + 2**53 + 1, *counts[9:])
            return counts

        def of_part(part: Part, on: int) -> Counts | None:
            campaign, first, last = part
            key = (campaign.number, on)
            if key not in days:
                days[key] = of_day(campaign, on)
            counts, edges = days[key], campaign.edges
            low, high = edges[first], edges[last]
            if counts and high - low < edges[-1]:
                counts = share(counts, low, high, edges[-1]) if high > low else None
            if on in campaign.late:
                more = campaign.late[on].items()
                extra = sum(n for leaf, n in more if first <= leaf < last)
                counts = with_conversions(counts, extra) if extra else counts
            return counts

        def count(entity: Entity, on: Sequence[int]) -> Counts | None:
            each = [of_part(part, day) for day in on for part in entity.parts]
            found = [counts for counts in each if counts]
            if not found:
                return None
            total = found[0] if len(found) == 1 else tuple(map(sum, zip(*found, strict=True)))
            if entity.within:
                total = share(total, *entity.within)
            if granularity == "HOUR":
                total = without_conversions(total)
            return total if any(total) else None

        return count


EPOCH = date(1970, 1, 1).toordinal()


def _pieces(start: date, end: date, granularity: str) -> Iterator[tuple[dict[str, str], list[int]]]:
    """What labels each row of a range, and the days (ordinals) that it covers."""
    days = range(start.toordinal(), end.toordinal() + 1)
    if granularity == "TOTAL":
        yield {}, list(days)
        return
    if granularity == "HOUR":  # all that happens, happens at noon
        for on in days:
            yield {"DATE": f"{date.fromordinal(on)}T12:00:00"}, [on]
        return
    firsts: Mapping[str, Callable[[date], date]] = {
        "DAY": lambda on: on,
        "WEEK": lambda on: on - timedelta(days=on.weekday()),
        "MONTH": lambda on: on.replace(day=1),
    }
    pieces: dict[date, list[int]] = {}
    for on in days:
        pieces.setdefault(firsts[granularity](date.fromordinal(on)), []).append(on)
    for first, covered in pieces.items():
        yield {"DATE": first.isoformat()}, covered
