"""`ledger pin` on a tree of manifests: the cost of a check, and of writing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks import clock, data
from benchmarks.report import Row
from benchmarks.world import World, ledger_program

_RECORDS = 10_000
_PER_FOLDER = 50
# Seven of ten files name an image, which is generous: in real trees fewer do.
_WITH_IMAGES = 7
_TARGETS = {"pin --check": 1.5, "pin": 4.0, "pin again": 4.0}  # seconds for 5,000 manifests on two processors
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{number}
  namespace: shop
  labels: {{app.kubernetes.io/name: app, app.kubernetes.io/part-of: shop}}
spec:
  replicas: 3
  selector:
    matchLabels:
      app: app-{number}
  template:
    metadata:
      labels:
        app: app-{number}
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
            name: app-{number}
---
apiVersion: v1
kind: Service
metadata: {{name: app-{number}}}
spec:
  selector: {{app: app-{number}}}
  ports:
    - port: 80
      targetPort: http
"""
_CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-{number}\ndata:\n  LOG_LEVEL: info\n"


def pin(world: World, quick: bool) -> Iterator[Row]:
    """Measure `pin --check` and `pin` on a fresh tree of manifests, and `pin` on a pinned one."""
    files = 500 if quick else 5000
    image, tag, platform = data.known(_RECORDS)
    with world.checkout(_RECORDS) as ledger:
        pristine = world.path("manifests")
        _write(pristine, files, f"{image}:{tag}")
        tree = world.path("tree")

        def pinned(*options: str, fresh: bool) -> float:
            if fresh:
                shutil.rmtree(tree, ignore_errors=True)
                shutil.copytree(pristine, tree)
            words = [ledger_program(), "pin", str(tree), "--repo", str(ledger), "--platform", platform, *options]
            done = clock.run(world, words)
            if done.code != ("--check" in options):
                raise SystemExit(f"error: `ledger pin` ended with exit code {done.code}\n{done.stderr}")
            return done.seconds

        times = clock.in_turn(
            {
                "pin --check": lambda: pinned("--check", fresh=True),
                "pin": lambda: pinned(fresh=True),
                "pin again": lambda: pinned(fresh=False),
            },
            1 if quick else 3,
        )
        shutil.rmtree(tree)
        shutil.rmtree(pristine)
    for name, rounds in times.items():
        yield Row(f"{name}, {files:,} manifests", rounds, target=f"<= {_TARGETS[name] * files / 5000:g} s")


def _write(folder: Path, files: int, image: str) -> None:
    for number in range(files):
        team = folder / f"team-{number // _PER_FOLDER:03}"
        team.mkdir(parents=True, exist_ok=True)
        text = _DEPLOYMENT if number % 10 < _WITH_IMAGES else _CONFIG
        (team / f"app-{number}.yaml").write_text(text.format(number=number, image=image), "utf-8")
