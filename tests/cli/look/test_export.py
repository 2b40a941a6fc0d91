"""`export` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_tool.commands.export import FORMATS, POLICIES, SINGLE
from ledger_tool.core.changes.promotion import promoted
from ledger_tool.core.ledger.names import Tag, Timestamp
from tests.support.git.upstream import Upstream
from tests.support.values.make import digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def images(tmp_path: Path) -> str:
    """Return the URL of a ledger of two versions of app, one of which is yanked, and one of tool."""
    yanked = {"at": "2026-11-25T08:00:00Z", "reason": "crashes on start"}
    records = (
        record("myorg/app", "v1"),
        record("myorg/app", "v2", digest=digest("b"), publishedAt="2026-11-25T00:00:00Z", yanked=yanked),
        record("myorg/tool", "v1", digest=digest("c"), labels={"env": "prod"}),
    )
    settings = "registries:\n  - host: registry.example.com\n    images: ['myorg/*']\n"
    return Upstream.create(tmp_path / "images.git", ledger_bytes(*records), settings).url


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_printed_with_latest(form: str, ledger: Run, images: str) -> None:
    done = ledger("export", "--format", form, "--latest", "--repo", images)
    assert done.code == 0, done.err
    assert digest().partition(":")[2] in done.out
    assert digest("b").partition(":")[2] not in done.out
    assert "note: skipped as yanked or expired: myorg/app:v2" in done.err


@pytest.mark.parametrize("form", SINGLE)
def test_several_tags_are_refused_where_there_is_room_for_one(form: str, ledger: Run, images: str) -> None:
    done = ledger("export", "--format", form, "--repo", images)
    assert (done.code, done.out) == (3, "")
    assert "myorg/app has 2 tags that match, and this format has room for one: v1, v2" in done.err
    for words in (("myorg/tool", "myorg/app:v1"), ("--tag", "v1"), ("--label", "env=prod"), ("--latest",)):
        assert ledger("export", "--format", form, *words, "--repo", images).code == 0


def test_a_yanked_tag_that_is_named_is_exported_with_a_warning(ledger: Run, images: str) -> None:
    done = ledger("export", "--format", "dotenv", "myorg/app:v2", "--repo", images)
    assert done.code == 0
    assert f"MYORG_APP_IMAGE=registry.example.com/myorg/app@{digest('b')}\n" in done.out
    assert "warning: myorg/app:v2 is yanked: crashes on start" in done.err


def test_keys_are_given_by_image(ledger: Run, images: str) -> None:
    words = ("export", "--format", "dotenv", "myorg/tool", "--key", "myorg/tool=TOOL", "--repo", images)
    assert f"\nTOOL=registry.example.com/myorg/tool@{digest('c')}\n" in ledger(*words).out


def test_a_bill_has_the_serial_and_the_time_that_are_given(ledger: Run, images: str) -> None:
    serial = "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79"
    words = ("export", "--format", "cyclonedx", "--repo", images, "myorg/tool")
    value = json.loads(ledger(*words, "--serial-number", serial, "--timestamp", "2026-11-24T10:30:00+01:00").out)
    assert (value["serialNumber"], value["metadata"]["timestamp"]) == (serial, "2026-11-24T09:30:00Z")
    assert ledger(*words).out == ledger(*words).out


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        ((), "`--format` is missing"),
        (("--format", "xml"), "`--format xml` is not valid"),
        (("--format", "csv", "--key", "a=b"), "`--key` cannot be used with"),
        (("--format", "csv", "--config-map", "a/b"), "`--config-map` needs `--format admission` or"),
        (("--format", "kyverno", "--config-map", "prod"), "`--config-map prod` is malformed"),
        (("--format", "csv", "--timestamp", "2026-11-24T09:30:00Z"), "need `--format cyclonedx`"),
        (("--format", "cyclonedx", "--serial-number", "1"), "serial number `1` is malformed"),
        (("--format", "cyclonedx", "--timestamp", "now"), "timestamp `now` is malformed"),
        (("--format", "dotenv", "--latest", "--key", "myorg/app=a b"), "is malformed"),
        (("--format", "dotenv", "--latest", "--key", "nope=A"), "`--key` names nope"),
        (("--format", "dotenv", "--label", "x"), "has no `=`"),
        (("--format", "dotenv", "--platform", "x"), "platform `x` is malformed"),
    ],
)
def test_what_does_not_go_is_a_usage_error(words: tuple[str, ...], phrase: str, ledger: Run, images: str) -> None:
    done = ledger("export", *words, "--repo", images)
    assert (done.code, done.out) == (2, "")
    assert phrase in done.err


def test_a_pattern_without_a_record_is_refused(ledger: Run, images: str) -> None:
    done = ledger("export", "myorg/app", "nope/*", "--format", "csv", "--repo", images)
    assert (done.code, done.out) == (3, "")
    assert "the ledger has no record of nope/*" in done.err


@pytest.mark.parametrize("form", POLICIES)
def test_a_policy_needs_registries(form: str, ledger: Run, tmp_path: Path) -> None:
    url = Upstream.create(tmp_path / "bare.git", ledger_bytes(record()), "tags:\n  mutable: [latest]\n").url
    done = ledger("export", "--format", form, "--repo", url)
    assert (done.code, done.out) == (2, "")
    assert "ledger.yaml names no registry to admit images of" in done.err


@pytest.mark.parametrize("form", POLICIES)
def test_a_policy_goes_where_it_is_told_to(form: str, ledger: Run, images: str) -> None:
    done = ledger("export", "--format", form, "--config-map", "apps/web", "--repo", images)
    assert done.code == 0
    assert '  name: "web"\n  namespace: "apps"\n' in done.out
    assert '  name: "apps.web"\n' in done.out


def test_a_policy_that_is_too_large_is_refused(ledger: Run, tmp_path: Path) -> None:
    records = [record(tag=f"v{at}", digest=digest(at)) for at in range(6000)]
    settings = "registries:\n  - host: registry.example.com\n"
    url = Upstream.create(tmp_path / "large.git", ledger_bytes(*records), settings).url
    done = ledger("export", "--format", "admission", "--repo", url)
    assert (done.code, done.out) == (2, "")
    assert "a ConfigMap holds 1048576 bytes, and these 6000 digests take 1" in done.err
    assert ledger("export", "--format", "admission", "*:v1*", "--repo", url).code == 0


@pytest.fixture
def environments(tmp_path: Path) -> str:
    """Return the URL of a ledger of which prod has one version of app, and none of tool."""
    v1, v2 = record("myorg/app", "v1"), record("myorg/app", "v2", digest=digest("b"))
    tool = record("myorg/tool", "v1", digest=digest("c"))
    prod = promoted([v1], Tag("prod"), Timestamp("2026-11-25T00:00:00Z"))
    settings = "registries:\n  - host: registry.example.com\nenvironments: {staging: {}, prod: {from: staging}}\n"
    content = ledger_bytes(v1, v2, tool, *prod)
    return Upstream.create(tmp_path / "environments.git", content, settings).url


@pytest.mark.parametrize("form", FORMATS)
def test_what_an_environment_has_is_exported_under_the_tag_of_its_version(
    form: str, ledger: Run, environments: str
) -> None:
    done = ledger("export", "--format", form, "--env", "prod", "--repo", environments)
    assert (done.code, done.err) == (0, "")
    assert digest().partition(":")[2] in done.out
    assert not any(digest(seed).partition(":")[2] in done.out for seed in "bc")
    assert "v1" in done.out
    assert ":prod@" not in done.out
    assert ledger("export", "--format", form, "myorg/app", "--env", "prod", "--repo", environments).out == done.out


def test_without_an_environment_its_images_are_there_once_and_each_tag_is_one_image(
    ledger: Run, tmp_path: Path
) -> None:
    """What only an environment has left is there as well: it may run. Its version's tag has gone on."""
    was, main = record("myorg/app", "main", digest=digest("old")), record("myorg/app", "main", digest=digest("new"))
    v1, at = record("myorg/app", "v1"), Timestamp("2026-11-25T00:00:00Z")
    has = [*promoted([was], Tag("prod"), at), *promoted([v1], Tag("staging"), at), *promoted([v1], Tag("test"), at)]
    settings = "registries:\n  - host: registry.example.com\nenvironments: {staging: {}, prod: {}, test: {}}\n"
    url = Upstream.create(tmp_path / "ledger.git", ledger_bytes(main, v1, *has), settings).url

    def exported(form: str) -> str:
        done = ledger("export", "--format", form, "--repo", url)
        assert done.code == 0, done.err
        return done.out

    app = "registry.example.com/myorg/app"
    assert exported("images").splitlines() == sorted(
        [f"{app}:main@{digest('new')}", f"{app}:prod@{digest('old')}", f"{app}:v1@{v1.digest}"]
    )
    lock = exported("imgpkg")
    once = (v1.digest, digest("old"), f'id: "{app}:main"', f'id: "{app}:v1"', f'id: "{app}:prod"')
    assert [lock.count(one) for one in once] == [1] * 5
    assert lock.index(f'id: "{app}:main"') < lock.index(digest("old"))  # found by the tag: what it is now
    bill = json.loads(exported("cyclonedx"))["components"]
    assert sorted((one["version"], one["bom-ref"].partition(":")[2]) for one in bill) == [
        ("main", "main"), ("prod", "prod"), ("v1", "v1")
    ]  # fmt: skip
    assert len(exported("csv").splitlines()) == 6


