"""Where a YAML document names images: the forms of Kubernetes, Helm, Kustomize, Compose and CI systems.

======================================  ==========================================================
`image: REF`                            a container of any Kubernetes object, a Compose service, a CI job
`image: {name: REF}`                    GitLab CI; `image: {reference: REF}`: a volume of Kubernetes
`container: REF` below `jobs`,          GitHub Actions
`uses: docker://REF`                    and `image: docker://REF` of an action
`services: [REF, {name: REF}]`          GitLab CI, in its own files
`{repository, tag, digest}`, also with  Helm values; `sha` in the place of `digest`, without `sha256:`;
`registry`, and `image` or, below       `image` + `tag` and `image` + `imageTag` of older charts
`image`, `name` for `repository`
`images: [{name, newName, newTag,       Kustomize
digest}]`
======================================  ==========================================================

A tree is walked once, whatever its aliases; an aliased value is edited at its anchor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ledger_tool.core.manifests.site import MissingDigest, Site, SiteField, mark_in
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import YamlNode, YamlPlace, is_scalar, look_up
from ledger_tool.core.policy.reference import split

# What a document must contain to be parsed: one of the keys; or a key that only a parser can read: one with an escape,
# an alias, or after `?`. Most text of a large tree is schemas, where the keys of a schema follow, and dashboards: the
# first expression passes 170 MB/s, the others 25, and a parser 3.
_HINT = re.compile(r"mage|container|newTag|newName|repository|services|docker:\\?/|\\[uUx][0-9A-Fa-f]{2}|\?\s")
_KEY = r"(?:[iI]mages?|container|newTag|newName|repository|services)[\"']?\s*:\s*"
_NOT_IN_SCHEMA = (
    r"(?![\"']?(?:\$ref|additionalProperties|allOf|anyOf|default|description|enum|example|format|items|maxItems"
    r"|maxLength|minItems|minLength|nullable|oneOf|pattern|properties|required|title|type|x-[\w-]+)[\"']?[ \t]*:)"
)
_OTHERS = (
    r"\S|docker:\\?/|\\[uUx][0-9A-Fa-f]{2,8}[^\"\r\n]{0,200}\"\s*:|\*[^\s,{}\[\]*]{1,100}[ \t]+:|\?(?<![^\s{\[,-]\?)\s"
)
_LOOKS_LIKE = {False: re.compile(_KEY + _OTHERS), True: re.compile(_KEY + _NOT_IN_SCHEMA + _OTHERS)}
_DOCKER = "docker://"  # GitHub Actions
_KEYS_OF_WHOLE = frozenset({"image", "container", "uses"})
_TAGS = ("tag", "imageTag")
_DIGESTS = ("digest", "sha", "imageDigest")
_HAS_TAG = re.compile(r"[:@][^/]*$")
_GITLAB = re.compile(r"(?:^|/)[^/]*\.gitlab-ci\.ya?ml$")


def may_have_sites(text: str) -> bool:
    """Return whether a document's text may name an image; most that do not are recognized without a parser."""
    return bool(_HINT.search(text) and _LOOKS_LIKE["properties" in text].search(text))


def find_sites(path: str, text: str, roots: list[YamlNode]) -> list[Site]:
    """Return the sites of a document, in order; `path` is the file's, `text` its complete text."""
    by_place: dict[tuple[str, tuple[int, ...], int], Site] = {}
    for root in roots:
        for site in _walk(root, text, in_gitlab=bool(_GITLAB.search(path))):
            beside = site.missing.beside.number if site.missing else -1
            by_place.setdefault((site.name, tuple(field.token.number for field in site.fields), beside), site)
    # A mapping with the same fields through a merge or an alias gets its digest where they are written.
    fixed = {place[:2] for place in by_place if place[2] >= 0}
    sites = [site for place, site in by_place.items() if place[2] >= 0 or place[:2] not in fixed]
    return sorted(sites, key=lambda site: (site.fields[0].token.start, site.line))


