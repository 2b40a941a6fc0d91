"""Images to publish from the file that `docker buildx build|bake --metadata-file` writes.

Source: docs.docker.com, `docker buildx build --metadata-file` and `docker buildx bake --metadata-file`. Provenance is
there for the one platform of a build, or in a key of its own for each. Errors name the target (bake).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ledger_tool.core.ledger import names
from ledger_tool.core.policy.reference import Reference, parse_reference
from ledger_tool.core.provenance.claim import BuildClaim, read_claim
from ledger_tool.core.registry.image import INDEXES, platform_of
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.input import Defaults, check_agreement, json_of
from ledger_tool.errors import InvalidStatement, InvalidValue, LedgerError, UsageError

_DIGEST, _PROVENANCE = "containerimage.digest", "buildx.build.provenance"
_NOT_PUSHED, _NAMELESS = f"has no `{_DIGEST}`", "has no `image.name`"
_TARGET = r"[a-zA-Z0-9_-]+"  # a bake target's name; keys such as `buildx.build.warnings` are notes beside the targets
_MOST_PLATFORMS = 256


@dataclass(frozen=True, slots=True)
class BuildMetadata:
    """The drafts of a metadata file, its targets that are not images to publish, and why provenance is not used."""

    drafts: Sequence[Draft]
    skipped: Mapping[str, str]
    unread: Sequence[str] = ()


def drafts_from_metadata(raw: bytes, defaults: Defaults, only: Reference | None = None) -> BuildMetadata:
    """Return a draft for each image name in the JSON of `docker buildx build|bake --metadata-file`.

    If there is one image, `only` may name it instead. A bake file has one object per target; those that were not
    pushed, such as a linter's, have no digest or no name, and are skipped. Raises UsageError if no image remains.
    """
    data = json_of(raw, "the metadata file")
    data = data if isinstance(data, dict) else {}
    drafts: list[Draft] = []
    skipped: dict[str, str] = {}
    unread: list[str] = []
    for target, facts in ({"": data} if _DIGEST in data else data).items():
        where = f"target `{names.shown(target)}`" if target else ""
        try:
            if missing := _missing(facts, only):
                if not target or re.fullmatch(_TARGET, target):
                    skipped[target] = missing
                continue
            builds, failures = _builds(facts)
            drafts += [replace(draft, builds=builds) for draft in _of_target(facts, defaults, where, only)]
            unread += [f"{where}: {reason}" if where else reason for reason in failures]
        except LedgerError as error:
            raise error.within(where) from None
    if not drafts:
        target, missing = next(iter(skipped.items()), ("", _NOT_PUSHED))
        hint = "build with `--tag`, or name the image: `ledger publish IMAGE:TAG --metadata-file FILE`"
        if missing != _NAMELESS:
            hint = "build with `--push`, so that buildx knows the digest"
        raise UsageError(f"{f'target `{names.shown(target)}`' if target else 'the metadata file'} {missing}", hint)
    if only and len(drafts) > 1:
        raise UsageError(
            "one image is named, but the metadata file has several targets", "leave the image out: the file names each"
        )
    distinct = {(draft.reference, draft.tag, draft.digest): draft for draft in drafts}
    return BuildMetadata(list(distinct.values()), skipped, unread)


def _missing(facts: Any, only: Reference | None) -> str:
    """Return why a target is not an image to publish, `""` if it is one."""
    digest = facts.get(_DIGEST) if isinstance(facts, dict) else None
    if not digest:
        return _NOT_PUSHED
    if digest == facts.get("containerimage.config.digest"):  # the image's id, where a manifest was never made
        return "was not pushed: its digest is that of its config"
    return "" if only or _given_names(facts) else _NAMELESS


def _given_names(facts: Mapping[str, Any]) -> list[str]:
    given = facts.get("image.name")
    return [name for name in map(str.strip, given.split(",")) if name] if isinstance(given, str) else []


def _of_target(facts: Mapping[str, Any], defaults: Defaults, where: str, only: Reference | None) -> Iterator[Draft]:
    digest = facts[_DIGEST] if isinstance(facts[_DIGEST], str) else json.dumps(facts[_DIGEST])
    descriptor = facts.get("containerimage.descriptor")
    descriptor = descriptor if isinstance(descriptor, dict) else {}
    is_index = descriptor.get("mediaType") in INDEXES
    if only:
        check_agreement(only, defaults.tag, digest)
    for reference in [only] if only else map(parse_reference, _given_names(facts)):
        tag = defaults.tag or reference.tag or names.Tag("latest")  # Docker's default tag
        yield replace(
            defaults.draft(reference, tag, digest, where),
            is_index=is_index,
            platform=defaults.platform or (None if is_index else platform_of(descriptor.get("platform"))),
        )


def _builds(facts: Mapping[str, Any]) -> tuple[Mapping[str, BuildClaim], list[str]]:
    """Return what a target's provenance says of its builds, by platform, `""` if that is unsaid, and what is unread."""
    builds: dict[str, BuildClaim] = {}
    unread: list[str] = []
    for key, predicate in facts.items():
        name, _, platform = key.partition("/")
        if name != _PROVENANCE or not isinstance(predicate, dict) or len(builds) == _MOST_PLATFORMS:
            continue
        try:
            builds[names.parse_platform(platform) if platform else ""] = read_claim(predicate)
        except (InvalidStatement, InvalidValue) as error:
            unread.append(error.message)
    return builds, unread
