"""Containers in what `kubectl get … -o json` prints: pods, and the pod templates of workloads.

What a container has is in the pod's status (`imageID`); what was asked for is in its spec. Each field may be missing.

| object                                             | counts                                                     |
|----------------------------------------------------|------------------------------------------------------------|
| a pod whose phase is `Succeeded` or `Failed`       | no: it has ended, and does not start again                 |
| any other pod                                      | each container, whatever its state, init containers too:   |
|                                                    | they start again with the pod; an image volume             |
| an ephemeral container that has terminated         | no: it does not start again                                |
| a workload with a pod that counts                  | no: its pods say what runs                                 |
| a workload without replicas, suspended or finished | no                                                         |
| any other workload                                 | each container of its template, once                       |
| a CronJob that is not suspended                    | always: it says what runs next                             |

Sources: k8s.io/api `core/v1` (PodSpec, PodStatus, ContainerStatus, VolumeMountStatus), `apps/v1`, `batch/v1`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ledger_tool.core.running.container import NotUnderstood, RunningContainer, State, WorkloadPlace, identity, word

_LISTS = (
    ("initContainers", "initContainerStatuses"),
    ("containers", "containerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
)
_DESCRIBED = ("containers", "initContainers", "container", "script", "sidecars", "steps")  # Knative, Argo, Tekton
_OVER = ("Succeeded", "Failed")
_PODS = (  # what a status says of the pods that are there
    *("replicas", "readyReplicas", "terminatingReplicas"),  # Deployment, ReplicaSet, StatefulSet and their like
    *("currentNumberScheduled", "numberMisscheduled", "numberReady", "updatedNumberScheduled"),  # DaemonSet
    *("active", "ready", "terminating"),  # Job; the first also CronJob, as a list
)
_FINISHED = ("Complete", "Completed", "Succeeded", "Failed")  # conditions of a Job, and of those of other makers
_HASH = "pod-template-hash"

Fields = Mapping[str, Any]


class _Owner(NamedTuple):
    """An object, by what an owner reference says of it, in its namespace."""

    namespace: str
    kind: str
    name: str


class _Containers:
    """The containers of objects. What was asked for twice is there once, as far as it was the same both times."""

    def __init__(self) -> None:
        self.found: list[RunningContainer] = []
        self._by_uid: dict[str, list[RunningContainer]] = {}

    def add(self, value: Fields, containers: Iterable[RunningContainer]) -> None:
        """Add those of an object that nobody has seen in it: an image of a pod may be replaced between two looks."""
        own, uid = list(containers), word(_at(value, "metadata", "uid"))
        if uid and (before := self._by_uid.get(uid)):
            own = list((Counter(own) - Counter(before)).elements())
        self.found += own
        self._by_uid.setdefault(uid, []).extend(own)


def is_object(value: Fields) -> bool:
    """Return whether a JSON object is one of Kubernetes."""
    return isinstance(value.get("kind"), str) and isinstance(value.get("apiVersion"), str)


def containers_of(objects: Iterable[Fields], cluster: str) -> list[RunningContainer]:
    """Return the containers of the pods and workloads of one cluster.

    What other objects describe, such as a Workflow, runs in pods that are made later: it does not count as running.
    """
    pods, workloads, others = list[Fields](), list[Fields](), list[Fields]()
    for value in objects:
        if value.get("kind") == "Pod":
            pods.append(value)
        elif _templates(value):
            workloads.append(value)
        else:
            others.append(value)
    owners = {_itself(value): owner for value in workloads if (owner := _owner_of(value))}
    containers = _Containers()
    active: set[_Owner] = set()  # the workloads with a pod that counts
    for pod in pods:
        owner, has_ended = _owner_of(pod), _text(_at(pod, "status", "phase")) in _OVER
        place = _place(pod, owner, owners, cluster)
        containers.add(pod, _of_pod(pod, place, has_ended=has_ended))
        if not has_ended:
            active.add(_Owner(place.namespace, place.kind, place.workload))
        while owner and not has_ended and owner not in active:
            active.add(owner)
            owner = owners.get(owner)
    for value in _innermost_first(workloads):
        itself = _itself(value)
        state = _workload_state(value, itself, active)
        if state == "runs" and (outer := owners.get(itself)):
            active.add(outer)
        containers.add(value, _of_templates(value, _place_of(itself, owners, cluster), state))
    for value in others:
        containers.add(value, _described(value, _place_of(_itself(value), owners, cluster)))
    return containers.found


def _of_pod(pod: Fields, place: WorkloadPlace, *, has_ended: bool) -> Iterator[RunningContainer]:
    spec, status = _object(pod, "spec"), _object(pod, "status")
    state: State = "ended" if has_ended else "runs"
    for containers, statuses in _LISTS:
        asked = {word(_at(one, "name")): _at(one, "image") for one in _objects(spec, containers)}
        for one in _objects(status, statuses):
            name = word(one.get("name"))
            seen = identity(
                asked.pop(name, None) or one.get("image"), (one.get("imageID"),), called=(one.get("image"),)
            )
            is_over = containers == "ephemeralContainers" and bool(_object(_object(one, "state"), "terminated"))
            yield RunningContainer(place, name, seen, "ended" if is_over else state)
        for name, image in asked.items():
            yield RunningContainer(place, name, identity(image, ()), state)
    mounted = {
        _text(_at(mount, "name")): _at(mount, "volumeStatus", "image", "imageRef")
        for _, statuses in _LISTS
        for one in _objects(status, statuses)
        for mount in _objects(one, "volumeMounts")
    }
    for name, image in _image_volumes(spec):
        yield RunningContainer(place, word(name), identity(image, (mounted.get(name),)), state)


def _of_templates(value: Fields, place: WorkloadPlace, state: State) -> Iterator[RunningContainer]:
    for spec in (_object(template, "spec") for template in _templates(value)):
        for containers, _ in _LISTS:
            for one in _objects(spec, containers):
                yield RunningContainer(place, word(one.get("name")), identity(one.get("image"), ()), state)
        for name, image in _image_volumes(spec):
            yield RunningContainer(place, word(name), identity(image, ()), state)


def _described(value: Fields, place: WorkloadPlace) -> Iterator[RunningContainer]:
    """Yield the containers that an object describes without a pod template, wherever it does."""
    ahead: list[Any] = [value.get("spec")]
    while ahead:
        inner = ahead.pop()
        if isinstance(inner, list):
            ahead += inner
        elif isinstance(inner, dict):
            for key, more in inner.items():
                for one in (more if isinstance(more, list) else [more]) if key in _DESCRIBED else ():
                    if isinstance(image := _at(one, "image"), str):
                        yield RunningContainer(place, word(_at(one, "name")), identity(image, ()), "ended")
                ahead.append(more)


def _image_volumes(spec: Fields) -> Iterator[tuple[str, str]]:
    """Yield the name and the image of each volume that is an image."""
    for volume in _objects(spec, "volumes"):
        if isinstance(image := _at(volume, "image", "reference"), str):
            yield _text(volume.get("name")), image


def _templates(value: Fields) -> list[Fields]:
    """Return the pod templates of a workload, of whatever kind: a JobSet has one for each job, and deep inside."""
    templates: list[Fields] = []
    ahead: list[Any] = [value.get("template"), value.get("spec")]
    while ahead:
        inner = ahead.pop()
        if isinstance(inner, list):
            ahead += reversed(inner)
        elif isinstance(inner, dict):
            if isinstance(_at(inner, "spec", "containers"), list):
                templates.append(inner)
            else:
                ahead += reversed(inner.values())
    return templates


def _workload_state(value: Fields, itself: _Owner, active: set[_Owner]) -> State:
    status = _object(value, "status")
    if (is_off := _is_off(value)) and not any(map(_is_some, map(status.get, _PODS))):
        return "ended"
    if (
        itself.kind != "CronJob"
        and itself.kind.endswith(("Job", "JobSet"))
        and any(
            _at(one, "type") in _FINISHED and _at(one, "status") == "True" for one in _objects(status, "conditions")
        )
    ):
        return "ended"
    # Beside the pods that a CronJob has now, there will be others.
    return "covered" if itself in active and (is_off or itself.kind != "CronJob") else "runs"


def _is_off(value: Fields) -> bool:
    """Return whether a workload is to have no pods; it may have some still."""
    spec, wanted = _object(value, "spec"), _at(value, "status", "desiredNumberScheduled")
    return spec.get("suspend") is True or 0 in (spec.get("replicas"), spec.get("parallelism"), wanted)


def _is_some(count: object) -> bool:
    """Return whether a status counts something, or lists it."""
    return isinstance(count, int | list) and not isinstance(count, bool) and count not in (0, [])


def _innermost_first(workloads: Sequence[Fields]) -> list[Fields]:
    """Return the workloads with those that others may own last: of two sets of replicas, each says what runs."""
    return sorted(workloads, key=lambda value: value.get("kind") not in ("ReplicaSet", "ReplicationController", "Job"))


def _place(pod: Fields, owner: _Owner | None, owners: Mapping[_Owner, _Owner], cluster: str) -> WorkloadPlace:
    """Return where a pod is: its workload, or its own name without one.

    A ReplicaSet's Deployment has its name without the hash that its pods have as a label. A static pod is its node's,
    and its name ends in the node's.
    """
    itself = _itself(pod)
    if owner is None:
        return WorkloadPlace(cluster, itself.namespace, itself.name, "Pod")
    if owner.kind == "Node":
        return WorkloadPlace(cluster, itself.namespace, itself.name.removesuffix(f"-{owner.name}"), "Pod")
    label = word(_at(pod, "metadata", "labels", _HASH))
    if owner.kind == "ReplicaSet" and owner not in owners and label and owner.name.endswith(f"-{label}"):
        return WorkloadPlace(cluster, owner.namespace, owner.name.removesuffix(f"-{label}"), "Deployment")
    return _place_of(owner, owners, cluster)


def _place_of(itself: _Owner, owners: Mapping[_Owner, _Owner], cluster: str) -> WorkloadPlace:
    """Return where a workload is: the outermost one that owns it, as far as that is known."""
    seen = {itself}
    while (outer := owners.get(itself)) and outer not in seen:
        seen.add(outer)
        itself = outer
    return WorkloadPlace(cluster, itself.namespace, itself.name, itself.kind)


def _itself(value: Fields) -> _Owner:
    return _Owner(
        word(_at(value, "metadata", "namespace")), word(value.get("kind")), word(_at(value, "metadata", "name"))
    )


def _owner_of(value: Fields) -> _Owner | None:
    """Return the object that controls this one, or None."""
    references = _objects(_object(value, "metadata"), "ownerReferences")
    owner = next((one for one in references if one.get("controller") is True), None)
    if owner is None or not word(owner.get("name")):
        return None
    return _itself(value)._replace(kind=word(owner.get("kind")), name=word(owner.get("name")))


def _object(value: Fields, key: str) -> Fields:
    """Return an object in another, empty if it is missing. Raises NotUnderstood for anything else."""
    if not isinstance(inner := value.get(key) if value.get(key) is not None else {}, dict):
        raise NotUnderstood(f"`{key}` is not an object")
    return inner


def _objects(value: Fields, key: str) -> list[Fields]:
    """Return the objects in a list, empty if it is missing. Raises NotUnderstood for anything else."""
    inner = value.get(key) if value.get(key) is not None else []
    if not isinstance(inner, list) or not all(isinstance(one, dict) for one in inner):
        raise NotUnderstood(f"`{key}` is not a list of objects")
    return inner


def _at(value: object, *path: str) -> Any:
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
