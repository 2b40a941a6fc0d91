"""What an on-call engineer gets from `reconcile`: what is served now, the command that puts it right, since when."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ledger_tool.core.registry.drift import DriftClass, DriftFinding
from ledger_tool.core.registry.driftreport import report
from ledger_tool.core.registry.failon import FindingKind
from ledger_tool.core.registry.served import ServedFacts
from ledger_tool.render.reconcile import as_markdown
from tests.support.registries.registry import RealRegistry, real_registry
from tests.support.registries.world import World, classes
from tests.support.values.make import SOURCE
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
PREFIX = "org.opencontainers.image."
BOTH = ("linux/amd64", "linux/arm64")
REVISION = "1c18c0bf1be4f85bd9478f15d02b7c34e58072e6"
NAMED = {
    f"{PREFIX}source": "https://git.example.com/team/app", f"{PREFIX}revision": REVISION,
    f"{PREFIX}created": "2026-11-24T09:30:00Z",
}  # fmt: skip


def _findings(done: Outcome) -> dict[str, dict[str, Any]]:
    return {finding["tag"]: finding for finding in done.json["findings"]}


def _obeyed(world: World, command: str) -> Outcome:
    """Run a command of a report, as a person would who fills in what only a person can know."""
    filled = {"URL@COMMIT": SOURCE, "TEXT": "agreed"}
    done = Outcome(0, "", "")
    for step in command.split(" && "):
        words = [filled.get(word, word) for word in shlex.split(step)]
        if words[0] == "skopeo":
            words.insert(1, "--insecure-policy")
            ran = subprocess.run(words, capture_output=True, text=True, check=False)
            done = Outcome(ran.returncode, ran.stdout, ran.stderr)
        else:
            assert words[0] == "ledger"
            done = world.run(*words[1:], "--repo", world.upstream.url)
        if done.code:
            break
    return done


def test_each_command_of_a_report_puts_its_finding_right(world: World) -> None:
    pushed = ("moved", "missing", "gone")
    layouts = dict(zip(pushed, world.pushed(*pushed), strict=True))
    world.push("grown", "multi", BOTH[:1])
    assert world.publish("grown").code == 0
    world.push("latest", "first")
    assert world.publish("latest").code == 0
    for tag, text in (("moved", "another"), ("latest", "second"), ("pushed", "new")):
        world.push(tag, text, labels=NAMED)
    world.push("grown", "multi", BOTH)
    world.registry.delete_tag(world.image, "missing")
    world.registry.delete_manifest(world.image, layouts["gone"].digest)
    done = world.reconcile("--untracked", "--format", "json")
    findings = _findings(done)
    assert {tag: (finding["class"], finding["kind"]) for tag, finding in findings.items()} == {
        "moved": ("tag-moved", "drift"),
        "missing": ("tag-missing", "drift"),
        "grown": ("index-moved", "drift"),
        "gone": ("gone", "drift"),
        "latest": ("tag-moved", "housekeeping"),
        "pushed": ("untracked", "housekeeping"),
    }
    assert findings["latest"]["command"] == (
        f"ledger publish {world.image}:latest@{findings['latest']['served']} "
        f"--source https://git.example.com/team/app@{REVISION}"
    )
    for finding in findings.values():
        obeyed = _obeyed(world, finding["command"])
        assert obeyed.code == 0, (finding, obeyed.err)
    assert world.reconcile("--untracked").out == "6 in-sync\n"


def test_the_alternative_records_what_is_served(world: World) -> None:
    world.pushed("v1")
    world.push("v1", "another")
    (finding,) = world.reconcile("--format", "json").json["findings"]
    assert finding["alternative"].endswith("--source URL@COMMIT --force --reason TEXT")
    assert _obeyed(world, finding["alternative"]).code == 0
    assert world.reconcile().code == 0


def test_what_is_served_now_and_since_when_is_said_in_every_format(world: World, tmp_path: Path) -> None:
    world.pushed("v1")
    world.push("v1", "another", labels=NAMED)
    last, metrics, old = tmp_path / "last.json", tmp_path / "ledger.prom", "2026-01-02T03:04:05Z"
    report = world.reconcile("--format", "json").json
    last.write_text(json.dumps(report | {"at": old}))
    said = ("2026-11-24T09:30:00Z", "https://git.example.com/team/app", REVISION, "skopeo copy --multi-arch=index-only")
    for form in ("text", "json", "markdown", "junit"):
        done = world.reconcile("--format", form, "--previous", last, "--metrics", metrics)
        assert done.code == 1
        assert not [text for text in (*said, old) if text not in done.out], form
    assert not [text for text in said if text not in metrics.read_text()]
    (line,) = [line for line in metrics.read_text().splitlines() if line.startswith("ledger_reconcile_finding_since")]
    assert line.endswith('class="tag-moved",kind="drift"} 1767323045')
    assert report["findings"][0]["serves"] == {"created": said[0], "source": said[1], "revision": said[2]}


def test_nothing_is_read_where_nothing_may_be_explained(world: World) -> None:
    world.pushed("v1")
    world.push("v1", "another", labels=NAMED)
    (finding,) = world.reconcile("--format", "json", "--explain", "0").json["findings"]
    assert (finding["class"], finding["serves"]) == ("tag-moved", None)
    assert finding["alternative"].endswith(f"@{finding['served']} --source URL@COMMIT --force --reason TEXT")
    assert world.reconcile("--explain", "-1").code == 2


def test_what_an_image_says_about_itself_acts_on_nothing(world: World, tmp_path: Path) -> None:
    hostile = {
        f"{PREFIX}source": "https://u:TOKEN@h/x\x1b]0;x\x07|`@all`<img>$(id)\n::add-mask::",
        f"{PREFIX}revision": '"} 1\nevil{a="',
        f"{PREFIX}created": "\u202ex" * 1000,
    }
    world.pushed("v1")
    world.push("v1", "another", labels=hostile)
    for form in ("text", "json", "markdown", "junit"):
        done = world.reconcile("--format", form, "--metrics", tmp_path / "ledger.prom")
        assert not [text for text in ("\x1b", "\x07", "\u202e", "TOKEN", "\n::add-mask") if text in done.out]
        assert "--source URL@COMMIT" in done.out
    assert not [line for line in (tmp_path / "ledger.prom").read_text().splitlines() if line.startswith("evil")]
    assert len(world.reconcile("--format", "json").json["findings"][0]["serves"]["created"]) < 250


def test_a_source_that_a_shell_would_act_on_is_quoted(world: World) -> None:
    world.pushed("v1")
    odd = f"https://git.example.com/$(id);x@{REVISION}"
    world.push("v2", labels=NAMED | {f"{PREFIX}source": odd.partition("@")[0]})
    command = _findings(world.reconcile("--untracked", "--format", "json"))["v2"]["command"]
    assert shlex.split(command)[-1] == odd
    assert f"'{odd}'" in command


def test_since_when_a_finding_is_there_is_kept_from_report_to_report(world: World, tmp_path: Path) -> None:
    last = tmp_path / "last.json"
    world.pushed("v1", "v2")
    world.push("v1", "another")
    first = world.reconcile("--previous", last, "--save", last, "--format", "json")
    assert first.err == f"note: there is no {last} yet, so no finding says since when it is there\n"
    assert [finding["since"] for finding in first.json["findings"]] == [None]
    assert json.loads(last.read_text()) == first.json
    old = "2026-01-02T03:04:05Z"
    last.write_text(json.dumps(first.json | {"at": old}))
    world.push("v2", "another")
    second = world.reconcile("--previous", last, "--save", last, "--format", "json")
    assert {tag: finding["since"] == old for tag, finding in _findings(second).items()} == {"v1": True, "v2": False}
    assert _findings(second)["v2"]["since"] == second.json["at"]
    world.push("v1", "a third")
    third = _findings(world.reconcile("--previous", last, "--format", "json"))
    assert third["v1"]["since"] != old, "it moved again"
    assert third["v2"]["since"] == second.json["at"]


def test_a_file_that_is_no_report_is_a_usage_error(world: World, tmp_path: Path) -> None:
    last = tmp_path / "last.json"
    bad = ("", "[]", "{}", '{"findings": [{}]}', '{"findings": 7}', '{"at": "now", "findings": []}', "\xff", "{" * 99)
    for text in bad:
        last.write_bytes(text.encode("latin-1"))
        done = world.reconcile("--previous", last)
        assert (done.code, done.out) == (2, ""), text
        assert "--previous" in done.err
    assert world.reconcile("--previous", tmp_path).code == 2


def test_a_report_of_0_2_0_has_no_time_and_is_taken(world: World, tmp_path: Path) -> None:
    last = tmp_path / "last.json"
    world.pushed("v1")
    world.push("v1", "another")
    report = world.reconcile("--format", "json").json
    kept = ("class", "registry", "image", "tag", "platform", "ledger", "served", "reason")
    findings = [{name: finding[name] for name in kept} for finding in report["findings"]]
    last.write_text(json.dumps({"complete": True, "checked": 1, "summary": {}, "findings": findings}))
    assert world.reconcile("--format", "json", "--previous", last).json["findings"][0]["since"] is None


def test_housekeeping_fails_no_run_unless_asked_to(world: World) -> None:
    world.pushed("v1")
    world.push("old")
    assert world.publish("old", "--ttl", "1m", "--published-at", "2020-01-01T00:00:00Z").code == 0
    world.push("latest", "first")
    world.publish("latest")
    world.push("latest", "second")
    world.push("new")
    done = world.reconcile("--untracked", "--format", "json")
    assert (done.code, done.json["kinds"]) == (0, {"housekeeping": 3})
    assert "drift:" not in world.reconcile("--untracked").out
    for fail_on, code in (("housekeeping", 1), ("gone,tag-moved", 1), ("drift,index-moved", 0), ("unknown", 2)):
        assert world.reconcile("--untracked", "--fail-on", fail_on).code == code, fail_on
    suite = ET.fromstring(world.reconcile("--untracked", "--format", "junit", "--fail-on", "untracked").out.encode())
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "2")


def test_drift_can_be_kept_from_failing_a_run(world: World) -> None:
    world.pushed("v1")
    world.push("v1", "another")
    assert world.reconcile("--fail-on", "gone").code == 0
    assert world.reconcile("--fail-on", "gone,tag-moved").code == 1


def test_a_record_that_has_expired_and_is_gone_is_pruned(world: World) -> None:
    (layout,) = world.pushed("v1")
    world.push("old")
    world.publish("old", "--ttl", "1m", "--published-at", "2020-01-01T00:00:00Z")
    world.registry.delete_tag(world.image, "old")
    done = world.reconcile("--format", "json")
    assert (done.code, classes(done)) == (0, {"old linux/amd64": "tag-missing"})
    assert _obeyed(world, done.json["findings"][0]["command"]).code == 0
    assert world.reconcile().out == "1 in-sync\n"
    assert world.registry.has(world.image, layout.digest)


def test_a_mirror_is_repaired_from_the_registry_that_has_everything(
    world: World, open_registry: RealRegistry, tmp_path: Path
) -> None:
    with real_registry(tmp_path / "mirror") as mirror:
        both = (
            f"registries:\n  - host: {open_registry.url}\n    name: main\n"
            f"  - host: {mirror.url}\n    name: copy\n    prefix: cache/hub\n"
        )
        layout, _ = world.pushed("v1", "v2")
        world.upstream.commit_as_other_writer({"ledger.yaml": both.encode()})
        mirror.push(layout, f"cache/hub/{world.image}:v1")
        (finding,) = world.reconcile("--format", "json").json["findings"]
        assert (finding["registry"], finding["class"]) == ("copy", "gone")
        assert _obeyed(world, finding["command"]).code == 0
        assert world.reconcile().out == "4 in-sync\n"


TWO_ENTRIES = """
registries:
  - host: {url}
    images: ["a/*"]
    prefix: one
  - host: {url}
    images: ["a/*"]
    prefix: two
  - host: {url}
    images: ["a/*"]
    name: third
    prefix: three
