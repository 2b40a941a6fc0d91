"""Marks: each comment that is meant as one is obeyed or reported, wherever it is."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.marks import Mark, find_marks
from ledger_tool.core.manifests.pin import judge_pin
from ledger_tool.core.manifests.rewrite import Judge, rewrite
from ledger_tool.core.manifests.tokens import TextDocument
from ledger_tool.core.policy.policy import Policy
from ledger_tool.edges.yaml.manifest_tokens import tokens
from tests.support.values.make import digest, ledger_of, record

CATALOGUE = Catalogue(
    Snapshot("", ledger_of(record("myorg/app", "v1.5.0", digest=digest("app"))), Policy()),
    Timestamp("2026-11-25T09:30:00Z"),
)
PIN = Judge(partial(judge_pin, catalogue=CATALOGUE))


def the_mark(comment: str) -> Mark | None:
    found = find_marks(comment, TextDocument(0, len(comment), 1)).all
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("said", "image", "style", "policy"),
    [
        ("ignore", False, "", "ignore"),
        ("image", True, "", ""),
        ("image, semver:^1", True, "", "semver:^1"),
        ("semver:^1, image", True, "", "semver:^1"),
        ("style:tag, semver:>=1 <2", False, "tag", "semver:>=1 <2"),
        ("semver:>=1 <2, style:tag", False, "tag", "semver:>=1 <2"),
        ("style:tag semver:^1", False, "tag", "semver:^1"),
        ("style:digest, image, tag:stable", True, "digest", "tag:stable"),
        ("tag:stable, style:digest, image", True, "digest", "tag:stable"),
        ("regex:v(?P<x>a{1,2})", False, "", "regex:v(?P<x>a{1,2})"),
        ("ignore # for now", False, "", "ignore"),
        ("ignore // for now", False, "", "ignore"),
        ("semver:>=1 /* for now */", False, "", "semver:>=1"),
    ],
)
@pytest.mark.parametrize(
    "form", ["# ledger: {}", "#ledger:{}", "x: 1 ## ledger: {}  ", "[// ledger: {}", "/* ledger: {} */"]
)
def test_a_mark_says_an_image_a_style_and_a_policy_in_any_order(
    form: str, said: str, image: bool, style: str, policy: str
) -> None:
    mark = the_mark(form.format(said))
    assert mark
    assert (mark.is_image, mark.style, mark.policy, mark.fault) == (image, style, policy, "")


@pytest.mark.parametrize(
    ("comment", "fault"),
    [
        ("# ledger:", "says nothing"),
        ("# Ledger: ignore", "a mark begins with `# ledger:`"),
        ("# ledger : ignore", "a mark begins with"),
        ("# ledger=ignroe", "a mark begins with"),
        ("# LEDGER: semver:^1", "a mark begins with"),
        ("# ledger: semver:^1,", "a comma with nothing beside it"),
        ("# ledger: image,", "a comma with nothing beside it"),
        ("# ledger: , image", "a comma with nothing beside it"),
        ("# ledger: semver:^1,, image", "a comma with nothing beside it"),
        ("# ledger: style:tag, style:tag", "one thing twice"),
        ("# ledger: style:tag, semver:^1, style:digest", "one thing twice"),
        ("# ledger: style:field", "is not a style"),
        ("# ledger: style=tag", "did you mean `style:tag`"),
        ("# ledger: Image", "did you mean `image`"),
        ("# ledger: ignore because", "write the reason behind another `#`"),
        ("# ledger: foo", "write `ignore`, `image`, `style:tag`, `style:digest` or a policy"),
    ],
)
def test_a_mark_with_a_slip_says_what_is_wrong(comment: str, fault: str) -> None:
    mark = the_mark(comment)
    assert mark
    assert fault in mark.fault


@pytest.mark.parametrize(
    "comment",
    [
        "# Ledger: the service for accounts",
        "# ledger image",
        "# the ledger: ignored by most",
        "# see docs/ledger: ignore",
        "# ledger",
        "http://ledger:80",
        "# Ledger: tag of it",
    ],
)
def test_what_a_comment_says_of_something_else_is_no_mark(comment: str) -> None:
    assert the_mark(comment) is None


@pytest.mark.parametrize(
    "comment",
    [
        "# pinned by hand. ledger: ignore", "# Ledger-ignore", "# ledger_ignore", "# ledger\uff1aignore",
        "# the ledger: ignore", "# see above, ledger = semver:^1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["{1} {0}\n", "{0}\n{1}\n"])
def test_a_slip_at_a_reference_is_reported_and_nothing_is_edited(comment: str, form: str) -> None:
    done = rewrite("a.yaml", form.format(comment, "- image: myorg/app:v1.5.0").encode(), tokens, PIN)
    assert not done.edits
    (note,) = done.notes
    assert note.is_fault
    elsewhere = rewrite("a.yaml", f"- image: myorg/app:v1.5.0\n- x: 1 {comment}\n".encode(), tokens, PIN)
    assert (len(elsewhere.edits), elsewhere.notes) == (1, [])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.json", '{"image":/* ledger: ignore */"myorg/app:v1.5.0"}'),
        ("a.json", '{"image": /* ledger: ignore */ "myorg/app:v1.5.0"}'),
        ("a.json", '{"image":"myorg/app:v1.5.0"/* ledger: ignore */}'),
        ("templates/a.yaml", "a:\n  image: myorg/app:v1.5.0 {{/* ledger: ignore */}}\n"),
        ("templates/a.yaml", "a:\n  {{/* ledger: ignore */}}\n  image: myorg/app:v1.5.0\n"),
        ("templates/a.yaml", "{{- /* ledger: ignore */ -}}\n{{/* why */}}\nimage: myorg/app:v1.5.0\n{{ .x }}\n"),
        ("templates/a.yaml", "{{ if .x }}\n{{/* ledger: ignore */}}\nimage: myorg/app:v1.5.0\n{{ end }}\n"),
    ],
)
def test_a_mark_counts_in_every_kind_of_comment_behind_and_above(path: str, text: str) -> None:
    done = rewrite(path, text.encode(), tokens, PIN)
    assert (done.edits, done.findings, done.notes) == ([], [], [])
    without = rewrite(path, text.replace("ledger: ignore", "why").encode(), tokens, PIN)
    assert [edit.new for edit in without.edits] == [f"myorg/app:v1.5.0@{digest('app')}"]


def test_a_marked_value_without_a_tag_is_reported() -> None:
    text = "env:\n- {{name: A, value: myorg/app}} {0}\n- {{name: B, value: 'myorg/app:v1.5.0'}} {0}\n"
    text = text.format("# ledger: image")
    done = rewrite("a.yaml", text.encode(), tokens, PIN)
    assert ([edit.line for edit in done.edits], [finding.kind for finding in done.findings]) == ([3], ["unpinned"])


IMAGE = "- image: myorg/app:v1.5.0"
LINES = st.sampled_from([IMAGE, f"{IMAGE} # app", "- x: 1", "", "# ledger: ignore", f"{IMAGE} # ledger: ignore"])
OTHERS = st.sampled_from(
    ["- x: {} # ledger: image", "- image: {} # ledger: ignore", "# Ledger: ignore", "# why", "# ledger:"]
)


@given(st.lists(LINES | OTHERS, min_size=1, max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_each_mark_is_obeyed_or_reported_with_its_line(lines: list[str], line_break: str) -> None:
    done = rewrite("a.yaml", (line_break.join(lines) + line_break).encode(), tokens, PIN)
    edited = {edit.line for edit in done.edits}
    said = {note.line for note in done.notes if note.is_fault}
    above: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        code, _, mark = line.partition("# ")
        if not code and mark:
            above.append((number, mark))
            continue
        marks = [*above, *([(number, mark)] if mark else [])] if code else above
        above = []
        if code.strip() == IMAGE:
            words = {mark for _, mark in marks} - {"why", "app"}
            assert (number in edited) == (not words)
            assert (number in said) == bool(words - {"ledger: ignore"})
        else:
            assert {at for at, mark in marks if mark not in ("why", "ledger:")} <= said
    assert {at for at, mark in above if mark not in ("why", "ledger:")} <= said
