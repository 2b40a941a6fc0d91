"""A node on the walk through a document, and how shapes read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from ledger_tool.core.manifests.charts.around import ChartAround, FileCharts, no_chart, no_charts
from ledger_tool.core.manifests.environment import Environment, nothing_set
from ledger_tool.core.manifests.marks import NO_MARKS, Mark, Marks
from ledger_tool.core.manifests.ours import NOBODYS, OurImages
from ledger_tool.core.manifests.site import ImageFields, Site, owner_in
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import ComposedNode, YamlNode, YamlPlace, look_up

_NULLS = ("~", "null", "Null", "NULL", "true", "false")
_GLOBAL = "global"
_USES_CHARTS = re.compile(r"[hH]elm|\breleases\b")
_GITLAB = re.compile(r"(?:^|/)[^/]*\.gitlab-ci\.ya?ml$")
_REST_OF_LINE = re.compile(r"[^\r\n]*")
_AS_WRITTEN = ("", "!", "tag:yaml.org,2002:str", "!override")


class ValuesScope(NamedTuple):
    """Whose values the ones below a node, `root`, are, and how many keys are above that node in its document.

    They are those of `charts`, or if that is not known, of one of those that are `possible`. `is_values` says that they
    are values of some chart.
    """

    root: YamlNode | None = None
    charts: tuple[ChartAround, ...] = ()
    depth: int = 0
    possible: Callable[[], Sequence[ChartAround]] = no_chart
    is_values: bool = False

    @property
    def may_be_values(self) -> bool:
        """Whether a chart may get what is here."""
        return bool(self.charts) or self.is_values or self.possible is not no_chart


NO_SCOPE = ValuesScope()


@dataclass(frozen=True, slots=True)
class FileView:
    """What shapes know of the document that they are in: the file's path and text, and the document's root.

    `containers` are the names that Azure Pipelines gives to images in `resources`. `marks` are the comments for
    `ledger`, of which one calls some value an image if `is_marked`. `has_contexts` says that `docker-image://` is
    somewhere. `scope` is whose values the document has, and `inside` whose those are that it has at a token, by its
    number. `is_wide` says that for one of these reasons, more keys than usual may name an image.
    """

    path: str
    text: str
    root: YamlNode
    ours: OurImages = NOBODYS
    containers: frozenset[str] = frozenset()
    marks: Marks = NO_MARKS
    is_marked: bool = False
    has_contexts: bool = False
    is_wide: bool = False
    environment: Callable[[], Environment] = nothing_set
    scope: ValuesScope = NO_SCOPE
    inside: Mapping[int, tuple[ChartAround, ...]] = field(default_factory=dict)

    @property
    def is_object(self) -> bool:
        """Whether the document is an object of Kubernetes, and not the values of a chart."""
        return is_object(self.root)

    @property
    def is_gitlab(self) -> bool:
        """Whether the file is one of GitLab CI's own."""
        return bool(_GITLAB.search(self.path))


@lru_cache(4)
def has_contexts(text: str) -> bool:
    """Return whether a file's text has `docker-image://` in it; each of its documents asks."""
    return "docker-image:" in text


@lru_cache(4)
def names_host(text: str, hosts: tuple[str, ...]) -> bool:
    """Return whether a file's text has one of these hosts in it; each image of the file asks."""
    return any(host in text for host in hosts)


def view_of(
    path: str,
    text: str,
    root: YamlNode,
    ours: OurImages,
    environment: Callable[[], Environment],
    charts: Callable[[], FileCharts] = no_charts,
    marks: Marks = NO_MARKS,
) -> FileView:
    """Return what shapes know of a document."""
    scope, inside = _scopes(root, text, charts)
    resources = look_up(root, "resources")
    containers = look_up(resources.node, "containers") if resources else None
    named = containers.node.items if containers else ()
    is_marked, contexts = any(mark.is_image for mark in marks.all), has_contexts(text)
    return FileView(
        path,
        text,
        root,
        ours,
        containers=frozenset(value(place.node, "container") for place in named),
        marks=marks,
        is_marked=is_marked,
        has_contexts=contexts,
        is_wide=bool(is_marked or contexts or ours.keys or inside or scope.may_be_values),
        environment=environment,
        scope=scope,
        inside=inside,
    )


def _scopes(
    root: YamlNode, text: str, charts: Callable[[], FileCharts]
) -> tuple[ValuesScope, Mapping[int, tuple[ChartAround, ...]]]:
    inside = charts().inside(root) if may_use_charts(text) else {}
    if is_object(root) or inside:
        return NO_SCOPE, inside
    found = charts()
    return ValuesScope(root, found.whole, 0, found.possible, found.is_values), inside


@lru_cache(4)
def may_use_charts(text: str) -> bool:
    """Return whether a document of a file's text may give values to a chart."""
    return ("elm" in text or "releases" in text) and bool(_USES_CHARTS.search(text))


