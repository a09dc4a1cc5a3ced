"""Run the tap with `python -m tap_pinterest`."""

from tap_pinterest.tap import TapPinterest

TapPinterest.cli()
