"""What cluster and engine tools print, written from their published API types."""

from __future__ import annotations

import json
from typing import Any

HOST = "registry.example.com"
APP = f"{HOST}/myorg/app"


def status(name: str = "app", image: str = "", image_id: str = "", **state: Any) -> dict[str, Any]:
    """Return a ContainerStatus; it runs unless another state is given: `waiting={…}`, `terminated={…}`."""
    return {
        "name": name,
        "state": state or {"running": {"startedAt": "2026-11-24T10:00:00Z"}},
        "lastState": {},
        "ready": not state,
        "restartCount": 0,
        "image": image,
        "imageID": image_id,
        "containerID": f"containerd://{'c' * 64}" if image_id else "",
        "started": not state,
    }


def owner(kind: str, name: str) -> dict[str, Any]:
    """Return an OwnerReference of a controller."""
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": f"uid-{name}", "controller": True}


def pod(
    name: str = "web-5d9c7b-x2x4q",
    *statuses: dict[str, Any],
    namespace: str = "shop",
    owners: list[dict[str, Any]] | None = None,
    labels: dict[str, str] | None = None,
    phase: str = "Running",
    images: dict[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a Pod of a Deployment `web`, with a container in its spec for each status; `images` are those asked for.

    `more` has other fields of `spec` and `status`, told apart by their names.
    """
    asked = images or {one["name"]: one["image"] for one in statuses}
    spec = {"containers": [{"name": key, "image": image} for key, image in asked.items()], "nodeName": "node-1"}
    seen: dict[str, Any] = {"phase": phase, "containerStatuses": list(statuses)}
    for key, value in more.items():
        (seen if key.endswith("Statuses") else spec)[key] = value
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"pod-template-hash": "5d9c7b"} if labels is None else labels,
            "ownerReferences": [owner("ReplicaSet", "web-5d9c7b")] if owners is None else owners,
        },
        "spec": spec,
        "status": seen,
    }


def running_pod(asked: str, has: str, **more: Any) -> dict[str, Any]:
    """Return a Pod with one container that runs: the image that was asked for, and the id that it has."""
    return pod(more.pop("name", "web-5d9c7b-x2x4q"), status(image=asked, image_id=has), **more)


def workload(kind: str, name: str, image: str, **spec: Any) -> dict[str, Any]:
    """Return a workload with a pod template of one container."""
    template = {"metadata": {}, "spec": {"containers": [{"name": "app", "image": image}]}}
    inner = {"jobTemplate": {"spec": {"template": template}}} if kind == "CronJob" else {"template": template}
    metadata: dict[str, Any] = {"name": name, "namespace": "shop"}
    if owners := spec.pop("owners", None):
        metadata["ownerReferences"] = owners
    conditions = spec.pop("conditions", [])
    version = "batch/v1" if kind.endswith("Job") else "apps/v1"
    return {
        "apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec | inner,
        "status": {"conditions": conditions},
    }  # fmt: skip


def listed(*items: dict[str, Any], **metadata: Any) -> bytes:
    """Return what `kubectl get … -o json` prints."""
    value = {"apiVersion": "v1", "items": list(items), "kind": "List", "metadata": {"resourceVersion": ""} | metadata}
    return (json.dumps(value, indent=4) + "\n").encode()


def docker_container(name: str, image: str, image_id: str, **more: Any) -> dict[str, Any]:
    """Return a container as `docker inspect` shows it."""
    state = {"Status": more.pop("state", "running")}
    state["Running"] = state["Status"] in ("running", "paused", "restarting")
    labels = more.pop("labels", {})
    return {
        "Id": "d" * 64, "Created": "2026-11-24T10:00:00Z", "Name": f"/{name}", "Image": image_id, "State": state,
        "Config": {"Image": image, "Labels": labels}, **more,
    }  # fmt: skip


def docker_image(image_id: str, tags: list[str], digests: list[str]) -> dict[str, Any]:
    """Return an image as `docker image inspect` shows it."""
    return {"Id": image_id, "RepoTags": tags, "RepoDigests": digests, "Architecture": "amd64", "Os": "linux"}


def docker_ps(name: str, image: str, **more: str) -> dict[str, Any]:
    """Return a line of `docker ps --format json`."""
    return {
        "Command": '"app"', "ID": "d" * 12, "Image": image, "Labels": "", "Names": name, "State": "running",
        "Status": "Up 3 minutes", **more,
    }  # fmt: skip


def cri_container(name: str, image: str, image_ref: str, asked: str = "", **more: Any) -> dict[str, Any]:
    """Return a container of `crictl ps -o json`."""
    return {
        "id": "e" * 64,
        "podSandboxId": "f" * 64,
        "metadata": {"name": name, "attempt": 0},
        "image": {"image": image, "annotations": {}, "userSpecifiedImage": asked},
        "imageRef": image_ref,
        "state": "CONTAINER_RUNNING",
        "createdAt": "1795600000000000000",
        "labels": {
            "io.kubernetes.container.name": name,
            "io.kubernetes.pod.name": "web-5d9c7b-x2x4q",
            "io.kubernetes.pod.namespace": "shop",
        },
        **more,
    }
