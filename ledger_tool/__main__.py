"""The program's entry: `ledger`, `ledger-tool` and `python -m ledger_tool`."""

import gc
import os
import sys
from contextlib import suppress


def run() -> None:
    """Run the command line of this process, and end it."""
    gc.disable()  # a run is over before a collection pays; imports alone would trigger dozens
    try:
        from ledger_tool.cli.main import main

        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:  # closed by whoever started us
                setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for as long as we live
            getattr(sys, name).reconfigure(encoding="utf-8", errors="backslashreplace")
        code = main(sys.argv[1:])
    except KeyboardInterrupt:  # before or after `main`, which sees to its own
        code = 130
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)  # nothing is left open; taking the interpreter apart would cost as much as a `get`


if __name__ == "__main__":
    run()
