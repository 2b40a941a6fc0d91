"""`ledger pin` on a tree of manifests: what a check costs, what writing costs, and what of it is not parsing."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks import clock, data
from benchmarks.report import Section
from benchmarks.world import World, ledger_program

_RECORDS = 10_000
_PER_FOLDER = 50
# Of ten files, seven name an image and three don't, which is generous: real trees have more of the latter.
_WITH_IMAGES = 7
_TARGET = 30.0  # seconds for 5,000 manifests on two processors
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{at}
  namespace: shop
  labels: {{app.kubernetes.io/name: app, app.kubernetes.io/part-of: shop}}
spec:
  replicas: 3
  selector:
    matchLabels:
      app: app-{at}
  template:
    metadata:
      labels:
        app: app-{at}
      annotations:
        prometheus.io/scrape: "true"
    spec:
      serviceAccountName: app
      containers:
        - name: app
          image: {image}   # the app
          args: ["--port", "8080"]
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: LOG_LEVEL
              value: info
          readinessProbe:
            httpGet: {{path: /healthz, port: http}}
          resources:
            requests: {{cpu: 100m, memory: 128Mi}}
            limits: {{memory: 128Mi}}
          volumeMounts:
            - name: config
              mountPath: /etc/app
      volumes:
        - name: config
          configMap:
            name: app-{at}
---
apiVersion: v1
kind: Service
metadata: {{name: app-{at}}}
spec:
  selector: {{app: app-{at}}}
  ports:
    - port: 80
      targetPort: http
"""
_CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-{at}\ndata:\n  LOG_LEVEL: info\n"


def measure(world: World, files: int, rounds: int) -> Section:
    """Return `pin --check` and `pin` on a fresh tree of this many manifests, and `pin` on one that is pinned."""
    image, tag, platform = data.known(_RECORDS)
    section = Section(f"pin, {files:,} manifests")
    with world.checkout(_RECORDS) as ledger:
        pristine = world.path("manifests")
        _write(pristine, files, f"{image}:{tag}")
        tree = world.path("tree")

        def pin(*options: str, fresh: bool) -> float:
            if fresh:
                shutil.rmtree(tree, ignore_errors=True)
                shutil.copytree(pristine, tree)
            words = [ledger_program(), "pin", str(tree), "--repo", str(ledger), "--platform", platform, *options]
            done = clock.run(world, words)
            if done.code != ("--check" in options):
                raise SystemExit(f"error: `ledger pin` ended with exit code {done.code}\n{done.words}")
            return done.seconds

        section.add(
            clock.in_turn(
                {
                    "pin --check": lambda: pin("--check", fresh=True),
                    "pin": lambda: pin(fresh=True),
                    "pin, once pinned": lambda: pin(fresh=False),
                },
                rounds,
            )
        )
        shutil.rmtree(tree)
        shutil.rmtree(pristine)
    longest = max(timing.median for timing in section.timings)
    section.value("the longest of them", longest, "s", at_most=_TARGET * files / 5000)
    return section


def _write(folder: Path, files: int, image: str) -> None:
    for at in range(files):
        place = folder / f"team-{at // _PER_FOLDER:03}"
        place.mkdir(parents=True, exist_ok=True)
        text = _DEPLOYMENT if at % 10 < _WITH_IMAGES else _CONFIG
        (place / f"app-{at}.yaml").write_text(text.format(at=at, image=image), "utf-8")
