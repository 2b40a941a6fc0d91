"""Whether a chart prints an image as its values name it, or something else that is made of its fields."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.manifests.charts.chart import HelmChart
from ledger_tool.core.manifests.site import ImageFields

IMAGE = ImageFields(("web", "image"), "repository", "tag", "digest")
REPOSITORY, TAG, DIGEST = (f"< %I.{key} >" for key in ("repository", "tag", "digest"))
SET = frozenset([("Values", "set")])


def chart(short: str) -> HelmChart:
    """Return a chart from a short form: `<` and `>` for braces, `%I` for the image; only `.Values.set` is set."""
    text = short.replace("<", "{{").replace(">", "}}").replace("%I", ".Values.web.image")
    return HelmChart(templates={"templates/a.yaml": text}, filled=lambda: SET)


def _same(filled: frozenset[tuple[str, ...]] | None) -> frozenset[tuple[str, ...]] | None:
    return filled


def wrong(short: str) -> tuple[bool, bool]:
    """Return whether a chart prints something else, of an image with a digest and of one without."""
    return bool(chart(short).misprint(IMAGE, has_digest=True)), bool(chart(short).misprint(IMAGE, has_digest=False))


@pytest.mark.parametrize(
    "image",
    [
        f"{REPOSITORY}:{TAG}",
        f'"{REPOSITORY}:{TAG}< with %I.digest >@< . >< end >"',
        f"registry.example.com/{REPOSITORY}:{TAG}",
        f"< .Values.global.imageRegistry >{REPOSITORY}:{TAG}",
        f"< with .Values.global.imageRegistry >< . >/< end >{REPOSITORY}:{TAG}",
        f'< ternary "a" "b" .Values.x >/{REPOSITORY}:{TAG}',
        "< %I.repository >:< %I.tag | default .Values.set >",
        "< coalesce %I.tag .Values.set | printf \"%s:%s\" %I.repository >",
        '< join ":" (list %I.repository %I.tag) | quote >',
        '< print %I.repository ":" (required "a tag" %I.tag) >',
        "< if %I.digest >\nimage: < %I.repository >@< %I.digest >\n"
        "< else >\nimage: < %I.repository >:< %I.tag >< end >",
        f"{REPOSITORY}:{TAG}< .Values.suffix >",
        f"{REPOSITORY}:{TAG}< ternary \"-fips\" \"\" (.Values.fips | default false) >",
        f"{REPOSITORY}:{TAG}< .Values.plain | default true | ternary \"\" \"-fips\" >",
        f"{REPOSITORY}:{TAG}< with .Values.suffix >-< . >< end >",
        f"x< $t := .Values.tag | default %I.tag >\nimage: {REPOSITORY}:< $t >",
        f"x< $t := %I.tag >< if .Values.debug >< $t = \"debug\" >< end >\nimage: {REPOSITORY}:< $t >",
        "x< define \"i\" >\n< .repository >:< .tag >\n< end >\nimage: < include \"i\" %I | trim >",
        f"{REPOSITORY}:{TAG}\nversion: {TAG}\nsum: < %I.tag | sha256sum >\nname: app-< %I.tag | replace \".\" \"-\" >",
        f"{REPOSITORY}:{TAG}\ntags: a version:{TAG}",
        f"{REPOSITORY}:{TAG}\n# {REPOSITORY}-worker:{TAG}",
        f"{REPOSITORY}:{TAG},registry.example.com/web:v1",
        "<- range $name, $one := .Values ->\nimage: < $one.image.repository >:< $one.image.tag >\n<- end >",
    ],
)  # fmt: skip
def test_an_image_is_printed_as_it_is_named(image: str) -> None:
    assert wrong(f"image: {image}") == (False, False)


@pytest.mark.parametrize(
    "image",
    [
        f"{REPOSITORY}:{TAG}-alpine",
        f"{REPOSITORY}:{TAG}< \"-alpine\" >",
        f"{REPOSITORY}:v{TAG}",
        f"{REPOSITORY}-worker:{TAG}",
        f"{REPOSITORY}/worker:{TAG}",
        f"pre-{REPOSITORY}:{TAG}",
        f"< .Values.other >:{TAG}",
        f"registry.example.com/fixed:{TAG}",
        f"registry.example.com/release:{TAG}",
        f"{REPOSITORY}:< .Chart.AppVersion >",
        f"{REPOSITORY}:< .Values.set >",
        f"{REPOSITORY}:v1",
        f"{REPOSITORY}:{TAG}@< .Values.set >",
        f"{REPOSITORY}:{TAG}-< .Values.set >",
        f"{REPOSITORY}:{TAG}< with .Values.set >-< . >< end >",
        f"{REPOSITORY}:{TAG}< if eq .Values.x \"a\" >-alpine< end >",
        f"{REPOSITORY}:< .Values.set | default %I.tag >",
        f"{REPOSITORY}:< coalesce .Values.set %I.tag >",
        f"{REPOSITORY}:< or .Values.set %I.tag >",
        f"{REPOSITORY}:{TAG}< ternary \"-fips\" \"\" (.Values.fips | default true) >",
        f"{REPOSITORY}:{TAG}< ternary \"-fips\" \"\" .Values.set >",
        f"{REPOSITORY}:{TAG}< ternary \"\" \"-fips\" (not .Values.set) >",
        f"{REPOSITORY}:< ternary .Values.set %I.tag .Values.set >",
        f"{REPOSITORY}:< %I.tag | trunc 20 >",
        f"{REPOSITORY}:< %I.tag | trimPrefix \"v\" >",
        f"< upper %I.repository >:{TAG}",
        "< printf \"%s:%s-%s\" %I.repository %I.tag .Values.set >",
        "< printf \"%.5s:%s\" %I.repository %I.tag >",
        f"{REPOSITORY}:{TAG}\n- {REPOSITORY}-worker:{TAG}",
        f"{REPOSITORY}:{TAG}\n- < .Values.set >:{TAG}",
        f"x< $t := %I.tag >< if .Values.set >< $t = print $t \"-debug\" >< end >\nimage: {REPOSITORY}:< $t >",
        f"x< $r := %I.repository >< if eq .Values.t \"a\" >< $r = .Values.set >< end >"
        f"< if eq .Values.t \"b\" >< $r = .Values.set >< end >\nimage: < $r >:{TAG}",
        "x< define \"i\" >< .i.repository >:< .i.tag >< .suffix >< end >\n"
        "image: < include \"i\" (dict \"i\" %I \"suffix\" \"-fips\") >",
        "< range .Values.set >< $%I.repository >:< $%I.tag >-< . >< end >",
        f"{REPOSITORY}:{TAG}\ntag: {TAG}-alpine",
        f"x< $_ := set %I \"tag\" \"v2\" >\nimage: {REPOSITORY}:{TAG}",
    ],
)  # fmt: skip
def test_anything_else_is_another_image(image: str) -> None:
    assert wrong(f"image: {image}") == (True, True)


def test_a_digest_has_to_follow_an_at_sign_behind_its_own_repository() -> None:
    assert wrong(f"image: {REPOSITORY}:{TAG}{DIGEST}")[0]
    assert wrong(f"image: {REPOSITORY}:{DIGEST}")[0]
    assert wrong(f"image: < .Values.set >@{DIGEST}")[0]
    assert wrong(f"image: {REPOSITORY}:{TAG}-alpine@{DIGEST}")[0]
    assert wrong(f"image: {REPOSITORY}:{TAG}@{DIGEST}-x")[0]
    assert wrong(f"image: {REPOSITORY}:{TAG}@{DIGEST}") == (False, True)


def test_a_digest_is_printed_with_or_without_its_algorithm() -> None:
    assert chart(f"image: {REPOSITORY}@{DIGEST}").digest_forms(IMAGE) == {""}
    assert chart(f"image: {REPOSITORY}:{TAG}@sha256:{DIGEST}").digest_forms(IMAGE) == {"sha256:"}
    assert chart(f"image: {REPOSITORY}@{DIGEST}\nx: {REPOSITORY}@sha256:{DIGEST}").digest_forms(IMAGE) == {
        "",
        "sha256:",
    }
    assert chart(f"image: {REPOSITORY}:{TAG}").digest_forms(IMAGE) == set()


def test_what_is_set_in_a_subchart_counts_for_its_templates() -> None:
    text = "image: {{ .Values.image.repository }}:{{ .Values.image.tag }}{{ with .Values.set }}-{{ . }}{{ end }}"
    image = ImageFields(("web", "image"), "repository", "tag", "digest")
    for filled, is_wrong in ((SET, True), (frozenset[tuple[str, ...]](), False), (None, True)):
        inner = HelmChart(templates={"templates/a.yaml": text}, filled=partial(_same, filled))
        outer = HelmChart(templates={}, subcharts=(("web", inner),), filled=frozenset[tuple[str, ...]])
        assert bool(outer.misprint(image, has_digest=False)) == is_wrong


_WHOLE = [
    "{}",
    "< if .Values.x >{}< else >{}< end >",
    '< printf "%s" (print {!}) | quote >',
    '< $one := print {!} >< $one >',
    '< define "one" >< .a >< end >< include "one" (dict "a" (print {!})) >',
]  # fmt: skip


@given(
    st.lists(st.sampled_from(_WHOLE), min_size=1, max_size=3),
    st.sampled_from(["", "-alpine", ".1", "_x"]),
    st.sampled_from(["", "v", "debug-"]),
    st.sampled_from(["", "-worker", "/web"]),
)
def test_a_text_stays_the_same_however_it_is_put_together(
    wraps: list[str], suffix: str, prefix: str, behind: str
) -> None:
    parts = [("%I.repository", ""), (f'"{behind}:{prefix}"', ""), ("%I.tag", ""), (f'"{suffix}"', "")]
    texts = [
        wrap.replace("{!}", part) if "{!}" in wrap else wrap.replace("{}", f"< {part} >")
        for (part, _), wrap in zip(parts, [*wraps, "{}", "{}", "{}"], strict=False)
        if part != '""'
    ]
    lines = "".join(texts).replace(" | quote", "")
    assert wrong(f"image: {lines}")[1] == bool(suffix or prefix or behind), lines


WHOLE = ImageFields(("web",), "image", "image", "image")


def other_use(short: str, image: ImageFields = IMAGE, extended: str = "v1.5.0") -> bool:
    """Return whether a chart uses the value to which a digest is added for more than the image."""
    return bool(chart(f"image: {REPOSITORY}:{TAG}\n{short}").other_use(image, extended=extended))


@pytest.mark.parametrize(
    "line",
    [
        "a: < %I.repository >",
        "sum: < %I.tag | sha256sum >",
        "sum: < toYaml .Values | sha256sum >",
        "tag: < %I.tag >",
        "args: [--set=image.tag=< %I.tag >]",
        "image: docker://< %I.repository >:< %I.tag >",
        "< if %I.tag >a: b< end >",
        "< if not %I.tag >a: b< end >",
        '< if eq %I.tag "latest" >a: b< end >',
        '< if kindIs "string" %I.tag >a: b< end >',
        '< if empty %I.tag >< fail (printf "no %s" %I.tag) >< end >',
        "# version: < %I.tag >",
    ],
)
def test_a_digest_may_be_behind_a_tag_that_is_used_for_the_image_alone(line: str) -> None:
    assert not other_use(line)


@pytest.mark.parametrize(
    "line",
    [
        "version: < %I.tag >",
        "a: < %I.tag | trunc 63 >",
        "a: app-< %I.tag >",
        "a: https://x/< %I.tag >/f",
        "a: https://x/< %I.repository >:< %I.tag >",
        "VERSION_TAG=< %I.tag >",
        '< if eq %I.tag "v1.5.0" >a: b< end >',
        '< if ne "v1.5.0" %I.tag >a: b< else >a: c< end >',
        '< if semverCompare ">=1" %I.tag >a: b< end >',
        '< if and .Values.set (hasPrefix "v1" %I.tag) >a: b< end >',
        "< if eq %I.tag .Values.x >a: b< end >",
        'a: < ternary "b" "c" (contains "v1" %I.tag) >',
        '< $t := %I.tag | trimPrefix "v" >< if eq $t "1.5.0" >a: b< end >',
        '< define "l" >v: < .tag >< end >< include "l" %I >',
        '< define "l" >v: < .tag >< end >< include "l" %I | trunc 63 >',
        '< range .Values.web >< if eq .tag "v1.5.0" >a: b< end >< end >',
    ],
)
def test_a_digest_is_wherever_the_tag_is(line: str) -> None:
    assert other_use(line)


@pytest.mark.parametrize(
    ("image", "is_wrong"),
    [
        ("< .Values.web.image >", False),
        ('"< .Values.web.image >"', False),
        ('< required "an image" .Values.web.image | quote >', False),
        ('< .Values.web.image | default "redis" >', False),
        ("< tpl .Values.web.image . >", False),
        ("< with .Values.web ><< .image >>< end >".replace("<<", "<").replace(">>", ">"), False),
        ("< .Values.web.image >< with .Values.suffix >-< . >< end >", False),
        ("< .Values.web.image >< with .Values.set >-< . >< end >", True),
        ("< .Values.web.image >-alpine", True),
        ('< printf "%s-%s" .Values.web.image .Values.set >', True),
        ('< .Values.web.image | replace "app" "web" >', True),
        ('< .Values.web.image | replace ":v1.5.0" ":v1.6.0" >', True),
        ('< (split "@" .Values.web.image)._0 >', True),
        ('< regexReplaceAll "@.*" .Values.web.image "" >', True),
        ('< (splitList ":" .Values.web.image) | first >:v1', True),
        ("< .Values.web.image >:< .Values.set >", True),
        ("< .Values.web.image >@< .Values.set >", True),
        ("< .Values.web.image | trunc 20 >", True),
        ("x-< .Values.web.image >", True),
    ],
)
def test_an_image_in_one_value_is_printed_as_it_is(image: str, is_wrong: bool) -> None:
    assert bool(chart(f"image: {image}").misprint(WHOLE, has_digest=False)) == is_wrong


def test_an_image_in_one_value_is_not_taken_apart() -> None:
    text = 'image: < .Values.web.image >\nv: < (split ":" .Values.web.image)._1 >'
    assert not chart(text).misprint(WHOLE, has_digest=False)
    assert chart(text).other_use(WHOLE, extended="myorg/app:v1.5.0")
