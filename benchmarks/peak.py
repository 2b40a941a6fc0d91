"""Run `ledger ARGUMENTS` in this process and write its own peak memory in KiB to a file; `memory` starts it."""

from __future__ import annotations

import gc
import resource
import sys
from pathlib import Path

from ledger_tool.cli.main import main

if __name__ == "__main__":
    gc.disable()  # as in a run of the program
    code = main(sys.argv[2:])
    Path(sys.argv[1]).write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
    sys.exit(code)
