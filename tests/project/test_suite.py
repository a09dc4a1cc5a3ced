"""What the tests themselves must keep to, so that they say the same on every machine."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest

from tests.browser import Browser

if TYPE_CHECKING:
    from pathlib import Path


def test_a_browser_that_is_not_installed_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="chromium"), Browser():
        pass
    assert list(tmp_path.iterdir()) == []
