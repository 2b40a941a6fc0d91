"""Images in the formats of other tools: kustomize, Helm, Compose, dotenv, imgpkg, admission, lines.

In YAML, each text is quoted as in JSON, which YAML 1.2 accepts (its section 1.3): so it is always text, and never a
number, a boolean or a structure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from ledger_tool.commands.export import BY_RECORD, POLICIES, Exported
from ledger_tool.core.export.selection import ImageVersion
from ledger_tool.core.ledger.names import some_of
from ledger_tool.core.policy.resolve import written_as
from ledger_tool.render import admission, json
from ledger_tool.render.records import as_csv

_HEAD = "# Written by `ledger export`."
_MOST_WARNINGS = 10  # a log has to stay readable


def lines(exported: Exported, form: str) -> Iterator[str]:
    """Yield the lines of a form other than CycloneDX."""
    if form in _BARE:
        return _BARE[form](exported)
    return chain([_HEAD], _WRITERS[form](exported))


def notes(exported: Exported, form: str) -> Iterator[str]:
    """Yield what a reader should know about what was chosen and what was not."""
    for name, why in list(exported.doubtful.items())[:_MOST_WARNINGS]:
        yield f"warning: {name} {why}"
    if (more := len(exported.doubtful) - _MOST_WARNINGS) > 0:
        yield f"warning: {more} more are yanked or past their TTL"
    if exported.skipped:
        names = some_of([str(version.name) for version in exported.skipped], 5)
        yield f"note: skipped as yanked or expired: {names}"
    unserved = sorted({version.name.image for version in exported.versions if not version.host})
    if unserved and form not in BY_RECORD:
        what = "the policy leaves such images alone" if form in POLICIES else "clients use their own default"
        yield f"note: ledger.yaml names no registry for {some_of(unserved, 5)}; {what}"


def _kustomize(exported: Exported) -> Iterator[str]:
    """Yield a kustomize component: `images` that change both `myorg/app` and `registry.example.com/myorg/app`.

    Docker Hub's images are also changed in their short forms, unless that is the name of another image here.
    Source: kubectl.docs.kubernetes.io, "images" and "components". A renamed image also matches the second entry,
    which then changes nothing.
    """
    taken = {version.name.image for version in exported.versions}
    yield "apiVersion: kustomize.config.k8s.io/v1alpha1"
    yield "kind: Component"
    yield "images:"
    for version in exported.versions:
        others = (name for name in written_as(version.repository) if name not in taken)
        for name in dict.fromkeys((version.name.image, *others)):
            yield f"  - name: {json.line(name)}"
            yield f"    newName: {json.line(version.repository)}"
            yield f"    newTag: {json.line(version.tag)}"
            yield f"    digest: {json.line(version.digest)}"


def _helm_values(exported: Exported) -> Iterator[str]:
    yield "images:"
    for key, version in exported.keys.items():
        yield f"  {json.line(key)}:"
        yield f"    registry: {json.line(version.host)}"
        yield f"    repository: {json.line(version.path)}"
        yield f"    tag: {json.line(version.tag)}"
        yield f"    digest: {json.line(version.digest)}"
        yield f"    ref: {json.line(_by_digest(version))}"


def _compose(exported: Exported) -> Iterator[str]:
    """Yield a Compose override. `$` would start a variable, but no reference contains one."""
    yield "services:"
    for key, version in exported.keys.items():
        yield f"  {json.line(key)}:"
        yield f"    image: {json.line(f'{version.repository}:{version.tag}@{version.digest}')}"


def _dotenv(exported: Exported) -> Iterator[str]:
    """Yield variables that a shell, `docker --env-file` and Compose all read: quoted only if necessary."""
    for key, version in exported.keys.items():
        value = _by_digest(version)
        yield f"# {version.name.image}:{version.tag}" + (f" ({version.name.tag})" if version.is_environment else "")
        yield f"{key}={value}" if re.fullmatch(r"[A-Za-z0-9._/:@-]+", value) else f"{key}='{value}'"


def _imgpkg(exported: Exported) -> Iterator[str]:
    """Yield an ImagesLock (carvel.dev, imgpkg "Resources"); kbld finds an image by its reference with a tag."""
    yield "apiVersion: imgpkg.carvel.dev/v1alpha1"
    yield "kind: ImagesLock"
    yield "images:"
    for version in exported.versions:
        yield f"  - image: {json.line(_by_digest(version))}"
        yield "    annotations:"
        yield f"      kbld.carvel.dev/id: {json.line(f'{version.repository}:{version.tag}')}"


def _images(exported: Exported) -> Iterator[str]:
    """Yield a reference by tag and digest for each image, once: an environment has what a version has."""
    return iter(sorted({f"{version.repository}:{version.tag}@{version.digest}" for version in exported.versions}))


def _admission(exported: Exported) -> Iterator[str]:
    assert exported.admission
    return admission.validating_admission_policy(exported.admission)


def _kyverno(exported: Exported) -> Iterator[str]:
    assert exported.admission
    return admission.kyverno(exported.admission)


def _by_digest(version: ImageVersion) -> str:
    return f"{version.repository}@{version.digest}"


_WRITERS = {
    "kustomize": _kustomize,
    "helm-values": _helm_values,
    "compose": _compose,
    "dotenv": _dotenv,
    "imgpkg": _imgpkg,
    "admission": _admission,
    "kyverno": _kyverno,
}
# Data alone: each line is one of them.
_BARE: Mapping[str, Callable[[Exported], Iterator[str]]] = {
    "csv": lambda exported: as_csv(exported.records),
    "images": _images,
}
