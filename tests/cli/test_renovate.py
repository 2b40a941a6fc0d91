"""What docs/renovate.md tells Renovate finds, in a real ledger, what the ledger itself says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonata
import pytest

from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.record import Record
from tests.support import ROOT
from tests.support.git.upstream import Upstream
from tests.support.stage.docs import blocks
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
SETTINGS, FROM_PAGES = (
    json.loads(block.text) for block in blocks((ROOT / "docs/renovate.md").read_text()) if block.language == "json"
)


def releases(folder: Path, image: str) -> list[dict[str, Any]]:
    """Return what Renovate's custom data source makes of a ledger: it fills in a template, and evaluates JSONata."""
    data = json.loads((folder / "ledger.json").read_text("utf-8"))
    for template in SETTINGS["customDatasources"]["ledger"]["transformTemplates"]:
        expression = template.replace("{{{packageName}}}", image)
        assert not re.search(r"\{\{|\}\}", expression)  # Handlebars would read it as its own
        data = jsonata.Jsonata(expression).evaluate(data)
    return list(data["releases"])


def test_releases_are_the_tags_of_an_image_with_their_pull_digests(ledger: Run) -> None:
    sample = ROOT / "sample-ledger"
    listed = ledger("list", "--repo", sample, "--format", "json").json
    fit = {(one["image"], one["tag"]) for one in listed if not {"ttl", "yanked", "version"} & one.keys()}
    offered = {(image, one["version"]): one for image, _ in fit for one in releases(sample, image)}
    assert offered.keys() == fit
    for (image, tag), release in offered.items():
        shown = ledger("get", f"{image}:{tag}", "--repo", sample).json
        assert release["digest"] == shown["digest"]
        assert release["releaseTimestamp"] == max(one["publishedAt"] for one in shown["records"])
        assert {one["sourceRef"].rpartition("@")[0] for one in shown["records"]} == {release["sourceUrl"]}


def judged() -> list[Record]:
    """Return records of an image of which `v1` and `v3` may be used, and one of another image."""
    yanked = {"at": "2026-01-02T00:00:00Z", "reason": "broken"}
    image = "myorg/judged"
    amd64, arm64 = {"platform": "linux/amd64"}, {"platform": "linux/arm64"}
    return [
        record(image, "v1", digest=digest("v1")),
        record(image, "v2", digest=digest("v2"), yanked=yanked),
        record(image, "v2-again", digest=digest("v2")),
        record(image, "pr-7", digest=digest("pr-7"), ttl="7d"),
        record(image, "v3", digest=digest("x"), **amd64),
        record(image, "v3", digest=digest("y"), **arm64),
        record(image, "v4", digest=digest("4a"), index=digest("v4"), **amd64),
        record(image, "v4", digest=digest("4b"), index=digest("v4"), yanked=yanked, **arm64),
        record(image, "v4-amd64", digest=digest("4a"), index=digest("v4"), **amd64),
        record(image, "v5", digest=digest("5a"), **amd64),
        record(image, "v5", digest=digest("5b"), ttl="7d", **arm64),
        record(image, "prod", digest=digest("v1"), version="v1"),
        record("myorg/judged-too", "v1", digest=digest("v1"), yanked=yanked),
    ]


def test_what_is_not_to_be_used_is_not_released(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_bytes(ledger_bytes(*judged()))
    found = {one["version"]: one.get("digest") for one in releases(tmp_path, "myorg/judged")}
    assert found == {"v1": digest("v1"), "v3": None}  # no one digest pulls both platforms
    assert releases(tmp_path, "myorg/none") == []


def test_the_pages_give_renovate_what_the_expression_makes_of_the_ledger(
    ledger: Run, upstream: Upstream, tmp_path: Path
) -> None:
    folder, sample = tmp_path / "ledger", ROOT / "sample-ledger"
    folder.mkdir()
    records = [*codec.loads((sample / "ledger.json").read_bytes()).records(), *judged()]
    files = {"ledger.json": ledger_bytes(*records), "ledger.yaml": (sample / "ledger.yaml").read_bytes()}
    (folder / "ledger.json").write_bytes(files["ledger.json"])
    upstream.commit_as_other_writer(files, "the sample")
    assert ledger("site", tmp_path / "site", "--repo", upstream.url).code == 0
    (source,) = FROM_PAGES["customDatasources"].values()
    for image in {one.image for one in records}:
        path = source["defaultRegistryUrlTemplate"].replace("{{{packageName}}}", image)
        found = json.loads((tmp_path / "site" / path.partition("/ledger/")[2]).read_text("utf-8"))["releases"]
        by_version = {one["version"]: one for one in found}
        assert by_version == {one["version"]: one for one in releases(folder, image)}
        assert len(by_version) == len(found)


@pytest.mark.parametrize("quote", ["", '"'])
def test_the_manager_finds_what_pin_has_written(ledger: Run, tmp_path: Path, quote: str) -> None:
    folder = tmp_path / "ledger"
    assert ledger("init", folder, "--registry", "registry.example.com").code == 0
    published = ("publish", f"myorg/app:v1.5.0@{digest()}", "--source", SOURCE, "--offline", "--repo", folder)
    assert ledger(*published).code == 0
    manifest = tmp_path / "pod.yaml"
    manifest.write_text(
        f"spec:\n  containers:\n    - image: {quote}registry.example.com/myorg/app:v1.5.0{quote} # ours\n"
    )
    assert ledger("pin", manifest, "--repo", folder).code == 0
    manager = SETTINGS["customManagers"][0]
    assert any(re.search(pattern.strip("/"), manifest.name) for pattern in manager["managerFilePatterns"])
    (pattern,) = (text.replace("(?<", "(?P<") for text in manager["matchStrings"])
    (found,) = re.finditer(pattern, manifest.read_text("utf-8"))
    assert found.groupdict() == {"depName": "myorg/app", "currentValue": "v1.5.0", "currentDigest": digest()}
