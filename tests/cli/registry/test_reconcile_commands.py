"""Each command that a report prints puts its finding right, in a real registry and a real ledger, or says why not."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.registry.circumstances import Circumstances
from ledger_tool.core.registry.drift import Observation, classify
from ledger_tool.core.registry.remedy import with_commands
from ledger_tool.core.registry.shellcommands import PullPlace
from tests.cli.registry.test_reconcile_report import BOTH, NAMED, PREFIX, REVISION, _findings, _obeyed
from tests.support.registries.direct import Descriptor, Direct
from tests.support.registries.registry import OCI_INDEX, RealRegistry, real_registry
from tests.support.registries.world import World
from tests.support.values.make import SOURCE, digest, record, source
from tests.support.values.outcome import Outcome

OLD = ("--ttl", "1m", "--published-at", "2020-01-01T00:00:00Z")


def _reconciled(world: World, *options: str) -> list[dict[str, Any]]:
    findings: list[dict[str, Any]] = world.reconcile("--format", "json", *options).json["findings"]
    return findings


def _obey_all(world: World, *options: str) -> list[dict[str, Any]]:
    """Run the command of each finding; return the findings that are left."""
    for finding in _reconciled(world, *options):
        done = _obeyed(world, finding["command"])
        assert done.code == 0, (finding, done.err)
    return _reconciled(world, *options)


def _rewrite(world: World, **fields: Any) -> None:
    """Change a field of each record by hand."""
    records = [{**one, **fields} for one in world.upstream.records()]
    world.upstream.commit_as_other_writer({"ledger.json": _as_file(records)})


def _as_file(records: list[dict[str, Any]], *without: str) -> bytes:
    order = ["image", "tag", "platform", "digest", "index", "config", "publishedAt", "sourceRef"]
    kept = [{key: one[key] for key in order if one.get(key) and key not in without} for one in records]
    return (json.dumps({"schemaVersion": 1, "records": kept}, indent=2, ensure_ascii=False) + "\n").encode()


# ---- what a record says of its image


LIES: list[dict[str, str]] = [{"platform": "linux/arm64"}, {"config": digest("another")}]


@pytest.mark.parametrize("lie", LIES, ids=["platform", "config"])
def test_a_record_that_is_wrong_about_its_image_is_drift_for_a_deep_look_and_is_put_right(
    world: World, lie: dict[str, str]
) -> None:
    world.pushed("v1")
    (true,) = world.upstream.records()
    _rewrite(world, **lie)
    assert world.reconcile().code == 0
    (finding,) = _reconciled(world, "--deep")
    assert (finding["class"], finding["kind"]) == ("children-missing", "drift")
    assert " not " in finding["reason"]
    verified = world.verify("v1", "--deep", "--format", "json")
    assert (verified.code, [check["state"] for check in verified.json["checks"]]) == (1, ["mismatch"])
    checked = world.run("check", "--registry", "--repo", world.upstream.url)
    assert (checked.code, "is wrong" in checked.out) == (1, True)
    assert _obey_all(world, "--deep") == []
    assert world.upstream.records() == [true]


def test_a_record_of_an_image_that_its_index_does_not_have_is_drift_and_is_put_right(world: World) -> None:
    layout = world.push("v1", "multi", BOTH)
    world.publish("v1")
    true = world.upstream.records()
    _rewrite(world, digest=world.push("other").digest, config="")
    first, second = (finding["reason"] for finding in _reconciled(world, "--deep"))
    for reason, platform in ((first, "linux/amd64"), (second, "linux/arm64")):
        assert reason == (
            f"the recorded index leads to {layout.images()[platform]} for {platform}, not to the recorded image"
        )
    assert _obeyed(world, _reconciled(world, "--deep")[0]["command"]).code == 0
    assert _reconciled(world, "--deep") == []
    assert [one["digest"] for one in world.upstream.records()] == [one["digest"] for one in true]


def test_a_config_is_only_verified_where_the_image_shows_it(world: World) -> None:
    (layout,) = world.pushed("v1")
    config, other = layout.read(layout.digest)["config"]["digest"], digest("another")
    _rewrite(world, config=other)
    for given, code, match in ((config, 0, "config"), (other, 1, "none"), (digest("third"), 1, "none")):
        done = world.verify("v1", "--digest", given, "--format", "json")
        assert (done.code, done.json["checks"][0]["match"]) == (code, match), given
    assert "the ledger has it as the config's, but" in world.verify("v1", "--digest", other).out
    world.upstream.commit_as_other_writer({"ledger.yaml": b""})
    unseen = world.verify("v1", "--digest", other, "--format", "json")
    assert (unseen.code, unseen.json["checks"][0]["state"]) == (5, "unknown")
    assert world.verify("v1", "--digest", layout.digest).code == 0


# ---- where an image is from


def _push_index(world: World, tag: str, *sources: str, annotated: bool = False) -> None:
    """Push an index of an image for each commit, the first for amd64; its annotations may give it another digest."""
    layout = world.layout("multi")
    entries = []
    for number, commit in enumerate(sources):
        platform = {"os": "linux", "architecture": ("amd64", "arm64", "s390x")[number]}
        url, _, revision = commit.partition("@")
        labels = {f"{PREFIX}source": url, f"{PREFIX}revision": revision} if commit else {}
        entries.append(layout.add_image(f"image {number}", platform=platform, labels=labels) | {"platform": platform})
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    index |= {"annotations": {"made": "again"}} if annotated else {}
    layout._index([layout._blob(json.dumps(index).encode(), OCI_INDEX)])
    world.registry.push(layout, f"{world.image}:{tag}", all_platforms=True)


A, B, C = (source(seed) for seed in "abc")


@pytest.mark.parametrize(
    ("new", "printed"),
    [((), A), ((B,), B), ((B, B), B), ((B, C), "URL@COMMIT"), ((B, ""), "URL@COMMIT"), (("",), "URL@COMMIT")],
)
def test_an_index_that_grew_is_recorded_with_the_source_of_its_new_images(
    world: World, new: tuple[str, ...], printed: str
) -> None:
    _push_index(world, "v1", A)
    assert world.publish("v1", source="").code == 0
    _push_index(world, "v1", A, *new, annotated=True)
    (finding,) = _reconciled(world)
    assert finding["class"] == "index-moved"
    assert finding["command"].endswith(f"--source {printed}")
    assert _obey_all(world) == []
    filled = SOURCE if printed == "URL@COMMIT" else printed
    assert [one["sourceRef"] for one in world.upstream.records()] == [A, *(filled for _ in new)]


def test_an_index_that_grew_and_whose_old_index_is_gone_is_recorded_without_force(world: World) -> None:
    """With force, the source of the new image would be taken for a correction of that of the recorded one."""
    old = world.push("v1", "multi", BOTH[:1])
    assert world.publish("v1", source=A).code == 0
    world.push("v1", "multi", BOTH)
    world.registry.delete_manifest(world.image, old.digest)
    (finding,) = _reconciled(world)
    assert (finding["class"], "--force" in finding["command"]) == ("gone", False)
    assert _obey_all(world) == []
    assert [one["sourceRef"] for one in world.upstream.records()] == [A, SOURCE]


def test_a_publish_says_where_the_source_contradicts_the_labels(world: World) -> None:
    _push_index(world, "v1", A, A)
    done = world.publish("v1", source=B)
    assert done.code == 0
    assert done.err.count(f"note: {world.image}:v1 is published as from {B}; its labels say {A}") == 1
    assert "labels" not in world.publish("v1", source=A).err
    world.push("v2", labels={f"{PREFIX}revision": REVISION})
    assert f"its labels say the revision {REVISION}" in world.publish("v2").err
    world.push("v3", labels=NAMED)
    assert "labels" not in world.publish("v3", source=f"ssh://git@git.example.com/team/app.git@{REVISION}").err


# ---- what has expired


def test_an_expired_record_whose_digest_an_untracked_tag_serves_is_pruned_in_the_ledger(world: World) -> None:
    world.pushed("v1")
    layout = world.push("old")
    world.publish("old", *OLD)
    world.registry.push(layout, f"{world.image}:other")
    findings = [_findings(world.reconcile(*more, "--format", "json"))["old"] for more in ((), ("--untracked",))]
    finding, same = findings
    assert finding["command"] == same["command"]
    assert finding["alternative"].endswith("--registry-delete --with-untracked-tags --yes")
    assert _obeyed(world, finding["command"]).code == 0
    left = _findings(world.reconcile("--untracked", "--format", "json"))
    assert {tag: one["class"] for tag, one in left.items()} == {"old": "untracked", "other": "untracked"}


def test_an_expired_record_whose_digest_a_moved_tag_serves_is_pruned_in_the_ledger(world: World) -> None:
    world.pushed("v1")
    layout = world.push("old")
    world.publish("old", *OLD)
    world.push("other")
    world.publish("other", *OLD)
    world.registry.push(layout, f"{world.image}:other")
    command = _findings(world.reconcile("--format", "json"))["old"]["command"]
    assert _obeyed(world, command).code == 0
    assert "old" not in _findings(world.reconcile("--format", "json"))


def test_the_last_tag_of_an_image_is_kept_or_pruned_with_last(world: World) -> None:
    world.push("old")
    world.publish("old", *OLD)
    (finding,) = _reconciled(world)
    assert finding["alternative"].endswith("--last --yes")
    assert _obeyed(world, finding["alternative"]).code == 0
    assert world.upstream.records() == []
    world.push("old")
    world.publish("old", *OLD)
    assert _obey_all(world) == []


@pytest.fixture
def mirror(open_registry: RealRegistry, tmp_path: Path) -> Iterator[RealRegistry]:
    with real_registry(tmp_path / "mirror") as mirror:
        yield mirror


def _mirrored(world: World, mirror: RealRegistry, *, mutable: str = "", main: str = "") -> None:
    names = {"main": main or world.registry.url, "copy": mirror.url}
    entries = "".join(f"  - host: {url}\n    name: {name}\n" for name, url in names.items())
    tags = f"tags:\n  mutable: [{mutable}]\n"
    world.upstream.commit_as_other_writer({"ledger.yaml": f"registries:\n{entries}{tags}".encode()})


def test_an_expired_record_that_a_mirror_has_not_is_pruned_where_it_is(world: World, mirror: RealRegistry) -> None:
    (kept,) = world.pushed("v1")
    world.push("old")
    world.publish("old", *OLD)
    _mirrored(world, mirror)
    mirror.push(kept, f"{world.image}:v1")
    findings = {finding["registry"]: finding for finding in _reconciled(world)}
    assert {name: finding["class"] for name, finding in findings.items()} == {"main": "expired", "copy": "gone"}
    assert _obeyed(world, findings["copy"]["command"]).code == 0
    assert _reconciled(world, "--untracked") == []


def test_what_has_expired_long_ago_in_a_ledger_at_rest_is_pruned(world: World) -> None:
    """Such a prune doubts this machine's clock, unless it is given a time."""
    world.push("old")
    records = [
        {"image": world.image, "tag": tag, "digest": digest(tag), "publishedAt": "2026-01-02T09:30:00Z"}
        | {"sourceRef": SOURCE, **ttl}
        for tag, ttl in (("old", {"ttl": "1d"}), ("v1", {}))
    ]
    text = json.dumps({"schemaVersion": 1, "records": records}, indent=2) + "\n"
    world.upstream.commit_as_other_writer({"ledger.json": text.encode()}, date="2026-01-02T09:31:00Z")
    (finding, _) = sorted(_reconciled(world), key=lambda one: str(one["tag"]))
    assert finding["command"] == f"ledger prune {world.image}:old --now 2026-01-03T09:30:00Z --yes"
    done = _obeyed(world, finding["command"])
    assert done.code == 0, done.err
    assert [one["tag"] for one in world.upstream.records()] == ["v1"]


