"""The files of a new ledger are a valid ledger with the documented defaults."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Ttl
from ledger_tool.core.policy.policy import Environment, Policy, Registry
from ledger_tool.core.policy.reference import parse_reference
from ledger_tool.core.policy.resolve import Resolver
from ledger_tool.core.writes import init as scaffold
from ledger_tool.edges.files.kits import kit
from ledger_tool.edges.yaml import settings
from tests.support.stage.github import load

DEFAULT = Policy(mutable=("latest", "main", "pr-*"), ttl={"pr-*": Ttl("7d")})


def policy(registry: str = "") -> Policy:
    return settings.load(scaffold.new_ledger_files(registry)["ledger.yaml"].encode())


def test_the_ledger_is_empty_and_valid() -> None:
    assert codec.loads(scaffold.new_ledger_files()["ledger.json"].encode()) == Ledger()


def test_the_settings_are_the_documented_defaults() -> None:
    assert policy() == DEFAULT


@pytest.mark.parametrize(
    ("given", "registry"),
    [
        ("registry.example.com", Registry("registry.example.com")),
        ("localhost:5000", Registry("localhost:5000")),
        ("http://localhost:5000", Registry("localhost:5000", plain_http=True)),
        ("https://registry.example.com:443", Registry("registry.example.com:443")),
        ("[::1]:5000", Registry("[::1]:5000")),
        ("http://[fe80::1]", Registry("[fe80::1]", plain_http=True)),
        ("10.0.0.1:5000", Registry("10.0.0.1:5000")),
    ],
)
def test_a_registry_that_is_named_is_configured_for_every_image(given: str, registry: Registry) -> None:
    made = policy(given)
    assert made == replace(DEFAULT, registries=(registry,))
    assert Resolver(made, lambda _: False).image(parse_reference(f"{registry.host}/any/thing")) == "any/thing"


@pytest.mark.parametrize("host", ["on", "null", "y", "true", "1.2", "0x10", "12e3", "1:30", "2026-01-01"])
def test_a_host_that_yaml_might_read_as_something_else_is_a_string(host: str) -> None:
    assert policy(host).registries == (Registry(host),)


@pytest.mark.parametrize("host", ["[::1]:5000", "on", "1.2", "registry.example.com"])
def test_a_registry_is_a_string_in_the_example_of_github(host: str) -> None:
    text = scaffold.new_ledger_files(host, kit("github"))["examples/publish.github.yml"]
    (login,) = (step for step in load(text)["jobs"]["build"]["steps"] if "login-action" in step.get("uses", ""))
    assert login["with"]["registry"] == host


def test_every_setting_that_is_shown_as_a_comment_is_valid_once_it_is_uncommented() -> None:
    text = scaffold.new_ledger_files()["ledger.yaml"]
    shown = [line for line in text.splitlines() if re.match(r"#   |# \w+:( \[|$)", line)]
    uncommented = settings.load("\n".join(line.removeprefix("# ") for line in shown).encode())
    assert [registry.host for registry in uncommented.registries] == ["registry.example.com"]
    assert uncommented.require == ("platform", "labels.team")
    assert uncommented.environments == {"staging": Environment(), "prod": Environment(source="staging")}
    assert [rule.images for rule in uncommented.provenance] == [("myorg/*",)]
    assert [owner.images for owner in uncommented.owners] == [("payments/*",), ()]


def test_git_never_converts_the_line_endings_of_the_ledger() -> None:
    assert "ledger.json text eol=lf merge=ledger" in scaffold.new_ledger_files()[".gitattributes"].splitlines()


def test_every_file_ends_with_one_newline() -> None:
    kits = {f"{ci}/{path}": text for ci in scaffold.CI_SYSTEMS for path, text in kit(ci).items()}
    for name, text in scaffold.new_ledger_files("registry.example.com", kits).items():
        assert text.endswith("\n"), name
        assert not text.endswith("\n\n"), name
