"""The look before a publish, against a registry in memory: what is asked, expanded, filled in and refused."""

from __future__ import annotations

from typing import Any

import pytest

from ledger_tool.commands.inspect import Inspected, inspect
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Platform
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.registry.image import Child
from ledger_tool.errors import BadManifest, RuleRefused, Unreachable, UsageError
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


def test_an_image_of_an_index_that_is_not_there_is_refused(fake: FakeRegistry) -> None:
    children = _children(fake)
    fake.push_index(APP, "v1", "index", children)
    del fake.manifests[children[1].digest]
    with pytest.raises(RuleRefused, match="does not have"):
        _inspect(fake, draft(digest=None))


def test_an_index_of_indexes_is_refused(fake: FakeRegistry) -> None:
    inner = fake.push_index(APP, "inner", "inner", _children(fake))
    fake.push_index(APP, "v1", "outer", [Child(inner, None)])
    with pytest.raises(BadManifest, match="index of indexes"):
        _inspect(fake, draft(digest=None))


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
