"""Files that are not read: those of a ledger, and those that no parser reads. Only what may be a manifest is a fault.

A gate over a manifest that cannot be read must not be green; nor may a file that is none fail it. What can be seen in
the text tells them apart.
"""

from __future__ import annotations

import re

from ledger_tool.core.manifests.formats import ManifestFormat
from ledger_tool.core.manifests.remark import ManifestNote
from ledger_tool.core.manifests.tokens import TextFault
from ledger_tool.core.manifests.yamltree import decoded
from ledger_tool.core.policy.policy import SETTINGS_SECTIONS

MAX_FILE = 10 * 2**20  # bytes
MOST_SEEN = 16 * 2**20  # bytes of a larger file that are looked at
_LEDGER = re.compile(r"\s*\{\s*\"schemaVersion\"\s*:\s*[0-9]+\s*,\s*\"records\"\s*:")
_TOP_KEY = re.compile(r"^([^\s#:-][^\s:]*)[ \t]*:", re.MULTILINE)


def is_of_ledger(path: str, text: str) -> bool:
    """Return whether a file is the `ledger.json` or the `ledger.yaml` of a ledger, and not a manifest of that name."""
    name = path.rpartition("/")[2].rpartition("\\")[2]
    if name == "ledger.json":
        return bool(_LEDGER.match(text))
    keys = _TOP_KEY.findall(text) if name == "ledger.yaml" else []
    return bool(keys) and set(keys) <= set(SETTINGS_SECTIONS)


def text_of(raw: bytes) -> str:
    """Return the text of a file of at most `MAX_FILE` bytes. Raises TextFault for a larger one, or another encoding."""
    if len(raw) > MAX_FILE:
        raise TextFault(1, f"larger than {MAX_FILE // 2**20} MiB")
    return decoded(raw)


def note_on(path: str, raw: bytes, form: ManifestFormat, fault: TextFault) -> ManifestNote | None:
    """Return the note on a file that no parser reads, or None for one that has nothing to do with images.

    Of a file of more than `MOST_SEEN` bytes, `raw` may be no more than the beginning.
    """
    text = _seen(raw)
    if not form.may_have_sites(text):
        return None
    if why := form.why_no_manifest(text):
        return ManifestNote(path, fault.line, f"skipped: {why} ({fault.message})", kind="not-a-manifest")
    return ManifestNote(path, fault.line, f"not read: {fault.message}", is_fault=True)


def _seen(raw: bytes) -> str:
    """Return what can be seen of a file's text; without its zeros, UTF-16 and UTF-32 are ASCII where they can be."""
    for mark, encoding in (
        (b"\xff\xfe\0\0", "utf-32"),
        (b"\0\0\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if raw.startswith(mark):
            return raw.decode(encoding, "replace")
    return raw.replace(b"\0", b"").decode("utf-8", "replace")
