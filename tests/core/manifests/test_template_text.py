"""Templates read around their actions: every character stays in its place, and no action is touched."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.marks import find_marks
from ledger_tool.core.manifests.pin import judge_pin
from ledger_tool.core.manifests.rewrite import Judge, Rewritten, rewrite
from ledger_tool.core.manifests.templateactions import has_actions
from ledger_tool.core.manifests.templatetext import COVER, covered, literals
from ledger_tool.core.manifests.yamltree import documents
from ledger_tool.core.policy.policy import Policy
from ledger_tool.edges.yaml.manifest_tokens import tokens
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.manifests import manifests

D = digest("app")
CATALOGUE = Catalogue(
    Snapshot("", ledger_of(record("myorg/app", "v1.5.0", digest=D)), Policy()), Timestamp("2026-11-25T09:30:00Z")
)
PIN = Judge(partial(judge_pin, catalogue=CATALOGUE))


def pinned(text: str) -> Rewritten:
    return rewrite("templates/a.yaml", text.encode("utf-8", "surrogatepass"), tokens, PIN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {{ .x }}", "a: ########"),
        ('a: "{{ .x }}:{{ .y }}"', 'a: "########:########"'),
        ("  {{- if .x }}\n  a: 1\n  {{- end }}", "              \n  a: 1\n            "),
        ("{{ toYaml . | nindent 2 }}\n{{ a }}{{ b }}\n", "                          \n              \n"),
        ("{{ if .x }}a: 1{{ end }}", "           a: 1         "),
        ("a: 1{{ if .x }}2{{ end }}", "a: 1###########2         "),
        ("a: 1 {{/* }} */}}\nb: 2", "a: 1             \nb: 2"),
        ("{{- /* a\nb */ -}}\nb: 2", "        \n        \nb: 2"),
        ('a: {{ default "}}" .x }} # c', "a: ##################### # c"),
        ("- {{ .x }}\r\n- {{ `}}` }}", "- ########\r\n- ##########"),
        ("{{ $x := 1 }}a: 1\n{{ $x }}: 1", "             a: 1\n########: 1"),
        ("a: b\n  {{- .suffix }}\nc: 1", "a: b\n  ##############\nc: 1"),
        ("{{ unfinished", "{{ unfinished"),
        ("{% if x %}\na: {{ x }}\n{% endif %}\n", "          \na: #######\n           \n"),
        ("a: {{ x | default('b: c') }} # c", "a: ######################### # c"),
        ("<% if x -%>\na: <%= x %>\n<%# c %>\n", "           \na: ########\n        \n"),
        ("{# image: x #}\na: 1", "              \na: 1"),
        ("%{ for x in y ~}\n- a\n%{ endfor ~}", "                \n- a\n            "),
        ("a: %{ b }", "a: %{ b }"),
    ],
)
def test_actions_are_covered_in_place(text: str, expected: str) -> None:
    assert covered(text).replace(COVER, "#") == expected


@pytest.mark.parametrize(
    ("text", "is_template"),
    [
        ("a: {{ x }}", True),
        ("# {{ x }}\na: 1", False),
        ("a: 1 # {{ x }} {{ y }}", False),
        ("# a\nb: {{ x }}", True),
        ("a: ${{ x }}", False),
        ("{% if x %}", True),
        ("a: '<% x %>'", True),
        ("a: {{ x", False),
    ],
)
def test_what_has_actions_outside_comments_is_a_template(text: str, is_template: bool) -> None:
    assert has_actions(text) is is_template


@pytest.mark.parametrize(
    "text",
    [
     "a: " + "{{ .x }} " * 20_000,
     "{{/* " * 20_000, "{{/* " * 20_000 + "*/", "# " + "{{ x }} " * 20_000, '{{ "' * 20_001,
     "{{ if x }}" * 10_000 + "a" + "{{ end }}" * 10_000, "\n" * 20_000 + "{{- x }}\n" * 20_000],
)  # fmt: skip
def test_a_line_of_very_many_actions_is_looked_at_once(text: str) -> None:
    """Else each of these takes minutes."""
    assert len(covered(text)) == len(literals(text)) == len(text)
    has_actions(text)


@given(st.text(alphabet="{}-/*\"` \n\r.ab:=$|if%#<>'", max_size=80))
def test_no_character_moves(text: str) -> None:
    for other in (covered(text), literals(text)):
        assert len(other) == len(text)
        assert re.sub(r"[^\r\n]", "", other) == re.sub(r"[^\r\n]", "", text)


_LINES = st.sampled_from(
    ["{{ if .Values.a }}", "{{- end }}", "{{/* image: myorg/app:v1.5.0 */}}", "{{ toYaml .x | nindent 2 }}",
     '{{- include "a.b" . }}', "{{- range $k, $v := .Values.x }}", "{{ else }}"]
)  # fmt: skip
_INLINE = st.sampled_from(["{{ .Values.x }}", '{{ "myorg/app:v1.5.0" }}', "{{ end }}", "{{/* c */}}", "{{ $x := 1 }}"])


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Return a manifest with actions between its lines, and in them."""
    lines = draw(manifests()).split("\n")
    written = []
    for line in lines:
        indent, end = line[: len(line) - len(line.lstrip(" "))], "\r" * line.endswith("\r")
        if draw(st.integers(0, 4)) == 0:
            written.append(indent + draw(_LINES) + end)
        where = draw(st.integers(0, 12))
        if where == 0:
            at = draw(st.integers(0, len(line) - len(end)))
            line = line[:at] + draw(_INLINE) + line[at:]
        elif where == 1:
            line = line.removesuffix("\r") + draw(st.sampled_from(["", " "])) + draw(_INLINE) + end
        written.append(line)
    return "\n".join(written)


