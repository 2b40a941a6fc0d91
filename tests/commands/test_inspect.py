"""The look before a publish, against a registry in memory: what is asked, expanded, filled in and refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger_tool.commands.inspect import inspect
from ledger_tool.commands.inspected import Inspected
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest, Platform
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.registry.image import Child
from ledger_tool.core.registry.platforms import StatedPlatform, stated_by
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import RuleRefused, Unreachable, UsageError
from tests.support.registries.fake_registry import FakeRegistries, FakeRegistry
from tests.support.values.make import SOURCE, digest, draft

APP = "myorg/app"
LABELS = {"org.opencontainers.image.source": "https://git.example.com/x", "org.opencontainers.image.revision": "b" * 40}


@pytest.fixture
def fake() -> FakeRegistry:
    return FakeRegistry()


def _inspect(fake: FakeRegistry, *drafts: Any, host: str = "") -> Inspected:
    return inspect(drafts, Snapshot("", Ledger(), Policy((Registry(fake.name),))), FakeRegistries([fake]), host=host)


def _children(fake: FakeRegistry) -> list[Child]:
    return [
        Child(fake.push(APP, f"only-{name}", name, architecture=name), Platform(f"linux/{name}"))
        for name in ("amd64", "arm64")
    ]


def test_a_tag_is_resolved_and_what_the_image_says_is_filled_in(fake: FakeRegistry) -> None:
    made = fake.push(APP, "v1", config={"Labels": LABELS})
    found = _inspect(fake, draft(digest=None, source_ref=UsageError("none given")))
    (one,) = found.drafts
    assert (one.digest, one.platform, one.config) == (made, "linux/amd64", digest("config of a"))
    assert one.source_ref == "https://git.example.com/x@" + "b" * 40
    assert found.verified == {Name(APP, "v1")}
    assert [name for name, _ in fake.calls] == ["look", "manifest", "config"]


def test_a_source_that_the_caller_gives_is_kept(fake: FakeRegistry) -> None:
    fake.push(APP, "v1", config={"Labels": LABELS})
    assert _inspect(fake, draft(digest=None)).drafts[0].source_ref == SOURCE


def test_an_index_is_expanded_and_its_order_kept(fake: FakeRegistry) -> None:
    children = _children(fake)
    index = fake.push_index(APP, "v1", "index", children)
    for given in (None, index):
        found = _inspect(fake, draft(digest=given)).drafts
        assert [(one.digest, one.index, one.platform) for one in found] == [
            (child.digest, index, child.platform) for child in children
        ]
    (one,) = _inspect(fake, draft(digest=children[1].digest)).drafts
    assert (one.platform, one.index) == ("linux/arm64", index)


def test_an_index_that_is_given_and_not_served_is_refused(fake: FakeRegistry) -> None:
    children = _children(fake)
    fake.push_index(APP, "v1", "index", children)
    with pytest.raises(RuleRefused, match="overwritten"):
        _inspect(fake, draft(digest=children[0].digest, index=digest("old index")))


@pytest.mark.parametrize("is_named", [True, False])
def test_an_index_that_is_given_and_is_an_image_is_refused(fake: FakeRegistry, *, is_named: bool) -> None:
    made = fake.push(APP, "v1", "a")
    with pytest.raises(RuleRefused, match=f"serves {made} at {fake.name}, which is an image and not an index"):
        _inspect(fake, draft(digest=made if is_named else None, index=made))


def test_an_image_of_an_index_that_is_not_there_is_refused(fake: FakeRegistry) -> None:
    children = _children(fake)
    fake.push_index(APP, "v1", "index", children)
    del fake.manifests[children[1].digest]
    with pytest.raises(RuleRefused, match="does not have"):
        _inspect(fake, draft(digest=None))


def test_an_index_of_indexes_is_descended_into_and_each_image_hangs_on_the_outermost(fake: FakeRegistry) -> None:
    children = _children(fake)
    inner = fake.push_index(APP, "inner", "inner", children[:1])
    middle = fake.push_index(APP, "middle", "middle", [Child(inner, None, kind="index"), Child(inner, None)])
    outer = fake.push_index(APP, "v1", "outer", [_entry(children[1]), Child(middle, None)])
    found = _inspect(fake, draft(digest=None))
    assert [(one.digest, one.index, one.platform) for one in found.drafts] == [
        (child.digest, outer, child.platform) for child in reversed(children)
    ]
    assert all(one.looked_at for one in found.drafts)
    assert fake.calls.count(("manifest", inner)) == 1


def test_an_image_far_below_an_index_can_be_named_by_its_digest(fake: FakeRegistry) -> None:
    children = _children(fake)
    inner = fake.push_index(APP, "inner", "inner", children)
    outer = fake.push_index(APP, "v1", "outer", [Child(inner, None, kind="index")])
    (one,) = _inspect(fake, draft(digest=children[1].digest)).drafts
    assert (one.digest, one.index, one.platform, one.looked_at) == (children[1].digest, outer, "linux/arm64", False)
    both = _inspect(fake, draft(digest=inner)).drafts
    assert [(one.digest, one.index) for one in both] == [(child.digest, outer) for child in children]


def test_an_index_that_is_nested_without_end_is_refused_with_the_limit(fake: FakeRegistry) -> None:
    (made,) = _children(fake)[:1]
    for number in range(12):
        made = Child(fake.push_index(APP, "v1", f"level {number}", [made]), None, kind="index")
    with pytest.raises(RuleRefused, match="nests indexes more than 8 deep") as caught:
        _inspect(fake, draft(digest=None))
    assert caught.value.exit_code == 3


def _wide(fake: FakeRegistry, number: int) -> None:
    stated = [StatedPlatform(system="linux", architecture=f"a{at}") for at in range(number)]
    fake.push_index(
        APP, "v1", "index", [Child(Digest(digest(str(at))), one.normal(), one) for at, one in enumerate(stated)]
    )


def test_an_index_with_thousands_of_images_is_refused_before_one_is_asked_for(fake: FakeRegistry) -> None:
    _wide(fake, 3_000)
    with pytest.raises(RuleRefused, match="leads to more than 256 images and indexes"):
        _inspect(fake, draft(digest=None))
    assert fake.count("manifest") == 1


def test_one_image_of_an_index_with_thousands_can_be_published(fake: FakeRegistry) -> None:
    _wide(fake, 3_000)
    wanted = fake.push(APP, "other", "777", architecture="a777")
    (one,) = _inspect(fake, draft(digest=None, platform=Platform("linux/a777"))).drafts
    assert (one.digest, one.looked_at) == (wanted, False)


def test_an_entry_that_is_not_what_its_index_says_is_refused(fake: FakeRegistry) -> None:
    inner = fake.push_index(APP, "inner", "inner", _children(fake))
    fake.push_index(APP, "v1", "outer", [Child(inner, None, kind="image")])
    with pytest.raises(RuleRefused, match=f"lists {inner} as an image, but it is an index"):
        _inspect(fake, draft(digest=None))


def test_an_entry_without_a_digest_matters_only_to_who_needs_it(fake: FakeRegistry) -> None:
    made = fake.push_index(APP, "v1", "index", [_entry(child) for child in _children(fake)])
    fake.manifests[made] = replace(fake.manifests[made], unreadable=("`manifests[2].digest` is `md5:0`",))
    with pytest.raises(RuleRefused, match=r"`manifests\[2\].digest` is `md5:0`") as caught:
        _inspect(fake, draft(digest=None))
    assert caught.value.exit_code == 3
    (one,) = _inspect(fake, draft(digest=None, platform=Platform("linux/arm64"))).drafts
    assert (one.platform, one.looked_at) == ("linux/arm64", False)


def test_drafts_are_looked_at_if_they_are_all_that_the_tag_leads_to(fake: FakeRegistry) -> None:
    children = _children(fake)
    fake.push_index(APP, "v1", "index", [_entry(child) for child in children])
    fake.push(APP, "v2", "single")

    def looked_at(*drafts: Draft) -> list[bool]:
        return [one.looked_at for one in _inspect(fake, *drafts).drafts]

    by_digest = [draft(digest=child.digest) for child in children]
    by_platform = [draft(digest=None, platform=child.platform) for child in children]
    assert looked_at(draft(digest=None)) == [True, True]
    assert looked_at(draft(tag="v2", digest=None)) == [True]
    assert looked_at(*by_digest) == looked_at(*by_platform) == [True, True]
    assert looked_at(by_digest[0], by_platform[1], draft(tag="v2", digest=None)) == [True, True, True]
    assert looked_at(by_digest[0]) == looked_at(by_platform[1]) == [False]
    assert looked_at(by_digest[0], draft(tag="v2", digest=None)) == [False, True]
    fake.push_index(APP, "v1", "smaller", [_entry(children[0])])
    assert looked_at(by_digest[0]) == looked_at(by_platform[0]) == looked_at(draft(digest=None)) == [True]


def test_the_config_of_an_artifact_is_not_asked_for(fake: FakeRegistry) -> None:
    made = fake.push(APP, "v1")
    chart = replace(
        fake.manifests[made],
        config_type="application/vnd.cncf.helm.config.v1+json",
        annotations={"org.opencontainers.image.source": "https://git.example.com/x"}
        | {"org.opencontainers.image.revision": "b" * 40},
    )
    fake.manifests[made] = chart
    found = _inspect(fake, draft(digest=None, source_ref=UsageError("none given")))
    (one,) = found.drafts
    assert (one.platform, one.config, one.looked_at) == (None, chart.config, True)
    assert one.source_ref == "https://git.example.com/x@" + "b" * 40
    assert fake.count("config") == 0
    assert found.notes == []
    (given,) = _inspect(fake, draft(digest=None, platform=Platform("linux/amd64"))).drafts
    assert given.platform == "linux/amd64"


def test_what_is_not_for_a_platform_is_left_out_of_an_index_of_images(fake: FakeRegistry) -> None:
    (image, _) = _children(fake)
    sbom = fake.push(APP, "sbom", "sbom", os="", architecture="")
    fake.push_index(APP, "v1", "index", [Child(sbom, None), _entry(image)])
    found = _inspect(fake, draft(digest=None))
    assert [one.digest for one in found.drafts] == [image.digest]
    assert found.drafts[0].looked_at


def test_an_index_of_one_artifact_is_published_without_a_platform(fake: FakeRegistry) -> None:
    sbom = fake.push(APP, "sbom", "sbom", os="", architecture="")
    index = fake.push_index(APP, "v1", "index", [Child(sbom, None)])
    (one,) = _inspect(fake, draft(digest=None)).drafts
    assert (one.digest, one.index, one.platform) == (sbom, index, None)
    (given,) = _inspect(fake, draft(digest=None, platform=Platform("linux/arm64"))).drafts
    assert given.platform == "linux/arm64"


def test_what_is_not_for_the_platform_is_not_taken_for_it(fake: FakeRegistry) -> None:
    (image, _) = _children(fake)
    sbom = fake.push(APP, "sbom", "sbom", os="", architecture="")
    fake.push_index(APP, "v1", "index", [Child(sbom, None), _entry(image)])
    with pytest.raises(RuleRefused, match="has no image for linux/arm64") as caught:
        _inspect(fake, draft(digest=None, platform=Platform("linux/arm64")))
    assert caught.value.hint == "its platforms are: none given, linux/amd64"


def _entry(child: Child) -> Child:
    """Return the entry of an image whose platform stands in the index."""
    return Child(child.digest, child.platform, stated_by(child.platform or Platform("")), "image")


def test_an_index_without_an_image_is_refused(fake: FakeRegistry) -> None:
    fake.push_index(APP, "v1", "index", [])
    with pytest.raises(RuleRefused, match="has no image at"):
        _inspect(fake, draft(digest=None))


def test_a_registry_that_fails_is_an_error_that_names_the_line(fake: FakeRegistry) -> None:
    fake.failing["v1"] = Unreachable("it rains")
    with pytest.raises(Unreachable) as caught:
        _inspect(fake, draft(where="line 3"))
    assert caught.value.message == "line 3: it rains"


def test_the_first_bad_draft_is_the_one_that_is_reported(fake: FakeRegistry) -> None:
    fake.push(APP, "v1")
    drafts = [draft(digest=None), draft(tag="v2", where="line 2"), draft(tag="v3", where="line 3")]
    with pytest.raises(RuleRefused) as caught:
        _inspect(fake, *drafts)
    assert caught.value.message == "line 2: registry.example.com has no myorg/app:v2"


def test_a_registry_that_is_not_configured_is_a_usage_error(fake: FakeRegistry) -> None:
    with pytest.raises(UsageError, match="elsewhere"):
        _inspect(fake, draft(), host="elsewhere.example.com")


def test_an_image_that_no_registry_serves_stays_as_it_is_told() -> None:
    one = draft()
    found = inspect([one], Snapshot("", Ledger(), Policy()), FakeRegistries([]))
    assert (list(found.drafts), found.verified) == ([one], frozenset())
