"""The components of GitLab have the kits' scripts in them, because each is a single file: `python -m …components`."""

from __future__ import annotations

import re

from ledger_tool.edges.files.kits import shell_script
from tests.support import ROOT

COMPONENTS = sorted((ROOT / "templates").glob("*.yml"))
_SCRIPTS = sorted(path.name for path in (ROOT / "ledger_tool/kits/shell").glob("*.sh"))


def refreshed(text: str) -> str:
    """Return a component with the scripts as they are now; a block of a script is known by its first line."""
    for name in _SCRIPTS:
        lines = shell_script(name).splitlines()
        block = "".join(f"      {line}\n" if line else "\n" for line in lines)
        old = rf"(?<=\n    - \|\n)      {re.escape(lines[0])}\n(?:      .*\n|\n(?=      ))*"
        text = re.sub(old, lambda _, block=block: block, text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    for component in COMPONENTS:
        component.write_text(refreshed(component.read_text("utf-8")), "utf-8")
