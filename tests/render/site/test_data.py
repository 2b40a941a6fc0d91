"""The data of a site are what their schemas say, and what the commands say of the same ledger."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import ValidationError

from ledger_tool.core.site import paths
from ledger_tool.core.site.facts import SiteFacts
from ledger_tool.render.site import data
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, digest, record
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema
from tests.support.values.site import hostile_facts, image_of, many_facts, site_facts, tag

Run = Callable[..., Outcome]
_SCHEMAS = {
    r"v1/ledger\.json": "site-ledger-v1",
    r"v1/findings\.json": "site-findings-v1",
    r"v1/images/.+\.json": "site-image-v1",
    r"v1/digests/(..)/\1[0-9a-f]+\.json": "site-digest-v1",
    r"v1/environments/[^/]+\.json": "site-environment-v1",
    r"v1/renovate/.+\.json": "renovate-v1",
}


def schema_of(path: str) -> str:
    return next(name for pattern, name in _SCHEMAS.items() if re.fullmatch(pattern, path))


def read(facts: SiteFacts) -> dict[str, Any]:
    """Return what the files of a site's data have, by path."""
    return {path: json.loads(content) for path, content in data.files(facts)}


def links(path: str, value: Any) -> Iterable[str]:
    """Yield the paths that the relative links of a file lead to."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("data", "page") and inner and not inner.startswith("http"):
                inner = inner.partition("#")[0]
                yield (Path("/") / path).parent.joinpath(inner).resolve().relative_to("/").as_posix()
            else:
                yield from links(path, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from links(path, inner)


def test_every_file_is_what_its_schema_says_and_its_links_lead_to_files() -> None:
    facts = site_facts()
    files = read(facts)
    pages = {paths.image_page(image.image) for image in facts.images}
    lists = {"drift.html", "running.html"}
    assert {schema_of(path) for path in files} == set(_SCHEMAS.values())
    for path, value in files.items():
        check_schema(schema_of(path), value)
        assert {*files, *pages, *lists}.issuperset(links(path, value))
    assert pages < set(links(paths.LEDGER_DATA, files[paths.LEDGER_DATA]))


def test_unknown_keys_are_refused() -> None:
    for path, value in read(site_facts()).items():
        with pytest.raises(ValidationError, match="'more' was unexpected"):
            check_schema(schema_of(path), value | {"more": 1})


def test_the_same_facts_give_the_same_bytes() -> None:
    assert list(data.files(site_facts())) == list(data.files(site_facts()))


def test_hostile_words_stay_words_and_no_address_but_of_the_web_is_given() -> None:
    files = read(hostile_facts())
    assert {path for path in files if "digests" not in path} <= {*read(site_facts()), "v1/environments/prod.json"}
    assert files[paths.LEDGER_DATA]["page"] is None
    image = files[paths.image_data("myorg/app")]
    assert [each["compare"] for each in (*image["tags"], *image["environments"])] == [None] * 7
    for text in (image["tags"][0]["yanked"], image["drift"][0]["reason"], image["entries"][0]["reason"]):
        assert r"\u202eevil" in text


def test_an_image_with_very_many_tags_is_one_file() -> None:
    (image,) = (value for path, value in read(many_facts(1, 1000)).items() if path.startswith("v1/images/"))
    assert len(image["tags"]) == 1000


def test_what_is_yanked_or_passing_is_not_a_release() -> None:
    yanked = {"at": "2026-01-02T00:00:00Z", "reason": "broken"}
    two = [record(tag="v3", platform=f"linux/{name}", digest=digest(name)) for name in ("amd64", "arm64")]
    tags = [
        tag(record(tag="v1", sourceRef="git@git.example.com:team/app.git@" + "a" * 40)),
        tag(record(tag="v2", yanked=yanked)),
        tag(record(tag="v2b"), yanked="broken under another tag"),
        tag(record(tag="pr-7", ttl="7d")),
        tag(*two, digest=""),
    ]
    facts = replace(site_facts(), images=[image_of("myorg/app", tags)])
    found = read(facts)[paths.renovate_data("myorg/app")]
    check_schema("renovate-v1", found)
    assert [each["version"] for each in found["releases"]] == ["v1", "v3"]
    assert found["releases"][0]["digest"] == digest()
    assert "digest" not in found["releases"][1]  # no one digest pulls both platforms
    assert found["sourceUrl"] == found["releases"][0]["sourceUrl"] == "https://git.example.com/team/app"


def test_a_site_says_what_the_commands_say(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit_as_other_writer({"ledger.yaml": b"environments: {prod: {}}\n"}, "settings")
    for number in (1, 2):
        words = (f"myorg/app:v{number}@{digest(number)}", "--source", SOURCE, "--offline", "--repo", upstream.url)
        assert ledger("publish", *words).code == 0
    assert ledger("promote", "myorg/app:v1", "--to", "prod", "--repo", upstream.url).code == 0
    assert ledger("yank", "myorg/app:v1", "--reason", "crashes", "--repo", upstream.url).code == 0
    folder = tmp_path / "site"
    assert ledger("site", folder, "--repo", upstream.url).code == 0
    for path in sorted((folder / "v1").rglob("*.json")):
        check_schema(schema_of(path.relative_to(folder).as_posix()), json.loads(path.read_text()))

    def said(path: str) -> Any:
        return json.loads((folder / path).read_text())

    image = said(paths.image_data("myorg/app"))
    log = ledger("log", "myorg/app", "--format", "json", "--repo", upstream.url).json["entries"]
    assert image["entries"] == [each | {"by": each["by"].partition(" <")[0]} for each in log]
    assert [each["tag"] for each in image["tags"]] == ["v2", "v1"]
    assert image["tags"][1]["records"] == ledger("get", "myorg/app:v1", "--repo", upstream.url).json["records"]
    (match,) = said(paths.digest_data(digest(2)))["matches"]
    (told,) = ledger("whence", digest(2), "--repo", upstream.url).json["matches"]
    assert match["record"] == told["record"]
    person, _, address = told["by"].partition(" <")
    assert match["since"] == {name: told[name] for name in match["since"]} | {"by": person}
    assert not any(address.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert [each["version"] for each in said(paths.environment_data("prod"))["images"]] == ["v1"]
    assert [each["version"] for each in said(paths.renovate_data("myorg/app"))["releases"]] == ["v2"]
