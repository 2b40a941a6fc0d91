"""Values that a chart gets from outside its folder: what changes the printed image counts wherever it stands."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from ledger_tool.core.manifests.rewrite import Rewritten
from ledger_tool.edges.files.chart_files import FilesByPath
from ledger_tool.edges.files.charts import Charts
from ledger_tool.edges.files.manifests import rewritten
from tests.edges.files.test_overlays import DIGESTS, PIN, judged

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


READS = ".Values.image.tag }}" + DIGEST
NO_CHART = FLUX.replace("GitRepository", "HelmRepository")
TEMPLATE = "apiVersion: argoproj.io/v1alpha1\n" + ARGO.replace("name: app", "name: '{{ .Release.Name }}'")
PATCH = "kind: HelmRelease\nmetadata: {name: app}\nspec: {values: {image: {tag: v1.6.0 # ledger: ignore\n}}}\n"
TAG = "{image: {tag: v1.6.0}}"
OPERATION = "- {op: replace, path: /spec/values/image/tag, value: v1}\n"
FOR_RELEASES = "patches:\n- target: {kind: HelmRelease}\n  patch: |\n    # the newest\n    "
IN_TEXT = "patches:\n- patch: |\n    kind: HelmRelease\n    spec: {values: {image: {tag: v1}}}\n"
SOURCE = "helm: {parameters: [{name: image.tag, value: v1}]}\n"
TEMPLATE_PATCH = (
    f"spec:\n  templatePatch: |\n    # {{{{ if .x }}}}\n    spec: {{source: {{{SOURCE.rstrip()}}}}}\n"
    "  template:\n    spec: {source: {repoURL: u, path: charts/app, helm: {valueFiles: []}}}\n"
)
INHERITED = "templates: {one: {chart: ./charts/app, valuesFiles: [v.yaml]}}\nreleases: [{inherit: [{template: one}]}]\n"
UMBRELLA = "name: u\ndependencies: [{name: app, version: 1, repository: 'oci://r'}]\n"
TERRAFORM = '{"helm_release": {"a": {"chart": "${path.module}/charts/app", "values": ["image: {tag: v1}"]}}}'


def of_apps(helm: str, path: str = "charts/app") -> dict[str, str]:
    template = TEMPLATE.replace("charts/app", path)
    return {"apps/Chart.yaml": "name: apps\n", "apps/templates/a.yaml": f"{template}{helm}"}


@pytest.mark.parametrize(
    "given",
    [
        {"a.yaml": f"{FLUX}  valuesFrom: [{{kind: ConfigMap, name: v}}]\n"},
        {"a.yaml": f"kind: HelmRelease\nspec: {{chartRef: {{kind: OCIRepository, name: app}}, values: {TAG}}}\n"},
        {"a.yaml": f"{NO_CHART.replace('charts/app', 'app')}  values: {TAG}\n"},
        {"a.yaml": FLUX, "p.yaml": PATCH},
        {"a.yaml": FLUX, "k.yaml": FOR_RELEASES + OPERATION},
        {"a.yaml": FLUX, "k.yaml": IN_TEXT},
        {"a.yaml": FLUX, "j.yaml": OPERATION},
        {"a.yaml": f"{ARGO}      parameters: [{{name: 'images[0].tag', value: v1}}]\n"},
        {"a.yaml": f"{ARGO}      values: '{TAG}'\n"},
        {"charts/app/.argocd-source-x.yaml": SOURCE},
        {"a.yaml": TEMPLATE_PATCH},
        of_apps("      valuesObject: {image: {tag: v1}}\n"),
        of_apps("      valuesObject:\n        a: {{ .Values.a }}\n"),
        of_apps("      {{- toYaml .Values.a | nindent 6 }}\n"),
        of_apps("      values: |\n        {{- .Values.a }}\n"),
        of_apps("      parameters:\n      - {name: image.tag, value: '{{ .tag }}'}\n", "charts/{{ .name }}"),
        {"helmfile.yaml.gotmpl": f"{RELEASE}  values:\n  - image: {{tag: '{{{{ .Values.tag }}}}'}}\n"},
        {"helmfile.yaml": f"{RELEASE}  values:\n{{{{ if .a }}}}\n  - image: {{tag: v1}}\n{{{{ end }}}}\n"},
        {"helmfile.yaml": INHERITED, "v.yaml": "image: {tag: v1} # ledger: ignore\n"},
        {"helmfile.yaml": f"{RELEASE}  namespace: {{{{ .a }}}}\n  set: [{{name: image.tag, value: v1}}]\n"},
        {"helmfile.yaml": f"{RELEASE}  valuesTemplate: [{{image: {{tag: v1}}}}] # ledger: ignore\n"},
        {"helmfile.yaml": f"{RELEASE}  setTemplate: [{{name: image.tag, value: v1}}]\n"},
        {"helmfile.yaml": f"bases: [d.yaml]\n{RELEASE}  inherit: [{{template: t}}]\n"},
        {"helmfile.yaml": f"{RELEASE}  values: ['env/{{{{ .Environment.Name }}}}.yaml']\n"},
        {"helmfile.yaml": f"{RELEASE}  values: ['{{{{ .a }}}}.yaml.gotmpl']\n", "b.yaml.gotmpl": TAG},
        {"skaffold.yaml": "releases: [{chartPath: charts/app, setValues: {image.tag: v1}}]\n"},
        {"m.tf.json": TERRAFORM},
        {"charts/app/fleet.yaml": "helm: {valuesFrom: [{configMapKeyRef: {name: a}}]}\n"},
        {"u/Chart.yaml": UMBRELLA, "u/values.yaml": "app: {image: {tag: v1}}\n"},
    ],
)
def test_where_values_from_outside_may_have_another_tag_no_digest_goes_into_a_field(given: dict[str, str]) -> None:
    done = pinned({**of_chart(READS), **given})["charts/app/values.yaml"]
    assert not done.content
    assert "left unchanged: " in done.findings[0].message
    with_digest = of_chart(READS, f"{BASE}  digest: {DIGESTS['v1.5.0']}\n")
    assert (
        "has its digest in a field, but "
        in pinned({**with_digest, **given})["charts/app/values.yaml"].findings[0].message
    )
    behind = of_chart(READS, f"{BASE.rstrip()} # ledger: style:tag\n")
    done = pinned({**behind, **given})["charts/app/values.yaml"]
    assert b"tag: v1.5.0@sha256:" in (done.content or b"")
    assert not done.findings


@pytest.mark.parametrize(
    "given",
    [
        {"a.yaml": f"{FLUX}  values: {{replicas: 2}}\n"},
        {"a.yaml": FLUX, "p.yaml": PATCH.replace("name: app", "name: other")},
        {"a.yaml": FLUX, "k.yaml": f"{FOR_RELEASES}- {{op: replace, path: /spec/interval, value: 1m}}\n"},
        {"a.yaml": f"{ARGO}      parameters: [{{name: 'hosts[0]', value: a}}]\n"},
        of_apps("      valueFiles: [values.yaml, 'values-{{ .env }}.yaml']\n"),
        of_apps("      valuesObject: \n        replicas: 2\n"),
        of_apps("      valueFiles: [values.yaml]\n    directory:\n      {{- toYaml .Values.a | nindent 6 }}\n"),
        {"skaffold.yaml": "releases: [{chartPath: charts/app, setValues: {replicas: 2}}]\n"},
        {"a.yaml": f"{NO_CHART.replace('charts/app', 'other')}  values: {TAG}\n"},
    ],
)
def test_what_cannot_have_another_tag_does_not_hold_it_back(given: dict[str, str]) -> None:
    done = pinned({**of_chart(READS), **given})["charts/app/values.yaml"]
    assert done.content
    assert not done.findings


@pytest.mark.parametrize("digest", [f"  digest: {DIGESTS['v1.5.0']}\n", ""])
def test_what_an_action_beside_it_does_not_change_is_judged_in_a_helmfile(digest: str) -> None:
    base = "values: [base.yaml]\n  set: [{name: image.tag, value: v1.6.0}]\n"
    for action in ("a", "'{{ .a }}'", "{{ .a }}"):
        files = {"base.yaml": BASE + digest, "helmfile.yaml": f"{RELEASE}  namespace: {action}\n  {base}"}
        done = pinned(files)
        assert not done["base.yaml"].content
        assert done["base.yaml"].findings
        assert done["helmfile.yaml"].findings or done["helmfile.yaml"].edits


def test_of_layers_without_their_chart_each_gets_its_own_digest() -> None:
    layers = "  - image: {repository: myorg/app, tag: v1.5.0}\n  - image: {tag: v1.6.0}\n"
    done = pinned({"helmfile.yaml": "releases:\n- name: a\n  chart: stable/app\n  values:\n" + layers})["helmfile.yaml"]
    assert not done.findings
    assert [(edit.tags[1], edit.digest) for edit in done.edits] == [*DIGESTS.items()]


def test_a_patch_of_a_release_is_judged_with_the_name_that_the_release_has() -> None:
    base = f"{NO_CHART}  values: {{image: {{repository: myorg/app, tag: v1.5.0}}}}\n"
    done = pinned({"a.yaml": base, "p.yaml": PATCH.replace(" # ledger: ignore\n", "")})
    assert done["p.yaml"].edits[0].new == f"myorg/app:v1.6.0@{DIGESTS['v1.6.0']}"
    assert done["a.yaml"].edits[0].new == f"myorg/app:v1.5.0@{DIGESTS['v1.5.0']}"


@pytest.mark.parametrize("tag", DIGESTS)
def test_a_parameter_gets_no_digest_behind_its_tag_where_one_would_follow_it(tag: str) -> None:
    below = f"      valuesObject: {{image: {{tag: v1.6.0, digest: '{DIGESTS['v1.6.0']}'}}}}\n"
    given = f"{ARGO}{below}      parameters: [{{name: image.tag, value: {tag}}}]\n"
    done = pinned({**of_chart(READS), "a.yaml": given})["a.yaml"]
    assert not done.content
    assert any("there would be two" in finding.message for finding in done.findings)


def test_where_a_parameter_gets_a_digest_behind_its_tag_the_values_below_get_none() -> None:
    given = f"{ARGO}      parameters: [{{name: image.tag, value: v1.5.0}}]\n"
    done = pinned({**of_chart(READS), "a.yaml": given})
    assert done["a.yaml"].content
    assert not done["charts/app/values.yaml"].content
    assert done["charts/app/values.yaml"].findings


def test_charts_that_depend_on_each_other_by_name_are_read_in_proportion_to_their_number() -> None:
    reads = []
    for number in (20, 40):
        files = {
            f"charts/c{at}/Chart.yaml": f"dependencies: [{{name: c{(at + 1) % number}, repository: 'oci://r'}}]\n"
            for at in range(number)
        }
        files |= {path.replace("Chart.yaml", "values.yaml"): BASE for path in files}
        known = {path: text.encode() for path, text in files.items()}
        count: list[str] = []

        def read(path: str, known: dict[str, bytes] = known, count: list[str] = count) -> bytes | None:
            count.append(path)
            return known.get(path)

        charts = Charts(FilesByPath(known, read), known)
        for path in known:
            rewritten(path, known[path], replace(PIN, charts=partial(charts.of, path)))
        reads.append(len(count))
    assert reads[1] < 2.5 * reads[0]
