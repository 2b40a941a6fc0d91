"""`reconcile` against a real registry that changed behind the ledger's back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.git.servers import free_port
from tests.support.registries.registry import RealRegistry, real_registry
from tests.support.registries.world import World, classes
from tests.support.values.make import digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

BOTH = ("linux/amd64", "linux/arm64")
PREFIX = "org.opencontainers.image."
Run = Callable[..., Outcome]
FROM = {f"{PREFIX}source": "https://git.example.com/team/app", f"{PREFIX}revision": "a" * 40}


@pytest.fixture(scope="module")
def built() -> list[World]:
    """Return where the world of `drifted` is kept."""
    return []


@pytest.fixture
def drifted(
    built: list[World], open_registry: RealRegistry, tmp_path_factory: pytest.TempPathFactory, ledger: Run
) -> World:
    """Return a world in which every class is there for real; it is for tests that change nothing."""
    if not built:
        built.append(_drifted(World.create(open_registry, tmp_path_factory.mktemp("drifted"), ledger)))
    return replace(built[0], run=ledger)


def _drifted(world: World) -> World:
    layouts = dict(zip(("ok", "moved", "untagged", "gone", "hollow"), world.pushed(
        "ok", "moved", "untagged", "gone", "hollow"), strict=True))  # fmt: skip
    world.push("index", "multi", BOTH[:1])
    world.push("old")
    assert world.publish("index").code == 0
    assert world.publish("old", "--ttl", "1m", "--published-at", "2020-01-01T00:00:00Z").code == 0
    world.push("moved", "another")
    world.push("index", "multi", BOTH)
    world.registry.delete_tag(world.image, "untagged")
    world.registry.delete_manifest(world.image, layouts["gone"].digest)
    hollow = layouts["hollow"]
    world.registry.delete_blob(world.image, hollow.read(hollow.digest)["layers"][0]["digest"])
    world.push("new")
    return world


def test_every_record_is_in_the_class_that_it_is_in(drifted: World) -> None:
    done = drifted.reconcile("--format", "json", "--deep", "--untracked")
    assert done.code == 1, done.err
    assert classes(done) == {
        "gone linux/amd64": "gone",
        "hollow linux/amd64": "children-missing",
        "moved linux/amd64": "tag-moved",
        "untagged linux/amd64": "tag-missing",
        "index linux/amd64": "index-moved",
        "old linux/amd64": "expired",
        "new": "untracked",
    }
    report = done.json
    assert report["complete"] is True
    assert report["checked"] == 8
    assert report["summary"]["in-sync"] == 1
    assert [one["class"] for one in report["findings"]] == [name for name in report["summary"] if name != "in-sync"]
    by_class = {one["class"]: one for one in report["findings"]}
    assert by_class["tag-moved"]["served"] != by_class["tag-moved"]["ledger"]
    assert by_class["gone"]["served"] is None
    assert {one["registry"] for one in report["findings"]} == {drifted.registry.host}


def test_without_deep_and_untracked_only_what_is_recorded_is_compared(drifted: World) -> None:
    found = classes(drifted.reconcile("--format", "json"))
    assert "hollow linux/amd64" not in found
    assert "new" not in found


def test_text_is_a_summary_and_then_what_differs_the_most_serious_first(drifted: World) -> None:
    lines = drifted.reconcile("--deep", "--untracked").out.splitlines()
    assert lines[0] == (
        "1 gone, 1 children-missing, 1 tag-moved, 1 tag-missing, 1 index-moved, 1 expired, 1 untracked, 1 in-sync"
    )
    sections = "\n".join(lines).split("\n\n")
    assert [section.splitlines()[0] for section in sections[1:]] == ["drift:", "housekeeping:", "what to do:"]
    drift, housekeeping = ([line.split()[0] for line in section.splitlines()[2:]] for section in sections[1:3])
    assert drift == ["gone", "children-missing", "tag-moved", "tag-missing", "index-moved"]
    assert housekeeping == ["expired", "untracked"]
    assert not any(":ok" in line for line in lines)


def test_markdown_has_a_row_for_each_class_and_for_each_difference(drifted: World) -> None:
    lines = drifted.reconcile("--format", "markdown", "--untracked").out.splitlines()
    assert lines[0].startswith("**1 gone, ")
    assert "| tag-moved | 1 |" in lines
    assert any(line.startswith(f"| tag-moved | `{drifted.registry.host}/{drifted.image}:moved`") for line in lines)
    rows = [line for line in lines if line.startswith("| ") and "`" in line]
    assert {row.count(" | ") for row in rows} == {6}
    assert [line for line in lines if line.startswith("###")] == ["### Drift", "### Housekeeping"]


def test_junit_is_xml_with_a_failure_for_each_drift_and_housekeeping_skipped(drifted: World) -> None:
    suite = ET.fromstring(drifted.reconcile("--format", "junit").out.encode())
    cases = suite.findall("testcase")
    failures = {found.get("type") for case in cases if (found := case.find("failure")) is not None}
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("7", "4", "1")
    assert len(cases) == 7
    assert failures == {"gone", "tag-moved", "tag-missing", "index-moved"}
    (skipped,) = [found.get("message") or "" for case in cases if (found := case.find("skipped")) is not None]
    assert skipped.startswith("expired: past its TTL of 1m")


def test_a_ledger_that_agrees_exits_0_and_prints_one_line(world: World) -> None:
    world.pushed("v1", "v2")
    done = world.reconcile()
    assert (done.code, done.out) == (0, "2 in-sync\n")


def test_reconcile_only_reads(drifted: World) -> None:
    tip = drifted.upstream.tip()
    drifted.reconcile("--deep", "--untracked")
    assert drifted.upstream.tip() == tip


def test_adopt_records_the_untracked_tags_that_say_where_they_are_from_in_one_commit(world: World) -> None:
    world.pushed("v1")
    first = world.push("v2", labels=FROM)
    second = world.push("v3", "multi", BOTH, labels=FROM)
    world.push("v4")
    done = world.reconcile("--adopt", "--format", "json")
    assert done.code == 0
    assert classes(done) == {"v4": "untracked"}
    assert (
        f"note: not adopted: {world.image}:v4: neither its labels nor its provenance say which commit it is from"
        in done.err
    )
    assert len(world.upstream.commits()) == 3
    records = {(one["tag"], one["platform"]): one for one in world.upstream.records()}
    assert records["v2", "linux/amd64"]["digest"] == first.digest
    assert {records["v3", platform]["index"] for platform in BOTH} == {second.digest}
    assert records["v2", "linux/amd64"]["sourceRef"] == f"{FROM[PREFIX + 'source']}@{'a' * 40}"
    again = world.reconcile("--adopt")
    assert len(world.upstream.commits()) == 3
    assert again.code == 0


def test_a_push_that_is_refused_loses_no_report(world: World, tmp_path: Path) -> None:
    world.pushed("v1")
    world.push("v1", "another")
    world.push("v2", labels=FROM)
    world.upstream.hook("pre-receive", "#!/bin/sh\necho no >&2\nexit 1\n")
    saved, metrics = tmp_path / "last.json", tmp_path / "ledger.prom"
    done = world.reconcile("--adopt", "--format", "json", "--save", saved, "--metrics", metrics)
    assert done.code == 6
    assert done.err.startswith("error: ")
    assert classes(done) == {"v1 linux/amd64": "tag-moved", "v2": "untracked"}
    assert json.loads(saved.read_text()) == done.json
    assert "tag-moved" in metrics.read_text()


def test_adopt_changes_nothing_else(drifted: World) -> None:
    before = drifted.upstream.records()
    drifted.reconcile("--adopt")
    assert drifted.upstream.records() == before


def test_patterns_and_since_restrict_what_is_looked_at(drifted: World) -> None:
    assert classes(drifted.reconcile("*:moved", "--format", "json")) == {"moved linux/amd64": "tag-moved"}
    assert drifted.reconcile("other/*").code == 3
    recent = drifted.reconcile("--since", "2021-01-01", "--format", "json")
    assert recent.json["checked"] == 6
    assert "old linux/amd64" not in classes(recent)


def test_each_mirror_is_compared_by_itself(
    world: World, open_registry: RealRegistry, tmp_path: Path, ledger: Callable[..., Outcome]
) -> None:
    with real_registry(tmp_path / "mirror") as mirror:
        both = f"registries:\n  - host: {open_registry.url}\n  - host: {mirror.url}\n"
        layout, _ = world.pushed("v1", "v2")
        world.upstream.commit_as_other_writer({"ledger.yaml": both.encode()})
        mirror.push(layout, f"{world.image}:v1")
        done = world.reconcile("--format", "json")
        assert done.code == 1
        assert [(one["class"], one["registry"], one["tag"]) for one in done.json["findings"]] == [
            ("gone", mirror.host, "v2")
        ]
        assert done.json["checked"] == 4
        chosen = world.publish("v1", "--registry", mirror.host)
        assert (chosen.code, chosen.json["changed"]) == (0, False)
        assert world.publish("v2", "--registry", mirror.host).code == 3


def test_a_registry_that_is_down_is_unknown_and_exits_5(world: World) -> None:
    world.pushed("v1")
    dead = f"registries:\n  - host: http://127.0.0.1:{free_port()}\n"
    world.upstream.commit_as_other_writer({"ledger.yaml": dead.encode()})
    done = world.reconcile("--format", "json")
    assert done.code == 5
    assert done.json["summary"] == {"unknown": 1}
    assert done.json["complete"] is False
    assert "looks down" in done.err


def test_over_a_fifth_gone_at_once_exits_5_and_says_not_to_act_on_it(world: World) -> None:
    tags = [f"v{number}" for number in range(8)]
    layouts = world.pushed(*tags)
    for layout in layouts[:5]:
        world.registry.delete_manifest(world.image, layout.digest)
    few = world.reconcile("--format", "json")
    assert (few.code, few.json["summary"]) == (1, {"gone": 5, "in-sync": 3})
    world.registry.delete_manifest(world.image, layouts[5].digest)
    done = world.reconcile("--format", "json")
    assert (done.code, done.json["complete"]) == (5, False)
    assert "do not delete anything" in done.err
    assert len(world.upstream.records()) == 8


def test_images_that_no_registry_serves_are_unknown_in_every_format(world: World) -> None:
    world.upstream.commit_as_other_writer(
        {
            "ledger.json": ledger_bytes(record("elsewhere/app", "v1", digest=digest())),
            "ledger.yaml": world.registry.settings("team-*").encode(),
        }
    )
    done = world.reconcile("--format", "json")
    assert (done.code, done.json["complete"], done.json["summary"]) == (5, False, {"unknown": 1})
    assert done.json["findings"][0]["registry"] == ""
    assert "looks down" not in done.err
    assert "1 unknown; incomplete" in world.reconcile().out
    assert "| `elsewhere/app:v1` |" in world.reconcile("--format", "markdown").out
    assert 'classname="no registry"' in world.reconcile("--format", "junit").out


@pytest.mark.parametrize(("name", "option"), [("untracked", "--untracked"), ("children-missing", "--deep")])
def test_a_class_that_the_run_cannot_find_is_not_one_to_fail_on(world: World, name: str, option: str) -> None:
    done = world.reconcile("--fail-on", f"drift,{name}")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: `--fail-on {name}` finds nothing without `{option}`\n\nhint: add `{option}`\n"


def test_without_a_registry_it_is_a_usage_error(world: World) -> None:
    world.upstream.commit_as_other_writer({"ledger.yaml": b""})
    assert world.reconcile().code == 2


def test_metrics_are_counts_by_class_and_the_time_of_the_last_complete_run(world: World, tmp_path: Path) -> None:
    world.pushed("v1", "v2")
    file = tmp_path / "ledger.prom"
    world.reconcile("--metrics", file)
    complete = file.read_text()
    assert f'ledger_reconcile_records{{registry="{world.registry.host}",class="in-sync"}} 2' in complete
    assert "ledger_reconcile_complete 1" in complete
    (at,) = re.findall(r"^ledger_reconcile_last_complete_timestamp_seconds (\d+)$", complete, re.MULTILINE)
    file.write_text(complete.replace(at, "1000000000"))
    dead = f"registries:\n  - host: http://127.0.0.1:{free_port()}\n"
    world.upstream.commit_as_other_writer({"ledger.yaml": dead.encode()})
    assert world.reconcile("--metrics", file).code == 5
    incomplete = file.read_text()
    assert "ledger_reconcile_complete 0" in incomplete
    assert "ledger_reconcile_last_complete_timestamp_seconds 1000000000" in incomplete
    assert list(tmp_path.glob("*.prom*")) == [file]


def test_metrics_that_cannot_be_written_are_a_usage_error_after_the_report(world: World, tmp_path: Path) -> None:
    world.pushed("v1")
    done = world.reconcile("--metrics", tmp_path / "nowhere" / "ledger.prom")
    assert done.code == 2
    assert "1 in-sync" in done.out