@given(templates())
def test_a_pinned_template_differs_in_digests_alone_and_in_no_action(text: str) -> None:
    done = pinned(text)
    if done.content is None:
        return
    new = done.content.decode("utf-8", "surrogatepass")
    assert re.findall(r"\{\{.*?\}\}", new.replace(f"@{D}", ""), re.DOTALL) == re.findall(
        r"\{\{.*?\}\}", text, re.DOTALL
    )
    without = re.sub(rf"(?:,[ \t]*|,[\r\n]+[ \t]*|[\r\n]+[ ]*)[\"']?digest[\"']?: ?[\"']?{D}[\"']?", "", new)
    assert without.replace(f"@{D}", "") == text
    assert len(done.edits) == new.count(D)
    assert pinned(new).content is None


@pytest.mark.parametrize(
    "line",
    [
        "image: myorg/app:v1.5.0{{ .x }}",
        "image: myorg/app:v1.5.0{{ if .x }}-alpine{{ end }}",
        "image: {{ if .x }}myorg/app:v1.5.0{{ end }}",
        "image: {{ .x }}myorg/app:v1.5.0",
        'image: "{{ .x }}/myorg/app:v1.5.0"',
        'image: {{ .x | default "myorg/app:v1.5.0" }}{{ .y }}',
        'image: {{ printf "%s:%s" "myorg/app" "v1.5.0" }}',
        'image: {{ ternary "myorg/app:v1.5.0" "myorg/app:v1.6.0" .x }}',
        'image: {{ .x | default "myorg/app:v1.5.0" | lower }}',
        'image: {{ "myorg/app:v1.5.0" }}{{ if .y }}-alpine{{ end }}',
        "image: myorg/app:v1.5.0 {{ .x }}",
        "image: myorg/app:{{ .tag }}",
        "image: {repository: myorg/app, tag: {{ .x }}}",
        "{{/* image: myorg/app:v1.5.0 */}}",
        "image: myorg/app:v1.5.0\n{{- .suffix }}",
        "image: myorg/app:v1.5.0\n  {{- .suffix }}",
        "x: |\n  image: myorg/app:v1.5.0\n  {{ .x }}",
        "image:\n  repository: myorg/app\n  {{- if .x }}\n  tag: v1.5.0\n  {{- else }}\n  tag: v1.6.0\n  {{- end }}",
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "{{{{- if .y }}}}\n{}\n{{{{- end }}}}", "a: {{{{ .z }}}}\n{}\n    x: {{{{ .y }}}}"]
)
def test_what_an_action_may_change_is_not_edited(line: str, around: str) -> None:
    assert pinned(around.format(line)).content is None


