"""The records that the API returns, as JSON values, each computed from its index in the world."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from tests.pinterest_api import noise
from tests.pinterest_api.noise import COLOURS, mix, remark

Record = dict[str, Any]

MEDIA_TYPES = ("image", "video", "multiple_images", "multiple_videos", "multiple_mixed")
HOST = "https://i.pinimg.example"


def moment(origin: date, days_before: int, h: int, *, messy: bool) -> str:
    """A time of day `days_before` the origin. In the wild it has no zone and wandering precision."""
    at = datetime.combine(origin, time()) - timedelta(days=days_before)
    at += timedelta(seconds=h % 86400)
    if not messy:
        return at.isoformat() + "Z"
    if h >> 20 & 7 == 0:
        at += timedelta(milliseconds=1 + (h >> 24) % 999)
    return at.isoformat()


def images(h: int, *, messy: bool) -> Record:
    """One picture in Pinterest's usual sizes."""
    name = f"{h & 0xFF:02x}/{h >> 8 & 0xFF:02x}/{h >> 16 & 0xFF:02x}/{h:016x}.jpg"
    height = 400 + h % 1200
    sizes: Record = {
        "150x150": {"width": 150, "height": 150, "url": f"{HOST}/150x150/{name}"},
        "400x300": {"width": 400, "height": 300, "url": f"{HOST}/400x300/{name}"},
        "600x": {"width": 600, "height": height, "url": f"{HOST}/600x/{name}"},
        "1200x": {"width": 1200, "height": height * 2, "url": f"{HOST}/1200x/{name}"},
    }
    if messy:
        known = h >> 30 & 7
        sizes["originals"] = {
            "width": None if known == 0 else 1500,
            "height": None if known == 0 else height * 3,
            "url": f"{HOST}/originals/{name}",
        }
    return sizes


def _image_item(h: int, *, messy: bool) -> Record:
    return {
        "item_type": "image",
        "title": None if messy and h & 3 == 0 else noise.title(h),
        "description": None if messy and h & 5 == 0 else remark(h),
        "link": None if messy and h & 6 == 0 else f"https://shop.example/{h % 9973}",
        "images": images(h, messy=messy),
    }


def _video(h: int, *, messy: bool) -> Record:
    pending = messy and h >> 40 & 15 == 0  # sizes are null while Pinterest processes the video
    video: Record = {
        "cover_image_url": f"{HOST}/videos/{h:016x}.jpg",
        "duration": None if pending else 1000 + h % 60000,
        "width": None if pending else 720,
        "height": None if pending else 1280,
        "video_url": None if messy and h >> 44 & 1 else f"{HOST}/videos/{h:016x}.mp4",
    }
    if messy:
        video["video_url_hls"] = video["video_url"] and f"{HOST}/videos/{h:016x}.m3u8"
    return video


def pin_media(kind: str, h: int, *, messy: bool) -> Record:
    """The media of a pin, in each of its five shapes."""
    if kind == "image":
        return {"media_type": kind, "images": images(h, messy=messy)}
    if kind == "video":
        return {"media_type": kind, "images": images(h, messy=messy), **_video(h, messy=messy)}
    items: list[Record] = []
    for i in range(2 + h % 2):
        part = mix(h, i)
        if kind == "multiple_images" or (kind == "multiple_mixed" and i == 0):
            items.append(_image_item(part, messy=messy))
        else:
            items.append({"item_type": "video", **_video(part, messy=messy)})
    return {"media_type": kind, "items": items}


def pin(
    identity: dict[str, str | None],
    h: int,
    created_at: str,
    *,
    title: str,
    owner: str,
    mine: bool,
    kind: str,
    creative_type: str | None,
    promoted: bool,
    messy: bool,
) -> Record:
    """A pin. `identity` carries id, board_id, board_section_id and parent_pin_id."""
    record: Record = {
        **identity,
        "created_at": created_at,
        "link": f"https://shop.example/p/{h % 99991}?utm_source=pinterest&n={h % 7}",
        "title": title,
        "description": remark(h),
        "dominant_color": COLOURS[h >> 3 & 7],
        "alt_text": f"Picture: {title}",
        "creative_type": creative_type,
        "board_owner": {"username": owner},
        "is_owner": mine,
        "is_standard": h >> 6 & 3 != 0,
        "has_been_promoted": promoted,
        "media": pin_media(kind, h, messy=messy),
        "ai_disclosures": {"values": [] if h & 7 else ["AI_MODIFIED"]},
    }
    if messy:
        record["note"] = "" if h & 1 else remark(h >> 2)
        record["product_tags"] = [] if h & 6 else [{"pin_id": str(10**18 + h % 10**17)}]
        record["is_removable"] = mine
        record["is_product"] = h & 24 == 0
        for at, name in enumerate(("link", "title", "description", "alt_text", "dominant_color")):
            what = (h >> (6 * at)) % 17
            if what == 0:
                record[name] = None
            elif what == 1:
                del record[name]
    return record


def board(
    identity: str,
    h: int,
    *,
    name: str,
    owner: Record,
    privacy: str,
    pin_count: int,
    follower_count: int,
    created_at: str,
    modified_at: str,
    messy: bool,
) -> Record:
    """A board."""
    thumbs = [f"{HOST}/150x150/{mix(h, i):016x}.jpg" for i in range(min(pin_count, 4))]
    record: Record = {
        "id": identity,
        "name": name,
        "description": remark(h),
        "privacy": privacy,
        "owner": owner,
        "pin_count": pin_count,
        "follower_count": follower_count,
        "collaborator_count": h >> 9 & 3,
        "created_at": created_at,
        "board_pins_modified_at": modified_at,
        "is_ads_only": False,
        "media": {
            "image_cover_url": f"{HOST}/400x300/{h:016x}.jpg" if pin_count else None,
            "pin_thumbnail_urls": thumbs,
        },
    }
    if messy:
        if h >> 12 & 3 == 0:
            record["description"] = None
        elif h >> 12 & 7 == 1:
            del record["description"]
        if h >> 16 & 7 == 0:
            del record["board_pins_modified_at"]
        if h >> 20 & 7 == 0:
            del record["is_ads_only"], record["collaborator_count"]
    return record