class _Visit(NamedTuple):
    """A node on the walk and the keys above it, the nearest first; `""` for a list item."""

    node: YamlNode
    keys: tuple[str, ...] = ()
    registry: str = ""  # of all images that name one: `global.imageRegistry` of Helm values

    def below(self, key: str, node: YamlNode) -> _Visit:
        """Return the visit of a node below this one."""
        return _Visit(node, (key, *self.keys[:3]), self.registry)


def _walk(root: YamlNode, text: str, *, in_gitlab: bool) -> Iterator[Site]:
    if _value(root, "kind") == "ImageRepository":  # Flux: a repository to scan, not an image to run
        return
    above = look_up(root, "global")
    registry = _value(above.node, "imageRegistry") if above else ""
    seen: set[int] = set()
    ahead = [_Visit(root, registry=registry)]
    while ahead:
        visit = ahead.pop()
        if id(visit.node) in seen:
            continue
        seen.add(id(visit.node))
        if visit.node.token.kind == "list":
            ahead += [visit.below("", place.node) for place in visit.node.items]
            if in_gitlab and visit.keys[:1] == ("services",):
                yield from (_whole(place, place.token, text) for place in visit.node.items if _is_written(place))
        elif visit.node.token.kind == "map":
            yield from _in_map(visit, text, in_gitlab=in_gitlab)
            below = [(key.token.text, place.node) for key, place in visit.node.pairs if not is_scalar(place.node)]
            ahead += [visit.below(key, node) for key, node in below]


def _in_map(visit: _Visit, text: str, *, in_gitlab: bool) -> Iterator[Site]:
    node = visit.node
    site = _kustomize(visit, text) or _helm(visit, text)
    if site:
        yield site
    elif visit.keys[:1] == ("image",) or (in_gitlab and visit.keys[:2] == ("", "services")):
        for name in ("name", "reference", "repository"):
            place = look_up(node, name)
            # A repository without a tag gets it from the chart.
            if place and _is_written(place) and (name != "repository" or _HAS_TAG.search(_text(place))):
                yield _whole(place, _key_token(node, name) or place.token, text)
                return
    if node.named.keys().isdisjoint(_KEYS_OF_WHOLE):
        return
    # An image that is part of that site is not a site of its own; Compose uses `image` to name what it builds.
    is_taken = site is not None and not _value(node, "repository")
    is_built = visit.keys[1:2] == ("services",) and look_up(node, "build") is not None
    is_dockerfile = _value(node, "using") == "docker" and not _value(node, "image").startswith(_DOCKER)
    for key, place in node.pairs:
        name = key.token.text
        is_image = name == "image" and not (is_built or is_taken or is_dockerfile)
        is_job = name == "container" and visit.keys[1:2] == ("jobs",)
        is_step = name == "uses" and _text(place).startswith(_DOCKER)
        if is_scalar(key) and (is_image or is_job or is_step) and _is_written(place):
            yield _whole(place, key.token, text)


def _whole(place: YamlPlace, beside: TextToken, text: str) -> Site:
    token = place.node.token
    value = token.text.strip()
    scheme = _DOCKER if value.startswith(_DOCKER) else ""
    reference = split(value.removeprefix(scheme))
    return Site(
        line=token.line,
        text=value.removeprefix(scheme),
        name=reference.name,
        tag=reference.tag or "",
        digest=reference.digest or "",
        fields=(SiteField("whole", token, scheme=scheme),),
        whole=True,
        marks=_marks(text, beside, place.token, token),
    )


def _kustomize(visit: _Visit, text: str) -> Site | None:
    if visit.keys[:2] != ("", "images") or not look_up(visit.node, "name"):
        return None
    tag, digest = look_up(visit.node, "newTag"), look_up(visit.node, "digest")
    if not (tag and _is_written(tag)) and not (digest and _is_written(digest)):
        return None  # it is only renamed: tag and digest are given where it is used
    name = _value(visit.node, "newName") or _value(visit.node, "name")
    return _split(visit.node, name, ("newTag", "digest"), ("name", "newName"), text)