@pytest.mark.parametrize("holder", ["an-image-of-it", "an-index-with-it", "another-recorded-tag"])
def test_what_tags_hold_is_pruned_in_the_ledger(world: World, holder: str) -> None:
    world.pushed("v1")
    direct = Direct(world.registry)
    digests = _tagged(direct, world, "old", "other")
    direct.tag(world.image, "old", digests["old"])
    assert world.publish("old", *OLD).code == 0
    if holder == "another-recorded-tag":
        direct.tag(world.image, "v1", digests["old"])
    else:
        direct.tag(world.image, "manual", digests["" if holder == "an-image-of-it" else "other"])
    finding = _findings(world.reconcile("--format", "json"))["old"]
    assert "--registry-delete" not in finding["command"]
    assert _obeyed(world, finding["command"]).code == 0
    assert [one["tag"] for one in world.upstream.records()] == ["v1"]


# ---- several registries that differ


def _tagged(direct: Direct, world: World, *tags: str) -> dict[str, str]:
    """Push an image, and an index of it for each tag; return their digests by tag, with the image under ``."""
    image = direct.push_image(world.image, "the image")
    digests = {"": image["digest"]}
    for tag in tags:
        digests[tag] = direct.push_index(world.image, [image], annotations={"made for": tag})["digest"]
    return digests


