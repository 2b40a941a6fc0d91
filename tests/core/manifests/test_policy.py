"""Version policies: their grammar, and what they choose."""

from __future__ import annotations

import time

import pytest

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.version import parse_version_tag
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.policy import Place, choose, parse_policy
from ledger_tool.core.manifests.policyrules import parse_rule, policy_for
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import InvalidValue
from tests.support.values.make import digest, ledger_of, record

SETTINGS = Policy(mutable=("latest", "stable", "1", "1.5"))


def chosen(policy: str, *tags: str, current: str = "", prereleases: bool = False) -> str | None:
    """Return the tag that a policy chooses of tags that were published one after the other."""
    records = [
        record("a", tag.rstrip("!"), digest=digest(tag), publishedAt=f"2026-11-{at + 1:02}T00:00:00Z")
        for at, tag in enumerate(tags)
    ]
    catalogue = Catalogue(Snapshot("", ledger_of(*records), SETTINGS), Timestamp("2026-11-25T00:00:00Z"))
    own = parse_version_tag(current)
    place = Place(current, own, own)
    found = choose(parse_policy(policy), catalogue.releases("a"), place, SETTINGS, prereleases=prereleases)
    return found.tag if found else None


@pytest.mark.parametrize(
    ("policy", "tags", "tag"),
    [
        ("semver:^1.5", "1.5.0 1.9.0 1.10.0 2.0.0 1.11.0-rc.1", "1.10.0"),
        ("semver:^1.5", "v1.5.0 v1.6.0", "v1.6.0"),
        ("semver:^1.5", "latest main 1234567 20240101", None),
        ("semver:>=1", "1.5.0 1234567 20240101 20240101.1", "1.5.0"),
        ("prerelease:^1.5", "1.5.0 1.11.0-rc.1 2.0.0-rc.1", "1.11.0-rc.1"),
        ("semver:^1.5", "1.5 1.5.0 1", "1.5.0"),
        ("semver:1.25.x", "1.25.3 1.25.3-alpine", "1.25.3"),
        ("newest", "1.5.0 main latest", "1.5.0"),
        ("newest", "latest stable", None),
        ("newest:la*", "1.5.0 latest stable", "latest"),
        ("newest:main-*", "main-2 main-1 v1", "main-1"),
        ("tag:stable", "1.5.0 stable latest", "stable"),
        ("tag:stable", "1.5.0", None),
        (r"regex:main-(?P<number>\d+)", "main-9 main-12 main-105 main-x 106", "main-105"),
        (r"regex:(?P<version>[0-9.]+)-alpine", "1.9.0-alpine 1.10.0-alpine 1.11.0 1.12.0-alpine3", "1.10.0-alpine"),
        (r"regex:(?P<number>\d+\.\d+)", "24.04 22.04 24.10", "24.10"),
        (r"regex:(?P<when>\d{4}-\d\d-\d\d)", "2026-01-15 2025-12-31", "2026-01-15"),
        ("ignore", "1.5.0", None),
    ],
)
def test_a_policy_chooses(policy: str, tags: str, tag: str | None) -> None:
    assert chosen(policy, *tags.split()) == tag


def test_of_equal_versions_the_current_tag_stays_then_the_way_it_is_written() -> None:
    assert chosen("semver:^1", "1.5", "1.5.0", "v1.5.0", current="1.5") == "1.5"
    assert chosen("semver:^1", "1.6.0", "v1.6.0", "v1.5.0", current="v1.5.0") == "v1.6.0"
    assert chosen("semver:^1", "1.6.0", "v1.6.0", "1.5.0", current="1.5.0") == "1.6.0"


def test_prereleases_are_chosen_on_request() -> None:
    assert chosen("semver:^1", "1.5.0", "1.6.0-rc.1") == "1.5.0"
    assert chosen("semver:^1", "1.5.0", "1.6.0-rc.1", prereleases=True) == "1.6.0-rc.1"


@pytest.mark.parametrize(
    "text",
    ["", "semver", "semver:x.y", "newest:", "tag:", "tag:a b", "regex:", "regex:v", "regex:(", "regex:(?P<a>.)(?P<b>.)",
     "regex:(?P<a>x)+", "regex:(?P<a>.*.*.*.*)", "regex:(?x)(?P<a>.) +",
     f"regex:(?P<a>{'.?' * 30}=)", f"regex:(?P<a>{'(?:.|.)' * 30}=)", "ignore:x", "latest", "^1.5", "x" * 300],
)  # fmt: skip
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_policy(text)


def test_a_few_choices_are_left() -> None:
    tags = ["main-9", "v1.10.0", "1.9.0-alpine"]
    assert chosen(r"regex:v??(?P<version>[0-9]+\.[0-9]+\.[0-9]+)(-alpine|-slim)?", *tags) == "v1.10.0"


def test_no_tag_keeps_a_regular_expression_busy() -> None:
    started = time.perf_counter()
    assert chosen("regex:.*x.*y.*(?P<number>z)", "xy" * 64) is None
    assert chosen(f"regex:.*.*.*{'y?' * 4}(?P<number>z)", "xy" * 64) is None
    assert time.perf_counter() - started < 2


def test_rules_are_chosen_by_image_the_one_for_all_last() -> None:
    rules = [
        parse_rule(text) for text in ("newest", "myorg/*=semver:>=1.5", "myorg/app=tag:stable", "x=regex:(?P<a>=)")
    ]
    policies = {image: str(policy_for(rules, image)) for image in ("myorg/app", "nginx", "x")}
    assert policies == {"myorg/app": "semver:>=1.5", "nginx": "newest", "x": "regex:(?P<a>=)"}
    assert policy_for(rules[1:], "nginx") is None
    assert parse_rule("semver:>=1.5").images == "*"
