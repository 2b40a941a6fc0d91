"""Whatever a manifest looks like: only the references change, and what cannot be told stays as it is."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.manifests import events, find
from ledger_tool.core.manifests.bump import BumpRules, judge_bump
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.find import find_sites
from ledger_tool.core.manifests.hint import may_have_sites
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.pin import judge_pin
from ledger_tool.core.manifests.policyrules import parse_rule
from ledger_tool.core.manifests.rewrite import Judge, Rewritten, rewrite
from ledger_tool.core.manifests.tokens import TextDocument, TextFault
from ledger_tool.core.manifests.yamltree import plain_type, tree
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.edges.yaml.manifest_tokens import tokens
from tests.support import EXAMPLES
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.manifests import manifests
from tests.support.values.profiles import example_count

D = digest("app")
LEDGER = ledger_of(
    record("myorg/app", "v1.5.0", digest=D),
    record("myorg/app", "1.10", digest=digest("new"), publishedAt="2026-11-25T00:00:00Z"),
)
CATALOGUE = Catalogue(Snapshot("", LEDGER, Policy()), Timestamp("2026-11-25T09:30:00Z"))
PIN = Judge(partial(judge_pin, catalogue=CATALOGUE), CATALOGUE.ours)
RULES = BumpRules(rules=[parse_rule("newest")])
BUMP = Judge(partial(judge_bump, catalogue=CATALOGUE, rules=RULES), CATALOGUE.ours)
_FILES = sorted(path for path in (EXAMPLES / "manifests/cases").glob("*/before/**/*") if path.is_file())


def pinned(text: str) -> Rewritten:
    return rewrite("a.yaml", text.encode("utf-8", "surrogatepass"), tokens, PIN)


def without_digests(text: str) -> str:
    """Take out what pinning puts in: digests behind tags, and fields of their own."""
    text = re.sub(rf"(?:,[ \t]*|,[\r\n]+[ \t]*|[\r\n]+[ ]*)[\"']?digest[\"']?: ?[\"']?{D}[\"']?", "", text)
    return text.replace(f"@{D}", "")


@given(manifests())
def test_a_pinned_manifest_is_the_old_one_outside_of_its_digests(text: str) -> None:
    done = pinned(text)
    if done.content is None:
        return
    new = done.content.decode()
    assert new != text
    assert without_digests(new) == text
    again = rewrite("a.yaml", done.content, tokens, PIN)
    assert (again.content, again.edits) == (None, [])


@given(manifests())
def test_a_pinned_manifest_says_the_same_but_for_its_digests(text: str) -> None:
    """A second opinion: ruamel's whole loader, which shares its scanner alone with what is tested."""
    done = pinned(text)
    if done.content is None or "!custom" in text:
        return

    def load(raw: str) -> object:
        yaml = YAML(typ="safe", pure=True)
        yaml.allow_duplicate_keys = True
        yaml.composer.warn_double_anchors = False
        return [_plain(one) for one in yaml.load_all(raw.removeprefix("\ufeff").replace("\t", " "))]

    assert _without(load(done.content.decode())) == _without(load(text))


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else str(value)


def _without(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without(inner) for key, inner in value.items() if inner != D}
    if isinstance(value, list):
        return [_without(inner) for inner in value]
    return value.replace(f"@{D}", "") if isinstance(value, str) else value


@given(manifests())
def test_a_bumped_manifest_names_the_new_tag_and_digest_together(text: str) -> None:
    done = rewrite("a.yaml", text.encode(), tokens, BUMP)
    if done.content is None:
        return
    assert rewrite("a.yaml", done.content, tokens, BUMP).content is None
    changed = done.content.decode()
    assert changed.count(digest("new")) >= 1
    assert "tag: 1.10" not in changed, "it would be the number 1.1"


