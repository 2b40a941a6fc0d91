"""Registries, mutable tags, default TTLs and required fields."""

from __future__ import annotations

import pytest

from ledger_tool.core.ledger.names import Ttl
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.reference import parse_reference
from ledger_tool.errors import InvalidValue, UsageError
from tests.support.values.make import digest, record

MIRRORS = Policy(
    registries=(
        Registry("registry.example.com", images=("myorg/*",)),
        Registry("mirror.example.com:5000", images=("myorg/*", "nginx"), prefix="proxy/hub"),
        Registry("registry.example.com", images=("legacy-*",), prefix="old"),
    )
)


@pytest.mark.parametrize(
    ("given", "image"),
    [
        ("myorg/app", "myorg/app"),
        ("anything/else", "anything/else"),
        ("registry.example.com/myorg/app", "myorg/app"),
        ("Registry.Example.COM/myorg/app:v1", "myorg/app"),
        ("mirror.example.com:5000/proxy/hub/nginx", "nginx"),
        ("registry.example.com/old/legacy-app", "legacy-app"),
    ],
)
def test_a_configured_registry_and_its_prefix_are_taken_off(given: str, image: str) -> None:
    assert MIRRORS.image(parse_reference(given)) == image


@pytest.mark.parametrize("given", ["ghcr.io/myorg/app", "localhost:5000/app", "mirror.example.com/proxy/hub/nginx"])
def test_an_unknown_registry_is_a_usage_error_that_says_what_to_configure(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        MIRRORS.image(parse_reference(given))
    registry = given.partition("/")[0]
    assert f"`{given}` names a registry that ledger.yaml does not" in caught.value.message
    assert "mirror.example.com:5000, registry.example.com" in caught.value.message
    assert f"- host: {registry}" in caught.value.hint


@pytest.mark.parametrize(
    "given",
    ["registry.example.com/other/app", "mirror.example.com:5000/nginx", "mirror.example.com:5000/proxy/hubnginx"],
)
def test_an_image_that_a_known_registry_does_not_serve_is_told_apart_from_an_unknown_registry(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        MIRRORS.image(parse_reference(given))
    assert "none of the images" in caught.value.message
    assert "`images`" in caught.value.hint


def test_a_name_outside_of_a_registrys_prefix_is_not_cut_to_fit() -> None:
    policy = Policy(registries=(Registry("registry.example.com", prefix="old"),))
    assert policy.image(parse_reference("registry.example.com/old/app")) == "app"
    for given in ("registry.example.com/new/app", "registry.example.com/older/app", "registry.example.com/app"):
        with pytest.raises(UsageError):
            policy.image(parse_reference(given))


def test_without_registries_none_is_configured() -> None:
    with pytest.raises(UsageError, match="configured is none"):
        Policy().image(parse_reference("ghcr.io/app"))


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("myorg/app", "registry.example.com/myorg/app"),
        ("nginx", "mirror.example.com:5000/proxy/hub/nginx"),
        ("legacy-app", "registry.example.com/old/legacy-app"),
        ("other/app", "other/app"),
    ],
)
def test_an_image_is_pulled_from_the_first_registry_that_serves_it(image: str, repository: str) -> None:
    assert MIRRORS.pull_repository(image) == repository


def test_a_registry_serves_everything_unless_it_says_otherwise() -> None:
    assert Registry("registry.example.com").serves("any/thing")
    assert not Registry("registry.example.com", images=("myorg/*",)).serves("myorg")


def test_a_tag_may_move_where_a_pattern_says_so() -> None:
    policy = Policy(mutable=("latest", "pr-*"))
    assert {tag: policy.is_mutable(tag) for tag in ("latest", "pr-7", "pr-", "latest2", "v1", "Latest")} == {
        "latest": True,
        "pr-7": True,
        "pr-": True,
        "latest2": False,
        "v1": False,
        "Latest": False,
    }
    assert not Policy().is_mutable("latest")


def test_the_first_matching_pattern_gives_the_default_ttl() -> None:
    policy = Policy(ttl={"pr-1": Ttl("1d"), "pr-*": Ttl("7d"), "*": Ttl("30d")})
    assert [policy.default_ttl(tag) for tag in ("pr-1", "pr-2", "v1")] == ["1d", "7d", "30d"]
    assert Policy().default_ttl("v1") is None


COMPLETE = record(
    platform="linux/amd64",
    index=digest("i"),
    config=digest("c"),
    dependsOn=[f"debian@{digest()}"],
    ttl="7d",
    labels={"team": "core"},
)


@pytest.mark.parametrize("name", ["platform", "index", "config", "dependsOn", "ttl", "labels.team"])
def test_a_required_field_that_is_missing_is_named_with_the_option_that_gives_it(name: str) -> None:
    policy = Policy(require=("sourceRef", name))
    policy.check_required(COMPLETE)
    with pytest.raises(InvalidValue) as caught:
        policy.check_required(record())
    assert caught.value.field == name
    assert f"myorg/app:v1 has no {name}" in caught.value.message
    assert "`--" in caught.value.hint


def test_a_required_label_may_not_be_empty() -> None:
    with pytest.raises(InvalidValue):
        Policy(require=("labels.team",)).check_required(record(labels={"team": ""}))
