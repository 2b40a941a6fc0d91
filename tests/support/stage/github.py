"""Stands for a GitHub Actions runner: it runs the steps of a workflow's job, or of our own action, on a `Stage`.

Expressions are evaluated, `if`, `env`, `with` and outputs work as there; shell steps run in the shell that GitHub uses.
`actions/checkout` really fetches from the stage's git host, an artifact really goes from one job to the other, a cache
from one run to the next, and pages into the stage's folder `pages`; our own action is taken apart into its steps, and
other actions do nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.support import ROOT
from tests.support.git.upstream import git
from tests.support.stage.stage import Stage
from tests.support.stage.strangers import EVIDENCE, put_strangers

OURS = re.compile(r"tools/ledger-tool@[0-9a-f]{40}")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(&&|\|\||==|!=|!|\(|\)|,)|([A-Za-z_][\w.*-]*)|([0-9]+))")


def load(text: str) -> Any:
    """Return what a YAML text holds."""
    return YAML(typ="safe", pure=True).load(text)


@dataclass
class Runner:
    """One job's runner; `contexts` are those of expressions: github, vars, secrets, inputs."""

    stage: Stage
    contexts: dict[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    output: str = ""
    summary: str = ""
    failed: int = 0
    path: str = ""  # what steps put in front of PATH
    work: Path = field(init=False)

    def __post_init__(self) -> None:
        self.work = self.stage.work

    def run_job(self, workflow: Mapping[str, Any], job: str) -> Runner:
        """Run a job of a workflow; return self."""
        there = workflow["jobs"][job]
        variables = {**workflow.get("env", {}), **there.get("env", {})}
        contexts = {**self.contexts, "steps": {}, "runner": {"temp": str(self._temp)}}
        self._run(there["steps"], contexts, self._texts(variables, self.contexts))
        return self

    def run_jobs(self, workflow: Mapping[str, Any]) -> Runner:
        """Run the jobs of a workflow up to one that fails, and none whose condition does not hold; return self.

        The first one is in the stage's workspace.
        """
        skipped = set()
        for job, there in workflow["jobs"].items():
            if there.get("needs") in skipped or not self._holds(there.get("if", "success()"), self.contexts):
                skipped.add(job)
            elif not self.failed:
                self.run_job(workflow, job)
                self.path, self.work = "", self.stage.root / "workspaces" / job
                shutil.rmtree(self.work, ignore_errors=True)
                self.work.mkdir(parents=True)
        return self

    def run_action(self, inputs: Mapping[str, str]) -> dict[str, str]:
        """Run the steps of our own action; return its outputs."""
        return self._ours(inputs, self.contexts, {})

    def _ours(
        self, inputs: Mapping[str, str], contexts: Mapping[str, Any], variables: Mapping[str, str]
    ) -> dict[str, str]:
        action = load((ROOT / "action.yml").read_text("utf-8"))
        assert set(inputs) <= set(action["inputs"]), set(inputs) - set(action["inputs"])
        given = {
            name: inputs.get(name, self._text(str(one.get("default", "")), contexts))
            for name, one in action["inputs"].items()
        }
        inside = {**contexts, "inputs": given, "steps": {}}
        self._run(action["runs"]["steps"], inside, variables)
        return {name: self._text(one["value"], inside) for name, one in action["outputs"].items()}

    def _run(self, steps: list[dict[str, Any]], contexts: dict[str, Any], variables: Mapping[str, str]) -> None:
        for step in steps:
            done: dict[str, Any] = {"outcome": "skipped", "outputs": {}}
            contexts["steps"][step.get("id", "")] = done
            condition = step.get("if", "success()")
            if self.failed and not re.search(r"\b(always|cancelled|failure)\(", condition):
                continue
            if not self._holds(condition, contexts):
                continue
            given = self._texts(step.get("with", {}), contexts)
            code = 0
            if "run" in step:
                code, done["outputs"] = self._shell(step, {**variables, **self._texts(step.get("env", {}), contexts)})
            elif OURS.fullmatch(step["uses"]):
                done["outputs"] = self._ours(given, contexts, variables)
            elif step["uses"].startswith("actions/checkout@"):
                self._checkout(given)
            elif "-pages" in step["uses"]:
                done["outputs"] = self._pages(step["uses"], given)
            elif "-artifact@" in step["uses"]:
                self._hand_over(given)
            elif step["uses"].startswith("actions/cache/"):
                self._cache(step["uses"], given)
            done["outcome"] = "failure" if code else "success"
            self.failed = self.failed or code  # the first failure is what is asked about

    def _shell(self, step: Mapping[str, Any], variables: Mapping[str, str]) -> tuple[int, dict[str, str]]:
        temp = self._temp
        for name in ("output", "step_summary", "path"):
            (temp / name).write_text("")
        script = temp / "script.sh"
        script.write_text(step["run"])
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail"] if step.get("shell") else ["bash", "-e"]
        ours = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(temp / "output"),
            "GITHUB_PATH": str(temp / "path"),
            "GITHUB_STEP_SUMMARY": str(temp / "step_summary"),
            "RUNNER_TEMP": str(temp),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": self.contexts["github"]["repository"],
            "GITHUB_SHA": self.contexts["github"]["sha"],
        }
        path = self.stage.environment["PATH"]
        inherited = {**self.stage.environment, "PATH": f"{self.path}:{path}" if self.path else path}
        done = subprocess.run(
            [*shell, script],
            cwd=self.work,
            env={**inherited, **ours, **self.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        self.output += done.stdout
        self.summary += (temp / "step_summary").read_text()
        added = (temp / "path").read_text().splitlines()
        self.path = ":".join([*reversed(added), *([self.path] if self.path else [])])
        return done.returncode, outputs_of((temp / "output").read_text())

    def _checkout(self, given: Mapping[str, str]) -> None:
        """Leave in the workspace what `actions/checkout` would."""
        assert given["persist-credentials"] == "false"
        work = self.work
        for path in work.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        depth = [] if given.get("fetch-depth") == "0" else ["--depth=1"]
        git("clone", "--quiet", "--no-checkout", *depth, self.stage.upstream.url, work)
        git("fetch", "--quiet", *depth, "origin", given.get("ref") or "HEAD", cwd=work)
        git("checkout", "--quiet", "--detach", "FETCH_HEAD", cwd=work)
        repository = self.contexts["github"]["repository"]
        git("remote", "set-url", "origin", f"https://github.com/{repository}", cwd=work)
        put_strangers(work, self.stage.root / EVIDENCE)

    def _hand_over(self, given: Mapping[str, str]) -> None:
        """Keep the file of an artifact, if a path is given, or else put it into the workspace."""
        kept = self.stage.root / "artifacts" / given["name"]
        if name := given.get("path"):
            kept.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.work / name, kept / name)
        else:
            shutil.copytree(kept, self.work, dirs_exist_ok=True)

    def _pages(self, action: str, given: Mapping[str, str]) -> dict[str, str]:
        """Pack, publish or locate the pages; return the outputs."""
        packed, published = self.stage.root / "artifacts/github-pages", self.stage.root / "pages"
        if "upload-pages-artifact@" in action:
            shutil.copytree(given["path"], packed)
        elif "deploy-pages@" in action:
            shutil.rmtree(published, ignore_errors=True)
            packed.rename(published)
        owner, name = self.contexts["github"]["repository"].split("/")
        return {"base_url": f"https://{owner}.github.io/{name}", "page_url": f"https://{owner}.github.io/{name}/"}

    def _cache(self, action: str, given: Mapping[str, str]) -> None:
        """Keep a file for later runs, or get the one that was kept last by a key that begins like this."""
        caches = self.stage.root / "caches"
        caches.mkdir(exist_ok=True)
        if "cache/save@" in action:
            shutil.copy(given["path"], caches / given["key"])
        elif kept := sorted(caches.glob(f"{given['restore-keys']}*"), key=lambda path: path.stat().st_mtime_ns):
            shutil.copy(kept[-1], given["path"])

    @property
    def _temp(self) -> Path:
        temp = self.stage.root / "runner"
        temp.mkdir(exist_ok=True)
        return temp

    def _holds(self, condition: str, contexts: Mapping[str, Any]) -> bool:
        return bool(self._value(condition.removeprefix("${{").removesuffix("}}"), contexts))

    def _texts(self, values: Mapping[str, Any], contexts: Mapping[str, Any]) -> dict[str, str]:
        return {
            name: str(value).lower() if isinstance(value, bool) else self._text(str(value), contexts)
            for name, value in values.items()
        }

    def _text(self, text: str, contexts: Mapping[str, Any]) -> str:
        def filled(found: re.Match[str]) -> str:
            value = self._value(found[1], contexts)
            return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

        return _EXPRESSION.sub(filled, text)

    def _value(self, expression: str, contexts: Mapping[str, Any]) -> Any:
        """Evaluate an expression: they are close enough to Python's."""
        names = {
            "format": lambda text, *values: text.format(*values),
            "cancelled": lambda: False,
            "success": lambda: not self.failed,
        }
        words = " ".join(self._python(expression, contexts, set(names)))
        return eval(words, {"__builtins__": {}}, names)

    @staticmethod
    def _python(expression: str, contexts: Mapping[str, Any], functions: set[str]) -> Iterator[str]:
        at, expression = 0, expression.strip()
        while at < len(expression):
            found = _TOKEN.match(expression, at)
            assert found, expression
            at = found.end()
            text, operator, name, number = found.groups()
            if text:
                yield repr(text[1:-1].replace("''", "'"))
            elif operator:
                yield {"&&": "and", "||": "or", "!": "not"}.get(operator, operator)
            elif number or name in functions:
                yield number or name
            else:
                yield repr(_look_up(name, contexts))


def outputs_of(text: str) -> dict[str, str]:
    """Return a step's outputs: `NAME=VALUE`, or `NAME<<MARK` with the lines of the value up to the mark."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, is_long, mark = line.partition("<<")
        if is_long and "=" not in name:
            found[name] = "\n".join(iter(lambda: next(lines), mark))
        else:
            name, _, found[name] = line.partition("=")
    return found


def _look_up(name: str, contexts: Mapping[str, Any]) -> Any:
    found: Any = contexts
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def workflow_commands(output: str) -> list[str]:
    """Return the names of the commands that the runner would take from a job's output."""
    found: list[str] = []
    stopped = ""
    for line in output.splitlines():
        if stopped:
            stopped = "" if line.strip() == f"::{stopped}::" else stopped
        elif command := re.match(r"\s*::([\w-]+)(?: [^:]*)?::(.*)", line) or re.search(r"##\[([\w-]+)\](.*)", line):
            found.append(command[1])
            stopped = command[2] if command[1] == "stop-commands" else ""
    return found
