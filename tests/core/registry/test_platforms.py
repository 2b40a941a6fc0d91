"""Platforms as entries and configs state them: what is said, what is left open, and what contradicts."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Platform, parse_platform
from ledger_tool.core.registry.platforms import NOTHING_STATED, StatedPlatform, stated, stated_by
from ledger_tool.errors import InvalidValue
from tests.support.values.strategies import json_values


def _of(text: str) -> StatedPlatform:
    """Return a platform from `os/architecture/variant/version`, any part of which may be empty."""
    parts = (text.split("/") + [""] * 4)[:4]
    return StatedPlatform(system=parts[0], architecture=parts[1], variant=parts[2], version=parts[3])


@pytest.mark.parametrize(
    ("entry", "config", "platform"),
    [
        ("linux/arm/v6", "linux/arm", "linux/arm/v6"),
        ("linux/arm/v6", "", "linux/arm/v6"),
        ("linux/arm/v6", "linux", "linux/arm/v6"),
        ("linux/arm", "linux/arm/v6", "linux/arm/v6"),
        ("linux/arm", "linux/arm", "linux/arm/v7"),
        ("linux/arm", "linux/armel", "linux/arm/v6"),
        ("linux/armhf", "linux/arm/v6", "linux/arm/v7"),
        ("linux/amd64", "linux/amd64/v3", "linux/amd64/v3"),
        ("linux/amd64/v2", "linux/amd64/v3", "linux/amd64/v2"),
        ("linux/arm64", "linux/arm64/v8", "linux/arm64"),
        ("linux/aarch64", "linux/arm64/v8", "linux/arm64"),
        ("linux/arm64", "linux/amd64", "linux/arm64"),
        ("linux/arm64", "linux/amd64/v2", "linux/arm64"),
        ("windows/amd64", "windows/amd64//10.0.17763.1", "windows/amd64"),
        ("windows/amd64//10.0.17763.1", "windows/amd64//10.0.20348.1", "windows(10.0.17763.1)/amd64"),
        ("", "linux/s390x", "linux/s390x"),
        ("unknown/unknown", "linux/s390x", "linux/s390x"),
        ("linux", "linux/s390x", "linux/s390x"),
        ("linux/s390x", "x y/z", "linux/s390x"),
        ("", "", None),
        ("", "unknown/unknown", None),
    ],
)
def test_the_entry_decides_and_the_config_adds_what_it_leaves_open(
    entry: str, config: str, platform: str | None
) -> None:
    assert _of(entry).completed_by(_of(config)).normal() == platform


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("linux/arm", "linux/arm/v6", True),
        ("linux/arm/v6", "linux/arm/v7", False),
        ("linux/arm/v7", "linux/armhf", True),
        ("linux/arm/v6", "linux/armhf", False),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64/v8", "linux/arm64/v9", False),
        ("linux/amd64", "linux/x86_64", True),
        ("Linux/AMD64", "linux/amd64", True),
        ("linux/amd64", "linux/arm64", False),
        ("linux/amd64", "windows/amd64", False),
        ("windows/amd64", "windows/amd64//10.0.1", True),
        ("windows/amd64//10.0.1", "windows/amd64//10.0.2", False),
        ("linux/amd64", "", True),
        ("linux/amd64", "unknown/unknown", True),
        ("linux/amd64//x y", "linux/amd64", True),
        ("linux/a b", "linux/a b", True),
        ("linux/a b", "linux/a c", False),
    ],
)
def test_only_what_both_say_can_contradict(one: str, other: str, *, agree: bool) -> None:
    assert _of(one).agrees_with(_of(other)) is agree
    assert _of(other).agrees_with(_of(one)) is agree


@pytest.mark.parametrize(
    "value",
    [
        {"os": "linux", "architecture": "amd64", "os.version": "x y"},
        {"os": "linux", "architecture": "amd64", "os.version": ")/x/y"},
        {"os": "linux", "architecture": "amd64/v2"},
        {"os": "linux/amd64", "architecture": "v2"},
        {"os": "li nux", "architecture": "amd64"},
        {"os": "linux", "architecture": "amd64", "variant": "v7l+\u202e"},
        {"os": "linux", "architecture": 64},
        {"os": "linux", "architecture": "amd64", "Architecture": "arm64"},
        {"OS": "linux", "architecture": "amd64"},
        {"os": ["linux"], "architecture": "amd64"},
    ],
)
def test_a_platform_that_a_record_cannot_hold_is_told_as_it_is_written(value: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        stated(value).normal()
    assert all(str(part).strip("[]'\u202e") in str(stated(value)) for part in value.values())


@given(json_values)
def test_no_value_breaks_the_reader(value: object) -> None:
    for one in (stated(value), stated({"os": value, "architecture": value, "variant": value, "os.version": value})):
        assert one.agrees_with(one)
        assert one.completed_by(NOTHING_STATED) == one or one.says_nothing
        with suppress(InvalidValue):
            one.normal()


_PLATFORMS = st.sampled_from(
    ["linux/amd64", "linux/amd64/v3", "linux/arm/v6", "linux/arm", "linux/arm64", "windows(10.0.1)/amd64"]
).map(parse_platform)


@given(_PLATFORMS, _PLATFORMS)
def test_a_platform_in_its_normal_form_states_itself(platform: Platform, other: Platform) -> None:
    assert stated_by(platform).normal() == platform
    assert stated_by(platform).completed_by(stated_by(other)).agrees_with(stated_by(platform))
