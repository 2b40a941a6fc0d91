"""The libraries that check signatures. Not every installation has them: without one, no signature is judged."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from ledger_tool.core.policy.policy import TrustedSigner
from ledger_tool.errors import SignatureUncheckable


def signature_libraries(signers: Sequence[TrustedSigner]) -> str:
    """Return the libraries that the signatures of signers need, with their versions. Raises SignatureUncheckable."""
    wanted = {"cryptography": "keys"} | ({"sigstore": "sigstore"} if any(not one.key for one in signers) else {})
    return "checked with " + " and ".join(
        f"{module} {library(module, extra).__version__}" for module, extra in wanted.items()
    )


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
