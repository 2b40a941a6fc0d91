"""Build everything that can be built here into `dist/`, with the checksums of all of it.

The same commit, tools and dependencies give the same bytes: all times are those of the commit, or SOURCE_DATE_EPOCH.
LEDGER_HOME_URL, the `https://` address of the repository that builds, becomes the package's home page.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from release.zipapp import write_zipapp

ROOT = Path(__file__).parents[1]


def main(folder: Path) -> None:
    """Build into an empty folder, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ.setdefault("SOURCE_DATE_EPOCH", _commit_time())
    hatchling = [sys.executable, "-m", "hatchling", "build", "-d", str(folder.absolute()), "-t", "wheel", "-t", "sdist"]
    subprocess.run(hatchling, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    write_zipapp(folder / "ledger.pyz", wheel, ROOT / "requirements.txt", when=int(os.environ["SOURCE_DATE_EPOCH"]))
    shutil.copy(ROOT / "requirements.txt", folder)
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(sums))
    sys.stdout.write("".join(sums))


def _commit_time() -> str:
    """Return the seconds of the commit that is built, or of 2020, hatchling's own default, outside of a clone."""
    shown = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    return shown.stdout.strip() or "1580601600"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "dist")
