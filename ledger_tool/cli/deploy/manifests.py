"""What `pin` and `bump` share: their arguments, and how they show what they did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from ledger_tool.cli.options import argument, choice, formats, option
from ledger_tool.core.ledger.names import shown
from ledger_tool.errors import UsageError

if TYPE_CHECKING:
    from ledger_tool.commands.rewrite import ManifestsReport
    from ledger_tool.core.manifests.marks import Style as WantedStyle
    from ledger_tool.edges.files.manifests import FolderManifests
    from ledger_tool.render.screen import Screen

Paths = Annotated[list[str], argument("PATH...", "Files, or folders of YAML and JSON files and Dockerfiles.")]
Platform = Annotated[
    str, option("--platform", "OS/ARCH", "Pin this platform's image", default="the index of a multi-platform tag")
]
Exclude = Annotated[
    list[str],
    option("--exclude", "GLOB", "Leave out these files or folders below the given folders; may be repeated."),
]
Style = Annotated[
    str,
    choice(
        "--style",
        "STYLE",
        ("auto", "tag", "digest"),
        "Where digests go in Helm values: behind the tag (tag), into a field (digest), or where the chart beside them "
        "reads them (auto).",
    ),
]
Format = Annotated[str, formats("text", "json", "markdown", "github")]


def in_folders(paths: list[str], exclude: list[str], style: str, screen: Screen) -> FolderManifests:
    """Return the manifests at these paths."""
    from ledger_tool.edges.files.manifests import FolderManifests

    return FolderManifests(paths, exclude, style_of(style), screen.unwatched)


def style_of(text: str) -> WantedStyle:
    """Return the style that the option names, or `""` for `auto`."""
    return "tag" if text == "tag" else "digest" if text == "digest" else ""


def show(screen: Screen, done: ManifestsReport, output: str, *, idle: Sequence[str]) -> int:
    """Print what was done, and return the exit code; `idle` are the globs of `--exclude` that leave nothing out."""
    from ledger_tool.render import pin as render

    screen.notes(f"note: the ledger has no image that `--policy '{shown(glob)}=…'` matches" for glob in done.idle)
    screen.notes(f"note: `--exclude '{shown(glob)}'` leaves out nothing that is read" for glob in idle)
    screen.notes(render.notes(done, verbose=screen.is_verbose))
    screen.show(
        output,
        json=lambda: render.as_json(done),
        github=lambda: render.as_github(done),
        markdown=lambda: render.as_markdown(done),
        text=lambda: render.as_text(done, screen.view(), verbose=screen.is_verbose),
    )
    screen.note(render.headline(done))
    screen.notes(render.outcome(done))
    if done.has_open_findings:
        return 1
    return UsageError.exit_code if done.faults else 0
