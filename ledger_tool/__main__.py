"""The program's entry: `ledger`, `ledger-tool`, `python -m ledger_tool` and the zipapp."""

import atexit
import gc
import os
import sys
from contextlib import suppress


def run() -> None:
    """Run the command line of this process, and end it."""
    gc.disable()  # a run ends before a collection pays off; imports alone would trigger dozens
    try:
        from ledger_tool.cli.main import main

        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:  # closed by the caller
                setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for the life of the process
            getattr(sys, name).reconfigure(encoding="utf-8", errors="backslashreplace")
        code = main(sys.argv[1:])
    except KeyboardInterrupt:  # before or after `main`, which handles its own
        code = 130
    atexit._run_exitfuncs()  # in the zipapp, they remove the CA certificates that certifi unpacked for OpenSSL
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)  # nothing is left open; shutting down the interpreter would cost as much as a `get`


if __name__ == "__main__":
    run()
