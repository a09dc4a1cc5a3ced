"""Check what `make build` has built, as somebody who installs it would find it.

    python scripts/artifacts.py [--tag v1.2.3] dist

It ends with 1 and says what is wrong where the folder holds anything but one sdist and one wheel of
the version in pyproject.toml, where one of them lacks a file of the package or brings another one,
where an index would refuse the metadata, where the tag is another version's, or where the wheel,
installed by itself, has no command that runs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from packaging.metadata import Metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
VERSION: str = PROJECT["version"]
SDIST = f"tap_pinterest-{VERSION}"
WHEEL = f"tap_pinterest-{VERSION}-py3-none-any.whl"
# In an sdist beside the package. Hatchling adds the last three.
BESIDE = {"CHANGELOG.md", "LICENSE", "README.md", ".gitignore", "PKG-INFO", "pyproject.toml"}


def package() -> set[str]:
    """The files of the package, as they must be in what is built."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tap_pinterest").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def problems(folder: Path, tag: str = "") -> Iterator[str]:
    """What is wrong with the sdist and the wheel in a folder, a sentence each."""
    if tag and tag != f"v{VERSION}":
        yield f"The tag is {tag}, and the version in pyproject.toml {VERSION}."
    built = {path.name for path in folder.glob("*") if path.name != ".gitignore"}
    if built != {f"{SDIST}.tar.gz", WHEEL}:
        yield f"One sdist and one wheel of {VERSION} are expected, not {sorted(built)}."
        return
    with zipfile.ZipFile(folder / WHEEL) as wheel:
        about = f"{SDIST}.dist-info/"
        names = {name for name in wheel.namelist() if not name.startswith(about)}
        yield from _differences("The wheel", names, package())
        yield from _metadata("The wheel", wheel.read(f"{about}METADATA"))
    with tarfile.open(folder / f"{SDIST}.tar.gz") as sdist:
        names = {str(PurePosixPath(name).relative_to(SDIST)) for name in sdist.getnames()}
        yield from _differences("The sdist", names, package() | BESIDE)
        information = sdist.extractfile(f"{SDIST}/PKG-INFO")
        yield from _metadata("The sdist", information.read() if information else b"")


def _differences(what: str, names: set[str], expected: set[str]) -> Iterator[str]:
    if lacking := expected - names:
        yield f"{what} lacks {', '.join(sorted(lacking))}."
    if beyond := names - expected:
        yield f"{what} holds what does not belong there: {', '.join(sorted(beyond))}."


def _metadata(what: str, raw: bytes) -> Iterator[str]:
    try:
        metadata = Metadata.from_email(raw, validate=True)
    except ExceptionGroup as group:
        yield f"{what} has metadata that is not valid: {'; '.join(map(str, group.exceptions))}."
        return
    if not metadata.description or metadata.description_content_type != "text/markdown":
        yield f"{what} does not bring README.md as its description."


def version_of_installed(wheel: Path) -> str:
    """What `tap-pinterest --version` says where nothing but the wheel was installed."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        install = [f"{folder}/bin/python", "-m", "pip", "install", "-qq", str(wheel)]
        subprocess.run(install, check=True)  # noqa: S603  our own
        command = [f"{folder}/bin/tap-pinterest", "--version"]
        return subprocess.check_output(command, text=True, cwd=folder)  # noqa: S603  our own


def main(arguments: list[str] | None = None) -> int:
    """Check the folder that is named; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tag", default="", help="the tag that is released, such as v1.2.3")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    found = list(problems(options.folder, options.tag))
    if not found:
        said = version_of_installed((options.folder / WHEEL).resolve())
        if VERSION not in said:
            found.append(f"The wheel is {VERSION}, and `tap-pinterest --version` says {said!r}.")
    print("\n".join(found) or f"{WHEEL} and {SDIST}.tar.gz are as they should be.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
