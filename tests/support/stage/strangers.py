"""Somebody else's modules, in a checkout: one for every name that Python or this program might import."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.metadata import packages_distributions
from pathlib import Path

EVIDENCE = "pwned"  # a file that a module leaves behind; the tests of the kits look for it
_NAMES = sorted(
    {name for name in (*sys.stdlib_module_names, *packages_distributions()) if name.isidentifier()}
    | {"ledger_tool", "ledger", "pip", "sitecustomize", "usercustomize"}
)
_TEXT = """\
import posix
posix.close(posix.open({path!r}, posix.O_CREAT | posix.O_WRONLY))
raise SystemExit(f"{{__name__}} was taken from the checkout")
"""


def put_strangers(folder: Path, evidence: Path) -> None:
    """Fill a folder with modules that leave `evidence` behind and end the program that imports them.

    They are one file with many names: to write hundreds takes longer than most of what is tried among them.
    """
    text = folder / "strangers.txt"
    text.write_text(_TEXT.format(path=str(evidence)))
    for name in _NAMES:
        if not (folder / name).exists():
            with suppress(FileExistsError):
                os.link(text, folder / f"{name}.py")
    text.unlink()
