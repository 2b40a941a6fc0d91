"""What a file with what runs is read as: pods, workloads, containers of engines, lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import product
from typing import Any

import pytest

from ledger_tool.core.running.container import RunningContainer
from ledger_tool.core.running.input import parse_running, split_cluster
from ledger_tool.errors import UsageError
from tests.support.values.make import digest
from tests.support.values.running import (
    APP,
    HOST,
    cri_container,
    docker_container,
    docker_image,
    docker_ps,
    listed,
    owner,
    pod,
    running_pod,
    status,
    workload,
)

D, E, C = digest("image"), digest("index"), digest("config")


def read(raw: bytes | str | dict[str, Any] | list[Any], cluster: str = "") -> list[RunningContainer]:
    if isinstance(raw, (dict, list)):
        raw = json.dumps(raw)
    return parse_running(raw.encode() if isinstance(raw, str) else raw, "the file", cluster)


def places(containers: Sequence[RunningContainer]) -> list[str]:
    return [str(one.place) for one in containers if one.state == "runs"]


@pytest.mark.parametrize(
    ("image_id", "digests", "ids"),
    [
        (f"{APP}@{D}", {D}, set()),
        (f"docker-pullable://{APP}@{E}", {E}, set()),
        (f"docker://{C}", set(), {C}),
        (C, set(), {C}),
        (C.removeprefix("sha256:"), set(), {C}),
        (f"docker.io/library/nginx@{D}", {D}, set()),
        (f"sha512:{'a' * 128}", {f"sha512:{'a' * 128}"}, set()),
        ("", set(), set()),
        (f"{APP}:v1", set(), set()),
    ],
)
def test_what_a_container_has_is_in_the_id_of_its_status(image_id: str, digests: set[str], ids: set[str]) -> None:
    (one,) = read(listed(running_pod(f"{APP}:v1", image_id)))
    assert (set(one.image.digests), set(one.image.ids), one.image.pinned) == (digests, ids, "")
    assert str(one.image.references[0]) == f"{APP}:v1"


def test_a_container_without_a_status_has_what_its_spec_says() -> None:
    (pending,) = read(listed(pod(images={"app": f"{APP}:v1@{E}"}, phase="Pending")))
    assert (pending.image.pinned, pending.image.has_run, pending.state) == (E, frozenset(), "runs")
    (waiting,) = read(listed(pod("p", status(image=f"{APP}:v1", waiting={"reason": "ImagePullBackOff"}))))
    assert (waiting.image.pinned, waiting.image.has_run, waiting.state) == ("", frozenset(), "runs")


def test_all_kinds_of_containers_of_a_pod_are_read() -> None:
    one = pod(
        "web-5d9c7b-x2x4q",
        status("app", f"{APP}:v1", f"{APP}@{D}"),
        status("sidecar", f"{HOST}/mesh/proxy:1", "", waiting={"reason": "CrashLoopBackOff"}),
        initContainers=[{"name": "migrate", "image": f"{APP}-migrate:v1"}],
        initContainerStatuses=[
            status("migrate", f"{APP}-migrate:v1", f"{APP}-migrate@{C}", terminated={"exitCode": 0})
        ],
        ephemeralContainers=[{"name": "debug", "image": "busybox"}, {"name": "debug2", "image": "busybox"}],
        ephemeralContainerStatuses=[
            status("debug", "busybox", f"docker.io/library/busybox@{E}"),
            status("debug2", "busybox", f"docker.io/library/busybox@{E}", terminated={"exitCode": 0}),
        ],
        volumes=[
            {"name": "model", "image": {"reference": f"{HOST}/myorg/model:v3"}},
            {"name": "config", "configMap": {"name": "c"}},
        ],
    )
    mount = {"name": "model", "mountPath": "/m", "volumeStatus": {"image": {"imageRef": f"{HOST}/myorg/model@{E}"}}}
    one["status"]["containerStatuses"][0]["volumeMounts"] = [mount]
    containers = read(listed(one))
    assert [(one.name, one.state, sorted(one.image.has_run)) for one in containers] == [
        ("migrate", "runs", [C]),
        ("app", "runs", [D]),
        ("sidecar", "runs", []),
        ("debug", "runs", [E]),
        ("debug2", "ended", [E]),
        ("model", "runs", [E]),
    ]
    assert {str(one.place) for one in containers} == {"shop/web"}


def test_a_pod_that_has_ended_does_not_run() -> None:
    for phase, state in (("Succeeded", "ended"), ("Failed", "ended"), ("Unknown", "runs"), ("", "runs")):
        (one,) = read(listed(running_pod(f"{APP}:v1", f"{APP}@{D}", phase=phase)))
        assert one.state == state


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({}, "shop/web"),
        ({"labels": {}}, "shop/web-5d9c7b"),
        ({"labels": {"pod-template-hash": "other"}}, "shop/web-5d9c7b"),
        ({"owners": []}, "shop/web-5d9c7b-x2x4q"),
        ({"owners": [owner("StatefulSet", "db")]}, "shop/db"),
        ({"owners": [owner("Job", "backup-2891")]}, "shop/backup-2891"),
        ({"owners": [owner("ReplicaSet", "web-5d9c7b") | {"controller": False}]}, "shop/web-5d9c7b-x2x4q"),
        ({"owners": [owner("Node", "node-1")], "name": "kube-apiserver-node-1"}, "shop/kube-apiserver"),
        ({"namespace": ""}, "web"),
    ],
)
def test_a_pod_is_in_the_place_of_its_workload(more: dict[str, Any], place: str) -> None:
    assert places(read(listed(running_pod(f"{APP}:v1", f"{APP}@{D}", **more)))) == [place]
    assert places(read(listed(running_pod(f"{APP}:v1", f"{APP}@{D}", **more)), "eu")) == [f"eu: {place}"]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Rollout"])
def test_a_workload_counts_by_its_template(kind: str) -> None:
    (one,) = read(listed(workload(kind, "web", f"{APP}:v1@{D}", replicas=3)))
    assert (str(one.place), one.place.kind, one.image.pinned, one.state) == ("shop/web", kind, D, "runs")


def test_a_workload_that_is_off_or_whose_pods_are_there_does_not_count() -> None:
    old = workload("ReplicaSet", "web-old", f"{APP}:v0", owners=[owner("Deployment", "web")], replicas=0)
    new = workload("ReplicaSet", "web-5d9c7b", f"{APP}:v1", owners=[owner("Deployment", "web")], replicas=1)
    web = workload("Deployment", "web", f"{APP}:v1", replicas=1)
    one = running_pod(f"{APP}:v1", f"{APP}@{D}")
    states = [(one.name, one.state, str(one.place)) for one in read(listed(one, web, old, new))]
    assert states == [
        ("app", "runs", "shop/web"),
        ("app", "ended", "shop/web"),
        ("app", "covered", "shop/web"),
        ("app", "covered", "shop/web"),
    ]
    assert places(read(listed(one, web))) == ["shop/web"]
    assert len(places(read(listed(web, new, old)))) == 1
    assert places(read(listed(web, running_pod("x", "y", phase="Failed")))) == ["shop/web"]
    done = workload("Job", "backup-1", f"{APP}:v1", conditions=[{"type": "Complete", "status": "True"}])
    assert places(read(listed(done, workload("CronJob", "off", "a:1", suspend=True)))) == []
    job = workload("Job", "backup-2", f"{APP}:v1", owners=[owner("CronJob", "backup")])
    nightly = workload("CronJob", "backup", f"{APP}:v2")
    mine = running_pod(f"{APP}:v1", f"{APP}@{D}", owners=[owner("Job", "backup-2")])
    found = [one for one in read(listed(nightly, job, mine)) if one.state == "runs"]
    assert [(one.place.kind, str(one.image.references[0].tag)) for one in found] == [
        ("CronJob", "v1"),
        ("CronJob", "v2"),
    ]


def test_pod_templates_count_wherever_a_workload_has_them() -> None:
    """A JobSet, and a cluster of Ray: not a StatefulSet, but workloads all the same."""

    def template(image: str) -> dict[str, Any]:
        return {"metadata": {}, "spec": {"containers": [{"name": "app", "image": image}]}}

    jobs = [{"name": tag, "template": {"spec": {"template": template(f"{APP}:{tag}")}}} for tag in ("v1", "v2")]
    jobset = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": "train"},
              "spec": {"replicatedJobs": jobs}}  # fmt: skip
    groups = {"headGroupSpec": {"template": template(f"{APP}:v3")}, "workerGroupSpecs": [{"template": template("x")}]}
    ray = {"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": {"name": "ray"}, "spec": groups}
    found = [(one.place.workload, str(one.image.asked), one.state) for one in read(listed(jobset, ray))]
    assert found == [
        ("train", f"{APP}:v1", "runs"), ("train", f"{APP}:v2", "runs"), ("ray", f"{APP}:v3", "runs"),
        ("ray", "x", "runs"),
    ]  # fmt: skip
    done = {**jobset, "status": {"conditions": [{"type": "Completed", "status": "True"}]}}
    rollout = workload("Rollout", "web", f"{APP}:v1", conditions=[{"type": "Completed", "status": "True"}])
    assert [one.state for one in read(listed(done, rollout))] == ["ended", "ended", "runs"]


def test_what_other_objects_describe_does_not_run_and_is_named_all_the_same() -> None:
    steps = [{"name": "a", "container": {"image": f"{APP}:v1"}}, {"name": "b", "script": {"image": f"{APP}:v2"}}]
    flow = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"},
            "spec": {"templates": steps}}  # fmt: skip
    revision = {"apiVersion": "serving.knative.dev/v1", "kind": "Revision", "metadata": {"name": "r"},
                "spec": {"containers": [{"name": "c", "image": f"{APP}:v3"}]}}  # fmt: skip
    properties = {"properties": {"containers": {"type": "array", "image": 5}}}
    schema = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "x"},
              "spec": {"versions": [{"schema": properties}]}}  # fmt: skip
    found = read(listed(flow, revision, schema, running_pod(f"{APP}:v4", f"{APP}@{D}")))
    assert sorted((one.image.asked, one.state) for one in found) == [
        (f"{APP}:v1", "ended"), (f"{APP}:v2", "ended"), (f"{APP}:v3", "ended"), (f"{APP}:v4", "runs"),
    ]  # fmt: skip


OFF: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("Deployment", {"replicas": 0}, {"replicas": 3, "readyReplicas": 3}),
    ("ReplicaSet", {"replicas": 0}, {"replicas": 1}),
    ("Deployment", {"replicas": 0}, {"terminatingReplicas": 1}),
    ("StatefulSet", {"replicas": 0}, {"replicas": 2, "currentReplicas": 2}),
    ("DaemonSet", {}, {"desiredNumberScheduled": 0, "currentNumberScheduled": 0, "numberMisscheduled": 3}),
    ("Job", {"suspend": True}, {"active": 2}),
    ("Job", {"suspend": True}, {"terminating": 1}),
    ("Job", {"parallelism": 0}, {"active": 1, "ready": 1}),
    ("CronJob", {"suspend": True}, {"active": [{"kind": "Job", "name": "web-1"}]}),
]


@pytest.mark.parametrize(("kind", "spec", "status"), OFF)
def test_a_workload_that_is_off_counts_as_long_as_it_has_pods(
    kind: str, spec: dict[str, Any], status: dict[str, Any]
) -> None:
    """Its status says so, and its pods need not be in the file; if they are, they tell more."""
    off = workload(kind, "web", f"{APP}:v1", **spec)
    gone: dict[str, Any] = {key: [] if isinstance(count, list) else 0 for key, count in status.items()}
    for left in (gone, {"desiredNumberScheduled": 0}, {"desiredNumberScheduled": 0, "replicas": True, "active": None}):
        off["status"] = left if kind == "DaemonSet" or left is gone else {**left, "desiredNumberScheduled": None}
        assert [one.state for one in read(listed(off))] == ["ended"], left
    off["status"] = status
    assert [one.state for one in read(listed(off))] == ["runs"]
    mine = running_pod(f"{APP}:v1", f"{APP}@{D}", owners=[owner(kind, "web")])
    assert sorted(one.state for one in read(listed(off, mine))) == ["covered", "runs"]


def test_what_has_another_image_when_it_is_asked_for_again_counts_with_both() -> None:
    """`--watch`, and files of two days: the image of a pod may be replaced while the pod stays."""
    first, second = (running_pod(f"{APP}:{tag}", f"{APP}@{own}") for tag, own in (("v1", C), ("v2", D)))
    for one in (first, second):
        one["metadata"]["uid"] = "one"
    found = read("".join(map(json.dumps, [first, second, first, second])))
    assert [sorted(one.image.digests) for one in found] == [[C], [D]]


def test_what_was_asked_for_twice_counts_once() -> None:
    one = running_pod(f"{APP}:v1", f"{APP}@{D}")
    one["metadata"]["uid"] = "6f1c"
    assert places(read(listed(one) + listed(one))) == ["shop/web"]
    daemons = workload("DaemonSet", "agent", f"{APP}:v1")
    assert places(read(listed(daemons))) == ["shop/agent"]
    daemons["status"]["desiredNumberScheduled"] = 0
    assert places(read(listed(daemons))) == []


def test_a_stream_of_documents_is_read_whole_and_other_objects_have_no_containers() -> None:
    one, two = running_pod(f"{APP}:v1", f"{APP}@{D}"), running_pod(f"{APP}:v2", f"{APP}@{E}", namespace="b")
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": []}}
    concatenated = listed(one) + listed(service) + json.dumps(two).encode()
    assert places(read(concatenated)) == ["shop/web", "b/web"]
    lines = "\n".join(json.dumps(value) for value in (one, two))
    assert places(read(lines)) == ["shop/web", "b/web"]
    api = {"kind": "PodList", "apiVersion": "v1", "items": [{key: one[key] for key in ("metadata", "spec", "status")}]}
    assert places(read(api)) == ["shop/web"]


def test_docker_containers_have_the_digests_of_their_images() -> None:
    compose = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    found = read(
        [
            docker_container("shop-web-1", f"{APP}:v1", C, labels=compose),
            docker_container("plain", f"{APP}@{E}", D, ImageManifestDescriptor={"digest": E}),
            docker_container("old", f"{APP}:v0", C, state="exited"),
            docker_container("resting", f"{APP}:v0", C, state="paused"),
            docker_image(C, [f"{APP}:v1"], [f"{APP}@{E}"]),
        ]
    )
    assert [(str(one.place), one.state, sorted(one.image.digests), sorted(one.image.ids)) for one in found] == [
        ("shop/web", "runs", [E], [C]),
        ("plain", "runs", [], sorted([D, E])),
        ("old", "ended", [E], [C]),
        ("resting", "runs", [E], [C]),
    ]
    assert found[1].image.pinned == E


def test_lines_of_docker_ps_have_names_and_podman_has_ids() -> None:
    lines = [
        docker_ps("web", f"{APP}:v1", Labels="a=b,com.docker.compose.project=shop,com.docker.compose.service=web"),
        docker_ps("db", f"{APP}@{D}"),
        docker_ps("moved", "3f8a4339aadd"),
        docker_ps("long", C),
        docker_ps("over", f"{APP}:v1", State="exited", Status="Exited (0) 2 hours ago"),
        {"ID": "d", "Image": f"{APP}:v1", "Names": "nerd", "Status": "Up", "Platform": "linux/amd64"},
        {"ID": "d", "Image": f"{APP}:v1", "Names": "nerd2", "Status": "Exited (1) 3 days ago"},
    ]
    found = read("\n".join(map(json.dumps, lines)))
    assert places(found) == ["shop/web", "db", "moved", "long", "nerd"]
    assert [(one.image.pinned, sorted(one.image.ids), one.image.short_id) for one in found[:4]] == [
        ("", [], ""), (D, [], ""), ("", [], "3f8a4339aadd"), ("", [C], "")
    ]  # fmt: skip
    podman = {
        "Id": "d" * 64,
        "Image": f"{APP}:v1",
        "ImageID": C[7:],
        "Names": ["web"],
        "State": "running",
        "Labels": None,
    }
    (one,) = read([podman])
    assert (str(one.place), set(one.image.ids)) == ("web", {C})
    inspected = {"Id": "d", "Image": C[7:], "ImageName": f"{APP}:v1", "ImageDigest": E, "Name": "web",
                 "State": {"Status": "running", "Running": True}, "Config": {"Labels": {}}}  # fmt: skip
    (one,) = read([inspected])
    assert one.image.has_run == {C, E}
    assert str(one.image.references[0]) == f"{APP}:v1"


def test_what_podman_runs_without_an_image_runs_none() -> None:
    """The infra container of a pod, and one from a folder; an infra container with an image has that."""
    ps = {"Id": "a" * 64, "Image": "", "ImageID": "", "Names": ["shop-infra"], "State": "running", "IsInfra": True}
    state = {"Status": "running", "Running": True}
    inspected = {"Id": "b" * 64, "Name": "x", "Image": "", "ImageName": "", "Rootfs": "/srv/x", "State": state}
    assert [one.state for one in read(json.dumps([ps, inspected]))] == ["ended", "ended"]
    for more in ({"Image": "localhost/podman-pause:5.0"}, {"ImageID": "c" * 64}, {"IsInfra": False}):
        assert [one.state for one in read(json.dumps([ps | more]))] == ["runs"]


def test_crictl_tells_ids_and_its_images_tell_what_they_are() -> None:
    containers = {
        "containers": [
            cri_container("app", C, C),
            cri_container("crio", C[7:], f"{APP}@{E}"),
            cri_container("new", C, C, f"{APP}:v1", imageId=C),
            cri_container("over", C, C, state="CONTAINER_EXITED"),
        ]
    }
    found = read(containers)
    assert [
        (one.name, str(one.place), one.state, sorted(one.image.digests), sorted(one.image.ids)) for one in found
    ] == [
        ("app", "shop/web-5d9c7b-x2x4q", "runs", [], [C]),
        ("crio", "shop/web-5d9c7b-x2x4q", "runs", [E], []),
        ("new", "shop/web-5d9c7b-x2x4q", "runs", [], [C]),
        ("over", "shop/web-5d9c7b-x2x4q", "ended", [], [C]),
    ]
    images = {"images": [{"id": C, "repoTags": [f"{APP}:v1"], "repoDigests": [f"{APP}@{E}"]}]}
    known = read(json.dumps(containers) + json.dumps(images))
    assert known[0].image.digests == {E}
    assert found[1].image.claimed == known[1].image.ids == {C}  # the list says that the id is of what runs
    assert str(known[0].image.references[0]) == f"{APP}:v1"
    (one,) = read({"status": cri_container("app", f"{APP}:v1", C), "info": {}})
    assert (set(one.image.ids), str(one.image.references[0])) == ({C}, f"{APP}:v1")


def test_lines_are_references_and_digests() -> None:
    found = read(f"{APP}:v1@{D}\n\n  {E}\nmyorg/app:v1\r\ndocker-pullable://{APP}@{C}\n")
    assert [(one.image.pinned, sorted(one.image.ids)) for one in found] == [(D, []), ("", [E]), ("", []), (C, [])]
    assert all(one.image.is_typed for one in found)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("", "has no container"),
        ("\n \n", "has no container"),
        ("[]", "has no container"),
        ('{"kind":"List","apiVersion":"v1","items":[]}', "has no container"),
        ("NAME READY STATUS\n", "line 1: `NAME READY STATUS` is neither"),
        ("a:v1\n3f8a4339aadd", "line 2: `3f8a4339aadd` is an id without `sha256:`"),
        (f"a:v1\n{'3f8a4339aadd' * 5}abcd", "is an id without `sha256:`"),  # `docker ps -q --no-trunc`
        ("sha256:3f8a4339aadd", "line 1: `sha256:3f8a4339aadd` is neither an image nor a digest"),
        *(
            (text, f"line 1: `{text}` has no digest")
            for text in (
                f"sha256:{D[7:].upper()}", f"SHA256:{D[7:]}", f"sha512:{D[7:]}", f"sha384:{D[7:]}", "sha256:ab12cd34",
                f"docker-pullable://sha256:{D[7:].upper()}", f"docker.io/library/sha256:{D[7:]}", "sha256:ab12cd34...",
            )
        ),
        *(
            (json.dumps(value), f"`{text}` ")
            for text in (f"sha256:{D[7:].upper()}", f"sha512:{D[7:]}", f"localhost/sha256:{D[7:]}", f"app@{D.upper()}")
            for value in (
                running_pod(text, ""), running_pod(f"{APP}:v1", text), running_pod(text, f"{APP}@{D}"),
                docker_ps("web", text), [docker_container("web", text, D)], workload("Deployment", "web", text),
                {"containers": [cri_container("app", text, D)]},
            )
        ),
        ("a:v1\n\x1b]0;x\x07", r"line 2: `\\x1b]0;x\\x07` is neither"),
        ('{"a": 1, "a": 2}', "the key `a` appears twice"),
        ('{"kind": "Pod", "apiVersion": "v1", "spec": {"n": NaN}}', "`NaN` is not JSON"),
        ("[" * 100_000, "nested deeper"),
        ('{"a": ' + "9" * 5000 + "}", "a number has thousands of digits"),
        ('{"kind": "List",\n "items": [', "the file, line 2, column 12: expecting value"),
        ('{"kind":"List","apiVersion":"v1","items":[]} trailing', "line 1, column 46"),
        ("null", "a JSON value that is not an object: null"),
        (" 5\n", "a JSON value that is not an object: 5"),
        ("true", "a JSON value that is not an object: true"),
        ("null\nnull\n", "a JSON value that is not an object: null"),
        (listed(running_pod(f"{APP}:v1", f"{APP}@SHA256:{D[7:]}")), "is no id of an image"),
        (listed(running_pod(f"{APP}:v1", "sha256:short")), "is no id of an image"),
        (listed(running_pod(f"{APP}:v1", f"{APP}@{D}@x")), "is no id of an image"),
        (listed(pod(phase="Running") | {"status": []}), "`status` is not an object"),
        (listed(pod() | {"status": {"containerStatuses": {}}}), "`containerStatuses` is not a list of objects"),
        ("[1]", "a JSON value that is not an object: 1"),
        ("[" * 500 + "]" * 500, "a JSON value that is not an object: an array"),
        ('{"kind":"List","apiVersion":"v1","items":["x"]}', "a list with a value that is not an object"),
        ('{"hello": "world"}', "no known tool prints: hello"),
        ("{}", "no known tool prints: it is empty"),
        ('{"kind":"Status","apiVersion":"v1","message":"pods is forbidden"}', "an error of Kubernetes instead"),
        ('{"kind":"PodList","apiVersion":"v1","items":[],"metadata":{"continue":"abc"}}', "only a part of a list"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_an_error(raw: str | bytes, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(raw)
    assert message.replace("\\\\", "\\") in refused.value.message


def test_text_that_is_not_utf_8_is_an_error_and_a_byte_order_mark_is_not() -> None:
    with pytest.raises(UsageError, match="not UTF-8"):
        read("a:v1".encode("utf-16"))
    assert len(read(b"\xef\xbb\xbf" + listed(running_pod(f"{APP}:v1", f"{APP}@{D}")))) == 1


VALUES: dict[str, Any] = {
    "pod": running_pod(f"{APP}:v1", f"{APP}@{D}", volumes=[{"name": "v", "image": {"reference": f"{APP}:v1"}}]),
    "workload": workload("CronJob", "x", f"{APP}:v1", owners=[owner("Thing", "y")]),
    "docker": [docker_container("web", APP, C), docker_image(C, [f"{APP}:v1"], [f"{APP}@{E}"])],
    "ps": docker_ps("web", APP),
    "crictl": [{"containers": [cri_container("a", C, C)]}, {"images": [{"id": C, "repoTags": ["x"]}]}],
}
JUNK: list[Any] = [None, 0, 1.5, True, "", [], {}, [None], [[]], {"a": {}}, "x" * 300, "\x1b\u202e\ud800", -1, 10**30]


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from paths(inner, (*path, key))


@pytest.mark.parametrize("kind", VALUES)
def test_no_value_of_the_wrong_shape_fails_in_any_place(kind: str) -> None:
    for path, junk in product(list(paths(VALUES[kind])), JUNK):
        value = deepcopy(VALUES[kind])
        inner = value
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = junk
        try:
            shown = [str(one.place) + one.name + one.image.asked for one in read(json.dumps(value))]
        except UsageError as error:
            shown = [error.message]
        assert all(map(str.isprintable, shown)), (path, junk)


def test_names_from_outside_are_escaped() -> None:
    one = running_pod(
        "\x1b[31m:v1", f"{APP}@{D}", owners=[owner("StatefulSet", "a\x1b]0;x\u202e\ud800")], namespace="n\n"
    )
    (found,) = read(listed(one))
    assert str(found.place) == r"n\n/a\x1b]0;x\u202e\ud800"
    assert found.image.asked == r"\x1b[31m:v1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pods.json", ("", "pods.json")),
        ("-", ("", "-")),
        ("eu=pods.json", ("eu", "pods.json")),
        ("eu-1.prod=-", ("eu-1.prod", "-")),
        ("./a=b.json", ("", "./a=b.json")),
        ("eu=", ("", "eu=")),
        ("a=b=c", ("a", "b=c")),
        ("/tmp/a=b", ("", "/tmp/a=b")),
    ],
)
def test_a_cluster_stands_in_front_of_its_file(text: str, expected: tuple[str, str]) -> None:
    assert split_cluster(text) == expected
