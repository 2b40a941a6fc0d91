"""What kustomizations take apart is found in the files of a commit as on disk, whatever names what."""

from __future__ import annotations

import pytest

from ledger_tool.edges.files.chart_files import FilesByPath
from ledger_tool.edges.files.kustomizations import Kustomizations

_RULES = """
replacements:
- source: {kind: ConfigMap, name: v, fieldPath: data.tag}
  targets:
  - {select: {kind: Pod}, fieldPaths: [spec.containers.0.image], options: {delimiter: ":", index: 1}}
"""
_POD = "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{image: a:v1}]}\n"


def found(files: dict[str, str], of: str) -> list[str]:
    contents = {path: text.encode() for path, text in files.items()}
    return [rule.where for rule in Kustomizations(FilesByPath(contents, contents.get), contents).rules(of)]


def test_a_kustomization_at_the_top_takes_apart_what_it_names() -> None:
    files = {"kustomization.yaml": f"resources: [a/pod.yaml]{_RULES}", "a/pod.yaml": _POD, "b/pod.yaml": _POD}
    assert found(files, "a/pod.yaml") == ["kustomization.yaml:5"]
    assert found(files, "b/pod.yaml") == []


@pytest.mark.parametrize("name", ["resources", "bases", "components"])
def test_kustomizations_that_name_each_other_are_read_once(name: str) -> None:
    files = {
        "a/kustomization.yaml": f"{name}: [../b]{_RULES}",
        "b/kustomization.yml": f"{name}: [../a, pod.yaml, missing.yaml]\n",
        "b/pod.yaml": _POD,
    }
    assert found(files, "b/pod.yaml") == ["a/kustomization.yaml:5"]


def test_a_component_takes_apart_what_its_users_name_and_others_do_not() -> None:
    files = {
        "part/kustomization.yaml": f"kind: Component{_RULES}",
        "app/kustomization.yaml": "resources: [pod.yaml]\ncomponents: [../part]\n",
        "app/pod.yaml": _POD,
    }
    assert found(files, "app/pod.yaml") == ["part/kustomization.yaml:5"]
    files["part/kustomization.yaml"] = _RULES
    assert found(files, "app/pod.yaml") == []


def test_nothing_is_read_where_no_kustomization_is() -> None:
    read: list[str] = []
    kustomizations = Kustomizations(FilesByPath({"a.yaml": 1}, lambda path: read.append(path)), ["a.yaml"])
    assert not kustomizations.any
    assert not read
