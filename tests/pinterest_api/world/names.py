"""What things and people are called: as on a real account, with troublesome texts among them."""

from __future__ import annotations

from tests.pinterest_api.noise import title

THEMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Small kitchens",
        (
            "Open shelves above the sink",
            "A kitchen of six square metres",
            "Rail for pots and lids",
            "Fold-down table for two",
            "Green tiles, brass taps",
            "Spice drawer, sorted",
        ),
    ),
    (
        "Weeknight dinners",
        (
            "Lemon pasta in 20 minutes",
            "One-pot lentils",
            "Sheet-pan salmon with fennel",
            "Crispy tofu, sticky sauce",
            "Soup of roasted carrots",
            "Gnocchi with brown butter",
        ),
    ),
    (
        "Balcony garden",
        (
            "Tomatoes in a railing box",
            "Herbs that survive the wind",
            "Watering for two weeks away",
            "Shade plants for the north side",
            "Pallet bench with storage",
            "First seeds in March",
        ),
    ),
    (
        "Reading corners",
        (
            "Window seat with drawers",
            "Lamp over an old armchair",
            "Books by colour, and why not",
            "A corner under the stairs",
            "Wool blanket in ochre",
            "Shelf one book deep",
        ),
    ),
    (
        "Wedding, September",
        (
            "Table numbers from cork",
            "Dahlias and dried grass",
            "Menu on brown paper",
            "Cake with figs",
            "Seating plan on a mirror",
            "Lanterns along the path",
        ),
    ),
    (
        "Knitting",
        (
            "Raglan jumper from the top",
            "Cables for beginners",
            "Socks, heel explained",
            "Scarf in moss stitch",
            "Baby hat in one evening",
            "Blocking without pins",
        ),
    ),
    (
        "Kids' birthday",
        (
            "Treasure hunt for rainy days",
            "Dinosaur cake, no fondant",
            "Paper crowns to colour in",
            "Bowling with bottles",
            "Bags without plastic toys",
            "Pizza faces",
        ),
    ),
    (
        "Hallway and stairs",
        (
            "Hooks at two heights",
            "Shoe bench from pine",
            "Runner held by brass rods",
            "Wall the colour of clay",
            "Mirror that hides the fuses",
            "Umbrella stand from a pipe",
        ),
    ),
    (
        "Autumn baking",
        (
            "Plum cake from the tray",
            "Cinnamon knots",
            "Pumpkin bread with walnuts",
            "Apple pie, lattice top",
            "Oat biscuits for the tin",
            "Rye rolls overnight",
        ),
    ),
    (
        "Portugal 2026",
        (
            "Tiles of Porto",
            "Three days on the Alentejo coast",
            "Night train and ferries",
            "Where to eat in Lisbon",
            "Packing for wind and sun",
            "Lighthouse walk",
        ),
    ),
    (
        "Desk and office",
        (
            "Cable tray under the desk",
            "Standing desk from trestles",
            "Pegboard for tools",
            "Light for video calls",
            "Plants that need no sun",
            "Monthly plan on one page",
        ),
    ),
    (
        "Gift ideas",
        (
            "Seed bombs in a jar",
            "Printed linen towels",
            "Candles from leftovers",
            "Voucher that is no voucher",
            "Jam labels to print",
            "Wrapping with cloth",
        ),
    ),
)
"""Boards, and Pins that fit them."""

SECTIONS = ("To try", "Done", "For later", "Colours", "Shopping list", "Best of")
INTERESTS = (
    "Interior design",
    "Gardening",
    "Vegetarian recipes",
    "Woodworking",
    "Ceramics",
    "City trips",
    "Typography",
    "Children's books",
    "Natural dyes",
    "Bread baking",
)
BUSINESSES = ("studio_nord", "lampenladen", "olive_and_oak", "papelaria_sol", "keramik_werkstatt")
FIRST = ("anna", "ben", "carla", "davi", "elif", "femi", "greta", "hugo", "ines", "jonas", "kemi")
LAST = ("keller", "okafor", "lima", "novak", "yilmaz", "berg", "costa", "moreau", "tanaka")


def again(names: tuple[str, ...], index: int) -> str:
    """The name at an index; after the last one, the first again with a number behind it."""
    turn, at = divmod(index, len(names))
    return f"{names[at]} {turn + 1}" if turn else names[at]


def board_name(index: int) -> str:
    """The name of a board."""
    return again(tuple(name for name, _ in THEMES), index)


def pin_title(board: int, h: int) -> str:
    """The title of a Pin: of three, two fit their board, and one breaks pipelines."""
    if h % 3 == 0:
        return title(h >> 2)
    subjects = THEMES[board % len(THEMES)][1]
    return subjects[(h >> 8) % len(subjects)]


def username(index: int, turn: int) -> str:
    """Who somebody is; an index has one name, another `turn` gives other names."""
    at = index * 7 + turn * 3
    return f"{FIRST[at % len(FIRST)]}_{LAST[at // 5 % len(LAST)]}_{turn}{index:04d}"
