"""`ledger publish`: arguments to drafts."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Annotated

import typer

from ledger_tool.cli import options as o
from ledger_tool.cli.registry.reconcile import CaFile, Jobs
from ledger_tool.cli.writing import Writing, writes
from ledger_tool.core.ledger import names
from ledger_tool.core.policy.reference import Reference, parse_reference
from ledger_tool.errors import Conflict, LedgerError, UsageError

Image = Annotated[
    str, typer.Argument(metavar="IMAGE:TAG[@DIGEST]", help="What was pushed, and its digest.", show_default=False)
]
_panel = "Image"


@writes
def publish(
    image: Image = "",
    image_option: Annotated[
        str,
        typer.Option(
            "--image",
            metavar="IMAGE",
            help="The image's name, instead of the argument.",
            show_default=False,
            rich_help_panel=_panel,
        ),
    ] = "",
    tag: Annotated[
        str, typer.Option("--tag", metavar="TAG", help="The tag.", show_default=False, rich_help_panel=_panel)
    ] = "",
    digest: Annotated[
        str,
        typer.Option(
            "--digest",
            metavar="DIGEST",
            help="The image's manifest digest.",
            show_default=False,
            rich_help_panel=_panel,
        ),
    ] = "",
    source: Annotated[
        str,
        typer.Option(
            "--source",
            metavar="URL@COMMIT",
            help="Where it was built from  [default: from the CI system's environment]",
            show_default=False,
            rich_help_panel=_panel,
        ),
    ] = "",
    platform: Annotated[
        str,
        typer.Option(
            "--platform", metavar="OS/ARCH", help="The image's platform.", show_default=False, rich_help_panel=_panel
        ),
    ] = "",
    index: Annotated[
        str,
        typer.Option(
            "--index",
            metavar="DIGEST",
            help="The digest of the index that serves it, of a multi-platform tag.",
            show_default=False,
            rich_help_panel=_panel,
        ),
    ] = "",
    config: Annotated[
        str,
        typer.Option(
            "--config",
            metavar="DIGEST",
            help="The digest of the image's config.",
            show_default=False,
            rich_help_panel=_panel,
        ),
    ] = "",
    label: Annotated[
        list[str],
        typer.Option(
            "--label", metavar="K=V", help="A label; may be repeated.", show_default=False, rich_help_panel=_panel
        ),
    ] = [],  # noqa: B006
    depends_on: Annotated[
        list[str],
        typer.Option(
            "--depends-on",
            metavar="REF",
            help="A base image, by digest; may be repeated.",
            show_default=False,
            rich_help_panel=_panel,
        ),
    ] = [],  # noqa: B006
    ttl: Annotated[
        str,
        typer.Option(
            "--ttl",
            metavar="7d",
            help="How long the record lives  [default: by tag, from ledger.yaml]",
            show_default=False,
            rich_help_panel=_panel,
        ),
    ] = "",
    pr: Annotated[
        str,
        typer.Option(
            "--pr", metavar="N", help="Publish under the tag pr-N.", show_default=False, rich_help_panel=_panel
        ),
    ] = "",
    published_at: Annotated[
        str,
        typer.Option(
            "--published-at",
            metavar="TIME",
            help="When it was pushed (RFC 3339)  [default: now]",
            show_default=False,
            rich_help_panel=_panel,
        ),
    ] = "",
    metadata_file: Annotated[
        str,
        typer.Option(
            "--metadata-file",
            metavar="FILE",
            help="Take names and digests from `docker buildx build|bake --metadata-file`.",
            show_default=False,
            rich_help_panel="Many images in one commit",
        ),
    ] = "",
    from_file: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="FILE|-",
            help="Take records from a JSON array or JSON Lines: all or nothing.",
            show_default=False,
            rich_help_panel="Many images in one commit",
        ),
    ] = "",
    registry: Annotated[
        str,
        typer.Option(
            "--registry",
            metavar="HOST",
            help="Look in this one  [default: the first in ledger.yaml that serves the image]",
            show_default=False,
            rich_help_panel="Registry",
        ),
    ] = "",
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no registry: record what is told.", rich_help_panel="Registry")
    ] = False,
    jobs: Jobs = "8",
    ca_file: CaFile = "",
    force: Annotated[
        bool, typer.Option("--force", help="Move a tag that has another digest.", rich_help_panel="Writing")
    ] = False,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", metavar="TEXT", help="Why it is forced.", show_default=False, rich_help_panel="Writing"
        ),
    ] = "",
    *,
    to: Writing,
) -> None:
    """Record an image, right after its push.

    Prints one JSON object per image:tag. The same digest again is fine and changes nothing; another
    digest under the same tag is refused (exit 3), unless the tag is mutable or the move is forced.
    """
    from ledger_tool.commands.publish import publish as run
    from ledger_tool.core.writes import input as intake
    from ledger_tool.edges.files.disk import read_bytes
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.render import write as render

    why = o.force_reason(force, reason)
    defaults = intake.Defaults(
        published_at=names.parse_timestamp(published_at) if published_at else o.now(),
        source_ref=_source(source),
        tag=_tag(tag, pr),
        platform=names.parse_platform(platform) if platform else None,
        labels=o.labels(label),
        depends_on=tuple(dict.fromkeys(names.parse_dependency(value) for value in depends_on)),
        ttl=names.parse_ttl(ttl) if ttl else None,
    )
    named = _named(image, image_option)
    if from_file:
        _only(
            "--from",
            {
                "an image": named,
                "--digest": digest,
                "--index": index,
                "--config": config,
                "--metadata-file": metadata_file,
            },
        )
        drafts = intake.drafts_from_records(read_bytes(from_file, intake.MAX_INPUT_BYTES, "the input"), defaults)
    elif metadata_file:
        _only("--metadata-file", {"--digest": digest, "--index": index, "--config": config})
        raw = read_bytes(metadata_file, intake.MAX_INPUT_BYTES, "the metadata file")
        drafts = intake.drafts_from_metadata(raw, defaults, named)
    else:
        drafts = [intake.draft_from_arguments(named, digest, index, config, defaults)]

    if offline and registry:
        raise UsageError("`--offline` and `--registry` exclude each other", "keep one of them")
    threads = o.whole_number("--jobs", jobs, 1, 256)
    with ExitStack() as stack:
        store, finish = to.open(stack)
        registries = None if offline else stack.enter_context(OpenRegistries(jobs=threads, ca_file=ca_file))
        try:
            written = finish(
                run(
                    store,
                    drafts,
                    registries=registries,
                    host=registry,
                    jobs=threads,
                    force_reason=why,
                    dry_run=to.dry_run,
                )
            )
        except Conflict as conflict:
            to.screen.data([render.conflict_line(conflict)])
            raise
    if not written.verified and any(draft.is_index for draft in drafts):
        to.screen.note("warning: that digest is an index's, and no registry was asked for its images; recorded as told")
    for warning in render.expired(written, o.now()):
        to.screen.note(warning)
    if offline:
        to.screen.note("note: offline, so that no registry was asked; recorded as told")
    render.tell(to.screen, written, dry_run=to.dry_run)


def _tag(tag: str, pr: str) -> names.Tag | None:
    if pr and tag:
        raise UsageError("`--pr` and `--tag` both name the tag", "keep one of them")
    if pr:
        return names.Tag(f"pr-{o.whole_number('--pr', pr, 1, 999_999_999)}")
    return names.parse_tag(tag) if tag else None


def _source(source: str) -> names.SourceRef | LedgerError:
    """Return the sourceRef given, or the CI system's; or the error to raise if a record turns out to need one."""
    from ledger_tool.core.writes import ci

    if source:
        return names.parse_source_ref(source)
    try:
        return ci.source_ref(os.environ)
    except UsageError as error:
        return error


def _named(image: str, image_option: str) -> Reference | None:
    if image and image_option:
        raise UsageError("the image is named twice, by argument and by `--image`", "keep one of them")
    return parse_reference(image or image_option) if image or image_option else None


def _only(option: str, others: dict[str, object]) -> None:
    for name, value in others.items():
        if value:
            raise UsageError(
                f"`{option}` and {name if ' ' in name else f'`{name}`'} exclude each other",
                f"`{option}` names the images itself",
            )
