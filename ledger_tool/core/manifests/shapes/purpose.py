"""What an image in a mapping is for, as far as the keys around it tell: it runs, it is built, or a name is matched.

What is built has no digest yet, and a name that is matched needs none. Who reads a mapping decides which fields it may
have: Helm's values have any, and the objects of others only those that their reader knows.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ledger_tool.core.manifests.shapes.keys import words
from ledger_tool.core.manifests.shapes.visit import Visit, names_host, value
from ledger_tool.core.manifests.yamltree import YamlNode, is_scalar, look_up

_OFF = frozenset({"", "false", "no", "off"})
_NAMES = frozenset({"image", "name", "docker", "container"})  # the words of a key that says no more than `image`
_RECIPES = frozenset({"dockerfile", "containerfile", "containerfiles"})
_OF_BUILDS = ("context", "dockerfile", "dockerFile", "args", "target")
_OUTPUTS = frozenset({"output", "outputs", "destination", "destinations"})
_BUILDERS = frozenset({"Build", "Module"})
_RUNNERS = frozenset(
    {"container", "containers", "docker", "job", "jobs", "pod", "service", "services", "sidecar", "sidecars", "step"}
    | {"steps", "script", "pipeline", "executor", "executors", "default"}
)
_RUN = frozenset(
    {"args", "command", "commands", "entrypoint", "env", "environment", "imagePullPolicy", "ports", "pull_policy"}
    | {"restart", "run", "script", "securityContext", "stage", "volumeMounts", "volumes"}
)
_OF_FILES = re.compile(
    r"(?:^|/)(?:[^/]*compose[^/]*\.ya?ml|bitbucket-pipelines\.ya?ml|[^/]*\.gitlab-ci\.ya?ml|\.?devcontainer\.json)$"
)
_CODE_HOSTS = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})
_OF_CODE = frozenset({"git", "repos", "github", "gitlab"})
_BESIDE_CODE = frozenset({"branch", "commit", "rev", "gitRef", "git"})
_OF_VALUES = re.compile(r"values[^/]*\Z")
_ROOTS = frozenset({"services", "jobs", "job", "Job", "stages", "pipeline", "pipelines", "containers", "kind", "pool"})
# Their images are to be tracked or matched: no object of these groups runs one, but for what a policy adds.
_MATCHING = re.compile(
    r"(?:(?:[a-z0-9-]+\.)*(?:kyverno\.io|gatekeeper\.sh|sigstore\.dev|kubewarden\.io)|argocd-image-updater\.argoproj\.io"
    r"|admissionregistration\.k8s\.io|config\.openshift\.io)/.*"
)
_ADDED = frozenset({"mutate", "generate"})


def only_matches(root: YamlNode) -> bool:
    """Return whether an object names images only to track or to match them."""
    is_scanned = value(root, "kind") == "ImageRepository"  # Flux: a repository to scan
    return is_scanned or bool(_MATCHING.fullmatch(value(root, "apiVersion")))


def is_only_matched(keys: tuple[str, ...], *, within: bool) -> bool:
    """Return whether an image below these keys is only matched: `within` an object that does so, but for what it adds.

    Kyverno's `verifyImages` says so without its object.
    """
    return "verifyImages" in keys or (within and _ADDED.isdisjoint(keys))


def is_plain_name(key: str) -> bool:
    """Return whether a key says that its value is the image of its mapping, and not one that this needs."""
    return _NAMES.issuperset(words(key))


def is_built(visit: Visit) -> bool:
    """Return whether a mapping names an image that is built or pushed, or that is to be replaced by another."""
    node, keys = visit.node, visit.keys
    if _is_item(keys, "artifacts") or (_is_item(keys, "requires") and "artifacts" in keys):  # Skaffold
        return True
    if _is_item(keys, "test") and value(visit.file.root, "apiVersion").startswith("skaffold/"):  # one of its artifacts
        return True
    if _is_item(keys, "sources") and value(visit.file.root, "apiVersion").startswith("kbld."):
        return True
    if look_up(node, "newImage") or any(map(_is_recipe, node.named)):
        return True
    if keys[:1] == ("with",) and look_up(node, "tags"):  # the inputs of an action that pushes
        return True
    if keys[1:2] == ("images",) and keys[0] and look_up(node, "tags"):  # DevSpace
        return True
    above = next(filter(None, keys), "")
    if above in _OUTPUTS and keys[1:2] not in (("services",), ("jobs",)) and _RUN.isdisjoint(node.named):
        return True
    if _scalar(node, "push") not in _OFF and (keys[:1] == ("with",) or _is_of_tasks(visit)):
        return True
    is_recipe = _is_path(_scalar(node, "context")) and (_RUN - {"args"}).isdisjoint(node.named)
    return is_recipe or _has_build(visit)


def why_in_doubt(visit: Visit) -> str:
    """Return why nobody can know whether the image of a mapping runs, or `""`."""
    root = visit.file.root
    beside = "build" if visit.keys and look_up(visit.node, "build") else ""
    if beside := beside or "push" * (_scalar(visit.node, "push") not in _OFF):
        return f"`{beside}` beside it may say that it is what is built"
    if value(root, "kind") in _BUILDERS and value(root, "type") and "/" not in value(root, "apiVersion"):  # Garden
        return f"in a `{value(root, 'kind')}`, it may be what is built"
    return ""


def why_without_tag(visit: Visit) -> str:
    """Return why an image without a tag is not certainly `latest`, or `""` where a container, a service or a job is."""
    keys = visit.keys
    around = {word for key in keys[:2] for word in words(key)}
    if not (_RUNNERS.isdisjoint(around) and _RUN.isdisjoint(visit.node.named)) or _OF_FILES.search(visit.file.path):
        return ""
    return "it has no tag, and nobody can tell which one its reader takes: write it"


def is_stray(visit: Visit) -> bool:
    """Return whether nothing around an image shows that a container, a chart or a job reads it: it may be any word."""
    root, file, scope = visit.file.root, visit.file, visit.scope
    if file.is_object and ".backstage.io/" not in value(root, "apiVersion"):
        return False
    is_of_values = bool(visit.around or scope.charts or scope.is_values or _OF_VALUES.search(file.path))
    if is_of_values or names_host(file.text, file.ours.hosts) or not _ROOTS.isdisjoint(root.named):
        return False
    return bool(why_without_tag(visit))


def is_of_code(visit: Visit) -> bool:
    """Return whether a `repository` with a `tag` is one of code, by the words around it."""
    around = {word for key in visit.keys[:2] for word in words(key)}
    is_named = value(visit.node, "repository").partition("/")[0] in _CODE_HOSTS
    return is_named or not (_OF_CODE.isdisjoint(around) and _BESIDE_CODE.isdisjoint(visit.node.named))


def is_of_helm(visit: Visit) -> bool:
    """Return whether a mapping may be one of Helm's values, and not certainly of a reader with fields of its own."""
    keys = visit.keys
    if visit.scope.depth or is_in_values(keys):
        return True
    if visit.file.is_object or _is_of_tasks(visit):
        return False
    is_concourse = keys[:1] == ("source",) and keys[1:2] in (("",), ("image_resource",))
    return not is_concourse and not is_of_plugin(keys)