@pytest.mark.parametrize("tag", ["latest", "v1"])
@pytest.mark.parametrize("lagging", ["old", ""], ids=["older-index", "plain-image"])
def test_a_mirror_that_lags_behind_is_put_right_and_never_takes_the_ledger_back(
    world: World, mirror: RealRegistry, tag: str, lagging: str
) -> None:
    _mirrored(world, mirror, mutable="latest")
    for registry in (world.registry, mirror):
        digests = _tagged(direct := Direct(registry), world, "old", "new")
        direct.tag(world.image, tag, digests[lagging])
    assert world.publish(tag).code == 0
    Direct(world.registry).tag(world.image, tag, digests["new"])
    (first,) = _reconciled(world)
    assert (first["registry"], first["command"].split()[:2]) == ("main", ["ledger", "publish"])
    (second,) = _obey_all(world)
    assert (second["registry"], second["command"].split()[0]) == ("copy", "skopeo")
    assert "--registry copy" in second["alternative"]
    assert _obey_all(world) == []
    assert {one["index"] for one in world.upstream.records()} == {digests["new"]}


def test_a_mirror_with_a_third_digest_does_not_lead_the_ledger(world: World, mirror: RealRegistry) -> None:
    world.push("latest", "recorded")
    assert world.publish("latest").code == 0
    _mirrored(world, mirror, mutable="latest")
    world.push("latest", "new")
    mirror.push(world.layout("third"), f"{world.image}:latest")
    for _ in range(2):
        if left := _reconciled(world):
            _obey_all(world)
    left = _reconciled(world)
    served = Direct(world.registry).tags(world.image)["latest"]
    assert (left, {one["digest"] for one in world.upstream.records()}) == ([], {served})


