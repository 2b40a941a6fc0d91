"""`ledger running` on the pods of a large cluster, beside `jq`, which only prints their images' ids."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import clock, data
from benchmarks.report import Beside, Row
from benchmarks.world import World, ledger_program

_RECORDS = 10_000
_TARGET = 2.0  # seconds for 5,000 pods on two processors
_IDS = ".items[].status.containerStatuses[].imageID"
_NEVER = f"sha256:{'0' * 64}"


def running(world: World, quick: bool) -> Iterator[Row]:
    """Measure `running` on pods of recorded images, and with one that the ledger never had."""
    pods = 500 if quick else 5000
    known, other = world.path("pods.json"), world.path("other.json")
    known.write_text(_listed(pods, never=False), "utf-8")
    other.write_text(_listed(pods, never=True), "utf-8")
    with world.checkout(_RECORDS) as ledger:

        def compared(file: Path, code: int) -> float:
            done = clock.run(world, [ledger_program(), "running", str(file), "--repo", str(ledger)])
            if done.code != code:
                raise SystemExit(f"error: `ledger running` ended with exit code {done.code}\n{done.stderr}")
            return done.seconds

        times = clock.in_turn(
            {
                "all known": lambda: compared(known, 0),
                "one unknown": lambda: compared(other, 1),
                "jq": lambda: clock.seconds(world, ["jq", "-r", _IDS, str(known)]),
            },
            1 if quick else 5,
        )
    jq = Beside("jq", times["jq"])
    yield Row(f"running, {pods:,} pods", times["all known"], peer=jq, target=f"<= {_TARGET * pods / 5000:g} s")
    yield Row(f"running, {pods:,} pods, one unknown", times["one unknown"], peer=jq)
    known.unlink()
    other.unlink()


def _listed(pods: int, *, never: bool) -> str:
    """Return what `kubectl get pods -A -o json` prints for this many pods of the ledger's images, three of each."""
    images = [(key, re.findall(r'"index": "([^"]+)"', text)[0]) for key, text in data.items(_RECORDS)]
    items = []
    for number in range(pods):
        (image, tag, _), index = images[number // 3 * 7 % len(images)]
        items.append(_pod(number, image, tag, _NEVER if never and not number else index))
    return json.dumps(
        {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}, indent=4
    )


def _pod(number: int, image: str, tag: str, digest: str) -> dict[str, Any]:
    """Return a pod with what a cluster fills in."""
    workload = f"app-{number // 3}"
    probe = {
        "failureThreshold": 3,
        "httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"},
        "periodSeconds": 10,
    }
    container = {
        "env": [{"name": f"SETTING_{count}", "value": "some value or other"} for count in range(12)],
        "image": f"{image}:{tag}",
        "imagePullPolicy": "IfNotPresent",
        "livenessProbe": probe,
        "name": "app",
        "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
        "readinessProbe": probe,
        "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "512Mi"}},
        "volumeMounts": [
            {"mountPath": f"/mount/{count}", "name": f"v-{count}", "readOnly": True} for count in range(3)
        ],
    }
    status = {
        "containerID": f"containerd://{number:064x}",
        "image": f"{image}:{tag}",
        "imageID": f"{image}@{digest}",
        "lastState": {},
        "name": "app",
        "ready": True,
        "restartCount": 0,
        "started": True,
        "state": {"running": {"startedAt": "2026-11-24T09:30:00Z"}},
    }
    conditions = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "annotations": {"checksum/config": f"{number:064x}", "prometheus.io/scrape": "true"},
            "creationTimestamp": "2026-11-24T09:30:00Z",
            "generateName": f"{workload}-5d9c7b-",
            "labels": {"app.kubernetes.io/name": workload, "pod-template-hash": "5d9c7b"},
            "name": f"{workload}-5d9c7b-{number:05}",
            "namespace": f"team-{number % 40}",
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "blockOwnerDeletion": True,
                    "controller": True,
                    "kind": "ReplicaSet",
                    "name": f"{workload}-5d9c7b",
                    "uid": f"{number:032x}",
                }
            ],
            "resourceVersion": str(number),
            "uid": f"{number:032x}",
        },
        "spec": {
            "containers": [container],
            "nodeName": f"node-{number % 100}",
            "restartPolicy": "Always",
            "serviceAccountName": "app",
            "tolerations": [{"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists"}],
            "volumes": [
                {"configMap": {"defaultMode": 420, "name": f"v-{count}"}, "name": f"v-{count}"} for count in range(3)
            ],
        },
        "status": {
            "conditions": [
                {"lastProbeTime": None, "lastTransitionTime": "2026-11-24T09:30:00Z", "status": "True", "type": one}
                for one in conditions
            ],
            "containerStatuses": [status],
            "hostIP": "10.0.0.1",
            "phase": "Running",
            "podIP": "10.1.0.1",
            "qosClass": "Burstable",
            "startTime": "2026-11-24T09:30:00Z",
        },
    }