def is_in_values(keys: tuple[str, ...]) -> bool:
    """Return whether these keys are below the values that an object of Flux, Argo CD, Fleet or Crossplane has."""
    return "values" in keys or "valuesObject" in keys


def is_of_plugin(keys: tuple[str, ...]) -> bool:
    """Return whether these keys are above the settings of a plugin or an action, which alone knows what they are."""
    return keys[:1] in (("settings",), ("with",)) and not {"steps", "pipeline"}.isdisjoint(keys)


@lru_cache(4096)
def _is_recipe(key: str) -> bool:
    return not _RECIPES.isdisjoint(words(key))


def _is_of_tasks(visit: Visit) -> bool:
    """Return whether the document is a list, as Ansible's tasks are."""
    return visit.file.root.token.kind == "list"


def _is_item(keys: tuple[str, ...], name: str) -> bool:
    return keys[:2] == ("", name)


def _scalar(node: YamlNode, key: str) -> str:
    place = look_up(node, key)
    return place.node.token.text.strip().lower() if place and is_scalar(place.node) else ""


def _has_build(visit: Visit) -> bool:
    """Return whether a mapping has a `build` that says how, which also may be the name of a job beside `image`."""
    build = look_up(visit.node, "build")
    if build is None or not visit.keys:
        return False
    if visit.keys[1:2] == ("services",):  # Compose
        return True
    return _is_path(_scalar(visit.node, "build")) or any(look_up(build.node, key) for key in _OF_BUILDS)


def _is_path(text: str) -> bool:
    """Return whether a text is a relative path or a URL; an absolute path may be one of a website."""
    return text.startswith(".") or ("/" in text and not text.startswith("/"))
