"""References in one string.

======================================  ==========================================================
`image: REF`                            a container of any Kubernetes object, a Compose service, a CI job
`image: {name: REF}`                    GitLab CI; `image: {reference: REF}`: a volume of Kubernetes
`container: REF` below `jobs`,          GitHub Actions
`uses: docker://REF`                    and `image: docker://REF` of an action
`services: [REF, {name: REF}]`          GitLab CI, in its own files
======================================  ==========================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ledger_tool.core.manifests.shapes.visit import (
    FoundSite,
    Visit,
    is_computed,
    is_written,
    key_token,
    marks_at,
    owner_at,
    text_at,
    value,
)
from ledger_tool.core.manifests.site import Site, SiteField
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import YamlPlace, is_scalar, look_up
from ledger_tool.core.policy.reference import split

DOCKER = "docker://"  # GitHub Actions
HAS_TAG = re.compile(r"[:@][^/]*$")
_KEYS = frozenset({"image", "container", "uses"})


def named_below(visit: Visit) -> Iterator[FoundSite]:
    """Yield the image that a mapping below `image` names, or one in GitLab's list of services."""
    node, keys = visit.node, visit.keys
    if keys[:1] != ("image",) and not (keys[:2] == ("", "services") and visit.file.is_gitlab):
        return
    for name in ("name", "reference", "repository"):
        place = look_up(node, name)
        # A repository without a tag gets it from the chart.
        if place and is_written(place) and (name != "repository" or HAS_TAG.search(text_at(place))):
            yield FoundSite(_whole(visit, place, key_token(node, name) or place.token), (name, *_KEYS))
            return


def at_keys(visit: Visit) -> Iterator[FoundSite]:
    """Yield the images at the keys of a mapping."""
    node = visit.node
    if node.named.keys().isdisjoint(_KEYS):
        return
    # Compose uses `image` to name what it builds.
    is_built = visit.keys[1:2] == ("services",) and look_up(node, "build") is not None
    is_dockerfile = value(node, "using") == "docker" and not value(node, "image").startswith(DOCKER)
    for key, place in node.pairs:
        name = key.token.text
        is_image = name == "image" and not (is_built or is_dockerfile)
        is_job = name == "container" and visit.keys[1:2] == ("jobs",)
        is_step = name == "uses" and text_at(place).startswith(DOCKER)
        if is_scalar(key) and (is_image or is_job or is_step) and is_written(place):
            yield FoundSite(_whole(visit, place, key.token), (name,))


def in_list(visit: Visit) -> Iterator[FoundSite]:
    """Yield the images that are items of a list."""
    if visit.keys[:1] == ("services",) and visit.file.is_gitlab and not is_computed(visit.node.token):
        yield from (FoundSite(_whole(visit, place, place.token)) for place in visit.node.items if is_written(place))


def _whole(visit: Visit, place: YamlPlace, beside: TextToken) -> Site:
    token = place.node.token
    value = text_at(place)
    scheme = DOCKER if value.startswith(DOCKER) else ""
    reference = split(value.removeprefix(scheme))
    return Site(
        line=token.line,
        text=value.removeprefix(scheme),
        name=reference.name,
        tag=reference.tag or "",
        digest=reference.digest or "",
        fields=(SiteField("whole", token, scheme=scheme),),
        whole=True,
        marks=marks_at(visit.file.text, beside, place.token, token),
        owner=owner_at(visit.file.text, beside, place.token, token),
    )
