"""The page that shows the difference between two sourceRefs.

Sources: the forges' own documentation of their compare pages. Where the host's name does not tell the kind of forge,
there is no link, and the sourceRefs are shown as text.
"""

from __future__ import annotations

from ledger_tool.core.ledger.names import SourceRef
from ledger_tool.core.ledger.sourceref import kind, split, web_url
from ledger_tool.core.policy.addresses import may_be_same

_COMPARE_PATHS = {
    "github": "compare/{before}...{after}",
    "gitea": "compare/{before}...{after}",
    "gitlab": "-/compare/{before}...{after}",
    "bitbucket": "branches/compare/{after}%0D{before}",
    "azure": "branchCompare?baseVersion=GC{before}&targetVersion=GC{after}&_a=commits",
}


def compare_url(old: SourceRef, new: SourceRef) -> str:
    """Return the URL of the forge's page that compares two commits of one repository, or `""` if there is none."""
    (old_url, before), (new_url, after) = split(old), split(new)
    page = web_url(new_url) if before != after else ""
    if not page or not may_be_same(old_url, new_url):
        return ""
    path = _COMPARE_PATHS.get(kind(page))
    return f"{page}/{path.format(before=before, after=after)}" if path else ""
