"""The package's addresses, which only who builds it knows: there is no home that this source could name."""

from __future__ import annotations

import os
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class HomeOfTheBuild(MetadataHookInterface):
    """Takes the package's addresses from LEDGER_HOME_URL, an `https://` address of the repository; else it has none."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `urls`."""
        home = os.environ.get("LEDGER_HOME_URL", "").rstrip("/")
        if home and not home.startswith("https://"):
            raise ValueError(f"LEDGER_HOME_URL={home} does not begin with https://")
        metadata["urls"] = {"Homepage": home, "Source": home, "Issues": f"{home}/issues"} if home else {}
