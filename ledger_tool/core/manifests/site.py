"""A place that names an image, whatever the format: the fields to edit, and the marks beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger_tool.core.manifests.marks import Mark
from ledger_tool.core.manifests.tokens import TextToken

if TYPE_CHECKING:
    from ledger_tool.core.manifests.charts.around import ChartAround

# By these comments other tools know the values that they set. They set the value alone, so a digest that they do not
# know of would stay behind.
_OWNERS = (
    ("Flux", re.compile(r"#\s*\{\s*\"\$imagepolicy\"\s*:")),
    ("kpt", re.compile(r"#\s*(?:kpt-set:|\{\s*\"\$(?:kpt-set|openapi|ref)\"\s*:)")),
    ("release-please", re.compile(r"#.*\bx-release-please-(?:version(?:-date)?|major|minor|patch|date)\b")),
)


@dataclass(frozen=True, slots=True)
class SiteField:
    """One scalar of a site. `part` is its content: `whole`, `tag`, `tagged` (`tag@digest`), `digest`, `hex`, `emptied`
    for a digest that goes, or `name` where only the name is set here.

    `key` is the token of its key, unless that is in a merged mapping or the scalar is an alias. `opening` and `closing`
    are what is around a reference: `docker://` and nothing, `${NAME:-` and `}`. `place` is the number of the token at
    which the scalar is read: its own, or that of an alias.
    """

    part: str
    token: TextToken
    key: TextToken | None = None
    opening: str = ""
    closing: str = ""
    place: int = -1


@dataclass(frozen=True, slots=True)
class MissingDigest:
    """A digest field to add: `key` would follow the value at `after`, whose own key is at `beside`.

    `is_hex` says that it takes the digits alone.
    """

    key: str
    beside: TextToken
    after: TextToken
    in_flow: bool
    is_hex: bool = False


@dataclass(frozen=True, slots=True)
class ImageFields:
    """Where Helm values have an image: the keys above it, `*` for the items of a list, and those of its parts.

    An image in one value has one key for all of its parts. `others` are where it is too, through an alias.
    `charts` are those that are known to get these values. `is_strange` says that it is not Helm that reads them, so
    nobody knows which fields there may be.
    """

    above: tuple[str, ...]
    name: str
    tag: str
    digest: str
    charts: tuple[ChartAround, ...] = ()
    is_strange: bool = False
    others: tuple[ImageFields, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether one value has all of the image."""
        return self.name == self.tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place that names an image, in one field or several.

    `name`, `tag` and `digest` are as written, `""` if missing; `text` is the whole in one string. `second` is another
    digest that it has: one field has it behind the tag, one alone. `marks` are its `# ledger:` comments.
    `values` is its place in the values of Helm, where the tag can take the digest. `whole` says that one string has it
    all, so Docker's default tag applies. `locked` says why it cannot be edited where it is written, or `""`. `owner` is
    another tool that sets it, or `""`. `unread` says why a digest in a field of its own does not count, and `doubt` why
    nobody can know whether it does. `misprint` says why its chart would not print what is named here, `replaced` what
    puts another image in its place when it is built, and `unsettled` why nobody can know which version its reader
    takes, or `""`. `is_certain` says that nothing but an image can be
    named here. `read_as` is what a reader of YAML makes of a tag without quotes, if that is a number with another
    spelling. `in_chart` says that it is in a template of a Helm chart, and `is_printed` that a chart puts it together
    from values in several places. `is_stray` says that nothing around it shows a reader of images.
    `shared_at` is a line where its text is used for something else, through an alias, or 0.
    """

    line: int
    text: str
    name: str
    tag: str = ""
    digest: str = ""
    fields: tuple[SiteField, ...] = ()
    missing: MissingDigest | None = None
    whole: bool = False
    marks: tuple[Mark, ...] = ()
    locked: str = ""
    owner: str = ""
    is_certain: bool = False
    read_as: str = ""
    second: str = ""
    values: ImageFields | None = None
    unread: str = ""
    doubt: str = ""
    misprint: str = ""
    replaced: str = ""
    in_chart: bool = False
    is_printed: bool = False
    unsettled: str = ""
    is_stray: bool = False
    shared_at: int = 0


def owner_in(comment: str) -> str:
    """Return the tool that sets a value with this comment behind it, or `""` for a value that no tool owns."""
    return next((name for name, marker in _OWNERS if marker.search(comment)), "") if "#" in comment else ""
