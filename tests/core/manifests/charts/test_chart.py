"""Whether a chart reads a digest: what is shown by its templates, and what nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.manifests.charts.chart import DigestReading, HelmChart
from ledger_tool.core.manifests.charts.gotemplate import (
    TemplateAction,
    TemplateFault,
    TemplateText,
    parse_template,
)
from ledger_tool.core.manifests.site import ImageFields

IMAGE = ImageFields(("web", "image"), "repository", "tag", "digest")
COMMON = """{{/* The image, by digest if it has one */}}
{{- define "common.image" -}}
{{- $separator := ":" -}}
{{- $version := .root.tag | default .context.Chart.AppVersion | toString -}}
{{- if .root.digest }}{{- $separator = "@" -}}{{- $version = .root.digest | toString -}}{{- end -}}
{{- printf "%s%s%s" .root.repository $separator $version -}}
{{- end -}}
{{- define "common.plain" -}}
{{ .repository }}:{{ .tag }}
{{- end -}}
{{- define "common.lines" -}}
{{- range .images }}
image: {{ .repository }}:{{ .tag }}
{{- end }}
more: {{ .more }}
{{- end -}}
"""


def expanded(short: str, name: str = "web") -> str:
    """Return a template from its short form: `<` and `>` for braces, `%I` for the values of an image."""
    braces = short.replace("<%", "{{/*").replace("%>", "*/}}").replace("<", "{{").replace(">", "}}")
    return braces.replace("%I", f".Values.{name}.image").replace("%n", name)


def reading(template: str, image: ImageFields = IMAGE, **more: Any) -> DigestReading:
    templates = {"templates/_common.tpl": COMMON, "templates/a.yaml": expanded(template)}
    chart = HelmChart(templates=templates, **more)
    return chart.reads_digest(image)


@pytest.mark.parametrize(
    "template",
    [
        "image: < %I.repository >@< %I.digest >",
        'image: "< $%I.repository >:< %I.tag >@< %I.digest >"',
        "< with %I >\nimage: < .repository >:< .tag >< with .digest >@< . >< end >\n< end >",
        "<- $i := %I ->\nimage: < $i.repository >< if $i.digest >@< $i.digest >< else >:< $i.tag >< end >",
        'image: < include "common.image" (dict "root" %I "context" $) >',
        'image: < template "common.image" (dict "context" . "root" (.Values.web).image) >',
        '< range $name, $c := .Values >image: < include "common.image" (dict "root" $c.image "context" $) >\n< end >',
        'image: < printf "%s@%s" (index .Values "web" "image" "repository") (get %I "digest") >',
        'image: < %I.repository >@< dig "image" "digest" "none" .Values.web >',
        "< if %I.digest >\nimage: < %I.repository >@< %I.digest >\n< else >\n"
        "image: < %I.repository >:< %I.tag >\n< end >",
        '< $x := dict "image" %I >image: < $x.image.repository >@< $x.image.digest | default $x.image.tag >',
        "< $tag := print \":\" %I.tag >< if %I.digest >\n< $tag = print \"@\" %I.digest >\n< end >\n"
        "image: < %I.repository >< $tag >",
        "image: < %I.repository >< ternary (printf \"@%s\" %I.digest) \"\" (not (empty %I.digest)) >",
        "args: [--image=< %I.repository >:< %I.tag >@< %I.digest >]",
        "# image: < %I.repository >:< %I.tag >\nimage: < %I.repository >"
        "@< %I.digest >",
        "<% image: < %I.repository >:< %I.tag > %>"
        "image: < %I.repository >@< %I.digest >",
        "image: < tpl %I.repository . >:< tpl %I.tag . >@< tpl %I.digest $ >",
    ],
)  # fmt: skip
def test_a_chart_reads_a_digest_if_each_line_with_the_image_does(template: str) -> None:
    assert reading(template).outcome == "read", reading(template)


@pytest.mark.parametrize(
    "template",
    [
        "image: < %I.repository >:< %I.tag >",
        "image: registry.example.com/fixed:< %I.tag | default .Chart.AppVersion >",
        "< with %I >\nimage: < .repository >:< .tag >\n< end >",
        'image: < include "common.plain" %I >',
        'x:\n< include "common.lines" (dict "images" (list %I) "more" %I.digest) >',
        "image: < %I.repository >:< %I.tag >\n"
        "other: < %I.repository >@< %I.digest >",
        "# < %I.digest >\nimage: < %I.repository >:< %I.tag >",
        "image: < %I.repository >:< %I.tag >@< .Values.other.image.digest >",
        "image: < %I.repository >:< %I.tag ><% @< %I.digest > %>",
        "< if %I.digest >\nimage: < %I.repository >:< %I.tag >\n< end >",
        '<define "x"><with index . 0><.repository>:<.tag><end><end>image: <template "x" (tuple %I $.Chart)>',
        "image: < %I.repository >:< %I.tag | default %I.digest >",
        'image: < tpl "<.repository>:<.tag>" %I >',
        "< range .Values >image: < .image.repository >:< .image.tag >< end >",
        "< with .Values.nodes >x: < toYaml . >\n< end >image: < %I.repository >:< %I.tag >",
        "< include \"not.here\" . >\nimage: < %I.repository >:< %I.tag >",
        "< toYaml .Values | sha256sum >\nimage: < %I.repository >:< %I.tag >",
        "a: < %I.digest >\nimage: < print %I.repository \":\" %I.tag >",
        '< define "a.image" >< .root.repository >:< .root.tag >< end >image: '
        '< include "a.image" (dict "root" %I) >',
    ],
)  # fmt: skip
def test_a_chart_ignores_a_digest_if_one_line_with_the_image_does(template: str) -> None:
    assert reading(template).outcome == "ignored", reading(template)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("x: 1", "none of its templates prints this image"),
        ("image: < %I.repository >", "none of its templates prints this image"),
        ("spec: < toYaml %I >", "templates/a.yaml:1 passes it on as a whole"),
        ("spec:\n< .Values | toYaml | indent 2 >", "templates/a.yaml:2 passes it on as a whole"),
        ("< $v := .Values.web | toYaml | fromYaml >\nimage: < $v.image.repository >:< $v.image.tag >",
         "templates/a.yaml:2 passes it on as a whole"),
        ('image: < include "no.such" %I >', "its template `no.such` is not here"),
        ("image: < include .Values.name %I >", "templates/a.yaml:1 passes it on as a whole"),
        ("< $x := index .Values .Values.name >image: < $x.image.repository >:< $x.image.tag >",
         "templates/a.yaml:1 cannot be followed"),
        ('< $_ := set %I "tag" "v1" >image: < %I.repository >:< %I.tag >',
         "its templates replace some of these values"),
        ("image: < %I.repository >:< %I.tag >< if .Values.x >@< %I.digest >< end >",
         "templates/a.yaml:1 cannot be followed"),
        ("< $d := print %I.tag >< if .Values.x >< $d = print %I.digest >< end >image: < %I.repository >:< $d >",
         "templates/a.yaml:1 cannot be followed"),
        ("image: < %I.repository >< ternary %I.digest %I.tag .Values.x >", "templates/a.yaml:1 cannot be followed"),
        ("image: < %I.repository >@< %I.digest >\nimage: < toYaml %I >", "templates/a.yaml:2 passes it on as a whole"),
        ("< if }", "templates/a.yaml:1 cannot be read: an action that is not understood"),
        ('< define "a" >< include "a" . >< end >< include "a" . >', "none of its templates prints this image"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_not_known(template: str, why: str) -> None:
    assert reading(template) == ("unknown", why)


def test_a_dependency_that_is_not_here_may_do_anything_with_its_values() -> None:
    absent: Any = {"absent": ("web",)}
    assert reading("x: 1", **absent) == ("unknown", "its dependency `web` is not here")
    above = ImageFields(("global", "image"), "repository", "tag", "digest")
    assert reading("x: 1", above, **absent) == ("unknown", "its dependency `web` is not here")
    line = "image: {{ .Values.web.image.repository }}:{{ .Values.web.image.tag }}"
    assert reading(line, **absent).outcome == "ignored"
    assert reading(line + "@{{ .Values.web.image.digest }}", **absent).outcome == "unknown"


def test_a_subchart_has_its_values_below_its_name_and_the_global_ones() -> None:
    inner = HelmChart(
        templates={
            "templates/b.yaml": "image: {{ .Values.image.repository }}:{{ .Values.image.tag }}\n"
            "image: {{ .Values.global.image.repository }}@{{ .Values.global.image.digest }}"
        }
    )
    outer: Any = {"subcharts": (("middle", HelmChart(templates={}, subcharts=(("web", inner),))),)}
    image = ImageFields(("middle", "web", "image"), "repository", "tag", "digest")
    assert reading("x: 1", image, **outer) == ("ignored", "charts/middle/charts/web/templates/b.yaml:1")
    assert reading("x: 1", **outer).outcome == "unknown"
    for keys in (("global", "image"), ("middle", "web", "global", "image"), ("middle", "global", "image")):
        image = ImageFields(keys, "repository", "tag", "digest")
        assert reading("x: 1", image, **outer).outcome == "read", keys
    library: Any = {"subcharts": (("web", HelmChart(templates=inner.templates, is_library=True)),)}
    assert reading("x: 1", **library).outcome == "unknown"


def test_templates_that_include_each_other_without_end_are_not_followed_for_ever() -> None:
    once = '<define "t%d"><include "t%d" (dict "a" .)><include "t%d" (list .)><end>'
    chain = "".join(once % (at, at + 1, at + 1) for at in range(60))
    done = reading(f'{chain}<include "t0" .Values.web>')
    assert done.outcome == "unknown"


_NAMES = st.sampled_from(["web", "other", "third"])
_READ = st.sampled_from(
    [
        '< %I.repository >:< %I.tag >@< %I.digest >',
        '< with %I >< .repository >< if .digest >@< .digest >< else >:< .tag >'
        "< end >< end >",
        '< include "common.image" (dict "root" %I "context" $) >',
        '< $i := index .Values "%n" "image" >< printf "%s:%s@%s" $i.repository $i.tag $i.digest | quote >',
    ]
)  # fmt: skip
_IGNORED = st.sampled_from(
    [
        "< %I.repository >:< %I.tag >",
        "< with %I >< .repository >:< .tag | default $.Chart.AppVersion >< end >",
        '< include "common.plain" %I >',
        '< $i := index .Values "%n" "image" >< printf "%s:%s" $i.repository $i.tag | quote >',
    ]
)
_BETWEEN = st.sampled_from(
    [
        "<- with .Values.nodes >\nnodes: < toYaml . | nindent 2 >\n<- end >",
        "<- if .Values.enabled >\nx: < .Release.Name >\n<- else >\ny: 1\n<- end >",
        'name: < include "common.name" . >',
        "sum: < .Values | toJson | sha256sum >",
        "# < .Values.web.image.digest > < .Values.other.image.digest > < .Values.third.image.digest >",
        "<% < .Values.web.image.tag > %>",
    ]
)


@given(st.lists(st.tuples(_NAMES, st.booleans(), _READ, _IGNORED, _BETWEEN), min_size=1, max_size=6))
def test_images_of_one_chart_are_told_apart(lines: list[tuple[str, bool, str, str, str]]) -> None:
    written = [
        expanded(f"{between}\nimage: {read if reads else ignored}", name)
        for name, reads, read, ignored, between in lines
    ]
    for name in ("web", "other", "third"):
        outcomes = {reads for of, reads, *_ in lines if of == name}
        expected = "unknown" if not outcomes else "read" if outcomes == {True} else "ignored"
        image = ImageFields((name, "image"), "repository", "tag", "digest")
        assert reading("\n".join(written), image).outcome == expected, written


@given(st.text(alphabet='{}-ab.$"`()|:= \n/*,xif end', max_size=60))
def test_any_text_is_a_template_or_a_fault(text: str) -> None:
    try:
        parse_template(text)
        line = 1
    except TemplateFault as fault:
        line = fault.line
    assert 1 <= line <= text.count("\n") + 1


def test_a_define_of_the_chart_wins_over_that_of_a_subchart() -> None:
    """As Helm parses them: those of subcharts first, and of two files in one folder the first by name at last."""
    line = 'image: <include "common.image" (dict "root" %I "context" .)>'
    plain = '<define "common.image"><.root.repository>:<.root.tag><end>'
    inner = HelmChart(templates={"templates/_a.tpl": expanded(plain)}, is_library=True)
    assert reading(line, subcharts=(("common", inner),)).outcome == "read"
    assert reading(plain + line).outcome == "read"


_GROWING = [
    'x<include "a%d" .>y<include "a%d" .>',  # a text twice as long
    '<include "a%d" (dict "x" . "y" .Values.b)><include "a%d" (list . .)>',  # a value twice as large
]


@pytest.mark.parametrize("call", _GROWING)
def test_templates_that_include_each_other_twice_are_followed_once(call: str) -> None:
    chain = "".join(f'<define "a{n}">{call.replace("%d", str(n + 1))}<end>' for n in range(38))
    assert reading(f'{chain}\nx: <include "a0" .>\nimage: <%I.repository>:<%I.tag>').outcome in ("ignored", "unknown")


def test_a_template_that_includes_itself_with_more_and_more_comes_to_an_end() -> None:
    loop = '<define "a"><include "a" (dict "x" . "y" .)><include "a" (dict "z" . "y" .)><end>'
    assert reading(f'{loop}x: <include "a" .>\nimage: <%I.repository>:<%I.tag>').outcome in ("ignored", "unknown")


def test_a_value_below_very_many_fields_is_not_followed() -> None:
    assert reading(f"x: < .Values{'.a' * 200} >").why == "templates/a.yaml:1 cannot be read: nested too deeply"


def test_where_the_words_of_an_action_stand_is_known() -> None:
    template = parse_template('a {{- "b" | c `d` "\\"" -}} e')
    first, action, last = template.body
    assert isinstance(first, TemplateText)
    assert isinstance(last, TemplateText)
    assert isinstance(action, TemplateAction)
    operands = [operand.start for command in action.pipe.commands for operand in command]
    assert (first.start, operands, last.start) == (0, [7, -1, 15, -1], 27)
