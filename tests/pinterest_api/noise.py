"""Deterministic variety: numbers and texts that depend on nothing but what they describe."""

from __future__ import annotations

_MASK = (1 << 64) - 1


def mix(*parts: int) -> int:
    """64 well-stirred bits of the numbers given (splitmix64)."""
    x = 0x9E3779B97F4A7C15
    for part in parts:
        x = (x ^ part) * 0xBF58476D1CE4E5B9 & _MASK
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB & _MASK
        x ^= x >> 31
    return x


# Every text below is one that broke a pipeline somewhere: quotes, line breaks, scripts written
# from right to left, characters outside the basic plane, combining marks, line separators.
ADJECTIVES = (
    "Cosy",
    "Bright",
    "Handmade",
    "Été",
    "簡単な",
    "مشرق",
    "Größte",
    "“Vintage”",
    "Ретро",
    "Zero-waste",
    "한국식",
    "Cafe\u0301",
)
NOUNS = (
    "kitchens",
    "garden ideas 🌿",
    "soups & stews",
    "living rooms",
    "部屋づくり",
    "حدائق",
    "wedding cakes 👩‍🍳",
    "shelves, DIY",
    "schöne Stühle",
    'the "good" lamp',
    "paint\\varnish",
    "picnics 🧺",
)
REMARKS = (
    "Saved for later.",
    "Line one\nline two",
    'Tab\there, and a quote: "yes"',
    "100 % coton, très léger",
    "שלום, a name from right to left",
    "Separated\u2028by U+2028",
    "emoji only at the end 🎉🎉",
    "とても美しい写真です。",
    "comma, semicolon; and 'apostrophe'",
    "<b>not bold</b> &amp; not an entity",
    "zero\u200bwidth",
    "plain words about nothing in particular",
)
COLOURS = ("#6E7874", "#D1B89A", "#0A0A0A", "#F4F1EC", "#3B5D50", "#B03A2E", "#5DADE2", "#F7DC6F")


def title(h: int) -> str:
    """A short name."""
    return f"{ADJECTIVES[h % 12]} {NOUNS[(h >> 8) % 12]}"


def remark(h: int) -> str:
    """A longer text, possibly of several lines."""
    return f"{REMARKS[(h >> 16) % 12]} {NOUNS[(h >> 24) % 12]} · {REMARKS[(h >> 32) % 12]}"
