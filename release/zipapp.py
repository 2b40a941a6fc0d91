"""The zipapp: the package and what it needs, in one file that any Python from 3.11 on runs as it is.

Nothing is unpacked and nothing is cached, so there is no folder that somebody else could fill. That takes code without
compiled parts: those of PyYAML and charset-normalizer are left out, as both work without; `rpds` has a stand-in; and
pydantic, which only typer's conversion of parameters needs, is never imported (`ledger_tool/cli/command.py`).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

_STANDINS = Path(__file__).parent / "standins"
_NEVER_IMPORTED = {"pydantic", "pydantic-core", "annotated-types", "typing-inspection"}
_LEFT_OUT = re.compile(
    r".*\.(so|pyd|pyi)|[^/]+\.data/.*|[^/]+\.dist-info/(RECORD|WHEEL|INSTALLER)"  # which differ from system to system
    r"|(jsonschema|referencing|jsonschema_specifications)/(tests|benchmarks)/.*"
)
_MAIN = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("error: this is Python %d.%d\\n\\nhint: ledger needs Python 3.11 or newer" % sys.version_info[:2])
from ledger_tool.__main__ import run

run()
"""


def write_zipapp(path: Path, wheel: Path, requirements: Path, *, when: int) -> None:
    """Write the zipapp of a wheel and the requirements, which are downloaded and whose hashes are compared.

    `when`, in seconds since 1970, is the time of all its files.
    """
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        locked = ["--only-binary=:all:", "--require-hashes", "--requirement", str(requirements)]
        subprocess.run([*pip, *locked, "--dest", folder], check=True)
        wheels = [wheel, *Path(folder).glob("*.whl")]
        files = {"__main__.py": _MAIN.encode()}
        for each in wheels:
            if _project(each) not in _NEVER_IMPORTED | {path.stem for path in _STANDINS.glob("*.py")}:
                files |= _content(each)
    files |= {standin.name: standin.read_bytes() for standin in _STANDINS.glob("*.py")}
    with open(path, "wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w") as archive:
            for name in sorted(_folders(files) | files.keys()):
                entry = zipfile.ZipInfo(name, time.gmtime(when)[:6])
                entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o100644 << 16, 3
                archive.writestr(entry, files.get(name, b""))
    path.chmod(0o755)


def _folders(files: Iterable[str]) -> set[str]:
    """Return the folders of files; Python 3.12 needs their entries to find a namespace package, which `ruamel` is."""
    return {f"{folder}/" for name in files for folder in PurePosixPath(name).parents if folder.name}


def _project(wheel: Path) -> str:
    """Return a wheel's project; `rpds` is that of rpds-py."""
    return re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower().removesuffix("-py")


def _content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not _LEFT_OUT.fullmatch(name)]
        return {name: archive.read(name) for name in names}
