"""Fixtures of the tests into real targets."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.conftest import executable, missing
from tests.loading.databases import Postgres, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def target_postgres() -> Path:
    """The executable of target-postgres, where PostgreSQL is there too."""
    if not shutil.which("initdb"):
        missing("no initdb of PostgreSQL is on the PATH (Debian: /usr/lib/postgresql/*/bin)")
    return executable("target-postgres", "target-postgres", "TARGET_POSTGRES")


@pytest.fixture(scope="module")
def postgres(target_postgres: Path) -> Iterator[Postgres]:
    """A PostgreSQL server."""
    with serving() as server:
        yield server
