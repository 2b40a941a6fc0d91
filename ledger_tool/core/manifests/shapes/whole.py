"""References in one string.

| shape                                         | in                                                              |
|-----------------------------------------------|-----------------------------------------------------------------|
| `image: REF`                                  | containers of any Kubernetes object, Tekton, Compose, CI jobs   |
| `volumes: [{type: image, source: REF}]`       | Compose                                                         |
| `image: {name: REF}`, `{reference: REF}`      | GitLab CI, Bitbucket Pipelines; image volumes of Kubernetes     |
| `container: REF` of a job                     | GitHub Actions, Azure Pipelines; the latter also at the root,   |
|                                               | where a name may be that of a container in `resources`          |
| `uses:`, `image:`, `pipe: docker://REF`       | GitHub Actions, its actions, Bitbucket Pipelines                |
| `services: [REF, {name: REF}]`                | GitLab CI, in its own files                                     |
| `bundle: REF` of a `taskRef` or `pipelineRef` | Tekton before 1.0; later `params: [{name: bundle, value: REF}]` |
| `steps: [{name: REF}]`                        | Cloud Build, in `cloudbuild*.yaml`; elsewhere, an image of ours |
| `{op, path: /…/image, value: REF}`            | JSON patches (RFC 6902), as of Kustomize                        |
| `{kind: DockerImage, name: REF}`              | OpenShift, but for the output of a build                        |
| `NAME: docker-image://REF`                    | contexts of a build: Compose, Bake                              |
| `KEY: REF`, `KEY: [REF]` for a key of         | anything                                                        |
| `ledger.yaml`; a line marked `image`          |                                                                 |
| `…image…: REF`, `…image…: [REF]`,             |
| `…image…: {NAME: REF}`, if it is an           | operators' objects, matrices of CI systems; not below `env` and |
| image of ours                                 | the like, and not in capitals: a variable may be for anything   |

Compose and others replace `${NAME:-REF}`: the reference is the default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ledger_tool.core.manifests.environment import ENV_FILE, with_environment
from ledger_tool.core.manifests.marks import Mark
from ledger_tool.core.manifests.shapes.keys import OUTPUTS, SCHEMA, VARIABLES, says_image, versions_beside, words
from ledger_tool.core.manifests.shapes.purpose import is_built, is_plain_name, is_stray, why_in_doubt, why_without_tag
from ledger_tool.core.manifests.shapes.visit import (
    FoundSite,
    Visit,
    in_values,
    is_called_image,
    is_computed,
    is_in_line,
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
from ledger_tool.core.policy.reference import defaulted, split, unwrapped

DOCKER = "docker://"  # GitHub Actions, Bitbucket Pipelines
CONTEXT = "docker-image://"  # BuildKit
_OF_DOCKER = ("image", "uses", "pipe", "container")
_BUNDLES = ("taskRef", "pipelineRef")
_OF_DATA = (("data",), ("stringData",))  # of an object; what it is for, only its reader knows
_CLOUD_BUILD = re.compile(r"(?:^|/)cloudbuild[^/]*$")
_COMPOSED = (
    "it is put together from variables, and whoever runs it may choose others; write all of it as the default of one"
)


def named_below(visit: Visit) -> Iterator[FoundSite]:
    """Yield the image that a mapping below `image` names, or one in GitLab's list of services."""
    node, keys = visit.node, visit.keys
    if keys[:1] != ("image",) and not (keys[:2] == ("", "services") and visit.file.is_gitlab):
        return
    for name in ("name", "reference", "repository"):
        place = look_up(node, name)
        # A repository without a tag gets it from the chart.
        if place and is_written(place) and (name != "repository" or has_tag(text_at(place))):
            beside = key_token(node, name) or place.token
            site = whole(visit, place, beside, _doubt(visit, place))
            site = _without_tag(visit, site) if name != "reference" else site  # that is Kubernetes' own
            yield FoundSite(site, (name, "image", "container", "uses"))
            return


def at_keys(visit: Visit) -> Iterator[FoundSite]:
    """Yield the images at the keys of a mapping; without a site, what is known to be none."""
    for key, place in visit.node.pairs:
        if is_scalar(key) and is_written(place):
            name = key.token.text
            if _is_image(visit, name, place):
                yield _at_key(visit, key.token, place)


def _at_key(visit: Visit, key: TextToken, place: YamlPlace) -> FoundSite:
    name, is_own = key.text, is_plain_name(key.text) and key.text not in visit.file.ours.keys
    if is_own and not is_called_image(visit.file, key, place.token) and (_is_output(visit) or is_built(visit)):
        return FoundSite(None, (name,), place.node.token)
    doubt = _doubt(visit, place) or (why_in_doubt(visit) if is_own else "")
    site = whole(visit, place, key, doubt)
    return FoundSite(_without_tag(visit, site) if name == "image" and is_own else site, (name,))


