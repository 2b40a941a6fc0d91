"""Stands for a GitLab runner: the jobs of a configuration or a component, and the shell that runs them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML

from tests.support.git.upstream import git
from tests.support.stage.stage import Stage

_INPUT = re.compile(r"\$\[\[ inputs\.([\w-]+) \]\]")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


def load(text: str, inputs: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return a configuration; of a component, the part below its `spec`, with these inputs and the defaults."""
    *head, body = text.split("\n---\n")
    if head:
        spec = YAML(typ="safe", pure=True).load(head[0])["spec"]["inputs"]
        given = inputs or {}
        assert set(given) <= set(spec)
        values = {name: str(one.get("default", "")) for name, one in spec.items()} | dict(given)
        body = _INPUT.sub(lambda found: values[found[1]].replace("False", "false"), body)
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(body)
    return loaded


def run_job(
    stage: Stage, config: Mapping[str, Any], name: str, project: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a job with the variables of its project and pipeline; they replace those of the file, as on GitLab."""
    job = config[name]
    # The checkout is that of another user: the runner makes it as root, and an image may have a user of its own. So is
    # the git host's repository then, where it is read as a folder.
    git("config", "--file", stage.root / "home/.gitconfig", "safe.directory", stage.upstream.path)
    own = {"CI_PROJECT_DIR": str(stage.work), "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    variables = {**own, **config.get("variables", {}), **job.get("variables", {}), **project}
    expanded = {key: _expanded(value, variables) for key, value in variables.items()}
    script = "\n".join([*job["script"], *job.get("after_script", [])])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=stage.work, env={**stage.environment, **expanded}, check=False, stdin=subprocess.DEVNULL, timeout=120,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _expanded(value: str, variables: Mapping[str, str]) -> str:
    """Put variables into a variable's value, as GitLab does by itself, without a shell; an unknown one is empty."""
    return _VARIABLE.sub(lambda found: variables.get(found[1] or found[2], ""), value)
