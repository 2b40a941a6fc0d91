"""The libraries that check signatures. Not every installation has them: without one, no signature is judged."""

from __future__ import annotations

import importlib
from typing import Any

from ledger_tool.errors import SignatureUncheckable


def library(module: str, extra: str) -> Any:
    """Return a module of the extra `keys` or `sigstore`. Raises SignatureUncheckable if it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        project = "cryptography" if extra == "keys" else "sigstore"
        raise SignatureUncheckable(
            f"a signature cannot be checked: the Python library `{project}` is not installed",
            f"install it for the Python that runs `ledger`: `pip install {project}`, or "
            f"`pipx inject ledger-tool {project}`",
        ) from None
