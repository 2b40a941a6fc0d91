"""`ledger export`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, flag, formats, option
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.core.ledger import names
from ledger_tool.errors import UsageError


@reads
def export(
    patterns: Annotated[
        list[str], argument("PATTERN...", "Globs of images (`myorg/*`) or of image:tag (`myorg/*:v1.*`).")
    ] = o.NONE,
    output: Annotated[
        str,
        formats(
            *("csv", "kustomize", "helm-values", "compose", "dotenv", "imgpkg", "images"),
            *("admission", "kyverno", "cyclonedx"),
        ),
    ] = "",
    label: Annotated[list[str], option("--label", "K=V", "Only with this label; may be repeated.")] = o.NONE,
    tag: Annotated[
        list[str], option("--tag", "GLOB", "Only tags that match; may be repeated, for any of them.")
    ] = o.NONE,
    env: Annotated[str, option("--env", "ENV", "What this environment has, each image by its version's tag.")] = "",
    platform: Annotated[
        str, option("--platform", "OS/ARCH", "Only the images of this platform, by their own digest.")
    ] = "",
    latest: Annotated[
        bool, flag("--latest", "The newest tag of each image that is neither yanked nor expired.")
    ] = False,
    key: Annotated[
        list[str],
        option(
            "--key",
            "IMAGE=KEY",
            "The image's key in Helm values, its Compose service, or its variable; may be repeated.",
        ),
    ] = o.NONE,
    config_map: Annotated[
        str,
        option(
            "--config-map",
            "NAMESPACE/NAME",
            "admission, kyverno: where the digests go.",
            default="ledger/ENV, else ledger/images",
        ),
    ] = "",
    serial_number: Annotated[str, option("--serial-number", "URN", "CycloneDX: the bill's `urn:uuid:…`.")] = "",
    timestamp: Annotated[str, option("--timestamp", "TIME", "CycloneDX: the bill's time.")] = "",
    *,
    ledger: Reading,
) -> None:
    """Print images of the ledger in the format of another tool.

    kustomize, helm-values, compose and dotenv have room for one tag per image, which you have to choose.
    """
    from ledger_tool.commands.export import FORMATS, KEYED, POLICIES
    from ledger_tool.commands.export import export as run
    from ledger_tool.core.export.admission import parse_config_map
    from ledger_tool.core.export.selection import Selection
    from ledger_tool.render import cyclonedx
    from ledger_tool.render import export as render

    if not output:
        raise UsageError("`--format` is missing", f"use one of {', '.join(FORMATS)}")
    if key and output not in KEYED:
        raise UsageError(f"`--key` cannot be used with `--format {output}`", f"use it with {', '.join(KEYED)}")
    if config_map and output not in POLICIES:
        raise UsageError("`--config-map` needs `--format admission` or `--format kyverno`", "leave it out")
    if (serial_number or timestamp) and output != "cyclonedx":
        raise UsageError("`--serial-number` and `--timestamp` need `--format cyclonedx`", "leave them out")
    if serial_number and not cyclonedx.is_serial(serial_number):
        raise UsageError(
            f"serial number `{names.shown(serial_number)}` is malformed",
            "write `urn:uuid:` and a UUID in lower case, as `uuidgen` prints it",
        )
    o.exclude_each_other({"--env": env, "--latest": latest})
    o.exclude_each_other({"--env": env, "--tag": bool(tag)})
    bill_time = names.parse_timestamp(timestamp, "timestamp") if timestamp else ""
    place = o.parsed(parse_config_map, config_map)
    selection = Selection(
        patterns=patterns,
        tags=tag,
        labels=o.labels(label),
        platform=o.parsed(names.parse_platform, platform),
        environment=env,
    )
    with ledger.source() as source:
        exported = run(source, output, selection, now=o.now(), latest=latest, keys=key, config_map=place)
    ledger.screen.notes(render.notes(exported, output))
    if output == "cyclonedx":
        tags = {version.name: version.tag for version in exported.versions}
        bill = cyclonedx.lines(exported.records, exported.policy, tags, serial=serial_number, time=bill_time)
        ledger.screen.data(bill)
    else:
        ledger.screen.data(render.lines(exported, output))
