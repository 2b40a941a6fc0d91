"""`ledger publish`: arguments to drafts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, flag, option
from ledger_tool.cli.proving import opening_prover
from ledger_tool.cli.reading import Asking, asks
from ledger_tool.cli.writing import Writing, writes
from ledger_tool.core.ledger import names
from ledger_tool.core.policy.reference import Reference, parse_reference
from ledger_tool.errors import Conflict, LedgerError, UsageError

if TYPE_CHECKING:
    from ledger_tool.core.writes.draft import Draft
    from ledger_tool.core.writes.input import Defaults

_IMAGE, _MANY, _REGISTRY, _WRITING = "Image", "Many images in one commit", "Registry", "Writing"


@writes
@asks(8)
def publish(
    image: Annotated[str, argument("IMAGE:TAG[@DIGEST]", "What was pushed, and its digest.")] = "",
    image_option: Annotated[str, option("--image", "IMAGE", "The image's name, instead of the argument.", _IMAGE)] = "",
    tag: Annotated[str, option("--tag", "TAG", "The tag.", _IMAGE)] = "",
    digest: Annotated[str, option("--digest", "DIGEST", "The image's manifest digest.", _IMAGE)] = "",
    source: Annotated[
        str,
        option(
            "--source",
            "URL@COMMIT",
            "Where it was built from",
            _IMAGE,
            default="from the CI system's environment",
        ),
    ] = "",
    platform: Annotated[str, option("--platform", "OS/ARCH", "The image's platform.", _IMAGE)] = "",
    index: Annotated[
        str, option("--index", "DIGEST", "The digest of the index that serves it, for a multi-platform tag.", o.RARE)
    ] = "",
    config: Annotated[str, option("--config", "DIGEST", "The digest of the image's config.", o.RARE)] = "",
    label: Annotated[list[str], option("--label", "K=V", "A label; may be repeated.", _IMAGE)] = o.NONE,
    depends_on: Annotated[
        list[str], option("--depends-on", "REF", "A base image, by digest; may be repeated.", _IMAGE)
    ] = o.NONE,
    ttl: Annotated[
        str, option("--ttl", "7d", "How long the record is valid", _IMAGE, default="by tag, from ledger.yaml")
    ] = "",
    pr: Annotated[str, option("--pr", "N", "Publish under the tag pr-N.", _IMAGE)] = "",
    published_at: Annotated[
        str, option("--published-at", "TIME", "When it was pushed (RFC 3339)", o.RARE, default="now")
    ] = "",
    metadata_file: Annotated[
        str,
        option(
            "--metadata-file",
            "FILE",
            "Take names and digests from `docker buildx build|bake --metadata-file`.",
            _MANY,
        ),
    ] = "",
    from_file: Annotated[
        str, option("--from", "FILE|-", "Take records from a JSON array or JSON Lines: all or nothing.", _MANY)
    ] = "",
    registry: Annotated[
        str,
        option(
            "--registry",
            "HOST",
            "The registry to ask",
            _REGISTRY,
            default="the first in ledger.yaml that serves the image",
        ),
    ] = "",
    bundle: o.Bundle = "",
    offline: Annotated[bool, flag("--offline", "Ask no registry: record what is given.", _REGISTRY)] = False,
    force: Annotated[bool, flag("--force", "Move a tag that has another digest.", _WRITING)] = False,
    reason: Annotated[str, option("--reason", "TEXT", "The reason for the forced move.", _WRITING)] = "",
    output: o.Written = "",
    *,
    ledger: Writing,
    registry_access: Asking,
) -> None:
    """Record an image, right after its push.

    Publishing the same digest again changes nothing; another digest under the same tag is refused
    (exit 3), unless the tag is mutable or the move is forced.
    """
    o.exclude_each_other({"--bundle -": bundle == "-", "--from -": from_file == "-"})
    o.exclude_each_other({"--offline": offline, "--registry": registry})
    why, clock = _force_reason(force, reason), o.now()
    raw = _input(from_file, metadata_file)  # all of it is there before the ledger is fetched: it may take its time
    with ledger.ahead() as begun, ExitStack() as stack:
        from ledger_tool.commands.publish import publish as run
        from ledger_tool.core.writes.input import Defaults, publication_time
        from ledger_tool.render import publish as render
        from ledger_tool.render.edit import show

        defaults = Defaults(
            published_at=publication_time(published_at, clock) if published_at else clock,
            clock=clock,
            source_ref=_source(source),
            tag=_tag(tag, pr),
            platform=o.parsed(names.parse_platform, platform),
            labels=o.labels(label),
            depends_on=tuple(dict.fromkeys(names.parse_dependency(value) for value in depends_on)),
            ttl=o.parsed(names.parse_ttl, ttl),
        )
        named = _named(image, image_option)
        digests = {"--digest": digest, "--index": index, "--config": config}
        drafts, left_out = _drafts(named, digests, raw, defaults, is_list=bool(from_file))
        raw = None  # it may be large
        screen = ledger.screen
        screen.notes(left_out)
        if not source and any(draft.source_ref is defaults.source_ref for draft in drafts):
            screen.notes(_source_notes())
        store = stack.enter_context(begun.store())
        registries = None if offline else stack.enter_context(registry_access.open(ledger.host_deadline))
        try:
            written = run(
                store,
                drafts,
                now=clock,
                registries=registries,
                open_prover=opening_prover(store, bundle),
                has_bundle=bool(bundle),
                host=registry,
                jobs=registry_access.jobs,
                force_reason=why,
                dry_run=ledger.dry_run,
            )
        except Conflict as conflict:
            if (output or screen.usual_format) == "json":
                screen.data([render.conflict_line(conflict)])
            raise
    screen.notes(render.notes(written, drafts, o.now(), offline=offline))
    show(screen, written, output, dry_run=ledger.dry_run)


def _input(from_file: str, metadata_file: str) -> bytes | None:
    """Return the bytes of the file of records, or else of buildx's metadata, None if neither is given."""
    if not from_file and not metadata_file:
        return None
    from ledger_tool.core.writes import input as inputs
    from ledger_tool.edges.files.disk import read_bytes

    if from_file and metadata_file:
        _only("--from", {"--metadata-file": metadata_file})
    what = "the input" if from_file else "the metadata file"
    return read_bytes(from_file or metadata_file, inputs.MAX_INPUT_BYTES, what)