def _without_tag(visit: Visit, site: Site) -> Site:
    """Return a site that knows whether its reader takes `latest` if it has no tag, and whether it has a reader."""
    if site.is_certain:
        return site
    has_version = bool(site.locked or site.tag or site.digest)
    return replace(site, unsettled="" if has_version else why_without_tag(visit), is_stray=is_stray(visit))


def _is_output(visit: Visit) -> bool:
    """Return whether `image` is no reference: an action names its Dockerfile.

    CircleCI names the image of a virtual machine, `ubuntu-2204:current`, below `machine`.
    """
    if visit.keys[:1] == ("machine",) and "/" not in value(visit.node, "image"):
        return True
    return value(visit.node, "using") == "docker" and not value(visit.node, "image").startswith(DOCKER)


def _is_image(visit: Visit, name: str, place: YamlPlace) -> bool:
    keys, ours, text = visit.keys, visit.file.ours, text_at(place)
    if keys in _OF_DATA and name not in ours.keys and value(visit.file.root, "kind") in ("ConfigMap", "Secret"):
        return False
    if name == "image" or name in ours.keys or (name in _OF_DOCKER and text.startswith(DOCKER)):
        return True
    if text.startswith(CONTEXT):
        return True
    if name == "container":
        is_azures = not keys and (has_tag(text) or "/" in text)
        return (keys[1:2] == ("jobs",) or is_azures) and text not in visit.file.containers
    if name == "bundle":
        return bool(keys) and keys[0] in _BUNDLES
    if name == "name" and keys == ("", "steps"):
        return bool(_CLOUD_BUILD.search(visit.file.path)) or ours.has_reference(text)
    is_variable = bool(keys) and keys[0] in VARIABLES
    if is_variable or not (says_image(name) or _is_named(visit, name)):
        return False
    return ours.may_be_reference(text) or ours.has_inside(text, tagged=True)


def _is_named(visit: Visit, name: str) -> bool:
    """Return whether a key is the name of one image of several: `images: {app: REF}`, and not those of a build."""
    if not visit.keys or not says_image(visit.keys[0]):
        return False
    first = next(iter(visit.node.named), "")
    is_schema = first in SCHEMA or first.startswith("x-")  # the search of texts does not know it
    is_built = any(not OUTPUTS.isdisjoint(words(key)) for key in (name, *visit.keys))
    return not is_schema and not is_built


def _doubt(visit: Visit, place: YamlPlace) -> str:
    """Return why only the reader of a mapping knows the tag of an image that has none, or `""`."""
    if has_tag(text_at(place)):
        return ""
    beside = next((key for key in versions_beside(visit.node) if look_up(visit.node, key)), "")
    return f"its tag may be what `{beside}` says: write it behind the image" if beside else ""


def in_pair(visit: Visit) -> Iterator[FoundSite]:
    """Yield the image of an item such as `{name: bundle, value: REF}`.

    Other names say nothing of what a value is for: Tekton's `image` is often the name of what a task builds.
    """
    node, keys, ours = visit.node, visit.keys, visit.file.ours
    # The search of texts does not know it in any other place.
    if keys[:1] != ("",) or not look_up(node, "name") or not is_in_line(visit.file.text, node, "name"):
        return
    name, place = value(node, "name"), look_up(node, "value")
    is_bundle = name == "bundle" and keys[1:2] == ("params",) and ours.has_reference(text_at(place))
    if place and is_written(place) and (is_bundle or name in ours.keys):
        yield FoundSite(whole(visit, place, key_token(node, "value") or place.token), ("value",))


def in_patch(visit: Visit) -> Iterator[FoundSite]:
    """Yield the image that an operation of a JSON patch sets."""
    node, ours = visit.node, visit.file.ours
    if visit.keys[:1] != ("",) or not is_in_line(visit.file.text, node, "path"):
        return
    key, place = value(node, "path").rpartition("/")[2], look_up(node, "value")
    if not place or not is_written(place) or value(node, "op") not in ("add", "replace"):
        return
    if key == "image" or (says_image(key) and ours.may_be_reference(text_at(place))):
        yield FoundSite(whole(visit, place, key_token(node, "value") or place.token), ("value",))


def in_volume(visit: Visit) -> Iterator[FoundSite]:
    """Yield the image that a service of Compose mounts: `{type: image, source: REF, target: PATH}`."""
    place = look_up(visit.node, "source")
    if visit.keys[:2] == ("", "volumes") and value(visit.node, "type") == "image" and place and is_written(place):
        yield FoundSite(whole(visit, place, key_token(visit.node, "source") or place.token), ("source",))