def test_what_a_mirror_serves_is_not_followed_while_the_first_registry_is_silent(
    world: World, mirror: RealRegistry
) -> None:
    world.push("latest", "new")
    assert world.publish("latest").code == 0
    mirror.push(world.layout("old"), f"{world.image}:latest")
    _mirrored(world, mirror, mutable="latest", main="http://127.0.0.1:9")
    finding = next(one for one in _reconciled(world) if one["registry"] == "copy")
    assert finding["command"] == f"ledger verify {world.image}:latest"
    assert finding["reason"].endswith("what a registry before this one in ledger.yaml serves is not known")


# ---- an index with an index in it


def _nested(world: World) -> tuple[Descriptor, Direct]:
    direct = Direct(world.registry)
    amd, arm = (direct.push_image(world.image, f"nested {one}", one) for one in ("amd64", "arm64"))
    deepest = direct.push_index(world.image, [amd])
    return direct.push_index(world.image, [direct.push_index(world.image, [deepest]), arm]), direct


def _publish_nested(world: World, *options: str) -> tuple[str, Direct]:
    outer, direct = _nested(world)
    direct.tag(world.image, "v1", outer["digest"])
    done: Outcome = world.publish(f"v1@{outer['digest']}", *options)
    assert done.code == 0, done.err
    return outer["digest"], direct


@pytest.mark.parametrize("change", ["moved", "missing"])
def test_a_tag_of_an_index_of_indexes_is_put_back(world: World, change: str) -> None:
    _, direct = _publish_nested(world)
    if change == "moved":
        direct.tag(world.image, "v1", direct.push_image(world.image, "evil")["digest"])
    else:
        world.registry.delete_tag(world.image, "v1")
    (_, finding) = _reconciled(world)
    assert finding["class"] == f"tag-{change}"
    assert _obeyed(world, finding["command"]).code == 0
    assert _reconciled(world, "--deep") == []


@pytest.mark.parametrize("options", [(), ("--offline",)], ids=["looked-at", "offline"])
def test_an_index_of_indexes_is_copied_to_a_mirror_from_the_inside_out(
    world: World, mirror: RealRegistry, options: tuple[str, ...]
) -> None:
    outer, _ = _publish_nested(world, *options)
    _mirrored(world, mirror)
    first, *others = _reconciled(world)
    assert {(one["class"], one["command"]) for one in others} <= {("gone", first["command"])}
    assert first["command"].count(" && ") == 3
    assert _obeyed(world, first["command"]).code == 0
    assert Direct(mirror).is_whole(world.image, outer)
    assert _reconciled(world, "--deep") == []


def test_an_artifact_is_put_back_and_copied(world: World, mirror: RealRegistry) -> None:
    config = world.registry.put_blob(world.image, b"{}", "application/vnd.oci.empty.v1+json")
    layer = world.registry.put_blob(world.image, b"text", "text/plain")
    artifact = {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "text/x",
        "config": config, "layers": [layer],
    }  # fmt: skip
    world.registry.put_manifest(world.image, "v1", artifact)
    assert world.publish("v1").code == 0
    world.push("v1", "evil")
    assert _obey_all(world) == []
    _mirrored(world, mirror)
    assert _obey_all(world) == []


