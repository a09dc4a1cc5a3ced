"""The endpoints, a file per corner of the API; each registers its own when it is imported."""

from . import ads, ads_analytics, organic, organic_analytics

__all__ = ["ads", "ads_analytics", "organic", "organic_analytics"]