def of_kind(visit: Visit) -> Iterator[FoundSite]:
    """Yield the image of OpenShift's `{kind: DockerImage, name: REF}`; without a site, what a build pushes."""
    node = visit.node
    if value(node, "kind") != "DockerImage" or not is_in_line(visit.file.text, node, "kind"):
        return
    place = look_up(node, "name")
    if place and is_written(place):
        is_pushed = visit.keys[:2] == ("to", "output")
        site = None if is_pushed else whole(visit, place, key_token(node, "name") or place.token)
        yield FoundSite(site, ("name",), place.node.token if is_pushed else None)


def in_list(visit: Visit) -> Iterator[FoundSite]:
    """Yield the images that are items of a list."""
    ours, above = visit.file.ours, visit.keys[0] if visit.keys else ""
    is_services = above == "services" and visit.file.is_gitlab and not is_computed(visit.node.token)
    is_known = above in ours.keys or is_services
    is_output = visit.keys == ("images",) and look_up(visit.file.root, "steps") is not None  # what Cloud Build pushes
    is_named = says_image(above)
    if not (is_output or is_known or is_named) or visit.keys[:2] == ("images", "kustomize"):
        return
    for place in visit.node.items:
        if not is_written(place):
            continue
        if is_output:
            yield FoundSite(None, (), place.node.token)
        elif is_known or (is_named and ours.may_be_reference(text_at(place))):
            yield FoundSite(whole(visit, place, place.token))


def marked(visit: Visit) -> Iterator[FoundSite]:
    """Yield the values of a mapping or a list that a mark calls an image."""
    if not visit.file.is_marked:
        return
    node = visit.node
    places = [(key.token, place) for key, place in node.pairs] or [(place.token, place) for place in node.items]
    for beside, place in places:
        is_alone = not node.token.style  # in `{…}`, the comment is behind several values
        if is_written(place) and (is_alone or has_tag(text_at(place)) or "/" in text_at(place)):
            site = whole(visit, place, beside)
            if not (site.tag or site.digest or site.locked or says_image(beside.text)):
                site = replace(
                    site, unsettled="it has no tag, and only what reads it knows which one it takes: write it"
                )
            if is_called_image(visit.file, beside, place.token):
                yield FoundSite(site, (beside.text,) if node.pairs else ())


def has_tag(text: str) -> bool:
    """Return whether a text that may be a reference has a tag or a digest."""
    last = text.rpartition("/")[2]
    return ":" in last or "@" in last


def whole(visit: Visit, place: YamlPlace, beside: TextToken, locked: str = "", opening: str = "") -> Site:
    """Return the site of a reference in one string, behind `opening` and whatever else is around it."""
    token = place.node.token
    said, set_at, theirs = _as_set(visit, text_at(place))
    opening, text, closing = _unwrapped(said, opening)
    resolved = defaulted(text)
    reference = split(resolved)
    marks = (*marks_at(visit.file, beside, place.token, token), *theirs)
    is_called = any(mark.is_image for mark in marks)
    return Site(
        line=token.line,
        text=resolved,
        name=reference.name,
        tag=reference.tag or "",
        digest=reference.digest or "",
        fields=(SiteField("whole", token, opening=opening, closing=closing, place=place.token.number),),
        whole=True,
        values=in_values(visit, place),
        marks=marks,
        locked=set_at or (_COMPOSED if resolved != text else "" if is_called else locked),
        owner=owner_at(visit.file.text, beside, place.token, token),
        is_certain=is_called,
    )


def _as_set(visit: Visit, text: str) -> tuple[str, str, tuple[Mark, ...]]:
    """Return what an image of Compose is with the variables of its `.env`, why it cannot be edited, and marks there."""
    if "$" not in text or visit.keys[1:] != ("services",):
        return text, "", ()
    environment = visit.file.environment()
    text, line = with_environment(text, environment)
    if not line:
        return text, "", ()
    marks = next(variable.marks for variable in environment.values() if variable.line == line)
    return text, f"`{ENV_FILE}` sets it in line {line}: write the digest there", marks


def _unwrapped(text: str, opening: str) -> tuple[str, str, str]:
    """Return what is in front of a reference, the reference, and what is behind it."""
    first, text, closing = unwrapped(text.removeprefix(opening))
    opening += first
    scheme = next(filter(text.startswith, (DOCKER, CONTEXT)), "")
    return opening + scheme, text.removeprefix(scheme), closing
