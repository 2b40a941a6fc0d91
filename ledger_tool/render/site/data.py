"""The facts of a site as JSON for programs; `schema/site-*-v1.schema.json` describe it.

A value has the shape that the commands give it. Links within the site are relative to the file that has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

from ledger_tool.core.ledger.record import to_json
from ledger_tool.core.site import paths
from ledger_tool.core.site.facts import (
    BaseFacts,
    DigestPlace,
    DriftFacts,
    DriftNote,
    EnvironmentCell,
    RunningFacts,
    RunningNote,
    SiteFacts,
    SiteImage,
    TagFacts,
)
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render import json
from ledger_tool.render.log import entry_as_json
from ledger_tool.render.site.findings import Findings
from ledger_tool.render.site.links import web_link
from ledger_tool.render.site.renovate import releases
from ledger_tool.render.site.wording import prose
from ledger_tool.render.whence import point_as_json

_FOLDER = paths.LEDGER_DATA.partition("/")[0] + "/"  # of all data


def files(facts: SiteFacts) -> Iterator[SiteFile]:
    """Yield what programs read: of the ledger, of each image, of each environment, and of each digest."""
    findings = Findings(facts)
    yield _file(paths.LEDGER_DATA, _ledger(facts))
    yield _file(paths.FINDINGS_DATA, _findings(facts, findings))
    held: dict[str, list[EnvironmentCell]] = {name: [] for name in facts.environments}
    for image in facts.images:
        yield _file(paths.image_data(image.image), _image(image, findings))
        yield _file(paths.renovate_data(image.image), releases(image))
        for cell in image.environments:
            held.setdefault(cell.environment, []).append(cell)
    for environment, cells in held.items():
        value = {"environment": environment, "images": [_cell(cell) for cell in cells]}
        yield _file(paths.environment_data(environment), value)
    for digest, places in facts.digests.items():
        yield _file(paths.digest_data(digest), _digest(digest, places, facts))


def _file(path: str, value: Mapping[str, Any]) -> SiteFile:
    """Return a file of an object; what is an iterator becomes a list, of which only one item at a time is kept whole.

    An image may have so many tags that all of them together would take more room than the file.
    """
    content = BytesIO()
    for number, (name, inner) in enumerate(value.items()):
        content.write(f"{',' if number else '{'}{json.compact(name)}:".encode())
        for text in _listed(inner) if isinstance(inner, Iterator) else (json.compact(inner),):
            content.write(text.encode())
    content.write(b"}\n")
    return SiteFile(path, content.getvalue())


def _listed(items: Iterator[Any]) -> Iterator[str]:
    """Yield the text of a list, piece by piece."""
    before = "["
    for item in items:
        yield before + json.compact(item)
        before = ","
    yield "[]" if before == "[" else "]"


def _within(file: str, path: str) -> str:
    """Return the address of a file of the site, relative to a file of data."""
    if path.startswith(_FOLDER):
        file, path = file.removeprefix(_FOLDER), path.removeprefix(_FOLDER)
    return paths.root_from(file) + path


def _ledger(facts: SiteFacts) -> dict[str, Any]:
    return {
        "title": prose(facts.title),
        "commit": facts.commit,
        "at": facts.at,
        "page": web_link(facts.ledger_page) or None,
        "counts": {
            "images": len(facts.images),
            "tags": sum(len(image.tags) for image in facts.images),
            "digests": len(facts.digests),
            "yanked": len(facts.yanked),
            "expiring": len(facts.expiring),
        },
        "environments": [
            {"environment": name, "data": _within(paths.LEDGER_DATA, paths.environment_data(name))}
            for name in facts.environments
        ],
        "reconcile": facts.drift and _drift_report(facts.drift),
        "running": [_running_report(report) for report in facts.running],
        "findings": _within(paths.LEDGER_DATA, paths.FINDINGS_DATA),
        "images": [
            {
                "image": image.image,
                "newest": image.newest.name.tag if image.newest else None,
                "digest": (image.newest.digest or None) if image.newest else None,
                "data": _within(paths.LEDGER_DATA, paths.image_data(image.image)),
                "page": _within(paths.LEDGER_DATA, paths.image_page(image.image)),
            }
            for image in facts.images
        ],
    }  # fmt: skip


def _drift_report(drift: DriftFacts) -> dict[str, Any]:
    return {
        "at": drift.at, "complete": drift.complete, "checked": drift.checked, "summary": dict(drift.summary),
    }  # fmt: skip


def _running_report(report: RunningFacts) -> dict[str, Any]:
    return {
        "environment": report.environment or None,
        "at": report.at,
        "complete": report.complete,
        "containers": report.containers,
        "summary": dict(report.summary),
    }


def _findings(facts: SiteFacts, findings: Findings) -> dict[str, Any]:
    def drift(note: DriftNote) -> dict[str, Any]:
        return _drift(note, _within(paths.FINDINGS_DATA, findings.place(note)))

    def running(note: RunningNote) -> dict[str, Any]:
        return _running(note, _within(paths.FINDINGS_DATA, findings.place(note)))

    return {
        "reconcile": facts.drift
        and {**_drift_report(facts.drift), "findings": [drift(note) for note in facts.drift.notes]},
        "running": [
            {
                **_running_report(report),
                "images": [running(note) for note in report.notes],
                "nowhere": [{"image": name.image, "version": name.tag} for name in report.nowhere],
            }
            for report in facts.running
        ],
    }


def _image(image: SiteImage, findings: Findings) -> dict[str, Any]:
    path = paths.image_data(image.image)
    return {
        "image": image.image,
        "newest": image.newest.name.tag if image.newest else None,
        "page": _within(path, paths.image_page(image.image)),
        "tags": map(_tag, image.tags),
        "environments": [_cell(cell) for cell in image.environments],
        "drift": [_drift(note, _within(path, findings.place(note))) for note in image.drift],
        "running": [_running(note, _within(path, findings.place(note))) for note in image.running],
        "entries": map(entry_as_json, image.timeline),
    }


def _tag(tag: TagFacts) -> dict[str, Any]:
    return {
        "tag": tag.name.tag,
        "digest": tag.digest or None,
        "refs": list(tag.pulls),
        "publishedAt": tag.published_at,
        "sources": list(tag.sources),
        "previous": tag.previous or None,
        "compare": web_link(tag.compare) or None,
        "yanked": prose(tag.yanked) or None,
        "expires": tag.expires,
        "expired": tag.is_expired,
        "mutable": tag.is_mutable,
        "owners": list(tag.owners),
        "bases": [_base(base) for base in tag.bases],
        "dependents": [{"image": one.name.image, "tag": one.name.tag, "stale": one.is_stale} for one in tag.dependents],
        "dependentCount": tag.dependent_count,
        "rebuildStep": tag.rebuild_step or None,
        "records": [to_json(record) for record in tag.records],
    }


def _base(base: BaseFacts) -> dict[str, Any]:
    return {
        "reference": prose(base.reference),
        "image": base.name.image if base.name else None,
        "tag": base.name.tag if base.name else None,
        "now": base.now or None,
        "follows": {"image": base.follows.image, "tag": base.follows.tag} if base.follows else None,
    }


def _cell(cell: EnvironmentCell) -> dict[str, Any]:
    return {
        "environment": cell.environment,
        "image": cell.image,
        "version": cell.version,
        "digest": cell.digest or None,
        "since": cell.since,
        "state": cell.state,
        "against": cell.against or None,
        "other": cell.other or None,
        "compare": web_link(cell.compare) or None,
        "remarks": [prose(remark) for remark in cell.remarks],
    }


def _drift(note: DriftNote, page: str) -> dict[str, Any]:
    return {
        "class": note.category,
        "kind": note.kind,
        "registry": prose(note.registry),
        "image": prose(note.image),
        "tag": note.tag,
        "platform": note.platform or None,
        "ledger": note.ledger or None,
        "served": note.served or None,
        "reason": prose(note.reason),
        "since": note.since or None,
        "command": prose(note.command) or None,
        "page": page,
    }


def _running(note: RunningNote, page: str) -> dict[str, Any]:
    return {
        "class": note.category,
        "kind": note.kind,
        "image": prose(note.image),
        "tag": prose(note.tag) or None,
        "version": note.version or None,
        "digest": prose(note.digest) or None,
        "expected": {"version": note.expected, "digest": note.expected_digest or None} if note.expected else None,
        "reason": prose(note.reason),
        "containers": note.containers,
        "places": [
            {
                "cluster": prose(place.cluster),
                "namespace": prose(place.namespace),
                "workload": prose(place.workload),
                "kind": prose(place.kind),
                "containers": place.containers,
            }
            for place in note.places
        ],
        "page": page,
    }


def _digest(digest: str, places: Sequence[DigestPlace], facts: SiteFacts) -> dict[str, Any]:
    return {
        "digest": digest,
        "matches": map(_place, places),
        "dependents": [{"image": name.image, "tag": name.tag} for name in facts.dependents.get(digest, ())],
    }


def _place(place: DigestPlace) -> dict[str, Any]:
    return {
        "as": place.kind,
        "image": place.key.image,
        "tag": place.key.tag,
        "platform": place.key.platform or None,
        "sourceRef": place.source_ref or None,
        "version": place.version or None,
        "yanked": prose(place.yanked) or None,
        "record": place.record and to_json(place.record),
        "since": place.since and point_as_json(place.since),
        "until": place.until and point_as_json(place.until),
    }
