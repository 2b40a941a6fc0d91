"""`ledger keepset` and `ledger export`."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from ledger_tool.cli import options as o
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.cli.registry.reconcile import CaFile, Jobs
from ledger_tool.core.ledger import names
from ledger_tool.errors import InvalidValue, UsageError


@reads
def keepset(
    pattern: Annotated[
        str, typer.Argument(metavar="PATTERN", help="A glob of images (`myorg/*`).", show_default=False)
    ] = "*",
    live: Annotated[
        bool,
        typer.Option("--live", help="Ask the registries for all children of each index, attestations included."),
    ] = False,
    registry: Annotated[
        str,
        typer.Option("--registry", metavar="HOST", help="Only what lives in this registry.", show_default=False),
    ] = "",
    output: Annotated[str, typer.Option("--format", metavar="text|json", help="How to print it.")] = "text",
    jobs: Jobs = "20",
    ca_file: CaFile = "",
    *,
    of: Reading,
) -> None:
    """Print every digest that a garbage collector must keep: images, indexes, children and bases.

    Nothing is printed unless all of it is known.
    """
    from ledger_tool.commands.keepset import keepset as run
    from ledger_tool.core.dependencies.keepset import Scope
    from ledger_tool.edges.git.opening import open_for_reading
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.render import keepset as render
    from ledger_tool.render.progress import Progress

    o.one_of("--format", output, ("text", "json"))
    threads = o.whole_number("--jobs", jobs, 1, 256)
    if ":" in pattern:
        raise UsageError(
            f"the pattern `{names.shown(pattern)}` has a tag", "give a glob of images: a repository is kept as a whole"
        )
    host = re.sub(r"^https?://", "", registry)
    if registry and not re.fullmatch(names.HOST, host):
        raise InvalidValue(
            "host", f"host `{names.shown(registry)}` is malformed", "write it as in ledger.yaml: `registry.example.com`"
        )
    screen = of.screen
    progress = Progress("manifests")
    with (
        open_for_reading(of.repo, of.settings, screen) as source,
        OpenRegistries(jobs=threads, ca_file=ca_file) as registries,
    ):
        try:
            found = run(
                source, registries if live else None, Scope(pattern, host), jobs=threads, progress=progress.step
            )
        finally:
            progress.end()
    for note in render.notes(found):
        screen.note(note)
    screen.data([render.as_json(found)] if output == "json" else render.as_text(found))


@reads
def export(
    patterns: Annotated[
        list[str],
        typer.Argument(
            metavar="PATTERN...",
            help="Globs of images (`myorg/*`) or of image:tag (`myorg/*:v1.*`).",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    output: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="kustomize, helm-values, compose, dotenv, imgpkg, csv or cyclonedx.",
            show_default=False,
        ),
    ] = "",
    label: Annotated[
        list[str],
        typer.Option("--label", metavar="K=V", help="Only with this label; may be repeated.", show_default=False),
    ] = [],  # noqa: B006
    tag: Annotated[
        list[str],
        typer.Option(
            "--tag", metavar="GLOB", help="Only tags that match; may be repeated, for any of them.", show_default=False
        ),
    ] = [],  # noqa: B006
    platform: Annotated[
        str,
        typer.Option(
            "--platform",
            metavar="OS/ARCH",
            help="Only the images of this platform, by their own digest.",
            show_default=False,
        ),
    ] = "",
    latest: Annotated[
        bool,
        typer.Option("--latest", help="Of each image, the tag published last; passes over yanked and expired ones."),
    ] = False,
    key: Annotated[
        list[str],
        typer.Option(
            "--key",
            metavar="IMAGE=KEY",
            help="The image's key in Helm values, its Compose service, or its variable; may be repeated.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    serial_number: Annotated[
        str,
        typer.Option("--serial-number", metavar="URN", help="CycloneDX: the bill's `urn:uuid:…`.", show_default=False),
    ] = "",
    timestamp: Annotated[
        str, typer.Option("--timestamp", metavar="TIME", help="CycloneDX: the bill's time.", show_default=False)
    ] = "",
    *,
    of: Reading,
) -> None:
    """Print images of the ledger in the form that another tool reads.

    kustomize, helm-values, compose and dotenv have room for one tag of each image: which one has to be said.
    """
    from ledger_tool.commands.export import FORMATS, KEYED
    from ledger_tool.commands.export import export as run
    from ledger_tool.core.export import Selection
    from ledger_tool.edges.git.opening import open_for_reading
    from ledger_tool.render import cyclonedx
    from ledger_tool.render import export as render

    if not output:
        raise UsageError("`--format` is missing", f"use one of {', '.join(FORMATS)}")
    o.one_of("--format", output, FORMATS)
    if key and output not in KEYED:
        raise UsageError(f"`--key` does not go with `--format {output}`", f"it goes with {', '.join(KEYED)}")
    if (serial_number or timestamp) and output != "cyclonedx":
        raise UsageError("`--serial-number` and `--timestamp` go with `--format cyclonedx`", "leave them out")
    if serial_number and not cyclonedx.is_serial(serial_number):
        raise UsageError(
            f"serial number `{names.shown(serial_number)}` is malformed",
            "write `urn:uuid:` and a UUID in lower case, as `uuidgen` makes them",
        )
    at = names.parse_timestamp(timestamp, "timestamp") if timestamp else ""
    selection = Selection(
        patterns=patterns,
        tags=tag,
        labels=o.labels(label),
        platform=names.parse_platform(platform) if platform else None,
    )
    screen = of.screen
    with open_for_reading(of.repo, of.settings, screen) as source:
        done = run(source, output, selection, now=o.now(), latest=latest, keys=key)
    for note in render.notes(done, output):
        screen.note(note)
    if output == "cyclonedx":
        screen.data([cyclonedx.as_json(done.records, done.policy, serial=serial_number, at=at)])
    else:
        screen.data(render.lines(done, output))
