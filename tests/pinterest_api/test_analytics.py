"""Metrics: days that become final, splits that add up, requests that fail as one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.pinterest_api.metrics import APPS, STANDARD_METRICS, VIDEO_METRICS

if TYPE_CHECKING:
    from tests.pinterest_api import (
        Simulator,
        World,
    )


from tests.pinterest_api.client import TODAY, Client, error, on


def pin_of(world: World, *, video: bool) -> str:
    return next(
        str(pin["id"])
        for pin in world.all_pins()
        if world.is_video(place := world.pin_place(pin["id"]) or (0, 0)) is video
        and world.created_on(place) < TODAY - timedelta(days=100)
        and world.created_on(place) > date(2023, 3, 20)
    )


def test_days_become_final(sim: Simulator, client: Client) -> None:
    pin = pin_of(sim.world, video=False)
    params = {"metric_types": "IMPRESSION,SAVE,SAVE_RATE,TOTAL_COMMENTS"}

    def rows() -> list[dict[str, Any]]:
        answer = client.get(
            f"/pins/{pin}/analytics", start_date=on(6), end_date=on(0), **params
        ).json()
        assert list(answer["all"]["lifetime_metrics"]) == ["TOTAL_COMMENTS"]
        return list(answer["all"]["daily_metrics"])

    young = rows()
    assert [row["data_status"] for row in young] == (
        ["READY"] * 3 + ["ESTIMATE"] * 2 + ["PROCESSING"] * 2
    )
    assert young[-1]["metrics"] == {}
    assert set(young[-2]["metrics"]) == {"IMPRESSION", "SAVE"}
    sim.world.today = TODAY + timedelta(days=10)
    final = rows()
    assert final[:3] == young[:3]
    assert {row["data_status"] for row in final} == {"READY"}
    for before, after in zip(young[3:], final[3:], strict=True):
        assert before["metrics"] != after["metrics"]
        assert isinstance(after["metrics"]["SAVE_RATE"], float)
        day = date.fromisoformat(after["date"])
        expected = sim.world.daily_metrics(pin, day, names=("IMPRESSION", "SAVE", "SAVE_RATE"))
        assert after["metrics"] == expected


def test_a_pin_has_no_metrics_before_it_was_made(sim: Simulator, client: Client) -> None:
    world = sim.world
    pin, born = next(
        (pin["id"], born)
        for pin in world.all_pins()
        if 5 < (TODAY - (born := world.created_on(world.pin_place(pin["id"]) or (0, 0)))).days < 80
    )
    answer = client.get(
        f"/pins/{pin}/analytics", start_date=on(89), end_date=on(0), metric_types="SAVE"
    ).json()["all"]
    early = [row for row in answer["daily_metrics"] if row["date"] < born.isoformat()]
    assert {row["data_status"] for row in early} == {"BEFORE_PIN_CREATED"}
    assert all(row["metrics"] == {} for row in early)
    shown = sum(row["metrics"].get("SAVE", 0) for row in answer["daily_metrics"])
    assert answer["summary_metrics"]["SAVE"] == shown


def test_splits_add_up_to_the_whole(sim: Simulator, client: Client) -> None:
    params = {"start_date": on(20), "end_date": on(10), "metric_types": "IMPRESSION,SAVE"}

    def totals(path: str, **more: str) -> dict[str, dict[str, int]]:
        answer = client.get(path, **params, **more).json()
        return {key: group["summary_metrics"] for key, group in answer.items()}

    pin = f"/pins/{pin_of(sim.world, video=False)}/analytics"
    expected = {
        "/user_account/analytics": {
            "APP_TYPE": set(APPS),
            "SOURCE": {"YOUR_PINS", "OTHER_PINS"},
            "OWNED_CONTENT": {"CLAIMED", "OTHER"},
            "PIN_FORMAT": {
                "ORGANIC_IMAGE",
                "ORGANIC_PRODUCT",
                "ORGANIC_VIDEO",
                "ADS_STANDARD",
                "ADS_PRODUCT",
                "ADS_VIDEO",
                "ADS_IDEA",
            },
        },
        pin: {"APP_TYPE": set(APPS)},
    }
    for path, splits in expected.items():
        whole = totals(path)
        assert set(whole) == {"all"}
        assert whole["all"]["IMPRESSION"] > 0
        for split, keys in splits.items():
            parts = totals(path, split_field=split)
            assert set(parts) == keys
            for metric, value in whole["all"].items():
                assert sum(part[metric] for part in parts.values()) == value
    assert totals("/user_account/analytics", app_types="WEB") == {
        "all": totals("/user_account/analytics", split_field="APP_TYPE")["WEB"]
    }


def test_top_pins_agree_with_the_pins(sim: Simulator, client: Client) -> None:
    params = {"start_date": on(20), "end_date": on(10)}
    answer = client.get(
        "/user_account/analytics/top_pins", **params, sort_by="SAVE", num_of_pins=5
    ).json()
    saves = [pin["metrics"]["SAVE"] for pin in answer["pins"]]
    assert len(saves) == 5
    assert saves == sorted(saves, reverse=True)
    for pin in answer["pins"]:
        alone = client.get(f"/pins/{pin['pin_id']}/analytics", **params, metric_types="SAVE")
        assert alone.json()["all"]["summary_metrics"]["SAVE"] == pin["metrics"]["SAVE"]
    videos = client.get(
        "/user_account/analytics/top_video_pins", **params, sort_by="VIDEO_START"
    ).json()
    assert len(videos["pins"]) == 10
    assert all(
        sim.world.is_video(sim.world.pin_place(p["pin_id"]) or (0, 0)) for p in videos["pins"]
    )


def test_metric_sets_are_not_mixed(sim: Simulator, client: Client) -> None:
    dates = {"start_date": on(9), "end_date": on(8)}
    video, image = pin_of(sim.world, video=True), pin_of(sim.world, video=False)

    def names(pin: str, asked: tuple[str, ...]) -> set[str]:
        answer = client.get(f"/pins/{pin}/analytics", **dates, metric_types=",".join(asked))
        return set(answer.json()["all"]["summary_metrics"])

    lifetime = {"TOTAL_COMMENTS", "TOTAL_REACTIONS"}
    both = set(STANDARD_METRICS) & set(VIDEO_METRICS) - lifetime
    assert names(image, STANDARD_METRICS) == set(STANDARD_METRICS) - lifetime
    assert names(video, VIDEO_METRICS) == set(VIDEO_METRICS) - lifetime
    assert names(image, VIDEO_METRICS) == names(video, STANDARD_METRICS) == both
    mixed = client.get(f"/pins/{image}/analytics", **dates, metric_types="USER_FOLLOW,VIDEO_START")
    assert error(mixed) == (400, 1)


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [(89, 0, 200), (90, 0, 400), (90, 90, 400), (5, 6, 400), (1, -1, 400), (0, 0, 200)],
)
def test_dates_that_pinterest_keeps(client: Client, start: int, end: int, status: int) -> None:
    answer = client.get("/user_account/analytics", start_date=on(start), end_date=on(end))
    assert answer.status_code == status
    if start == 90:
        assert answer.json()["message"] == "You can only get data from the last 90 days."


def test_bulk_analytics_equal_single_ones_and_fail_as_one(sim: Simulator, client: Client) -> None:
    world = sim.world
    pins = [pin["id"] for pin in world.all_pins()][:100]
    params = {"start_date": on(9), "end_date": on(1), "metric_types": "SAVE,TOTAL_REACTIONS"}
    bulk = client.get("/pins/analytics", pin_ids=pins, **params).json()
    assert list(bulk) == pins
    assert bulk[pins[3]] == client.get(f"/pins/{pins[3]}/analytics", **params).json()
    assert bulk[pins[3]] == world.pin_analytics(
        pins[3],
        TODAY - timedelta(days=9),
        TODAY - timedelta(days=1),
        ("SAVE", "TOTAL_REACTIONS"),
    )
    partner = next(iter(list(world.accounts.values())[1].all_pins()))["id"]
    for ids, expected in (
        (["1"] * 101, (400, 1)),
        ([",".join(pins[:2])], (400, 1)),
        ([pins[0], "1"], (404, 50)),
        ([pins[0], partner], (401, 7)),
    ):
        assert error(client.get("/pins/analytics", pin_ids=ids, **params)) == expected
    world.gone_pins.add(pins[1])
    world.forbidden_pins.add(pins[2])
    assert error(client.get("/pins/analytics", pin_ids=pins[:2], **params)) == (404, 50)
    assert error(client.get("/pins/analytics", pin_ids=[pins[0], pins[2]], **params)) == (401, 7)
    assert error(client.get(f"/pins/{pins[1]}/analytics", **params)) == (404, 50)
    assert error(client.get(f"/pins/{pins[2]}/analytics", **params)) == (403, 403)
    world.bulk_analytics = False
    refused = client.get("/pins/analytics", pin_ids=pins[:1], **params)
    assert error(refused) == (401, 3)
    assert "restricted feature" in refused.json()["message"]