def _helm(visit: _Visit, text: str) -> Site | None:
    node = visit.node
    is_named = visit.keys[:1] == ("image",) and _value(node, "name")
    key = "repository" if _value(node, "repository") else "image" if _value(node, "image") else "name" * bool(is_named)
    if not key:
        return None
    tag_key = next((key for key in _TAGS if look_up(node, key)), "")
    digest_key = next((key for key in _DIGESTS if look_up(node, key)), "")
    if not tag_key and (not digest_key or key == "name"):
        return None
    name = _value(node, key)
    if key == "image" and _HAS_TAG.search(name):
        return None  # it has its own tag: the fields next to it mean something else
    if "://" in name or name.endswith(".git"):
        return None  # a chart's or a source's repository
    if registry := (visit.registry if look_up(node, "registry") else "") or _value(node, "registry"):
        name = f"{registry.rstrip('/')}/{name}"
    digest_key = digest_key or ("imageDigest" if tag_key == "imageTag" else "digest")
    return _split(node, name, (tag_key, digest_key), ("registry", key), text)


def _split(node: YamlNode, name: str, keys: tuple[str, str], names: tuple[str, str], text: str) -> Site | None:
    """Return the site of a mapping with its tag and digest at `keys` and the parts of its name at `names`."""
    tag_key, digest_key = keys
    tag_place = look_up(node, tag_key) if tag_key else None
    digest_place = look_up(node, digest_key)
    tag, _, digest = _text(tag_place).partition("@")
    fields = []
    missing = None
    if tag_place and is_scalar(tag_place.node):
        fields.append(_field("tagged" if digest else "tag", node, tag_key, tag_place))
    if not digest and digest_place and is_scalar(digest_place.node):
        digest = _text(digest_place)
        is_hex = digest_key == "sha" and not digest.startswith("sha256:")
        digest = f"sha256:{digest}" if digest and is_hex else digest
        fields.append(_field("hex" if is_hex else "digest", node, digest_key, digest_place))
    elif not digest and tag_place and (beside := _key_token(node, tag_key)):
        missing = MissingDigest(digest_key, beside, tag_place.token, bool(node.token.style))
    if not fields:
        return None
    tokens = [token for key in keys if (token := _key_token(node, key))]
    places = [place.token for place in (tag_place, digest_place) if place]
    parts = [place.token for key in names if (place := look_up(node, key))]
    return Site(
        line=places[0].line,
        text=name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else ""),
        name=name,
        tag=tag,
        digest=digest,
        fields=tuple(fields),
        missing=missing,
        marks=_marks(text, *parts, *tokens, *places, *(field.token for field in fields)),
    )


def _is_written(place: YamlPlace) -> bool:
    """Return whether a place has a non-empty text."""
    token = place.node.token
    return is_scalar(place.node) and bool(token.text.strip()) and (bool(token.style) or token.text not in _NULLS)


_NULLS = ("~", "null", "Null", "NULL", "true", "false")


def _text(place: YamlPlace | None) -> str:
    return place.node.token.text.strip() if place and _is_written(place) else ""


def _value(node: YamlNode, key: str) -> str:
    place = look_up(node, key)
    return _text(place) if place else ""


def _key_token(node: YamlNode, key: str) -> TextToken | None:
    """Return the token of a mapping's own key, or None if it has that key only through a merge."""
    return node.named[key][0] if key in node.named else None


def _field(part: str, node: YamlNode, key: str, place: YamlPlace) -> SiteField:
    own_key = _key_token(node, key) if place.token is place.node.token else None
    return SiteField(part, place.node.token, own_key)


def _marks(text: str, *tokens: TextToken) -> tuple[str, ...]:
    """Return the words of `# ledger:` comments at the ends of the lines on which tokens end, or block scalars start."""
    # An empty token has no text, and the parser gives it the position of what comes next.
    present = [token for token in tokens if token.start < token.end]
    offsets = [token.start if token.style in ("|", ">") else token.end for token in present]
    lines = [re.split(r"[\r\n]", text[offset : offset + 2000], maxsplit=1)[0] for offset in offsets]
    return tuple(dict.fromkeys(mark for line in lines for mark in mark_in(line)))
