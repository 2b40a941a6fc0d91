"""A review on a terminal, in a comment, and as JSON: it reads well, and nothing in a record breaks out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import permutations
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.token import Token

from ledger_tool.commands.diff import Diff
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.message import compose, parse_message
from ledger_tool.core.changes.promotion import promoted
from ledger_tool.core.judging.diff import Claims, TagChange, tag_changes
from ledger_tool.core.judging.files import ChangedFile
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Tag, Timestamp, parse_text
from ledger_tool.core.ledger.record import Record, from_json, to_json
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.writes.publish import publish
from ledger_tool.render import diff as render
from ledger_tool.render.diff_markdown import MARKDOWN_BYTES, as_markdown, as_request
from ledger_tool.render.view import View
from tests.render.test_markdown import NASTY, TEXTS
from tests.support.values.make import but, digest, draft, ledger_of, record, source
from tests.support.values.markdown import PARSER
from tests.support.values.profiles import example_count
from tests.support.values.strategies import digests, label_keys, reasons, record_fields, timestamps

AMD, ARM = "linux/amd64", "linux/arm64"
COMMENT = 65_536  # characters that GitHub takes
HTML = {"<details><summary>full digests</summary>\n", "</details>\n"}


def tokens(markdown: str) -> list[Token]:
    return [one for token in PARSER.parse(markdown) for one in (token, *(token.children or ()))]


def check(markdown: str) -> None:
    """Assert that the only HTML and links are ours, and that no word of others stands outside code."""
    depth = 0
    for token in tokens(markdown):
        assert token.type != "html_inline"
        assert token.type != "image"
        if token.type == "html_block":
            assert token.content in HTML
            depth += 1 if token.content.startswith("<details>") else -1
            assert depth in (0, 1)
        if token.type == "link_open":
            assert urlsplit(str(token.attrs["href"])).scheme in ("http", "https")
        if token.type == "text":
            assert re.fullmatch(r"[A-Za-z0-9 ,.:;()→_-]*", token.content), token.content
            assert not re.search(r"[0-9a-f]{7}|://|www\.", token.content)
    assert depth == 0


def mark(first: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str] | None]:
    return st.none() | st.builds(lambda value, reason: {first: value, "reason": reason}, values, TEXTS)


# Ledgers whose free texts are as bad as can be, in few places, so that two of them meet.
HOSTILE = st.lists(
    record_fields(
        image=st.sampled_from(["a", "a/b"]),
        tag=st.sampled_from(["v1", "v2"]),
        labels=st.dictionaries(label_keys, TEXTS, max_size=3).map(lambda labels: dict(sorted(labels.items()))),
        forced=mark("replaces", digests),
        yanked=mark("at", timestamps),
    ),
    max_size=4,
).map(lambda records: ledger_of(*{one.name: one for one in map(from_json, records)}.values()))


@example_count(200)
@given(HOSTILE, HOSTILE, st.sampled_from([MARKDOWN_BYTES, 1500]))
def test_nothing_in_any_record_breaks_out(old: Ledger, new: Ledger, limit: int) -> None:
    changes = tag_changes(old, new, Policy(mutable=("v2",)))
    markdown = as_markdown(changes, limit=limit, settings_changed=True)
    check(markdown)
    assert len(markdown.encode()) <= limit
    for line in render.as_text(Diff(changes, 0), View()):
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]|##[a-z]*\[", line)


def reviewed(old: list[Record], new: list[Record]) -> list[TagChange]:
    return tag_changes(ledger_of(*old), ledger_of(*new), Policy(mutable=("latest",)))


FROM, TO = (
    record("myorg/app", tag="latest", platform=AMD, digest=digest(seed), sourceRef=f"git@github.com:team/app@{at * 40}",
           labels={"version": version, "env": env}, dependsOn=[f"debian@{digest(f'debian {seed}')}"])
    for seed, at, version, env in (("a", "1", "1.4.0", "test"), ("b", "2", "1.5.0", "prod"))
)  # fmt: skip


def test_a_move_reads_well() -> None:
    def short(seed: str) -> str:
        return f"`{digest(seed)[:19]}`"

    def commit(at: str) -> str:
        return f"[`git@github.com:team/app@{at * 12}`](https://github.com/team/app/commit/{at * 40})"

    assert (
        as_markdown(reviewed([FROM], [TO]))
        == f"""\
**1 image:tag: 1 moved**

### `myorg/app`

