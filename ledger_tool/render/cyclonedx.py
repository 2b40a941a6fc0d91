"""Records as a CycloneDX 1.6 bill of materials, the same bytes for the same records.

Sources: cyclonedx.org "CycloneDX v1.6 JSON Reference"; package-url "oci" type definition: the name is the last
component of the repository, which a qualifier holds whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from itertools import chain
from typing import Any
from urllib.parse import quote

from ledger_tool import __version__
from ledger_tool.core.ledger.names import Platform
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import Reference, split
from ledger_tool.core.policy.resolve import Resolver, pull_repository
from ledger_tool.render import json

_ALGORITHMS = {"sha256": "SHA-256", "sha512": "SHA-512"}


def lines(
    records: Sequence[Record], policy: Policy, tags: Mapping[Name, str], *, serial: str = "", time: str = ""
) -> Iterator[str]:
    """Yield the bill, piece by piece; `serial` is its `urn:uuid:…` and `time` its time, each omitted if `""`.

    `tags` are those under which a registry has what environments have.

    A base that is among the records is represented by their component; any other becomes a component of its own.
    """
    inside_of = _finder(records, policy)
    outside: dict[str, dict[str, Any]] = {}
    bases: dict[str, list[str]] = {}
    for record in (record for record in records if record.depends_on):
        on: list[str] = []
        for text in record.depends_on:
            reference = split(text)
            inside = inside_of(reference, record.platform)
            on += [str(base.key) for base in inside]
            if not inside:
                outside.setdefault(text, _outside(text, reference))
                on.append(text)
        bases[str(record.key)] = sorted(set(on) - {str(record.key)})
    repository = cache(partial(pull_repository, policy))
    components = (_component(record, repository(record.image), tags.get(record.name, record.tag)) for record in records)
    refs = (str(record.key) for record in records)
    metadata: dict[str, Any] = {"timestamp": time} if time else {}
    metadata["tools"] = {"components": [{"type": "application", "name": "ledger", "version": __version__}]}
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        **({"serialNumber": serial} if serial else {}),
        "version": 1,
        "metadata": metadata,
        "components": chain(components, (outside[text] for text in sorted(outside))),
        "dependencies": ({"ref": ref, "dependsOn": bases.get(ref, [])} for ref in refs),
    }
    return json.document_lines(bill)


def _finder(records: Sequence[Record], policy: Policy) -> Callable[[Reference, Platform | None], Sequence[Record]]:
    """Return a function that finds a base's records for an image of a platform: those of that platform, or all.

    Of several tags with its digest, it takes the one that the reference names, or else the first of each image.
    """
    by_digest: dict[str, list[Record]] = {}
    for record in records:
        for digest in {record.digest, record.index} - {None}:
            by_digest.setdefault(str(digest), []).append(record)
    resolver = Resolver(policy, {str(record.image) for record in records}.__contains__)

    @cache
    def having(digest: str, platform: Platform | None) -> tuple[Mapping[Name, Sequence[Record]], Sequence[Record]]:
        records_of_digest = by_digest.get(digest, [])
        records_of_digest = [
            record for record in records_of_digest if platform and record.platform == platform
        ] or records_of_digest
        named: dict[Name, list[Record]] = {}
        for record in records_of_digest:
            named.setdefault(record.name, []).append(record)
        return named, list(
            {(record.image, record.digest, record.platform): record for record in reversed(records_of_digest)}.values()
        )

    def find(reference: Reference, platform: Platform | None) -> Sequence[Record]:
        named, one_each = having(str(reference.digest), platform)
        return named.get(Name(resolver.resolve(reference).name, reference.tag or ""), one_each)

    return find


def _component(record: Record, repository: str, tag: str) -> dict[str, Any]:
    url, _, commit = record.source_ref.rpartition("@")
    properties = [
        ("ledger:platform", record.platform),
        ("ledger:index", record.index),
        ("ledger:config", record.config),
        ("ledger:publishedAt", record.published_at),
        ("ledger:sourceRef", record.source_ref),
        ("ledger:environment", record.tag if record.is_environment else None),
        ("ledger:yanked", record.yanked and record.yanked.reason),
        *((f"ledger:label:{key}", value) for key, value in sorted(record.labels.items())),
    ]
    return {
        "type": "container",
        "bom-ref": str(record.key),
        "name": record.image,
        "version": tag,
        "hashes": [_hash(record.digest)],
        "purl": _purl(repository, record.digest, tag, _architecture(record.platform)),
        "externalReferences": [{"type": "vcs", "url": _vcs(url), "comment": f"commit {commit}"}],
        "properties": [{"name": name, "value": value} for name, value in properties if value],
    }


def _outside(text: str, reference: Reference) -> dict[str, Any]:
    digest = str(reference.digest)
    return {
        "type": "container",
        "bom-ref": text,
        "name": reference.name,
        **({"version": reference.tag} if reference.tag else {}),
        "hashes": [_hash(digest)],
        "purl": _purl(reference.name, digest, reference.tag or "", ""),
    }


def _hash(digest: str) -> dict[str, str]:
    algorithm, _, content = digest.partition(":")
    return {"alg": _ALGORITHMS[algorithm], "content": content}


def _purl(repository: str, digest: str, tag: str, architecture: str) -> str:
    """Return `pkg:oci/NAME@DIGEST` with sorted qualifiers; `repository_url` only for a repository with a host."""
    repository = repository.lower()
    host = repository.partition("/")[0]
    repository_url = repository if "/" in repository and re.search(r"[.:]|^localhost$", host) else ""
    qualifiers = {"arch": architecture, "repository_url": repository_url, "tag": tag}
    query = "&".join([f"{name}={_quoted(value)}" for name, value in qualifiers.items() if value])
    name = _quoted(repository.rpartition("/")[2])
    return f"pkg:oci/{name}@{digest.replace(':', '%3A')}" + (f"?{query}" if query else "")


@lru_cache(maxsize=4096)  # an image, and often a tag, has several records
def _quoted(value: str) -> str:
    return quote(value, safe="/")


def _architecture(platform: str | None) -> str:
    return platform.split("/")[1] if platform else ""


def _vcs(url: str) -> str:
    """Return a repository's URL; ssh's short form (`git@host:path`) is not a URL, and gets a scheme."""
    short = re.fullmatch(r"([^/:@]+@[^/:]+):(.*)", url)
    return f"ssh://{short[1]}/{short[2].lstrip('/')}" if short else url


def is_serial(value: str) -> bool:
    """Return whether a text is a serial number that CycloneDX accepts."""
    return bool(re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", value))