_keys = st.sampled_from(
    ["image", '"image"', "'image'", '"im\\u0061ge"', "? image\n{i}", '? "ima\\\n{i}  ge"\n{i}', "image ", "repository",
     "tag", "name", "type", "description", "default", "container", "jobs", "uses", "images", "newTag", "digest",
     "&k image", "*k ", "title", "imageTag", "reference", "x-y", "properties", "version", "repo", "sidecarImage",
     "image_name", "app.image", "appRepository", "appTag", "REPO", "TAG", "bundle", "taskRef", "pipe", "newName",
     "steps", "params", "parameters", "helm", "kustomize", "value", "operator", '"val\\u0075e"', "services", "<<",
     "my image", "a/image", "image#", "Image", "IMAGES", "targetImage", "path", "op", "kind", "from", "set", "images",
     "volumes", "source"]
)  # fmt: skip
_values = st.sampled_from(
    ["myorg/app", "myorg/app:v1.5.0", "v1.5.0", "", "docker://a/b", '"docker:\\/\\/a/b"', "x # y", "bundle",
     "app.image.tag", "app.repo", "operator", "r.io/a/b:1", "r.io/a/b", "a:1 # ledger: image", "&v x", "*v",
     '"bun\\u0064le"', "x=a:1",
     "{name: bundle, value: myorg/app:v1.5.0}", "{name: app.repo, value: myorg/app}", "{name: app.tag, value: v1.5.0}",
     "[myorg/app:v1.5.0]", "${X:-myorg/app:v1}", "/spec/image", '"/spec/\\u0069mage"', "add", "DockerImage",
     "docker-image://myorg/app:v1", "myorg/app:{{ t }}", "{op: add, path: /spec/image, value: myorg/app:v1}",
     "{kind: DockerImage, name: myorg/app:v1}", "{type: x, a: myorg/app:v1}", "!Sub 'myorg/app:${T}'",
     "{type: image, source: myorg/app:v1.5.0}", "[{type: image, source: r.io/a/b:1}, {name: a, <<: *v}]"]
)  # fmt: skip


@st.composite
def _nested(draw: st.DrawFn, indent: str = "", depth: int = 0) -> str:
    """Return a mapping of the keys of images and of schemas."""
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        key = draw(_keys).replace("{i}", indent)
        below = depth < 3 and draw(st.booleans())
        value = (
            "\n" + draw(_nested(indent + draw(st.sampled_from(["  ", "- "])), depth + 1)) if below else draw(_values)
        )
        lines.append(f"{indent}{key}: {value}")
    first, *rest = lines
    return "\n".join([first, *(line.replace("- ", "  ") for line in rest)])


_SERVING = Policy(registries=(Registry("r.io"),), manifest_keys=("operator",))
_OURS = Catalogue(Snapshot("", LEDGER, _SERVING), Timestamp("2026-11-25T09:30:00Z")).ours


_paths = st.sampled_from(["a.yaml", "cloudbuild.yaml", ".gitlab-ci.yml"])


@given(_nested(), st.sampled_from([CATALOGUE.ours, _OURS]), _paths)
@example("image:\n  type: x\n  name: myorg/app\n  tag: v1.5.0\n", CATALOGUE.ours, "a.yaml")
@example("properties: 1\nimage:\n  type: x\n  name: myorg/app:v1.5.0\n", CATALOGUE.ours, "a.yaml")
@example("properties: &a\n  name: myorg/app:v1.5.0\nimage:\n  type: x\n  <<: *a\n", CATALOGUE.ours, "a.yaml")
@example('{"image" # c\n: myorg/app:v1.5.0}', CATALOGUE.ours, "a.yaml")
@example("properties: 1\nimage: {type: x, ? name : myorg/app:v1.5.0}", CATALOGUE.ours, "a.yaml")
@example('? "ima\\\n  ge"\n: myorg/app:v1.5.0\n', CATALOGUE.ours, "a.yaml")
@example('jobs:\n  a:\n    uses: "docker:\\/\\/myorg/app:v1.5.0"\n', CATALOGUE.ours, "a.yaml")
@example_count(500)
def test_a_text_that_is_not_parsed_names_no_image(text: str, ours: OurImages, path: str) -> None:
    try:
        sites = find_sites(path, text, tree(tokens(text, TextDocument(0, len(text), 1))), ours).sites
    except TextFault:
        return
    assert may_have_sites(text, ours) or not sites, text