**`latest`** moved (`{AMD}`), upgrade `1.4.0` → `1.5.0`

- digest: {short("a")} → {short("b")}
- source: {commit("1")} → {commit("2")}
- base image `debian`: {short("debian a")} → {short("debian b")}
- label `env`: `test` → `prod`
- label `version`: `1.4.0` → `1.5.0`
- [compare the source](https://github.com/team/app/compare/{"1" * 40}...{"2" * 40})

<details><summary>full digests</summary>

```text
digest: {digest("a")} → {digest("b")}
debian: {digest("debian a")} → {digest("debian b")}
```
</details>
"""
    )


def _values(field: str, value: Any) -> list[str]:
    """Return what has to be read of a field of a record."""
    match field:
        case "labels":
            return [text for pair in value.items() for text in pair]
        case "dependsOn":
            return [part for reference in value for part in reference.split("@")]
        case "sourceRef":
            return [value.rpartition("@")[2]]
        case "yanked":
            return [value["reason"]]
    return list(value.values()) if isinstance(value, dict) else [value]


def _to_be_read(old: Ledger, new: Ledger) -> Iterator[str]:
    """Yield what has to be read in a review: the digests and platforms of records that came or went, and more."""
    differences = compare(old, new)
    gone = {one.old.digest for one in differences if one.old}
    came = {one.new.digest for one in differences if one.new}
    for difference in differences:
        before, after = difference.old, difference.new
        if before is None or after is None or before.digest != after.digest:
            for record in filter(None, (before, after)):
                is_relabelled = record.digest in gone & came  # an image that goes on for another platform
                yield from filter(None, ("" if is_relabelled else record.digest, record.platform))
        if before and after and before.digest == after.digest:
            fields = to_json(before), to_json(after)
            for field in fields[0].keys() | fields[1].keys():
                values = [one.get(field) for one in fields]
                if values[0] == values[1]:
                    continue
                if field in ("labels", "provenance"):
                    values = [
                        dict(each.items() - other.items()) for each, other in permutations(v or {} for v in values)
                    ]
                if field == "dependsOn":
                    values = [sorted({*(each or ())} - {*(other or ())}) for each, other in permutations(values)]
                yield from (text for value in values if value for text in _values(field, value))


SIBLINGS = st.dictionaries(
    st.sampled_from([AMD, ARM]),
    st.fixed_dictionaries(
        {"digest": st.sampled_from([digest("a"), digest("b")])},
        optional={
            "index": st.sampled_from([digest("i"), digest("j")]),
            "config": st.sampled_from([digest("c"), digest("d")]),
            "publishedAt": st.sampled_from(["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]),
            "sourceRef": st.sampled_from([source(1), source(2)]),
            "labels": st.sampled_from([{"env": "prod"}, {"env": "test"}, {"team": "core", "env": "prod"}]),
            "dependsOn": st.sampled_from([["debian"], [f"debian@{digest('e')}"], [f"debian@{digest('f')}", "alpine"]]),
            "ttl": st.sampled_from(["7d", "8d"]),
            "provenance": st.sampled_from([{"digest": digest("p")}, {"digest": digest("p"), "builder": "https://ci"}]),
            "version": st.sampled_from(["v1.4.2", "v1.4.3"]),
            "forced": st.sampled_from(
                [{"replaces": digest(seed), "reason": why} for seed in "kb" for why in ("CVE", "typo")]
            ),
            "yanked": st.sampled_from([{"at": "2026-01-01T00:00:00Z", "reason": why} for why in ("crashes", "slow")]),
        },
    ),
)
LEDGERS = st.builds(
    lambda siblings, is_whole: ledger_of(
        *(
            record("app", "v1", platform=None if is_whole else platform, **fields)
            for platform, fields in list(siblings.items())[: 1 if is_whole else None]
        )
    ),
    SIBLINGS,
    st.booleans(),
)


@example_count(400)
@given(LEDGERS, LEDGERS)
def test_every_field_that_changed_and_every_record_that_came_or_went_is_read(old: Ledger, new: Ledger) -> None:
    changes = tag_changes(old, new, Policy())
    text = "\n".join(render.as_text(Diff(changes, 0), View()))
    markdown = as_markdown(changes)
    for value in _to_be_read(old, new):
        assert value in text, value
        assert value in markdown or value[:19] in markdown or value[:12] in markdown, value


def test_a_terminal_has_it_in_whole_and_in_colour() -> None:
    lines = list(render.as_text(Diff(reviewed([FROM], [TO]), 0), View()))
    assert lines[:5] == [
        "1 image:tag: 1 moved", "", "myorg/app", f"  moved   latest ({AMD}), upgrade 1.4.0 → 1.5.0",
        f"    digest: {digest('a')} → {digest('b')}",
    ]  # fmt: skip
    assert lines[-1] == f"    compare: https://github.com/team/app/compare/{'1' * 40}...{'2' * 40}"
    coloured = list(render.as_text(Diff(reviewed([FROM], [TO]), 0), View(colour=True)))
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured] == lines != coloured


def test_a_forced_move_is_said_first_and_so_is_one_that_nothing_explains() -> None:
    old = [record("z"), record("y")]
    new = [
        record("z", digest=digest("b"), forced={"replaces": digest(), "reason": "a `CVE` of @debian"}),
        record("y", digest=digest("b")),
    ]
    found = as_markdown(reviewed(old, new))
    assert found.startswith("**2 image:tags: 2 moved (1 by force)**\n")
    assert "- **forced: ``a `CVE` of @debian``**\n" in found
    assert "- **this tag is immutable, and nothing explains why it moves**\n" in found
    pulled = as_markdown(reviewed([record("z", index=digest("i"))], [record("z", index=digest("j"))]))
    assert "- **it is pulled by another digest; `ledger check --registry` shows whether" in pulled
    text = "\n".join(render.as_text(Diff(reviewed(old, new), 0), View(colour=True)))
    assert "\x1b[31mforced: a `CVE` of @debian\x1b[0m" in text


def test_what_is_added_and_removed_stands_alone() -> None:
    found = as_markdown(reviewed([record("gone")], [record("new")]))
    assert f"- digest: `{digest()[:19]}`\n" in found
    assert "→" not in found
    assert as_markdown([]) == "**no record changes**\n"


def test_settings_that_change_are_pointed_at() -> None:
    assert "`ledger.yaml` also changes" in as_markdown([], settings_changed=True)
    assert "`ledger.yaml` also changes" in "\n".join(render.as_text(Diff([], 0, settings_changed=True), View()))


@pytest.mark.parametrize("count", [1, 10, 45, 300, 1500])
def test_a_comment_has_room_for_it_whatever_its_size(count: int) -> None:
    old = [record(f"app-{at:05}", "latest", sourceRef=source(at)) for at in range(count)]
    new = [but(one, digest=digest("b"), labels={"env": "é" * 200}) for one in old]
    marks = {"replaces": digest(), "reason": "CVE"}
    forced = [record("zzz", f"v{at}") for at in range(3)]
    found = as_markdown(
        reviewed([*old, *forced], [*new, *(but(one, digest=digest("f"), forced=marks) for one in forced)])
    )
    assert len(found) <= len(found.encode()) <= MARKDOWN_BYTES < COMMENT
    assert found.count("\n") <= max(60, (count + 3) * 60 // 50)
    check(found)
    assert found.count("forced: `CVE`") == (1 if count == 1 else 0 if count == 1500 else 3)
    assert found.count(", **forced**") == (3 if count == 1500 else 0)
    assert found.startswith(f"**{count + 3} image:tags")
    assert found.count("| `app-") == count
    assert found.count("<details>") == (1 if count == 1 else 0)
    assert ("omitted here" in found) == (count > 1)


@st.composite
def reviews(draw: st.DrawFn) -> tuple[list[Record], list[Record]]:
    """Give what a pull request does to many tags of few or many images, of one or of several sources and platforms."""
    images, tags = draw(st.integers(1, 60)), draw(st.integers(1, 4))
    sources = draw(st.integers(1, 3))
    platforms: list[str | None] = draw(st.sampled_from([[None], [AMD, ARM]]))
    name = draw(st.sampled_from(["app", "a/" * 60 + "b"]))
    old, new = [], []
    for at in range(images * tags):
        kind = draw(st.sampled_from(["added", "moved", "removed", "updated", "forced"]))
        facts: dict[str, Any] = {"sourceRef": source(at % sources), "dependsOn": [f"debian@{digest(at % sources)}"]}
        for platform in platforms:
            one = record(f"{name}-{at // tags}", f"1.0.{at}", platform=platform, digest=digest((at, platform)), **facts)
            marks = {"replaces": one.digest, "reason": "@CVE"} if kind == "forced" else None
            moved = but(one, digest=digest((at, platform, "b")), sourceRef=source("new"), forced=marks)
            old += [one] * (kind != "added")
            new += {"removed": [], "added": [one], "updated": [but(one, ttl="7d")]}.get(kind, [moved])
    return old, new


@example_count(40)
@given(reviews())
def test_every_image_is_named_in_at_most_60_lines_for_each_50_records(both: tuple[list[Record], list[Record]]) -> None:
    old, new = both
    changes = tag_changes(ledger_of(*old), ledger_of(*new), Policy(mutable=("*",)))
    found = as_markdown(changes, settings_changed=True)
    check(found)
    records = sum(len(change.effects) for change in changes)
    assert found.count("\n") <= max(60, records * 60 // 50)
    assert len(found) <= COMMENT
    images = {change.name.image for change in changes}
    named = {token.content for token in tokens(found) if token.type == "code_inline"}
    assert all(image in named or any(one.startswith(f"{image}:") for one in named) for image in images)
    if "image:tags are omitted" not in found:
        assert all(named & {change.name.tag, str(change.name)} for change in changes)


@example_count(40)
@given(reasons)
def test_a_request_ends_with_its_commit_s_message_and_nothing_in_that_acts(reason: str) -> None:
    old = ledger_of(record())
    change = publish(
        Snapshot("", old, Policy()), [draft(digest=digest("b"))], force_reason=parse_text(reason, "reason")
    )
    body = as_request(tag_changes(old, change.ledger, Policy()), compose(change))
    check(body.replace("***", ""))
    (block,) = parse_message(f"Another title (#1)\n\n{body}").blocks
    assert (block.verb, block.reason.split()) == ("publish", reason.split())


def test_tags_of_one_source_and_base_are_one_entry() -> None:
    aliases = [record(tag=tag, digest=digest("b"), sourceRef=source(2)) for tag in ("v1.5.0", "v1.5", "v1")]
    found = as_markdown(reviewed([], aliases))
    assert "**`v1`, `v1.5`, `v1.5.0`** added\n" in found
    assert found.count("- source: ") == found.count("- digest: ") == 1
    others = [record(tag=tag, digest=digest(tag), sourceRef=source(2), labels={"os": tag}) for tag in ("v1-a", "v1-b")]
    found = as_markdown(reviewed([], others))
    assert "**2 tags** added\n" in found
    assert f"- `v1-a`: `{digest('v1-a')[:19]}`; label `os`: `v1-a`\n" in found
    assert found.count("- source: ") == 1
    assert f"myorg/app:v1-b digest: {digest('v1-b')}\n" in found


@pytest.mark.parametrize(("limit", "shown"), [(3800, 100), (2700, 100), (1500, 45)])
def test_images_beyond_all_room_are_named_without_a_table_or_counted(limit: int, shown: int) -> None:
    forced = record("zzz", digest=digest("b"), forced={"replaces": digest(), "reason": "CVE"})
    added = [record(f"application-{at:04}") for at in range(100)]
    found = as_markdown(reviewed([record("zzz")], [forced, *added]), limit=limit)
    check(found)
    assert len(found) <= limit
    assert ("| `application-0000` | 1 added |" in found) is (limit == 3800)
    named = found.count("`application-")
    more = re.search(r"and ([0-9]+) more", found)
    assert named >= shown
    assert named + (int(more[1]) if more else 0) == 100
    assert ("**forced: `CVE`**" in found) is (limit > 1500)


def test_one_image_can_not_push_the_others_out() -> None:
    huge = {f"label-{at}": "x" * 1024 for at in range(200)}
    forced = but(record("a"), digest=digest("b"), forced={"replaces": digest(), "reason": "y" * 1024}, labels=huge)
    platforms = [record("p", platform=f"linux/cpu{at}") for at in range(2000)]
    found = as_markdown(reviewed([record("a")], [forced, record("b"), *platforms]))
    check(found)
    assert "- and 176 more; `ledger diff` shows them\n" in found
    assert "omitted here" not in found
    assert "y" * 1024 in found
    assert "and 1995 more)" in found


@pytest.mark.parametrize("nasty", NASTY)
def test_headline_kinds_and_titles_are_ours_alone(nasty: str) -> None:
    """What looks like a version is one only as far as it is plain."""
    old, new = (record(tag="latest", digest=digest(at), labels={"version": f"{at}.0.0-{nasty}"}) for at in "12")
    check(as_markdown(reviewed([old], [new])))


def test_other_files_are_named_in_text_and_in_one_bounded_line_of_markdown() -> None:
    files = [ChangedFile(".gitattributes", "100644", "100644"), ChangedFile("<b>@x</b>\n# y", "", "120000")]
    text = list(render.as_text(Diff([], 0, files=files), View()))
    assert text[1:] == [
        "another file changes: .gitattributes (changed)",
        "another file changes: <b>@x</b>\\n# y (added, a symbolic link)",
    ]
    markdown = as_markdown([], files=files)
    assert "**Other files change:** `.gitattributes` (changed), `<b>@x</b>\\n# y` (added, a symbolic link)" in markdown
    many = as_markdown([], files=[ChangedFile(f"docs/{number}.md", "", "100644") for number in range(5000)])
    assert many.count("\n") == 3
    assert "4990 more" in many


VERSIONS = [
    record(
        f"myorg/{image}", f"v1.{n}.0", digest=digest((image, n)), sourceRef=f"https://github.com/team/app@{str(n) * 40}"
    )
    for image in ("app", "web")
    for n in (4, 5)
]


def prod(*versions: Record) -> list[Record]:
    return list(promoted(versions, Tag("prod"), Timestamp("2026-11-26T00:00:00Z")))


def test_a_promotion_is_one_line_an_image_below_its_environment_and_one_with_a_reason_comes_first() -> None:
    app4, app5, web4, _ = VERSIONS
    claims = Claims(reason_of=lambda effect: "hot @fix" if effect.name.image == "myorg/app" else "")
    old, new = ledger_of(*VERSIONS, *prod(app5)), ledger_of(*VERSIONS, *prod(app4, web4))
    changes = tag_changes(old, new, Policy(), claims=claims)
    url = f"https://github.com/team/app/compare/{'5' * 40}...{'4' * 40}"
    assert list(render.as_text(Diff(changes, 0), View())) == [
        "2 image:tags: 2 promoted",
        "",
        "environment prod",
        f"  promoted myorg/app, DOWNGRADE v1.5.0 → v1.4.0  {url}",
        "    reason: hot @fix",
        "  promoted myorg/web, none → v1.4.0",
    ]
    found = as_markdown(changes)
    check(found)
    assert (
        found
        == f"""\
**2 image:tags: 2 promoted**

### environment `prod`

- **`myorg/app`** promoted, DOWNGRADE `v1.5.0` → `v1.4.0`, **reason: `hot @fix`**, [compare the source]({url})
- **`myorg/web`** promoted, none → `v1.4.0`
"""
    )
    shown = json.loads(render.as_json(Diff(changes, 0)))["changes"]
    told = [[one[name] for name in ("kind", "tag", "version", "replacesVersion", "reason")] for one in shown]
    assert told == [["promoted", "prod", "v1.4.0", "v1.5.0", "hot @fix"], ["promoted", "prod", "v1.4.0", None, None]]


@pytest.mark.parametrize("count", [1, 60, 300, 1500])
def test_a_whole_set_has_room_and_names_every_image(count: int) -> None:
    old = [record(f"app-{at:05}", "v1", sourceRef=f"https://github.com/team/app@{'4' * 40}") for at in range(count)]
    new = [but(one, tag="v2", digest=digest("b"), sourceRef=f"https://github.com/team/app@{'5' * 40}") for one in old]
    versions = [*old, *new]
    changes = tag_changes(ledger_of(*versions, *prod(*old)), ledger_of(*versions, *prod(*new)), Policy())
    found = as_markdown(changes)
    check(found)
    assert len(found.encode()) <= MARKDOWN_BYTES
    assert found.count("\n") <= max(60, count * 60 // 50)
    assert all(f"app-{at:05}" in found for at in range(count))
    text = list(render.as_text(Diff(changes, 0), View()))
    assert len(text) == 3 + count


def test_what_is_taken_out_of_an_environment_is_a_line_too_and_apart_from_what_it_gets() -> None:
    app4, _, web4, _ = VERSIONS
    old, new = ledger_of(*VERSIONS, *prod(app4)), ledger_of(*VERSIONS, *prod(web4))
    changes = tag_changes(old, new, Policy())
    assert list(render.as_text(Diff(changes, 0), View()))[2:] == [
        "environment prod",
        "  removed  myorg/app, it had v1.4.0",
        "  promoted myorg/web, none → v1.4.0",
    ]
    found = as_markdown(changes)
    check(found)
    assert "- **`myorg/app`** removed, it had `v1.4.0`\n\n**1 image** promoted\n\n- **`myorg/web`** promoted" in found