@pytest.mark.parametrize("quotes", ["{}", '"{}"', "'{}'"])
@pytest.mark.parametrize(
    "action",
    [
        '{{ "REF" }}',
        '{{ .x | default "REF" }}',
        '{{- default "REF" .x | quote -}}',
        "{{ coalesce .x .Values.y `REF` }}",
        '{{ or .x "REF" }}',
        '{{ tpl "REF" . }}',
        '{{ required "no image" (default "REF" .x) | trim }}',
    ],
)
def test_an_image_that_an_action_prints_whole_is_edited_inside_its_quotes(action: str, quotes: str) -> None:
    text = "a: {{ .z }}\nimage: " + quotes.replace("{}", action.replace("REF", "myorg/app:v1.5.0")) + " # c\n"
    done = pinned(text)
    assert done.content is not None
    assert done.content.decode() == text.replace("v1.5.0", f"v1.5.0@{D}")
    again = pinned(done.content.decode())
    assert (again.content, again.findings, done.notes) == (None, [], [])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{{ .x | default (printf "%s:%s" "myorg/app" "v1.5.0") }}', ["v1.5.0"]),
        ("{{ with .x }}{{ . }}{{ else }}myorg/app:v1.5.0{{ end }}", ["v1.5.0"]),
        ('{{ ternary "myorg/app:v1.5.0" "myorg/app:v2" .x }}', ["v1.5.0", "v2"]),
        ("{{ $image }}", ["v1.5.0"]),
        ('{{ include "img" . }}', ["v1.5.0"]),
        ('{{ include "other" . }}', []),
        ('myorg/app:{{ .x | default "v1.5.0" }}', []),
        ('{{ .x | default "myorg/app" }}:{{ .y | default "v1.5.0" }}', []),
        ('{{ .x | default "myorg/app:v1.5.0" | replace ":" "-" }}', []),
        ('{{ include "loop" . }}', []),
    ],
)
def test_an_image_that_actions_put_together_is_judged_and_reported(value: str, expected: list[str]) -> None:
    text = (
        '{{- $image := .x | default "myorg/app:v1.5.0" }}\n{{ define "img" }}myorg/app:v1.5.0{{ end }}\n'
        '{{ define "loop" }}{{ include "loop" . }}{{ end }}\n'
        f"image: {value}\n"
    )
    done = rewrite("templates/a.yaml", text.encode(), tokens, replace(PIN, ours=CATALOGUE.ours))
    assert done.content is None
    assert [(one.line, one.message.partition("myorg/app:")[2].split()[0]) for one in done.findings] == [
        (4, tag) for tag in expected
    ]


def test_lines_of_what_cannot_be_read_as_yaml_are_reported() -> None:
    done = pinned("a: {{ .x }}\n  b: 1\nimage: myorg/app:v1.5.0\n - image: 'myorg/app:v1.5.0' # ledger: ignore\n")
    assert [(finding.line, finding.kind) for finding in done.findings] == [(3, "unpinned")]
    assert "left unchanged: it is in a template" in done.findings[0].message
    assert (done.content, done.counts.references, done.counts.left) == (None, 2, 1)
    assert [note.kind for note in done.notes] == ["template"]


_BROKEN = st.sampled_from(
    [
        "{{ .x }}: a: b",
        "bad: a: b",
        "  - {{ .x }}",
        " x: 1",
        "{{- .x }}",
        "]",
        "a: [",
        "- {{ .x }}: {",
        'y: "',
        "\t- z",
        "{% b %}: c: d",
    ]
)


@given(st.lists(_BROKEN, min_size=1, max_size=4), st.lists(_BROKEN, max_size=4), st.integers(0, 2))
def test_an_image_between_lines_that_are_not_yaml_is_judged_or_warned_about(
    above: list[str], below: list[str], form: int
) -> None:
    image = ["image: myorg/app:v1.5.0", "- {image: myorg/app:v1.5.0}", "x:\n  repository: myorg/app\n  tag: v1.5.0"][
        form
    ]
    below = ["z: 1", *below]  # else the first may go on with the image
    text = "\n".join(["a: {{ .x }}", *above, image, *below, ""])
    done = pinned(text)
    if done.edits:
        return
    at = len(above) + 2
    lines = {finding.line for finding in done.findings} | {note.line for note in done.notes if note.is_fault}
    assert not lines.isdisjoint(range(at, at + 3)), text


def test_a_template_with_very_many_lines_that_are_not_yaml_is_read_to_its_end() -> None:
    done = pinned("a: {{ .x }}\n" + "b: c: d\n" * 200 + "image: myorg/app:v1.5.0\n")
    assert [finding.line for finding in done.findings] == [202]
    assert "only single lines were read" in done.notes[0].message


def test_each_document_of_a_file_is_searched_for_its_own_marks_alone() -> None:
    text = "---\nimage: myorg/app:v1.5.0 # ledger: ignore\n" * 50
    assert pinned(text).counts.left == 50
    found = [find_marks(text, document).all for document in documents(text)]
    assert [[mark.line for mark in marks] for marks in found] == [[number] for number in range(2, 101, 2)]


def test_what_a_long_chain_of_variables_comes_to_is_not_known() -> None:
    chain = "".join(f"ARG A{number}=${{A{number - 1}}}\n" for number in range(1, 200))
    for last, kind in ((50, "edited"), (199, "unpinned")):
        text = f"ARG A0=myorg/app:v1.5.0\n{chain}FROM ${{A{last}}}\n"
        done = rewrite("Dockerfile", text.encode(), tokens, PIN)
        assert [finding.kind for finding in done.findings] == ([] if kind == "edited" else ["unpinned"])