@given(_nested(), st.sampled_from([CATALOGUE.ours, _OURS]), _paths)
@example("- {name: operator, value: myorg/app:v1.5.0}\n", _OURS, "a.yaml")
@example("steps: [{name: r.io/a/b:1}]\n", _OURS, "a.yaml")
@example("helm: {parameters: [{name: app.image, value: r.io/a/b:1}]}\n", _OURS, "a.yaml")
@example("volumes: [{type: image, source: r.io/a/b:1}]\n", _OURS, "a.yaml")
@example(
    "volumes: [{type: image, <<: &v {source: r.io/a/b:1}}, {name: operator, value: r.io/a/b:1}]\n", _OURS, "a.yaml"
)
@example("volumes:\n  - configMap: docker-image://r.io/a/b:1\n  - name: r.io/a/b:1\n", _OURS, "a.yaml")
@example_count(200)
def test_a_mapping_or_list_that_is_passed_over_names_no_image(text: str, ours: OurImages, path: str) -> None:
    try:
        roots = tree(tokens(text, TextDocument(0, len(text), 1)))
    except TextFault:
        return
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(find, "_may_name_image", lambda *_: True)
        patched.setattr(find, "_may_list_images", lambda *_: True)
        patched.setattr(find, "_telling", lambda *_: None)
        everything = find_sites(path, text, roots, ours)
    assert find_sites(path, text, roots, ours) == everything


_EMPTY_TAGS = [
    ("{repository: myorg/app, tag: } # M", '{repository: myorg/app, tag: "1.10", digest: NEW } # M'),
    ("{tag: , repository: myorg/app} # M", '{tag: "1.10", digest: NEW , repository: myorg/app} # M'),
    ("repository: myorg/app # M\ntag:", 'repository: myorg/app # M\ntag: "1.10"\ndigest: NEW'),
    ("repository: myorg/app\ntag: # M\n\n# d", 'repository: myorg/app\ntag: "1.10" # M\ndigest: NEW\n\n# d'),
    (
        "tag: \t\r\nrepository: myorg/app # M\r\n",
        'tag: "1.10" \t\r\ndigest: NEW\r\nrepository: myorg/app # M\r\n',
    ),
]


@pytest.mark.parametrize(("text", "expected"), _EMPTY_TAGS)
def test_a_tag_without_a_value_is_filled_in_where_a_mark_asks_and_its_digest_added_after_it(
    text: str, expected: str
) -> None:
    """An empty tag says that the chart decides, by its `appVersion` as a rule; only the owner of the line overrules."""
    done = rewrite("values.yaml", text.replace("# M", "# ledger: newest").encode(), tokens, BUMP)
    marked = expected.replace("# M", "# ledger: newest").replace("NEW", digest("new"))
    assert (done.content or b"").decode() == marked


@pytest.mark.parametrize("text", [text for text, _ in _EMPTY_TAGS])
@pytest.mark.parametrize("judge", [PIN, BUMP])
def test_a_tag_without_a_value_is_the_charts_business(text: str, judge: Judge) -> None:
    done = rewrite("values.yaml", text.encode(), tokens, judge)
    assert (done.content, done.findings, done.fixable) == (None, [], [])
    assert (done.counts.references, done.counts.left) == (1, 1)
    assert [note.message for note in done.notes] == ["myorg/app has no tag here: its chart chooses the version"]


