"""Where documents give values to charts, and what their parameters and paths mean."""

from __future__ import annotations

from ledger_tool.core.manifests.charts.parameters import parameters
from ledger_tool.core.manifests.charts.placeholders import bound, matcher
from ledger_tool.core.manifests.charts.uses import uses_in
from ledger_tool.core.manifests.yamltree import YamlNode, documents, look_up, tree
from ledger_tool.edges.yaml.manifest_tokens import tokens


def root(text: str) -> YamlNode:
    (document, *_) = documents(text)
    return tree(tokens(text, document))[0]


def test_each_source_of_argo_cd_is_a_use_with_its_layers_in_order() -> None:
    (use,) = uses_in(
        root(
            "spec: {sources: [{ref: values}, {repoURL: u, path: charts/app, helm: {"
            "valueFiles: [a.yaml, /b.yaml, $values/c.yaml], valuesObject: {a: 1}, parameters: [{name: a, value: b}]}}]}"
        )
    )
    assert (use.charts, use.base, use.has_own) == (("charts/app",), "top", True)
    assert tuple(layer[:2] for layer in use.layers[:3]) == (("a.yaml", "chart"), ("b.yaml", "top"), ("c.yaml", "top"))
    assert len(use.layers) == 5


def test_a_chart_of_a_helm_repository_is_nowhere_in_a_tree() -> None:
    argo = "{repoURL: u, chart: redis, path: charts/app, helm: {valuesObject: {a: 1}}}"
    flux = "{kind: HelmRelease, spec: {chart: {spec: {chart: redis, sourceRef: {kind: HelmRepository}}}, values: {}}}"
    for text in (argo, flux):
        (use,) = uses_in(root(text))
        assert use.charts == ()


def test_values_files_of_flux_take_the_place_of_the_charts_own_values() -> None:
    text = (
        "{kind: HelmRelease, spec: {chart: {spec: {chart: ./a, sourceRef: {kind: GitRepository}, "
        "valuesFiles: [a/b.yaml]}}, values: {a: 1}}}"
    )
    (use,) = uses_in(root(text))
    assert (use.charts, use.has_own, use.layers[0][:2]) == (("./a",), False, ("a/b.yaml", "top"))


def test_what_kustomize_merges_is_below_the_file() -> None:
    text = "helmCharts: [{name: a, version: 1.0.0, valuesFile: v.yaml, valuesInline: {a: 1}, valuesMerge: %s}]"
    kinds = {
        how: [type(layer).__name__ for use in uses_in(root(text % how)) for layer in use.layers]
        for how in ("override", "merge", "replace")
    }
    assert kinds == {
        "override": ["ValuesPath", "InlineValues"],
        "merge": ["InlineValues", "ValuesPath"],
        "replace": ["InlineValues"],
    }


def test_parameters_become_the_mapping_that_helm_makes_of_them() -> None:
    values = parameters(
        root("[{name: a.b.tag, value: v1}, {name: a.c, value: x}, {name: 'l[0]', value: y}, {name: z}]")
    )
    assert list(values.named) == ["a"]
    inner = look_up(values, "a")
    assert inner
    assert list(inner.node.named) == ["b", "c"]


def test_placeholders_of_one_name_stand_for_one_text() -> None:
    path = "charts/{{ .name }}/{{.name}}-{{ env }}"
    match = matcher(path, {}).fullmatch("charts/app/app-prod")
    assert match
    assert bound(path, match) == {".name": "app", "env": "prod"}
    assert not matcher(path, {}).fullmatch("charts/app/web-prod")
    assert matcher("{{path}}/v.yaml", {}).fullmatch("a/b/v.yaml")
    assert not matcher("e/{{ env }}.yaml", {"env": "prod"}).fullmatch("e/test.yaml")
