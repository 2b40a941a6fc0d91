"""Named templates: what prints an image of ours is judged, and edited where it stands as a whole."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.charts.around import FileCharts
from ledger_tool.core.manifests.charts.chart import HelmChart
from ledger_tool.core.manifests.pin import judge_pin
from ledger_tool.core.manifests.rewrite import Judge, Rewritten, rewrite
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.edges.yaml.manifest_tokens import tokens
from tests.support.values.make import digest, ledger_of, record

D = digest("app")
REF = "registry.example.com/myorg/app:v1.5.0"
_POLICY = Policy(registries=(Registry(host="registry.example.com", images=("myorg/*",)),))
CATALOGUE = Catalogue(
    Snapshot("", ledger_of(record("myorg/app", "v1.5.0", digest=D)), _POLICY), Timestamp("2026-11-25T09:30:00Z")
)


def pinned(text: str, template: str, path: str = "templates/_helpers.tpl") -> Rewritten:
    judge = Judge(partial(judge_pin, catalogue=CATALOGUE), CATALOGUE.ours)
    chart = HelmChart(templates={"templates/a.yaml": template, "templates/_helpers.tpl": text})
    charts = FileCharts(of_chart=lambda: chart)
    return rewrite(path, text.encode(), tokens, replace(judge, charts=lambda: charts))


@pytest.mark.parametrize(
    "body",
    [
        REF,
        f"\n  {REF}\n",
        f'{{{{ "{REF}" }}}}',
        f'{{{{ .Values.image | default "{REF}" }}}}',
        f"{{{{- `{REF}` | quote -}}}}",
    ],
)
@pytest.mark.parametrize("name", ["app.image", "app.other"])
def test_an_image_that_a_named_template_prints_whole_is_edited(body: str, name: str) -> None:
    text = f'{{{{- define "{name}" -}}}}{body}{{{{- end }}}}\n'
    done = pinned(text, f'a:\n  image: {{{{ include "{name}" . }}}}\n')
    assert done.content is not None
    assert done.content.decode() == text.replace(REF, f"{REF}@{D}")
    assert done.notes == []


@pytest.mark.parametrize(
    ("body", "use"),
    [
        (REF, 'image: {{ include "app.image" . }}-alpine'),
        (REF, 'image: {{ include "app.image" . }}\nlabel: {{ include "app.image" . }}'),
        (REF, "image: {{ .Values.image }}"),
        ('{{ printf "%s:%s" "registry.example.com/myorg/app" "v1.5.0" }}', 'image: {{ include "app.image" . }}'),
        (f"{{{{ if .x }}}}{REF}{{{{ end }}}}", 'image: {{ include "app.image" . }}'),
        ('{{ include "app.inner" . }}', 'image: {{ include "app.image" . }}'),
    ],
)
def test_one_that_is_put_together_or_used_elsewhere_too_is_reported(body: str, use: str) -> None:
    inner = f'{{{{ define "app.inner" }}}}{REF}{{{{ end }}}}'
    done = pinned(f'\n{{{{ define "app.image" }}}}{body}{{{{ end }}}}\n{inner}', use)
    assert done.content is None
    assert [(finding.line, finding.kind) for finding in done.findings] == [(2, "unpinned")]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (f'{{{{ define "app.other" }}}}{REF}{{{{ end }}}}', "templates/_helpers.tpl"),
        (f'{{{{ define "app.image" }}}}{{{{ .x }}}}/{REF}{{{{ end }}}}{{{{ "{REF}" }}}}', "templates/_helpers.tpl"),
        (f"image: {REF}\n", "templates/NOTES.txt"),
        (f"docker run {REF} {{{{", "templates/NOTES.txt"),
        (f"docker run {REF} {{{{", "templates/more/x.txt"),
    ],
)
def test_any_other_reference_is_noted(text: str, path: str) -> None:
    done = pinned(text, "", path)
    assert (done.content, done.findings) == (None, [])
    assert {note.kind for note in done.notes} == {"template-text"}


def test_what_has_no_registry_of_ours_is_not_read() -> None:
    done = pinned('{{ define "app.image" }}redis:7{{ end }}\n  image: redis:7\n a: {{', "")
    assert (done.findings, done.notes) == ([], [])
