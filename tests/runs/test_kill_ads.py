"""Killed in the middle of the second of three ad accounts: the next run reads what is missing."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.ads_faults import COLUMNS, below, bookmarks
from tests.analytics_harness import TODAY, Killable, at, back, table
from tests.harness import catalog_for, files, run_tap, wait_for
from tests.pinterest_api import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.pinterest_api import Simulator

STREAM = "campaign_analytics"
SETTINGS: dict[str, Any] = {**COLUMNS, "start_days_back": 9, "ads_lookback_days": 1}


@pytest.mark.parametrize("width", [1, 8])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_killed_in_the_middle_of_an_ad_account(
    simulate: Callable[..., Simulator],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    how: signal.Signals,
    width: int,
) -> None:
    """Ad accounts end one by one, or as many together as there are requests at once."""
    sim = simulate(ad_accounts=3, other_accounts=0, campaigns=260, ad_groups=1, ads=1, busy=True)
    at(monkeypatch, sim, TODAY)
    first, second, third = sim.world.accounts
    stuck = sim.faults.add(kind="hang", path=below(second, "/campaigns/analytics"), nth=2)
    settings = {**SETTINGS, "max_concurrency": width}
    config = {"access_token": TOKEN, "api_url": sim.url, **settings}
    documents = {"config": config, "catalog": catalog_for([STREAM])}
    tap = Killable(TODAY, files(tmp_path, **documents), tmp_path / "log.txt")
    reader = threading.Thread(target=tap.read)
    reader.start()
    of_second = f'"stream":"{STREAM}","record":{{"ad_account_id":"{second}"'.encode()
    wait_for(lambda: stuck.fired and of_second in tap.output)
    assert tap._process.pid
    os.kill(tap._process.pid, how)
    reader.join()
    killed = tap.run
    assert killed.exit_code == (-how if how == signal.SIGKILL else 143)
    assert bookmarks(killed, STREAM) == ({first: str(back(1))} if width == 1 else {})
    sim.faults.clear()
    sim.clear()
    again = run_tap(sim, select=(STREAM,), state=killed.states[-1], **settings).ok()
    asked = {
        (account, seen.params()["start_date"])
        for seen in sim.requests
        for account in (first, second, third)
        if seen.path == f"/v5/ad_accounts/{account}/campaigns/analytics"
    }
    assert asked == {
        (first, str(back(2 if width == 1 else 9))),
        (second, str(back(9))),
        (third, str(back(9))),
    }
    loaded = table(STREAM, [*killed.records(STREAM), *again.records(STREAM)])
    whole = run_tap(sim, select=(STREAM,), **SETTINGS).ok()
    assert loaded == table(STREAM, whole.records(STREAM))
    assert bookmarks(again, STREAM) == dict.fromkeys((first, second, third), str(back(1)))
