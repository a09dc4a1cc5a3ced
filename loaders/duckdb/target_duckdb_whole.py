# ruff: noqa: INP001 - a module of its own distribution
"""Run target-duckdb 0.8 so that every row arrives.

It loads rows from CSV files and leaves DuckDB to guess how they are written. Since DuckDB 1.1 the
guess is that the first row of most batches is a header, and that row is lost without a word. The
target's repository has put this right, its newest release (0.8.0) has not: when a later one is
out, install that and remove this.
"""

from __future__ import annotations

from typing import Any

import target_duckdb

AS_WRITTEN = "AUTO_DETECT false, HEADER false, DELIMITER ',', QUOTE '\"', ESCAPE '\"', "


class Connection:
    """A DuckDB connection that is told how the target writes its CSV files."""

    def __init__(self, connection: Any) -> None:
        """Wrap a connection."""
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        """Everything else is the connection's own."""
        return getattr(self._connection, name)

    def execute(self, query: str, *parameters: Any) -> Any:
        """Run a query; COPY reads the file as it was written, with nothing guessed."""
        if query.startswith("COPY "):
            query = query.replace(" WITH (", f" WITH ({AS_WRITTEN}", 1)
        return self._connection.execute(query, *parameters)


def main() -> None:
    """Run the target on standard input."""
    connect = target_duckdb.duckdb_connect
    target_duckdb.duckdb_connect = lambda config: Connection(connect(config))
    target_duckdb.main()
