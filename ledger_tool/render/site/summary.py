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
        "commit": commit or None,
    }
    return json.document(value)


def line(written: SiteWritten, folder: str) -> str:
    """Return the line to print."""
    if not (written.written or written.removed):
        return f"nothing to do: {shown(folder)} is up to date, with {counted(written.files, 'file')}"
    removed = f", {written.removed} removed" if written.removed else ""
    return f"wrote {counted(written.written, 'file')} of {written.files} to {shown(folder)}{removed}"
