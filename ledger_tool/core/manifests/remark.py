"""What a person should know besides the result, by kind: many remarks of one kind are one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

RemarkKind = Literal[
    "template",
    "not-a-manifest",
    "not-a-reference",
    "chart-default",
    "tag-alone",
    "other-tool",
    "digest-alone",
    "digest-ignored",
    "digest-in-doubt",
    "other-variant",
    "no-version",
    "not-in-environment",
    "unquoted-number",
    "mention",
    "template-text",
    "command-line",
]

# What many remarks of a kind have in common, after their number.
IN_SHORT: dict[RemarkKind, str] = {
    "template": "templates have lines that are not YAML until they are rendered, and were read without these",
    "not-a-manifest": "files were skipped, since they are not manifests",
    "not-a-reference": "values are in the place of an image reference and are something else",
    "chart-default": "images have no tag here, so their charts choose the version",
    "tag-alone": "tags are set for charts by values that are here, and those that name their images are not",
    "other-tool": "references are set by another tool, and were left as they are",
    "digest-alone": "references have only a digest, which the ledger has under a tag",
    "digest-ignored": "digests go behind the tag, since the chart does not read them in a field",
    "digest-in-doubt": "digests go behind the tag, since nobody can tell whether the chart reads them in a field",
    "other-variant": "references stay at the newest version of their variant, and another variant has a newer one",
    "no-version": "references stay, since no version matches their policy, or only an older one",
    "not-in-environment": "references stay, since the environment does not have their images",
    "unquoted-number": "tags without quotes are numbers for YAML and Helm, which read another tag",
    "template-text": "references are in templates that no `image:` is known to include, and were left",
    "command-line": "command lines set images of charts, and what they deploy is not judged",
    "mention": "references are where no image is read, and were left: mark them `# ledger: image`, or name their keys",
}


class Remark(NamedTuple):
    """A remark on one reference or one file; `message` is all of it."""

    kind: RemarkKind
    message: str


@dataclass(frozen=True, slots=True)
class ManifestNote:
    """A note about a file. `is_fault` says that it could not be read or understood; any other is of a `kind`."""

    path: str
    line: int
    message: str
    is_fault: bool = False
    kind: RemarkKind | Literal[""] = ""