def test_formats_name_the_version_and_its_pull_digest(ledger: Run, environments: str) -> None:
    def exported(form: str) -> str:
        return ledger("export", "--format", form, "--env", "prod", "--repo", environments).out

    assert "# myorg/app:v1 (prod)\n" in exported("dotenv")
    assert f'"registry.example.com/myorg/app:v1@{digest()}"' in exported("compose")
    assert 'newTag: "v1"\n' in exported("kustomize")
    (component,) = json.loads(exported("cyclonedx"))["components"]
    assert (component["version"], "tag=v1" in component["purl"]) == ("v1", True)
    assert {"name": "ledger:environment", "value": "prod"} in component["properties"]


def test_an_environment_that_is_not_declared_or_has_nothing_is_refused(ledger: Run, environments: str) -> None:
    words = ("export", "--format", "csv", "--repo", environments, "--env")
    done = ledger(*words, "production")
    assert (done.code, done.out) == (2, "")
    assert "ledger.yaml declares no environment `production`" in done.err
    assert "its environments are staging, prod" in done.err
    assert ledger(*words, "staging").code == 3
    assert ledger(*words, "prod", "--latest").code == ledger(*words, "prod", "--tag", "v1").code == 2
    assert "prod has nothing that matches" in ledger(*words, "prod", "myorg/tool").err


