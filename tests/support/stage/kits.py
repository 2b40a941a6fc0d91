"""The files of a CI system as `ledger init --ci SYSTEM --tool SPEC` writes them."""

from __future__ import annotations

from ledger_tool.core.writes.init import new_ledger_files
from ledger_tool.core.writes.tool import parse_tool
from ledger_tool.edges.files.kits import kit

WHEEL = f"https://packages.example.com/ledger_tool-1.0-py3-none-any.whl#sha256={'a1' * 32}"
IMAGE = f"registry.example.com/tools/ledger@sha256:{'b2' * 32}"
URL = "ssh://git@git.example.com/team/ledger.git"


def kit_files(ci: str, tool: str = WHEEL, registry: str = "registry.example.com", url: str = URL) -> dict[str, str]:
    """Return the text of each of a CI system's files; with an empty `tool`, as without `--tool`."""
    kit_of_ci = kit(ci)
    made = new_ledger_files(registry, kit_of_ci, url=url, tool=parse_tool(tool) if tool else None)
    return {path: made[path] for path in kit_of_ci}
