"""All pages of a site, with what they load: style, script and icon."""

from __future__ import annotations

from collections.abc import Iterator

from ledger_tool.core.site import paths
from ledger_tool.core.site.facts import SiteFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site import changes, image, lists, matrix, missing, start, states
from ledger_tool.render.site.shell import Shell
from ledger_tool.render.site.templating import asset

_SCRIPTS = ("dom.js", "times.js", "copy.js", "pasted.js", "data.js", "search.js", "digest.js", "start.js")


def pages(facts: SiteFacts) -> Iterator[SiteFile]:
    """Yield every page, and style, script and icon."""
    shell = Shell.of(facts)
    yield from start.pages(facts, shell)
    yield from matrix.pages(facts, shell)
    yield from lists.pages(facts, shell)
    yield from changes.pages(facts, shell)
    yield from states.pages(shell)
    yield from missing.pages(facts.url, shell)
    yield shell.page(paths.DIGEST, "digest.html")
    yield from image.pages(facts, shell)
    yield SiteFile(paths.STYLE, asset("site.css").encode())
    yield SiteFile(paths.SCRIPT, _script().encode())
    yield SiteFile(paths.ICON, asset("icon.svg").encode())


def _script() -> str:
    """Return the script: its parts in one function, so that nothing of it is global."""
    return '"use strict";\n(() => {\n' + "\n".join(map(asset, _SCRIPTS)) + "})();\n"
