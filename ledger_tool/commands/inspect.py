"""The registry check before a publish: what really exists, and what it says about itself.

A tag without a digest is resolved; a given digest is compared with what the tag serves; an index becomes a record for
each of its images. Facts that the caller did not give are filled in; given ones are never overridden. What
a registry does not show is an error here, never a record.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Registries, RegistryPort
from ledger_tool.commands.walk import served_manifest
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Digest, listed_platforms
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.resolve import same_host
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.image import Child, Manifest, facts
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.publish import images_of
from ledger_tool.errors import BadManifest, LedgerError, RuleRefused, UsageError


@dataclass(frozen=True, slots=True)
class Inspected:
    """The drafts, expanded and filled in, and the image:tags that a registry was asked about."""

    drafts: Sequence[Draft]
    verified: frozenset[Name]


def inspect(
    drafts: Sequence[Draft], snapshot: Snapshot, registries: Registries, *, host: str = "", jobs: int = 8
) -> Inspected:
    """Check each draft's image in the first configured registry that serves it (or in `host`).

    If none serves it, the draft stays as given. Raises RuleRefused for what the registry does not have, or has
    under another digest; Unreachable or Denied for what cannot be observed; UsageError for an unconfigured `host`.
    """
    images = images_of(snapshot, drafts)

    def look(number: int) -> tuple[list[Draft], bool]:
        draft, image = drafts[number], images[number]
        registry = _chosen(registries.serving(snapshot.policy, image), host or draft.reference.registry, image)
        return ([draft], False) if registry is None else (_expanded(draft, image, registry), True)

    results = dict(in_parallel(look, range(len(drafts)), jobs=jobs))
    expanded: list[Draft] = []
    verified = set()
    for number, draft in enumerate(drafts):
        result = results[number]
        if isinstance(result, LedgerError):
            raise result.within(draft.where)
        expanded += result[0]
        if result[1]:
            verified.add(Name(images[number], draft.tag))
    return Inspected(expanded, frozenset(verified))


def _chosen(serving: Sequence[RegistryPort], host: str, image: str) -> RegistryPort | None:
    if not host:
        return serving[0] if serving else None
    chosen = next((port for port in serving if port.name == host), None) or next(
        (port for port in serving if same_host(port.host) == same_host(host)), None
    )
    if chosen is None:
        hint = "name another with `--registry`, or add it to ledger.yaml"
        raise UsageError(f"ledger.yaml does not say that {host} serves {image}", hint)
    return chosen


def _expanded(draft: Draft, image: str, registry: RegistryPort) -> list[Draft]:
    served = registry.look(image, draft.tag)
    name = f"{image}:{draft.tag}"
    if isinstance(served, Absent):
        hint = "publish after the push, and check that both name the same tag"
        raise RuleRefused(f"{registry.name} has no {name}", hint)
    if draft.index and draft.index != served:
        raise _overwritten(name, registry, served, draft.index)
    manifest = served_manifest(registry, image, draft.tag, served)
    if not manifest.is_index:
        if draft.digest not in (None, served):
            raise _not_served(draft, name, image, registry, served)
        return [_filled(replace(draft, digest=served), manifest, image, registry)]
    children = [
        child
        for child in manifest.children
        if draft.digest in (None, served, child.digest) and draft.platform in (None, child.platform)
    ]
    if not children:
        if draft.digest not in (None, served) and all(child.digest != draft.digest for child in manifest.children):
            raise _not_served(draft, name, image, registry, served)
        platforms = listed_platforms(child.platform for child in manifest.children) or "none"
        for_platform = f" for {draft.platform}" if draft.platform else ""
        raise RuleRefused(f"{name} has no image{for_platform} at {registry.name}", f"its platforms are: {platforms}")
    return [_child(draft, child, served, image, registry) for child in children]


def _child(draft: Draft, child: Child, index: Digest, image: str, registry: RegistryPort) -> Draft:
    manifest = registry.manifest(image, child.digest)
    if isinstance(manifest, Absent):
        hint = "push the whole index again, and find out what deletes images there"
        raise RuleRefused(f"{image}:{draft.tag} refers to {child.digest}, which {registry.name} does not have", hint)
    if manifest.is_index:
        raise BadManifest(f"{image}:{draft.tag} is an index of indexes at {registry.name}", "push an index of images")
    of_child = replace(draft, digest=child.digest, index=index, platform=draft.platform or child.platform)
    return _filled(of_child, manifest, image, registry)


def _filled(draft: Draft, manifest: Manifest, image: str, registry: RegistryPort) -> Draft:
    """Return the draft with the image's own facts in place of those that the caller did not give."""
    assert manifest.config is not None  # only an index has none
    known = facts(manifest, registry.config(image, manifest.config))
    if draft.platform and known.platform and not _same_platform(draft.platform, known.platform):
        message = f"{image}:{draft.tag} is an image for {known.platform} at {registry.name}, not for {draft.platform}"
        raise RuleRefused(message, "leave `--platform` out, or name the image's own")
    if draft.config not in (None, manifest.config):
        message = f"{image}:{draft.tag} has the config {manifest.config} at {registry.name}, not {draft.config}"
        raise RuleRefused(message, "leave `--config` out, or give the image's own")
    source = known.source_ref if isinstance(draft.source_ref, LedgerError) and known.source_ref else draft.source_ref
    return replace(
        draft,
        platform=draft.platform or known.platform,
        config=draft.config or manifest.config,
        source_ref=source,
        depends_on=draft.depends_on or known.depends_on,
        is_index=False,
    )


def _same_platform(given: str, known: str) -> bool:
    """Return whether two platforms agree; an operating system's version counts only if given."""
    return given == known or (("(" not in given) and given == re.sub(r"\([^)]*\)", "", known))


def _not_served(draft: Draft, name: str, image: str, registry: RegistryPort, served: str) -> RuleRefused:
    if draft.digest and isinstance(registry.look(image, draft.digest), Absent):
        hint = "publish after the push, with the digest that the push printed"
        return RuleRefused(f"{registry.name} does not have {draft.digest} of {image}", hint)
    return _overwritten(name, registry, served, draft.digest or "")


def _overwritten(name: str, registry: RegistryPort, served: str, given: str) -> RuleRefused:
    return RuleRefused(
        f"{name} serves {served} at {registry.name}, not {given}: somebody has overwritten it since the push",
        "find out which of the two is right, then publish that one",
    )