_MARKERS = st.sampled_from(
    [
        '# {"$imagepolicy": "flux-system:app"}', '#{"$imagepolicy":"flux-system:app:tag"}', "# kpt-set: ${image}",
        '# {"$kpt-set":"image"}', '# {"$ref":"#/definitions/io.k8s.cli.setters.image"}', '# {"$openapi":"image"}',
        "# x-release-please-version", "# see docs, x-release-please-major",
    ]
)  # fmt: skip


@given(manifests(), _MARKERS, st.sampled_from([PIN, BUMP]))
def test_what_another_tool_sets_is_left_as_it_is(text: str, marker: str, judge: Judge) -> None:
    """Every line with an image gets a marker at its end; folded ones, which have no end to put it at, are left out.

    So are images that are to be ignored, which no note tells of.
    """
    if ">" in text or "|" in text or "ignore" in text:
        return
    marked = re.sub(r"(?m)((?:image|repository): [^\r\n]*?)(?:[ \t]+#[^\r\n]*|[ \t]+)?(?=\r?$)", rf"\1 {marker}", text)
    done = rewrite("a.yaml", marked.encode(), tokens, judge)
    assert (done.content, done.findings) == (None, []), marked
    assert judge is BUMP or len(done.notes) == done.counts.references


@given(st.sampled_from(_FILES), st.randoms(use_true_random=False), st.integers(0, 6))
@example_count(200)
def test_a_damaged_manifest_is_a_note_or_is_pinned_right(path: Path, chance: Random, count: int) -> None:
    text = path.read_bytes().decode("utf-8", "replace").replace("registry.example.com/", "")
    for _ in range(count):
        at = chance.randrange(len(text) + 1)
        piece = chance.choice(["", "\n", " ", "\t", "'", '"', "{", "]", "*a", "&a ", ": ", "- ", "#", "---\n", "|\n"])
        text = text[:at] + piece + text[at + chance.randrange(3) :]
    done = pinned(text)
    if done.content is None:
        return
    new = done.content.decode()
    assert without_digests(new) == without_digests(text) or "digest" in text or "sha" in text or "imageTag" in text


def test_a_document_of_too_many_values_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_TOKENS", 10)
    (note,) = pinned("image: myorg/app:v1.5.0\n---\nimage: myorg/app:v1.5.0\na: [1, 2, 3,\n 4, 5]\n").notes
    assert (note.line, note.message, note.is_fault) == (
        5, "not read: a document of more than 10 keys and values", True,
    )  # fmt: skip


@given(st.text(max_size=60).map(lambda text: f"image: myorg/app:v1.5.0\n{text}"))
def test_any_text_is_handled(text: str) -> None:
    done = pinned(text)
    assert done.content is not None or done.notes or done.findings or not done.edits


@pytest.mark.parametrize(
    ("value", "is_text"),
    [
        ("v1.5.0", True), ("1.5.0", True), ("latest", True), ("sha256:00", True), ("1.5.0-rc.1", True),
        ("main-12", True), ("2024.01.15", True), ("1a", True), ("e10", True), ("a:1", True), ("1.2.3.4", True),
        ("1.10", False), ("7", False), ("1e3", False), ("0x1F", False), ("0o17", False), ("1_000", False),
        ("190:20:30", False), ("2024-01-15", False), ("yes", False), ("No", False), ("null", False), ("~", False),
        (".5", False), (".inf", False), ("", False), ("12e03", False), ("0b11", False), ("1.", False), ("y", False),
    ],
)  # fmt: skip
def test_what_any_yaml_reader_takes_for_something_else_is_known(value: str, is_text: bool) -> None:
    assert (plain_type(value) == "") is is_text


@pytest.mark.parametrize("also", ["name: redis:7", "reference: redis:7"])
def test_an_image_of_several_fields_is_named_once(also: str) -> None:
    done = pinned(f"image:\n  repository: myorg/app\n  tag: v1.5.0\n  {also}\n")
    assert [edit.image for edit in done.edits] == ["myorg/app"]
    assert done.findings == []
