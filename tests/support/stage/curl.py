"""Stands for `curl` on a `Stage`: it downloads the program under test, whatever release the docs name."""

from __future__ import annotations

import sys
from pathlib import Path

# What the examples download, in place of the real `ledger.pyz`.
PYZ = b"from ledger_tool.__main__ import run\n\nrun()\n"


def main() -> None:
    """Do what the examples ask of it; an option that they do not have is an error, so that a typing mistake is one."""
    *options, output, address = sys.argv[1:]
    assert options == ["--fail", "--silent", "--show-error", "--location", "--output"], sys.argv
    assert address.endswith("/ledger.pyz"), address
    Path(output).write_bytes(PYZ)


if __name__ == "__main__":
    main()
