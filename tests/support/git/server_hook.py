"""The server's hook that docs/server.md shows, as a server would have it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from tests.support import ROOT
from tests.support.git.upstream import Upstream
from tests.support.stage.docs import blocks

HOOK = next(one.text for one in blocks((ROOT / "docs/server.md").read_text("utf-8")) if one.language == "sh")
LEDGER = Path(sys.executable).parent / "ledger"


def install(upstream: Upstream) -> None:
    """Install the hook on a server where `ledger` is not in the PATH, and somebody has set LEDGER_REPO."""
    first, rest = HOOK.split("\n", 1)
    assert first == "#!/bin/sh"
    upstream.hook(
        "pre-receive", f"export LEDGER_REPO=/nonexistent.git\nPATH={shlex.quote(str(LEDGER.parent))}:$PATH\n{rest}"
    )
