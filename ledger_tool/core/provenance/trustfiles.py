"""The file of a trusted root of identities, as far as its text tells what is wrong."""

from __future__ import annotations

from ledger_tool.core.ledger.jsontext import JsonFault, parse

_ROOT = "application/vnd.dev.sigstore.trustedroot"
_PARTS = ("certificateAuthorities", "tlogs", "ctlogs")  # without each of which nothing can be proved


def root_fault(raw: bytes) -> str:
    """Return what is wrong with the file of a trusted root, `""` if nothing that its text shows."""
    try:
        data = parse(raw.decode("utf-8"))
    except (UnicodeDecodeError, JsonFault):
        data = None
    media_type = data.get("mediaType") if isinstance(data, dict) else None
    if not (isinstance(media_type, str) and media_type.startswith(_ROOT)):
        return "it is not a trusted root of sigstore"
    missing = [name for name in _PARTS if not (isinstance(data.get(name), list) and data[name])]
    return f"it is a trusted root without {' and '.join(f'`{name}`' for name in missing)}" if missing else ""
