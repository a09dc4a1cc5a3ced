"""The settings: what each means, how they are given, and what must hold across them."""

from tap_pinterest.settings.checks import map_problems, maps_of, name_problems, problems
from tap_pinterest.settings.declared import CREDENTIALS, SETTINGS, VIDEO_RANKINGS, api_url, setting
from tap_pinterest.settings.dotfile import is_dotfile, read_dotfile
from tap_pinterest.settings.given import (
    PREFIX,
    as_meant,
    from_environment,
    from_file,
    secrets_of,
    spelled,
    unknown,
    without_loose_ends,
)

__all__ = [
    "CREDENTIALS",
    "PREFIX",
    "SETTINGS",
    "VIDEO_RANKINGS",
    "api_url",
    "as_meant",
    "from_environment",
    "from_file",
    "is_dotfile",
    "map_problems",
    "maps_of",
    "name_problems",
    "problems",
    "read_dotfile",
    "secrets_of",
    "setting",
    "spelled",
    "unknown",
    "without_loose_ends",
]
