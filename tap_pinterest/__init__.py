"""Singer tap for the Pinterest API v5."""
