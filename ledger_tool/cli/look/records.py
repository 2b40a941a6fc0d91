"""`ledger get` and `ledger list`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import choice, flag, formats, option
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import counted
from ledger_tool.core.policy.reference import parse_name

At = Annotated[
    str,
    option("--at", "DATE|REV", "The ledger as it was: at a date, a time, a length back from now (7d), or a revision."),
]


@reads
def get(
    image: o.ImageTag,
    platform: o.Platform = "",
    output: Annotated[str, formats("text", "json", "ref", "digest")] = "json",
    moment: At = "",
    *,
    ledger: Reading,
) -> None:
    """Show the records of one image:tag."""
    from ledger_tool.commands.records import get as run
    from ledger_tool.render import records as render

    reference = parse_name(image)
    parsed_platform = o.parsed(names.parse_platform, platform)
    with ledger.source_at(moment) as source:
        tagged = run(source, reference, now=o.now(), platform=parsed_platform)
    screen = ledger.screen
    screen.notes(render.doubt_notes(tagged))
    if output in ("ref", "text"):
        screen.notes(render.no_registry_notes(tagged))
    screen.show(
        output,
        text=lambda: render.tag_as_text(tagged, screen.view()),
        json=lambda: render.tag_as_json(tagged),
        ref=lambda: f"{tagged.repository}@{tagged.pulled()}",
        digest=tagged.pulled,
    )


@reads
def list_records(
    pattern: o.Pattern = "*",
    label: Annotated[list[str], option("--label", "K=V", "Only with this label; may be repeated.")] = o.NONE,
    env: Annotated[str, option("--env", "ENV", "Only what this environment has.")] = "",
    source: Annotated[str, option("--source", "TEXT", "Only with this text in the sourceRef.")] = "",
    since: o.Since = "",
    expired: Annotated[bool, flag("--expired", "Only records past their TTL.")] = False,
    latest: Annotated[
        bool, flag("--latest", "Only the newest tag of each image that is neither yanked nor expired.")
    ] = False,
    order: Annotated[
        str,
        choice(
            "--sort",
            "ORDER",
            ("version", "published", "image"),
            "By image, the highest version first (version); the newest first (published); or by image and tag, as in "
            "ledger.json (image).  [default: version, or image in other formats than text]",
        ),
    ] = "",
    limit: Annotated[str, option("--limit", "N", "Only the first N records.")] = "",
    output: Annotated[str, formats("text", "json", "jsonl", "csv")] = "text",
    wide: o.Wide = False,
    moment: At = "",
    *,
    ledger: Reading,
) -> None:
    """List records, by image, tag and platform."""
    from ledger_tool.commands.records import list_records as run
    from ledger_tool.core.ledger.query import Query
    from ledger_tool.render import records as render

    o.exclude_each_other({"--latest": latest, "--expired": expired})
    o.exclude_each_other({"--env": env, "--latest": latest})
    count = o.limit(limit)
    order = order or ("version" if output == "text" else "image")
    query = Query(
        pattern=pattern,
        environment=env,
        labels=o.labels(label),
        source=source,
        since=o.when(since),
        expired_at=o.now() if expired else None,
    )
    screen = ledger.screen
    with ledger.source_at(moment) as opened:
        notes = screen.note if output == "text" else lambda _: None
        found = run(opened, query, latest_at=o.now() if latest else None, order=order, note=notes)
    records = found[:count]
    screen.show(
        output,
        json=lambda: render.as_json(records),
        jsonl=lambda: render.as_json_lines(records),
        csv=lambda: render.as_csv(records),
        text=lambda: render.as_table(records, screen.view(wide=wide)),
    )
    if len(found) > len(records):
        screen.note(f"note: {counted(len(found) - len(records), 'more record')} beyond the limit")