# ---- what is not there, and what cannot be put back


@pytest.mark.parametrize("options", [(), ("--deep",)], ids=["plain", "deep"])
def test_one_lost_platform_costs_no_other(world: World, options: tuple[str, ...]) -> None:
    layout = world.push("v1", "multi", BOTH)
    assert world.publish("v1").code == 0
    world.registry.delete_manifest(world.image, layout.images()["linux/arm64"])
    findings = {one["platform"]: one for one in _reconciled(world, *options)}
    lost = findings["linux/arm64"]
    assert lost["class"] == "gone"
    assert shlex.split(lost["command"])[2:] == [f"{world.image}:v1", "--platform", "linux/arm64", "--reason", "TEXT"]
    assert lost["alternative"].startswith(f"ledger yank {world.image}:v1 --platform linux/arm64")
    assert _obeyed(world, lost["command"]).code == 0
    assert [one["platform"] for one in world.upstream.records()] == ["linux/amd64"]
    left = _reconciled(world, *options)
    assert [one["command"] for one in left] == [f"ledger verify {world.image}:v1 --deep"] * len(options)
    assert _reconciled(world) == []


def test_a_recorded_index_that_is_an_image_is_corrected(world: World) -> None:
    world.push("v1")
    assert world.publish("v1").code == 0
    (true,) = world.upstream.records()
    other = world.push("other", "another")
    _rewrite(world, index=true["digest"], digest=other.digest, platform="linux/arm64", config="")
    (finding,) = _reconciled(world, "--deep")
    assert "--force" in finding["command"]
    assert _obey_all(world, "--deep") == []
    (one,) = world.upstream.records()
    assert (one["digest"], one["platform"], one.get("index")) == (true["digest"], true["platform"], None)


def test_an_index_that_is_recorded_as_an_image_is_put_back(world: World, mirror: RealRegistry) -> None:
    outer, direct = _publish_nested(world)
    records = [world.upstream.records()[0] | {"digest": outer}]
    world.upstream.commit_as_other_writer({"ledger.json": _as_file(records, "index", "config")})
    direct.tag(world.image, "v1", direct.push_image(world.image, "evil")["digest"])
    (finding,) = _reconciled(world)
    assert _obeyed(world, finding["command"]).code == 0
    assert _reconciled(world) == []
    _mirrored(world, mirror)
    assert _obey_all(world) == []
    assert Direct(mirror).is_whole(world.image, outer)


def test_what_cannot_be_recorded_is_not_printed_as_a_publish(world: World) -> None:
    world.pushed("v1")
    direct = Direct(world.registry)
    amd, arm = (direct.push_image(world.image, f"half {one}", one) for one in ("amd64", "arm64"))
    index = direct.push_index(world.image, [amd, arm])["digest"]
    for tag in ("v1", "new"):
        direct.tag(world.image, tag, index)
    world.registry.delete_manifest(world.image, arm["digest"])
    findings = _findings(world.reconcile("--untracked", "--format", "json"))
    assert (findings["new"]["command"], findings["v1"]["alternative"]) == ("", "")
    for tag in ("v1", "new"):
        assert f"what it serves cannot be recorded: {world.image}" in findings[tag]["reason"]
    assert findings["v1"]["command"].startswith("skopeo copy ")


def test_a_publish_that_a_deep_look_would_take_back_is_not_printed(world: World, mirror: RealRegistry) -> None:
    """The layer of an untracked tag is missing: its record would be removed in the next round, and so on for ever."""
    world.pushed("v1")
    new = world.push("new", "an image without its layer")
    (layer,) = new.read(new.digest)["layers"]
    world.registry.delete_blob(world.image, layer["digest"])
    for options, is_printed in ((["--untracked"], True), (["--untracked", "--deep"], False)):
        finding = _findings(world.reconcile(*options, "--format", "json"))["new"]
        assert bool(finding["command"]) == is_printed
    assert finding["reason"] == f"what it serves cannot be recorded: {layer['digest']} is missing"


def test_where_skopeo_may_take_no_address_the_report_says_so() -> None:
    place = PullPlace(name="six", repository="[::1]:5000/a/b", plain_http=True)
    seen = Observation(served=digest("new"), exists={digest("old"): True})
    recorded = record("a/b", "v1", digest=digest("old"))
    findings = classify([recorded], "six", seen, Timestamp("2026-11-25T00:00:00Z"))
    (finding,) = with_commands(findings, [recorded], place, seen, Circumstances())
    assert finding.command == "ledger verify a/b:v1"
    assert "--force" in finding.alternative
    assert "IPv6" in finding.reason
