"""tap-pinterest-login and streams: what is asked for, and how more of it is added."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from click.testing import CliRunner

from tap_pinterest import login
from tap_pinterest.streams import PRESETS
from tests.harness import run_tap
from tests.runs.test_login import Scene, paste, scene

if TYPE_CHECKING:
    import pytest

__all__ = ["scene"]


def test_what_meltano_selects_is_what_scopes_are_asked_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = [*scene.args, "--no-browser"]
    both = '["ads.*", "boards.*"]', "ads:read,boards:read"
    for select, scopes in (('["ads.*"]', "ads:read"), both):
        monkeypatch.setenv("TAP_PINTEREST__SELECT", select)
        assert f"scope={quote(scopes, safe='')}&" in paste(args).output
    assert "scope=boards%3Aread&" in paste([*args, "--streams", "boards"]).output


def test_what_the_login_opens_says_all_ads_at_once_and_how_to_add_them(scene: Scene) -> None:
    done, _ = scene.log_in()
    said = " ".join(done.stdout.decode().split())
    assert re.search(r"Not opened .*, all streams of ads \(need ads:read, boards:read_secret", said)
    assert "campaign_analytics" not in said
    assert "connect again and name all that you want, such as --streams organic,ads" in said
    done, _ = scene.log_in("--streams", "everything")
    said = " ".join(done.stdout.decode().split())
    assert re.search("Opens .*, all streams of ads", said)
    assert "connect again" not in said


def test_the_scope_of_ads_is_added_by_another_login(scene: Scene) -> None:
    scene.log_in()
    assert run_tap(scene.config, select=["campaigns.*"]).exit_code == 1
    done, _ = scene.log_in("--streams", "organic,ads")
    assert done.exit_code == 0, done.log
    run = run_tap(scene.config, select=["campaigns.*", "account.*"]).ok()
    assert run.counts["campaigns"]
    assert run.counts["account"] == 1


def test_the_help_names_the_presets() -> None:
    done = CliRunner().invoke(login.main, ["--help"])
    assert done.exit_code == 0
    assert all(f"`{name}`" in done.output for name in PRESETS)
