"""Files of `docker buildx build|bake --metadata-file`, as buildx writes them.

The shapes are those of docs.docker.com, "Write build result metadata to a file"; `image.name` and the
descriptor's `platform` are there after a push.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import SourceRef, parse_platform, parse_tag, parse_timestamp, parse_ttl
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import Reference, parse_name, parse_reference
from ledger_tool.core.registry.image import INDEXES, MANIFESTS
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.input import Defaults
from ledger_tool.core.writes.metadata import drafts_from_metadata
from ledger_tool.errors import LedgerError, UsageError
from tests.support.values.examples import examples
from tests.support.values.make import SOURCE, WHEN, digest
from tests.support.values.provenance import BASE, material
from tests.support.values.strategies import json_values

DEFAULTS = Defaults(published_at=parse_timestamp(WHEN), clock=parse_timestamp(WHEN), source_ref=SourceRef(SOURCE))
IMAGE = {"containerimage.digest": digest(), "image.name": "myorg/app:v1"}


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


def drafts_of(value: Any, defaults: Defaults = DEFAULTS, only: Reference | None = None) -> list[Draft]:
    """Return the drafts of a metadata file that has nothing to skip."""
    metadata = drafts_from_metadata(value if isinstance(value, bytes) else raw(value), defaults, only)
    assert metadata.skipped == {}
    return list(metadata.drafts)


def refused(value: Any, **more: Any) -> LedgerError:
    with pytest.raises(LedgerError) as caught:
        drafts_from_metadata(raw(value), DEFAULTS, **more)
    return caught.value


@pytest.mark.parametrize("path", examples("metadata", ".json"))
def test_a_file_of_buildx_gives_each_image_with_its_tag_platform_and_digest(path: Path) -> None:
    found = [
        f"{draft.reference.registry}/{draft.reference.path} {draft.tag} {draft.platform or '-'} {draft.digest}"
        + (" index" if draft.is_index else "")
        for draft in drafts_of(path.read_bytes(), DEFAULTS)
    ]
    assert found == path.with_suffix(".txt").read_text("utf-8").splitlines()


def test_what_the_command_line_says_holds_for_each_image() -> None:
    defaults = replace(DEFAULTS, labels={"env": "prod"}, ttl=parse_ttl("7d"), depends_on=(f"debian@{digest()}",))
    for one in drafts_of(raw({"a": IMAGE, "b": IMAGE | {"image.name": "myorg/b:v1"}}), defaults):
        assert (one.published_at, one.source_ref, one.ttl) == (WHEN, SOURCE, "7d")
        assert (one.labels, one.depends_on) == ({"env": "prod"}, (f"debian@{digest()}",))


def test_a_platform_on_the_command_line_wins_over_the_descriptors() -> None:
    described = IMAGE | {"containerimage.descriptor": {"platform": {"os": "linux", "architecture": "amd64"}}}
    defaults = replace(DEFAULTS, platform=parse_platform("linux/arm64"))
    assert [one.platform for one in drafts_of(raw(described), defaults)] == ["linux/arm64"]


def test_an_image_on_the_command_line_names_the_build() -> None:
    (one,) = drafts_of(raw(IMAGE), DEFAULTS, parse_name("other/name:v2"))
    assert (one.reference.path, one.tag, one.digest) == ("other/name", "v2", digest())
    (nameless,) = drafts_of(raw({"containerimage.digest": digest()}), DEFAULTS, parse_name("app:v3"))
    assert (nameless.reference.path, nameless.tag) == ("app", "v3")


def test_a_tag_on_the_command_line_names_an_image_without_one() -> None:
    defaults = replace(DEFAULTS, tag=parse_tag("pr-7"))
    (one,) = drafts_of(raw(IMAGE), defaults, parse_reference("app"))
    assert one.tag == "pr-7"


@pytest.mark.parametrize(
    ("image", "tag", "told"),
    [("app:v1", "v2", "two tags are given, `v1` and `v2`"), (f"app:v1@{digest('b')}", "", "two digests are given")],
)
def test_an_image_on_the_command_line_that_says_something_else_is_refused(image: str, tag: str, told: str) -> None:
    defaults = replace(DEFAULTS, tag=parse_tag(tag) if tag else None)
    with pytest.raises(UsageError) as caught:
        drafts_of(raw(IMAGE), defaults, parse_reference(image))
    assert told in caught.value.message


@pytest.mark.parametrize(
    ("media_type", "is_index"),
    [
        ("application/vnd.oci.image.index.v1+json", True),
        ("application/vnd.docker.distribution.manifest.list.v2+json", True),
        ("application/vnd.oci.image.manifest.v1+json", False),
        ("application/vnd.docker.distribution.manifest.v2+json", False),
        (None, False),
    ],
)
def test_a_digest_that_the_file_calls_an_index_is_marked_so(media_type: str | None, is_index: bool) -> None:
    described = IMAGE | {"containerimage.descriptor": {"mediaType": media_type}}
    assert [one.is_index for one in drafts_of(raw(described), DEFAULTS)] == [is_index]


def test_one_name_does_not_fit_several_targets() -> None:
    error = refused({"a": IMAGE, "b": IMAGE | {"containerimage.digest": digest("b")}}, only=parse_name("app:v1"))
    assert isinstance(error, UsageError)
    assert "several targets" in error.message


def test_two_targets_that_name_the_same_image_with_two_digests_are_both_told() -> None:
    # Which of the two is meant is not for a parser to decide: the rules refuse a batch that says both.
    both = {"a": IMAGE, "b": IMAGE | {"containerimage.digest": digest("b")}}
    assert [one.digest for one in drafts_of(both)] == [digest(), digest("b")]


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        "text",
        {"buildx.build.ref": "builder/builder0/0fjb6ubs52xx3vygf6fgdl611"},  # what a build without `--push` leaves
        {"buildx.build.provenance": {}, "buildx.build.ref": "x", "buildx.build.warnings": []},
        {"app": {"buildx.build.ref": "x"}},
        {"app": "text"},
        {"lint": {}, "check": {}},
        {"containerimage.digest": digest(), "containerimage.config.digest": digest(), "image.name": "app:v1"},
        {"containerimage.digest": "", "image.name": "app:v1"},
        {"depot.build": {"buildID": "x"}},
        {"containerimage.digest": None, "image.name": "app:v1"},
        {"containerimage.config.digest": digest()},
    ],
)
def test_a_build_that_was_not_pushed_has_no_digest_and_is_refused(value: Any) -> None:
    error = refused(value)
    assert error.exit_code == 2
    assert "has no `containerimage.digest`" in error.message or "was not pushed" in error.message
    assert "--push" in error.hint


@pytest.mark.parametrize(
    ("target", "missing"),
    [
        ({}, "containerimage.digest"),
        (None, "containerimage.digest"),
        ("text", "containerimage.digest"),
        ({"buildx.build.ref": "default/default/kamngmcgyzebqxwu98b4lfv3n"}, "containerimage.digest"),
        ({"image.name": "myorg/lint:v1", "containerimage.digest": ""}, "containerimage.digest"),
        (
            {"image.name": "x:v1", "containerimage.digest": digest(), "containerimage.config.digest": digest()},
            "was not pushed",
        ),
        ({"containerimage.digest": digest("b")}, "image.name"),
        ({"containerimage.digest": digest("b"), "image.name": " , "}, "image.name"),
        ({"containerimage.digest": digest("b"), "image.name": ["x:v1"]}, "image.name"),
    ],
)
def test_a_target_that_was_not_pushed_is_skipped_and_named(target: Any, missing: str) -> None:
    for file in ({"lint": target, "app": IMAGE}, {"app": IMAGE, "lint": target}):
        found = drafts_from_metadata(raw(file), DEFAULTS)
        assert [str(one.tag) for one in found.drafts] == ["v1"]
        assert "lint" in found.skipped
        assert missing in found.skipped["lint"]


def test_notes_beside_the_targets_are_not_targets() -> None:
    notes = {
        "buildx.build.warnings": [{"vertex": "sha256:x"}],
        "buildx.build.provenance/linux/amd64": {"builder": {}},
        "buildx.build.ref": "a/b/c",
        "depot.build": {"targets": ["app"]},
    }
    assert [one.digest for one in drafts_of(notes | {"app": IMAGE})] == [digest()]
    assert [one.digest for one in drafts_of(notes | IMAGE)] == [digest()]


def test_an_image_on_the_command_line_names_the_one_target_that_was_pushed() -> None:
    found = drafts_from_metadata(raw({"lint": {}, "app": IMAGE}), DEFAULTS, parse_name("other/name:v2"))
    assert [(one.reference.path, one.digest) for one in found.drafts] == [("other/name", digest())]


def test_what_is_wrong_with_a_target_is_told_with_its_name() -> None:
    for wrong in ({"containerimage.digest": "md5:0"}, {"containerimage.digest": 7}, {"image.name": "UPPER:v1"}):
        error = refused({"app": IMAGE, "db": IMAGE | wrong})
        assert error.message.startswith("target `db`: ")
        assert error.exit_code == 2
    odd = {"mediaType": MANIFESTS[0], "platform": {"os": "linux", "architecture": "amd64", "os.version": "x y"}}
    assert "`linux(x y)/amd64`" in refused({"db": IMAGE | {"containerimage.descriptor": odd}}).message


def test_nothing_left_is_told_with_the_first_target_that_is_incomplete() -> None:
    assert (
        refused({"lint": {}, "db": {"image.name": "db:v1"}}).message == "target `lint` has no `containerimage.digest`"
    )
    assert refused({"db": {"containerimage.digest": digest()}}).message == "target `db` has no `image.name`"


def test_the_platform_of_an_index_is_not_that_of_its_images() -> None:
    described = {"mediaType": INDEXES[0], "platform": {"os": "linux", "architecture": "amd64"}}
    (one,) = drafts_of(IMAGE | {"containerimage.descriptor": described})
    assert (one.is_index, one.platform) == (True, None)


@given(json_values | st.dictionaries(st.sampled_from(["app", "lint", *IMAGE, "buildx.build.ref"]), json_values))
def test_no_json_breaks_the_reader(value: Any) -> None:
    for file in (value, {"app": IMAGE, "lint": value}):
        with suppress(UsageError):
            assert drafts_from_metadata(raw(file), DEFAULTS).drafts


@pytest.mark.parametrize("name", [None, "", " , "])
def test_an_image_without_a_name_asks_for_one(name: str | None) -> None:
    error = refused({"containerimage.digest": digest(), "image.name": name})
    assert "has no `image.name`" in error.message
    assert "--tag" in error.hint


@pytest.mark.parametrize("value", ["md5:0", "sha256:../../x", digest() + "\n", digest().upper()])
def test_a_malformed_digest_is_refused(value: str) -> None:
    assert "digest" in refused(IMAGE | {"containerimage.digest": value}).message


def test_a_descriptor_that_is_not_an_object_gives_no_platform() -> None:
    descriptors: list[Any] = [
        None,
        "text",
        [],
        {},
        {"platform": None},
        {"platform": "x"},
        {"platform": {"os": "linux"}},
    ]
    for descriptor in descriptors:
        (one,) = drafts_of(raw(IMAGE | {"containerimage.descriptor": descriptor}), DEFAULTS)
        assert one.platform is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"a": 1, "a": 2}', b"[" * 100_000, b"NaN"])
def test_a_file_that_is_not_json_is_a_usage_error_with_its_position(content: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        drafts_from_metadata(content, DEFAULTS)
    assert caught.value.message.startswith("the metadata file is not ")


def test_the_missing_source_is_told_by_the_error_that_knows_why() -> None:
    why = UsageError("sourceRef is missing, and GitLab CI did not set CI_COMMIT_SHA")
    with pytest.raises(UsageError) as caught:
        _publish(raw(IMAGE), replace(DEFAULTS, source_ref=why))
    assert caught.value is why


def _publish(content: bytes, defaults: Defaults) -> None:
    rules.publish(Snapshot("", Ledger(), Policy()), drafts_of(content, defaults))


@pytest.mark.parametrize("path", examples("metadata", ".json"))
def test_what_buildx_says_of_the_bases_is_read_from_every_example(path: Path) -> None:
    drafts = drafts_of(path.read_bytes())
    for one in drafts:
        ((platform, claim),) = one.builds.items()
        assert (platform, claim.source, claim.commit, claim.unreadable) == ("", "", "", ())
        assert all(
            re.fullmatch(r"docker\.io/library/debian:bookworm@sha256:[0-9a-f]{64}", base) for base in claim.bases
        )
        assert claim.bases


def test_what_is_said_of_each_platform_is_kept_apart_and_what_makes_no_sense_is_named() -> None:
    told = {
        "buildx.build.provenance/linux/arm64/v8": {"buildDefinition": {"resolvedDependencies": [material()]}},
        "buildx.build.provenance/linux/amd64": {"materials": [material()], "builder": {"id": "https://ci"}},
        "buildx.build.provenance/linux": {},
        "buildx.build.provenance/": "text",
        "buildx.build.provenances": {},
    }
    found = drafts_from_metadata(raw({"app": IMAGE | told}), DEFAULTS)
    (one,) = found.drafts
    assert {platform: (claim.builder, claim.bases) for platform, claim in one.builds.items()} == {
        "linux/arm64": ("", (BASE,)), "linux/amd64": ("https://ci", (BASE,))
    }  # fmt: skip
    assert found.unread == ["target `app`: platform `linux` is malformed"]