reconcile:
  ignore: ["*:nightly-*"]
"""


@pytest.fixture
def three(ledger: Run, open_registry: RealRegistry, tmp_path: Path) -> World:
    """Return a world with one registry under three entries that differ in their prefix."""
    world = World.create(open_registry, tmp_path, ledger, settings=TWO_ENTRIES.format(url=open_registry.url))
    world.image = f"a/{world.image.partition('/')[0]}"
    return world


def _push(world: World, prefix: str, tag: str, text: str, **more: Any) -> str:
    digest: str = world.registry.push(world.layout(text, **more), f"{prefix}/{world.image}:{tag}")
    return digest


def test_each_entry_has_a_name_in_the_report_and_adopt_looks_where_the_tag_is(three: World) -> None:
    for prefix in ("one", "two", "three"):
        _push(three, prefix, "v1", "first")
    assert three.publish("v1").code == 0
    _push(three, "two", "v1", "other")
    by_prefix = {prefix: _push(three, prefix, f"only-{prefix}", prefix, labels=NAMED) for prefix in ("two", "three")}
    host = three.registry.host
    findings = three.reconcile("--untracked", "--format", "json").json["findings"]
    assert [(finding["class"], finding["registry"], finding["tag"]) for finding in findings] == [
        ("tag-moved", f"{host}/two", "v1"),
        ("untracked", f"{host}/two", "only-two"),
        ("untracked", "third", "only-three"),
    ]
    assert "--registry third" in findings[2]["command"]
    adopted = three.reconcile("--adopt", "--format", "json")
    assert adopted.code == 1
    assert sorted((one["registry"], one["class"]) for one in adopted.json["findings"] if one["tag"] != "v1") == [
        (f"{host}/one", "gone"), (f"{host}/one", "gone"), (f"{host}/two", "gone"), ("third", "gone"),
    ]  # fmt: skip
    records = {record["tag"]: record["digest"] for record in three.upstream.records()}
    assert (records["only-two"], records["only-three"]) == (by_prefix["two"], by_prefix["three"])


def test_a_registry_is_chosen_by_its_name(three: World) -> None:
    for prefix in ("one", "three"):
        _push(three, prefix, "v1", prefix)
    for name, code in (("third", 0), (f"{three.registry.host}/two", 3), ("fourth", 2)):
        assert three.publish("v1", "--registry", name).code == code, name
    (record,) = three.upstream.records()
    assert record["digest"] == three.registry.served(f"three/{three.image}:v1")


def test_the_command_for_another_registry_than_the_first_names_it(three: World) -> None:
    _push(three, "one", "v1", "first")
    _push(three, "third", "v1", "first")
    assert three.publish("v1").code == 0
    _push(three, "three", "new", "new")
    untracked = _findings(three.reconcile("--untracked", "--format", "json"))["new"]
    assert _obeyed(three, untracked["command"]).code == 0
    assert three.upstream.records()[0]["tag"] == "new"


def test_signatures_referrers_and_ignored_tags_are_no_findings(three: World) -> None:
    digest = _push(three, "one", "v1", "first")
    assert three.publish("v1").code == 0
    attached = digest.replace(":", "-")
    for tag in (f"{attached}.sig", f"{attached}.att", f"{attached}.sbom", attached, "nightly-1", "real"):
        _push(three, "one", tag, "note")
    findings = three.reconcile("--untracked", "--format", "json").json["findings"]
    assert [finding["tag"] for finding in findings if finding["class"] == "untracked"] == ["real"]


def test_two_names_of_one_repository_share_their_tags(world: World) -> None:
    """What is recorded under either name is tracked, and what is under none is listed once."""
    team = world.image.partition("/")[0]
    url = world.registry.url
    entries = ({"host": url, "images": [f"{team}/app"]}, {"host": url, "images": ["app"], "prefix": team})
    world.pushed("v1")
    world.push("v2")
    world.push("v3")
    world.upstream.commit_as_other_writer({"ledger.yaml": json.dumps({"registries": entries}).encode()})
    (record,) = world.upstream.records()
    both = [record | {"image": "app", "tag": "v2", "digest": world.registry.served(f"{world.image}:v2")}, record]
    content = {"schemaVersion": 1, "records": sorted(both, key=lambda one: one["image"])}
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    world.upstream.commit_as_other_writer({"ledger.json": text.encode()})
    findings = world.reconcile("--untracked", "--format", "json").json["findings"]
    assert [(finding["class"], finding["tag"]) for finding in findings] == [("untracked", "v3")]


def test_markdown_of_very_many_findings_fits_into_an_issue() -> None:
    kinds: list[tuple[DriftClass, FindingKind]] = [
        ("tag-moved", "drift"), ("expired", "housekeeping"), ("unknown", "unknown"),
    ]  # fmt: skip
    facts = ServedFacts(created="x" * 200, source="`" * 200, revision="|" * 200)
    findings = [
        DriftFinding(
            drift=drift, kind=kind, registry="r" * 200, image="i" * 200, tag=f"t{number}", platform="linux/amd64",
            ledger="sha256:" + "0" * 64, served="sha256:" + "1" * 64, reason="r" * 400, facts=facts,
            command="c" * 2500, alternative="a" * 2500,
        )
        for number in range(300)
        for drift, kind in kinds
    ]  # fmt: skip
    assert len("\n".join(as_markdown(report(findings)))) < 65_536
