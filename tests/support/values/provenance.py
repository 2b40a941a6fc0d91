"""Provenance in the shapes in which tools write it: BuildKit's of both versions and modes, GitHub's, GitLab's,
Google Cloud Build's.

Sources: BuildKit's `docs/attestations/slsa-provenance.md` and `slsa-definitions.md`; `actions/buildtypes`; GitLab's
documentation, "SLSA provenance specification".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tests.support.values.make import digest

Version = Literal["v0.2", "v1"]
Mode = Literal["min", "max"]

REPOSITORY = "https://git.example.com/team/app"
COMMIT = "4ef5a3030654728decc420aa363a57670ae53de4"
VERSIONS: tuple[Version, ...] = ("v0.2", "v1")
MODES: tuple[Mode, ...] = ("min", "max")
BASE_URI = "pkg:docker/debian@bookworm?platform=linux%2Famd64"
BASE = f"docker.io/library/debian:bookworm@{digest('debian')}"


def material(uri: str = BASE_URI, of: str = digest("debian")) -> dict[str, Any]:
    """Return a material, or resolved dependency: a URI and one digest."""
    algorithm, _, encoded = of.partition(":")
    return {"uri": uri, "digest": {algorithm: encoded}}


def git_material(uri: str = f"{REPOSITORY}.git#refs/tags/v1", commit: str = COMMIT) -> dict[str, Any]:
    """Return the material of a git context, as BuildKit writes it."""
    return {"uri": uri, "digest": {"sha1": commit}}


def buildkit(
    version: Version = "v1",
    mode: Mode = "max",
    *,
    builder: str = "",
    vcs: Mapping[str, str] | None = None,
    context: Mapping[str, Any] | None = None,
    materials: Sequence[Mapping[str, Any]] = (material(),),
    args: Mapping[str, str] | None = None,
    metadata_key: str = "",
) -> dict[str, Any]:
    """Return a predicate of BuildKit's: with a context that it fetched, or what the client says of its checkout."""
    source = {**(context or {}), "entryPoint" if version == "v0.2" else "path": "Dockerfile"}
    request = {
        "frontend": "gateway.v0" if args else "dockerfile.v0",
        "args": dict(args or {}) | ({"build-arg:X": "1"} if mode == "max" else {}),
        "locals": [] if context else [{"name": "context"}, {"name": "dockerfile"}],
    }
    steps = {"llbDefinition": [{"id": "step0"}, {"id": "step1", "inputs": ["step0:0"]}]} if mode == "max" else {}
    own = ({"vcs": dict(vcs)} if vcs else {}) | ({"source": {"infos": [{"filename": "Dockerfile"}]}} if steps else {})
    if version == "v0.2":
        return {
            "builder": {"id": builder},
            "buildType": "https://mobyproject.org/buildkit@v1",
            "materials": list(materials),
            "invocation": {"configSource": source, "parameters": request, "environment": {"platform": "linux/amd64"}},
            **({"buildConfig": steps} if steps else {}),
            "metadata": {
                "buildInvocationID": "yirbp1aosi1vqjmi3z6bc75nb",
                "buildStartedOn": "2026-11-24T09:29:00.466513707Z",
                "buildFinishedOn": "2026-11-24T09:29:41.256820297Z",
                "completeness": {"parameters": mode == "max", "environment": True, "materials": bool(context)},
                "reproducible": False,
                metadata_key or "https://mobyproject.org/buildkit@v1#metadata": own,
            },
        }
    return {
        "buildDefinition": {
            "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
            "externalParameters": {"configSource": source, "request": request},
            "internalParameters": {"builderPlatform": "linux/amd64", **({"buildConfig": steps} if steps else {})},
            "resolvedDependencies": list(materials),
        },
        "runDetails": {
            "builder": {"id": builder},
            "metadata": {
                "invocationId": "46ue2x93k3xj5l463dektwldw",
                "startedOn": "2026-11-24T09:29:00.466513707Z",
                "finishedOn": "2026-11-24T09:29:41.256820297Z",
                "buildkit_reproducible": False,
                metadata_key or "buildkit_metadata": own,
            },
        },
    }


def github(repository: str = REPOSITORY, commit: str = COMMIT) -> dict[str, Any]:
    """Return the predicate that GitHub's action for attestations writes."""
    return {
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {
                "workflow": {"ref": "refs/heads/main", "repository": repository, "path": ".github/workflows/build.yml"}
            },
            "internalParameters": {"github": {"event_name": "push", "repository_id": "1", "repository_owner_id": "2"}},
            "resolvedDependencies": [
                {"uri": f"git+{repository}@refs/heads/main", "digest": {"gitCommit": commit}},
            ],
        },
        "runDetails": {
            "builder": {"id": f"{repository}/.github/workflows/build.yml@refs/heads/main"},
            "metadata": {"invocationId": f"{repository}/actions/runs/1/attempts/1"},
        },
    }


def gitlab(repository: str = REPOSITORY, commit: str = COMMIT) -> dict[str, Any]:
    """Return the predicate that GitLab writes."""
    return {
        "buildDefinition": {
            "buildType": "https://docs.gitlab.com/ci/pipeline_security/slsa/provenance_v1",
            "externalParameters": {"source": repository, "entryPoint": "build", "variables": {}},
            "internalParameters": {"name": "runner", "job": "1"},
            "resolvedDependencies": [{"uri": repository, "digest": {"gitCommit": commit}}],
        },
        "runDetails": {"builder": {"id": "https://gitlab.example.com/groups/team/-/runners/1"}},
    }


def cloud_build(repository: str = REPOSITORY, commit: str = COMMIT) -> dict[str, Any]:
    """Return the predicate that Google Cloud Build writes for a build that a trigger has started."""
    configuration = {"path": "cloudbuild.yaml", "ref": "refs/heads/main", "repository": f"git+{repository}"}
    return {
        "buildDefinition": {
            "buildType": "https://cloud.google.com/build/gcb-buildtypes/google-worker/v1",
            "externalParameters": {"buildConfigSource": configuration, "substitutions": {}},
            "resolvedDependencies": [
                {"uri": f"git+{repository}@refs/heads/main", "digest": {"gitCommit": commit}},
            ],
        },
        "runDetails": {"builder": {"id": "https://cloudbuild.googleapis.com/GoogleHostedWorker"}},
    }


def statement(
    predicate: Mapping[str, Any], *subjects: str, version: Version = "v1", kind: str = "v1", **more: Any
) -> bytes:
    """Return a statement about images, by their digests; `kind` is that of the statement, `v0.1` or `v1`."""
    named = [
        {"name": "pkg:docker/registry.example.com/myorg/app@v1", "digest": dict([one.split(":")])} for one in subjects
    ]
    fields = {
        "_type": f"https://in-toto.io/Statement/{kind}",
        "predicateType": f"https://slsa.dev/provenance/{version}",
        "subject": named,
        "predicate": predicate,
    }
    return json.dumps(fields | more).encode()
