"""Containers in what container engines print: Docker, Podman and nerdctl (`inspect`, `ps`), and `crictl`.

`inspect` and `ps` of the first three use the same names for the same things; where one leaves a field out, another
says it. `docker ps` knows no digests. Listings of images (`docker image inspect`, `crictl images`) are no containers:
they say which references an image id has.

Sources: Docker Engine API 1.48, `ContainerInspectResponse` and `ImageInspect`; `docker ps --format`; Podman's
`libpod/define` (InspectContainerData) and `entities` (ListContainer); nerdctl's `dockercompat`; cri-api
`runtime/v1/api.proto` (Container, Image).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger_tool.core.running.container import (
    ListedImages,
    RunningContainer,
    State,
    WorkloadPlace,
    identity,
    is_image_id,
    word,
)

# Compose, Swarm, and the kubelet write these labels: namespace and workload.
_PLACE_LABELS = (
    ("com.docker.compose.project", "com.docker.compose.service"),
    ("com.docker.stack.namespace", "com.docker.swarm.service.name"),
    ("io.kubernetes.pod.namespace", "io.kubernetes.pod.name"),
)
_OVER = (
    *("created", "exited", "dead", "removing"),  # Docker, nerdctl
    *("configured", "initialized", "stopped"),  # Podman
    *("complete", "failed", "orphaned", "rejected", "remove", "shutdown"),  # tasks of a Swarm
    "container_exited",  # crictl
)

Fields = Mapping[str, Any]


def is_image(value: Fields) -> bool:
    """Return whether a JSON object is an image, as `docker image inspect` shows it."""
    return isinstance(value.get("Id"), str) and ("RepoTags" in value or "RepoDigests" in value)


def is_container(value: Fields) -> bool:
    """Return whether a JSON object is a container, as `inspect` or `ps` show it."""
    return any(isinstance(value.get(key), str) for key in ("Image", "ImageName")) and any(
        key in value for key in ("Id", "ID", "Name", "Names")
    )


def is_of_cri(value: Fields) -> bool:
    """Return whether a JSON object is what `crictl` prints: containers, one container, or images."""
    return any(isinstance(value.get(key), list) for key in ("containers", "images")) or (
        isinstance(value.get("status"), dict) and "imageRef" in value["status"]
    )


def add_image(value: Fields, facts: ListedImages) -> None:
    """Note what an image's listing says."""
    facts.add(value["Id"], value.get("RepoTags"), value.get("RepoDigests"))


def add_cri_images(value: Fields, facts: ListedImages) -> None:
    """Note what `crictl images` says."""
    for image in _objects(value.get("images")):
        facts.add(image.get("id"), image.get("repoTags"), image.get("repoDigests"))


def container_of(value: Fields, cluster: str, facts: ListedImages) -> RunningContainer:
    """Return the container of a JSON object."""
    config = _object(value.get("Config"))
    labels = _labels(config.get("Labels") or value.get("Labels"))
    name = value.get("Name") or value.get("Names")
    name = word(name[0] if isinstance(name, list) and name else name).removeprefix("/")
    asked = config.get("Image") or value.get("ImageName") or value.get("Image")
    has = value.get("ImageID"), value.get("ImageDigest"), _object(value.get("ImageManifestDescriptor")).get("digest")
    # In what `inspect` prints it is the image's id, and in what `ps` prints the name that was asked for.
    called = value.get("Image")
    is_id = called != asked and isinstance(called, str) and is_image_id(called)
    seen = identity(asked, (called, *has) if is_id else has, facts, called=() if is_id else (called,))
    return RunningContainer(_place(labels, cluster, name), name, seen, _state(value))


def cri_containers_of(value: Fields, cluster: str, facts: ListedImages) -> list[RunningContainer]:
    """Return the containers of `crictl ps` or `crictl inspect`."""
    containers = []
    for one in _objects(value.get("containers")) or _objects([value.get("status")]):
        image = _object(one.get("image"))
        name = word(_object(one.get("metadata")).get("name"))
        asked = image.get("userSpecifiedImage") or image.get("image")
        seen = identity(asked, (one.get("imageRef"), one.get("imageId")), facts, called=(image.get("image"),))
        state: State = "ended" if word(one.get("state")).lower() in _OVER else "runs"
        place = _place(_labels(one.get("labels")), cluster, name)
        containers.append(RunningContainer(place, name, seen, state))
    return containers


def _state(value: Fields) -> State:
    """Return whether a container runs; one that says nothing about it does. One without any image runs none."""
    has_image = any(value.get(key) for key in ("Image", "ImageID", "ImageName"))
    if not has_image and (value.get("IsInfra") is True or value.get("Rootfs")):  # Podman
        return "ended"
    inner = _object(value.get("State"))
    if isinstance(inner.get("Running"), bool) and inner["Running"]:
        return "runs"
    status = inner.get("Status") or value.get("State") or value.get("Status") or value.get("CurrentState")
    first = word(status).lower().split(" ")[0]
    return "ended" if first in _OVER else "runs"


def _place(labels: Mapping[str, str], cluster: str, name: str) -> WorkloadPlace:
    for namespace, workload in _PLACE_LABELS:
        if workload in labels:
            return WorkloadPlace(cluster, labels.get(namespace, ""), labels[workload])
    return WorkloadPlace(cluster, "", name)


def _labels(value: object) -> Mapping[str, str]:
    """Return labels, which `docker ps` prints as one text."""
    if isinstance(value, str):
        value = dict(label.split("=", 1) for label in value.split(",") if "=" in label)
    items = value.items() if isinstance(value, dict) else ()
    return {key: word(text) for key, text in items if isinstance(key, str) and isinstance(text, str) and text}


def _object(value: object) -> Fields:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Fields]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
