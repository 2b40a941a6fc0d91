"""What `site` did: a line for people, JSON for machines."""

from __future__ import annotations

from ledger_tool.core.ledger.names import counted, shown
from ledger_tool.core.site.files import SiteWritten
from ledger_tool.render import json


def as_json(written: SiteWritten, folder: str, commit: str) -> str:
    """Return the JSON object; `schema/site-v1.schema.json` describes it."""
    value = {
        "folder": folder,
        "files": written.files,
        "written": written.written,
        "removed": written.removed,
        "commit": commit,
    }
    return json.document(value)


def line(written: SiteWritten, folder: str) -> str:
    """Return the line to print."""
    place, files = shown(folder, 300), counted(written.files, "file")
    if not (written.written or written.removed):
        return f"nothing to do: {place} is up to date, with {files}"
    removed = f", removed {written.removed}" if written.removed else ""
    return f"wrote {written.written} of {files} to {place}{removed}"
