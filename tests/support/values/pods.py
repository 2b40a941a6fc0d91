"""Pods that run images, and what a policy of admission has to say of them, told without the policy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import parse_in_manifest
from ledger_tool.core.policy.resolve import HUB, Resolver
from ledger_tool.errors import InvalidValue

PLACES = ("containers", "initContainers", "ephemeralContainers", "volumes")


def pod(images: Sequence[str], place: str = "containers") -> dict[str, Any]:
    """Return a pod that names some images in one place, and in each other place one of somebody else."""
    spec: dict[str, Any] = {"containers": [{"name": "sidecar", "image": "registry.k8s.io/pause:3.10"}]}
    if place == "volumes":
        named = [{"name": f"v{at}", "image": {"reference": one}} for at, one in enumerate(images)]
        spec["volumes"] = [{"name": "plain", "emptyDir": {}}, *named]
    else:
        spec[place] = [{"name": f"c{at}", "image": one} for at, one in enumerate(images)] or spec["containers"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}


def is_admitted(image: str, records: Iterable[Record], policy: Policy) -> bool:
    """Return whether an image may run: it is somebody else's, or a record has its digest, under any of its names."""
    try:
        reference = parse_in_manifest(image)
    except InvalidValue:
        return False
    if re.fullmatch(r"sha[0-9]+:[0-9a-f]+", image) or re.search(r":0[0-9]*\Z", reference.registry):
        return False
    plain = replace(policy, registries=tuple(replace(one, host=_plain(one.host)) for one in policy.registries))
    reference = replace(reference, registry=_plain(reference.registry) or HUB)
    resolver = Resolver(plain, lambda _: False)
    if not resolver.resolve(reference).ours:
        return True
    names = resolver.names(reference)
    return any(
        record.image in names and reference.digest is not None and reference.digest in (record.digest, record.index)
        for record in records
    )


def _plain(host: str) -> str:
    return re.sub(r":(?:80|443)\Z", "", host)
