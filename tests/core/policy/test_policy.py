"""Registries, mutable tags, default TTLs and required fields."""

from __future__ import annotations

import pytest

from ledger_tool.core.ledger.names import Ttl
from ledger_tool.core.policy.policy import (
    Policy,
    ProvenanceRule,
    Registry,
    TrustedSigner,
    key_signer,
    keyless_signer,
)
from ledger_tool.errors import InvalidValue, NotProved
from tests.support.values.make import digest, record


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


def test_the_first_provenance_rule_that_matches_an_image_is_its_rule() -> None:
    narrow = ProvenanceRule(("myorg/payments-*", "other"), (TrustedSigner(key="payments.pub"),))
    broad = ProvenanceRule(("myorg/*",), (TrustedSigner(key="all.pub"), TrustedSigner("https://a", "b", root="r.json")))
    policy = Policy(provenance=(narrow, broad))
    rules = [policy.provenance_rule(image) for image in ("myorg/payments-api", "other", "myorg/app", "app")]
    assert rules == [narrow, narrow, broad, None]
    assert broad.files == ("all.pub", "r.json")


@pytest.mark.parametrize(
    ("signer", "is_admitted"),
    [
        (key_signer("keys/a.pub"), True),
        (key_signer("keys/b.pub"), False),
        (keyless_signer("https://github.com/myorg/app/x.yml@refs/heads/main", "https://issuer.example"), True),
        (keyless_signer("https://github.com/other/app/x.yml@refs/heads/main", "https://issuer.example"), False),
        (keyless_signer("https://github.com/myorg/app/x.yml@refs/heads/main", "https://evil.example"), False),
        (keyless_signer("https://github.com/myorg/app (https://evil.example)", "https://issuer.example"), True),
        ("https://github.com/myorg/app/x.yml", False),
        ("keys/a.pub", False),
        ("", False),
        (" ()", False),
    ],
)
def test_a_rule_admits_the_signers_that_it_names(signer: str, is_admitted: bool) -> None:
    keyless = TrustedSigner("https://issuer.example", "https://github.com/myorg/*")
    rule = ProvenanceRule(("*",), (TrustedSigner(key="keys/a.pub"), keyless))
    assert rule.admits(signer) is is_admitted


@pytest.mark.parametrize(
    ("provenance", "reason"),
    [
        (None, "myorg/app:v1 has no signed statement that was checked, which ledger.yaml requires"),
        ({"digest": digest(), "builder": "x"}, "has no signed statement that was checked, which"),
        ({"digest": digest(), "signer": "key:old.pub"}, "but one by key:old.pub, whom ledger.yaml does not name"),
    ],
)
def test_of_an_image_that_a_rule_names_a_checked_provenance_is_required(
    provenance: dict[str, str] | None, reason: str
) -> None:
    rule = ProvenanceRule(("myorg/*",), (TrustedSigner(key="release.pub"),))
    policy = Policy(require=("provenance",), provenance=(rule,))
    with pytest.raises(NotProved) as caught:
        policy.check_required(record(provenance=provenance))
    assert caught.value.exit_code == 3
    assert reason in caught.value.message
    assert not policy.meets_requirements(record(provenance=provenance))
    signed = {"digest": digest(), "signer": "key:release.pub"}
    assert policy.meets_requirements(record(provenance=signed))
    assert Policy(provenance=(rule,)).meets_requirements(record(provenance=provenance))
    with pytest.raises(InvalidValue):
        policy.check_required(record("other/app"))