def test_an_export_of_an_environment_warns_of_what_is_no_longer_good(ledger: Run, environments: str) -> None:
    assert ledger("yank", "myorg/app:v1", "--reason", "bad", "--repo", environments).code == 0
    done = ledger("export", "--format", "dotenv", "--env", "prod", "--repo", environments)
    assert (done.code, done.err) == (0, "warning: myorg/app:prod has v1, which is yanked: bad\n")


def test_list_shows_what_an_environment_has_with_its_versions(ledger: Run, environments: str) -> None:
    done = ledger("list", "--env", "prod", "--repo", environments)
    assert [line.split()[:3] for line in done.out.splitlines()] == [
        ["IMAGE", "TAG", "VERSION"], ["myorg/app", "prod", "v1"],
    ]  # fmt: skip
    assert [one["tag"] for one in ledger("list", "--latest", "--format", "json", "--repo", environments).json] == [
        "v2", "v1",
    ]  # fmt: skip
    nothing = ledger("list", "--env", "staging", "--repo", environments)
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "no record matches\n")
    wrong = ledger("list", "--env", "production", "--repo", environments)
    assert (wrong.code, "its environments are staging, prod" in wrong.err) == (2, True)
    assert ledger("list", "--env", "prod", "--latest", "--repo", environments).code == 2
