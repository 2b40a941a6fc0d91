"""The uses of charts in the bytes of a file, which is read as its images are: as YAML, or as a template of it."""

from __future__ import annotations

from typing import NamedTuple

from ledger_tool.core.manifests import yamltree
from ledger_tool.core.manifests.charts.layers import ChartUse
from ledger_tool.core.manifests.charts.uses import uses_in
from ledger_tool.core.manifests.charts.usesintemplates import uses_in_template
from ledger_tool.core.manifests.formats import refuse_actions
from ledger_tool.core.manifests.templateactions import has_actions
from ledger_tool.core.manifests.tokens import TextFault

_SIGNS = (b"elm", b"releases", b"patch", b"/spec/")


class ReadUses(NamedTuple):
    """The uses of charts in a file; with `is_template`, only what is known before it is rendered."""

    uses: list[ChartUse]
    is_template: bool = False


def read_uses(name: str, raw: bytes, *, is_template: bool) -> ReadUses:
    """Return the uses of charts in a file with this name; `is_template` says that it is one if it has actions."""
    from ledger_tool.edges.yaml.manifest_tokens import tokens

    if not any(sign in raw for sign in _SIGNS):
        return ReadUses([])
    text = raw.decode("utf-8", "replace")
    found: list[ChartUse] = []
    try:
        if is_template and has_actions(text):
            raise TextFault(1, "a template")
        for document in yamltree.documents(text):
            parsed = tokens(text, document)
            refuse_actions(text, document, parsed)
            found += [use for root in yamltree.tree(parsed) for use in uses_in(root, name)]
    except TextFault:
        return ReadUses([*uses_in_template(text, tokens)], is_template=True) if has_actions(text) else ReadUses(found)
    return ReadUses(found)
