"""Values that a chart gets from outside its folder: what changes the printed image counts wherever it stands."""

from __future__ import annotations

import pytest

from ledger_tool.core.manifests.rewrite import Rewritten
from tests.edges.files.test_overlays import PIN, judged

BASE = "image:\n  repository: myorg/app\n  tag: v1.5.0\n"
DIGEST = "{{ with .Values.image.digest }}@{{ . }}{{ end }}"
TEMPLATES = {
    "variant": ".Values.image.tag }}{{ with .Values.variant }}-{{ . }}{{ end }}",
    "global.tag": "(.Values.global).tag | default .Values.image.tag }}",
    "image.version": "coalesce .Values.image.version .Values.image.tag }}",
}
ARGO = "kind: Application\nmetadata: {name: app}\nspec:\n  source:\n    repoURL: u\n    path: charts/app\n    helm:\n"
FLUX = (
    "kind: HelmRelease\nmetadata: {name: app}\nspec:\n"
    "  chart: {spec: {chart: charts/app, sourceRef: {kind: GitRepository, name: f}}}\n"
)
RELEASE = "releases:\n- name: app\n  chart: ./charts/app\n"


def of_chart(template: str, base: str = BASE) -> dict[str, str]:
    image = "image: {{ .Values.image.repository }}:{{ "
    return {
        "charts/app/Chart.yaml": "name: app\nversion: 0.1.0\n",
        "charts/app/templates/a.yaml": f"{image}{template}\n",
        "charts/app/values.yaml": base,
    }


def pinned(files: dict[str, str]) -> dict[str, Rewritten]:
    return {done.path: done for done in judged({path: text.encode() for path, text in files.items()}, PIN, "")}


def nested(path: str) -> str:
    *above, last = path.split(".")
    return "".join(f"{{{key}: " for key in above) + f"{{{last}: v1.6.0}}" + "}" * len(above)


@pytest.mark.parametrize("path", TEMPLATES)
@pytest.mark.parametrize("has_digest", [True, False])
@pytest.mark.parametrize(
    "given",
    [
        {"a.yaml": f"{ARGO}      valuesObject: VALUES\n"},
        {"a.yaml": f"{ARGO}      parameters: [{{name: PATH, value: v1.6.0}}]\n"},
        {"a.yaml": f"{ARGO}      valueFiles: [/envs/prod.yaml]\n", "envs/prod.yaml": "VALUES\n"},
        {"a.yaml": f"{FLUX}  values: VALUES\n"},
        {"a.yaml": f"{RELEASE}  values: [VALUES]\n"},
        {"a.yaml": f"{RELEASE}  set: [{{name: PATH, value: v1.6.0}}]\n"},
        {"charts/app/values-prod.yaml": "VALUES\n"},
    ],
)
def test_a_value_from_outside_that_changes_the_image_keeps_the_digest_away(
    path: str, has_digest: bool, given: dict[str, str]
) -> None:
    texts = {name: text.replace("VALUES", nested(path)).replace("PATH", path) for name, text in given.items()}
    done = pinned({**of_chart(TEMPLATES[path] + DIGEST * has_digest), **texts})["charts/app/values.yaml"]
    assert not done.content
    assert "may print another image" in done.findings[0].message


@pytest.mark.parametrize("path", TEMPLATES)
def test_a_value_that_nothing_sets_does_not(path: str) -> None:
    argo = f"{ARGO}      valuesObject: {{replicas: 2}}\n"
    done = pinned({**of_chart(TEMPLATES[path] + DIGEST), "a.yaml": argo})["charts/app/values.yaml"]
    assert done.content
    assert not done.findings