def _drafts(
    named: Reference | None, digests: dict[str, str], raw: bytes | None, defaults: Defaults, *, is_list: bool
) -> tuple[Sequence[Draft], Iterable[str]]:
    """Return what to publish, from a file of records, buildx's metadata or the arguments, and notes for a person."""
    from ledger_tool.core.writes import input as inputs
    from ledger_tool.render import publish as render

    if raw is None:
        given = digests["--digest"], digests["--index"], digests["--config"]
        return [inputs.draft_from_arguments(named, *given, defaults)], ()
    if is_list:
        _only("--from", {"an image": named, **digests})
        return inputs.drafts_from_records(raw, defaults), ()
    from ledger_tool.core.writes.metadata import drafts_from_metadata

    _only("--metadata-file", digests)
    metadata = drafts_from_metadata(raw, defaults, named)
    return metadata.drafts, render.left_out(metadata)


def _tag(tag: str, pr: str) -> names.Tag | None:
    if pr and tag:
        raise UsageError("`--pr` and `--tag` both name the tag", "keep one of them")
    if pr:
        return names.Tag(f"pr-{o.whole_number('--pr', pr, 1, 999_999_999)}")
    return o.parsed(names.parse_tag, tag)


def _source(source: str) -> names.SourceRef | LedgerError:
    """Return the given sourceRef, or the CI system's; or the error to raise if a record turns out to need one."""
    from ledger_tool.core.writes import ci

    if source:
        return names.parse_source_ref(source)
    try:
        return ci.source_ref(os.environ)
    except UsageError as error:
        return error


def _source_notes() -> list[str]:
    """Return what is to be known of the CI system's sourceRef."""
    from ledger_tool.core.writes.ci import temporary_merge

    merge = temporary_merge(os.environ)
    return [f"note: {merge}"] if merge else []


def _named(image: str, image_option: str) -> Reference | None:
    if image and image_option:
        raise UsageError("the image is given twice, as an argument and with `--image`", "keep one of them")
    return o.parsed(parse_reference, image or image_option)


def _force_reason(force: bool, reason: str) -> str:
    """Return the reason for forcing, or `""`. Raises UsageError if only one of the two options is given."""
    if force and not reason.strip():
        raise UsageError(
            "`--force` needs a reason", "say why with `--reason TEXT`; it stays in the record and in history"
        )
    if reason and not force:
        raise UsageError("`--reason` needs `--force`", "add `--force`, or leave `--reason` out")
    return names.parse_text(reason, "reason")


def _only(name: str, others: Mapping[str, object]) -> None:
    for other, value in others.items():
        if value:
            raise UsageError(
                f"`{name}` and {other if ' ' in other else f'`{other}`'} cannot be combined",
                f"`{name}` names the images itself",
            )