class Visit(NamedTuple):
    """A node on the walk and the keys above it, the nearest first; `""` for a list item."""

    node: YamlNode
    file: FileView
    keys: tuple[str, ...] = ()
    scope: ValuesScope = NO_SCOPE
    around: ChartAround | None = None

    @property
    def above(self) -> tuple[str, ...]:
        """The keys from where the values of a chart start, or the document; `*` for the items of a list."""
        return tuple(key or "*" for key in reversed(self.keys[: len(self.keys) - self.scope.depth]))

    @property
    def defaults(self) -> YamlNode | None:
        """What the chart's other values have in the same place, over which Helm lays the node."""
        return self.around.defaults(self.above) if self.around else None

    @property
    def registry(self) -> str:
        """The registry of all images that name one, `global.imageRegistry` of Helm values, or `""`."""
        root = self.scope.root or self.file.root
        own, defaults = look_up(root, _GLOBAL), self.around.defaults((_GLOBAL,)) if self.around else None
        shared = laid_over(own.node, defaults) if own else defaults
        return value(shared, "imageRegistry") if shared else ""


class FoundSite(NamedTuple):
    """A site in a mapping or a list, and the mapping's keys that it is read from: they name no other image.

    Without a site, the token `passed` looks like a reference and names what is built, which nobody pins.
    """

    site: Site | None
    keys: tuple[str, ...] = ()
    passed: TextToken | None = None


def in_values(visit: Visit, place: YamlPlace) -> ImageFields | None:
    """Return where the values of charts have a reference, or None if no chart here has them."""
    around, scope, above = visit.around, visit.scope, visit.above
    if not around and scope.possible is no_chart:
        return None
    key = next((key for key in visit.node.named if look_up(visit.node, key) is place), "*")
    may_get_it = (one for one in scope.possible() if (below := one.defaults(above)) and look_up(below, key))
    charts = (*([around] if around else []), *may_get_it)
    return ImageFields(above, key, key, key, charts) if charts else None


def is_written(place: YamlPlace) -> bool:
    """Return whether a place has a non-empty text."""
    token = place.node.token
    return token.kind == "scalar" and bool(token.text.strip()) and (bool(token.style) or token.text not in _NULLS)


def text_at(place: YamlPlace | None) -> str:
    """Return the text of a place, or `""` if there is none. A tag of another program (`!reference`) is part of it."""
    if not place or not is_written(place):
        return ""
    token = place.node.token
    return f"{token.tag} {token.text.strip()}" if token.tag and is_computed(token) else token.text.strip()


def is_computed(token: TextToken) -> bool:
    """Return whether a tag says that a program makes the value: `!reference [a, b]`, `!Sub "${Name}:v1"`.

    `!override` of Compose does not. CloudFormation's `!Sub` replaces the variables in a text.
    """
    is_as_written = token.tag in _AS_WRITTEN or (token.tag == "!Sub" and not token.text.startswith("$"))
    return not is_as_written and token.kind != "map"


def is_object(root: YamlNode) -> bool:
    """Return whether a document is an object of Kubernetes."""
    return bool(value(root, "apiVersion") and value(root, "kind"))


def laid_over(node: YamlNode, defaults: YamlNode | None) -> YamlNode:
    """Return a mapping that has its own keys, and those of its defaults that it does not have."""
    if not defaults:
        return node
    return ComposedNode(node.token, pairs=node.pairs, named=node.named, merged=[*node.merged, defaults])


def value(node: YamlNode, key: str) -> str:
    """Return the text of a mapping's key, or `""` if there is none."""
    return text_at(look_up(node, key))


def key_token(node: YamlNode, key: str) -> TextToken | None:
    """Return the token of a mapping's own key, or None if it has that key only through a merge."""
    return node.named[key][0] if key in node.named else None


def is_in_line(text: str, node: YamlNode, key: str) -> bool:
    """Return whether a mapping's own key and its value are on one line, and the value is there as it reads."""
    if key not in node.named:
        return False
    own, (token, inner) = node.named[key]
    return token is inner.token and own.line == token.line and token.text in text[token.start : token.end]


def marks_at(file: FileView, *tokens: TextToken) -> tuple[Mark, ...]:
    """Return the `# ledger:` comments for the lines on which tokens start and end; block scalars, only start."""
    if not file.marks:
        return ()
    present = [token for token in tokens if token.start < token.end]
    ends = [token.end for token in present if token.style not in ("|", ">")]
    return file.marks.at(*(token.start for token in present), *ends)


def is_called_image(file: FileView, *tokens: TextToken) -> bool:
    """Return whether a mark on the lines of these tokens says that the value is an image, although no shape does."""
    return file.is_marked and any(mark.is_image for mark in marks_at(file, *tokens))


def owner_at(text: str, *tokens: TextToken) -> str:
    """Return the tool that a comment at the end of these tokens' lines names as the one that sets them, or `""`."""
    return next(filter(None, map(owner_in, _behind(text, tokens))), "")


def _behind(text: str, tokens: tuple[TextToken, ...]) -> list[str]:
    """Return what follows tokens on their lines; for block scalars, on the first."""
    # An empty token has no text, and the parser gives it the position of what comes next.
    present = [token for token in tokens if token.start < token.end]
    offsets = dict.fromkeys(token.start if token.style in ("|", ">") else token.end for token in present)
    return [rest[0] for offset in offsets if (rest := _REST_OF_LINE.match(text, offset, offset + 2000))]
