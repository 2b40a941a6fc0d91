"""`ledger pin` on a tree of manifests: the cost of a check, and of writing."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks import clock, data
from benchmarks.report import Section
from benchmarks.world import World, ledger_program

_RECORDS = 10_000
_PER_FOLDER = 50
# Seven of ten files name an image, which is generous: in real trees fewer do.
_WITH_IMAGES = 7
_TARGETS = {"pin --check": 1.5, "pin": 4.0}  # seconds for 5,000 manifests on two processors
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


def measure(world: World, files: int, rounds: int) -> Section:
    """Measure `pin --check` and `pin` on a fresh tree of this many manifests, and `pin` on a pinned one."""
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
                raise SystemExit(f"error: `ledger pin` ended with exit code {done.code}\n{done.stderr}")
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
    for name, target in _TARGETS.items():
        section.value(name, section.median(name), "s", at_most=target * files / 5000)
    return section


def _write(folder: Path, files: int, image: str) -> None:
    for number in range(files):
        team = folder / f"team-{number // _PER_FOLDER:03}"
        team.mkdir(parents=True, exist_ok=True)
        text = _DEPLOYMENT if number % 10 < _WITH_IMAGES else _CONFIG
        (team / f"app-{number}.yaml").write_text(text.format(number=number, image=image), "utf-8")
