"""Which image of the ledger a reference means."""

from __future__ import annotations

import pytest

from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.reference import parse_reference
from ledger_tool.core.policy.resolve import Place, address, places

POLICY = Policy(
    (
        Registry("registry.example.com", ("myorg/*",)),
        Registry("mirror.example.net:5000", ("myorg/*",), prefix="cache"),
        Registry("docker.io", ("nginx", "library/*")),
    )
)
WHERE = places(POLICY, ["myorg/base", "nginx", "old"])


@pytest.mark.parametrize(
    ("given", "name", "ours"),
    [
        ("myorg/base:12", "myorg/base", True),
        ("registry.example.com/myorg/base:12", "myorg/base", True),
        ("Registry.Example.COM/myorg/base", "myorg/base", True),
        ("mirror.example.net:5000/cache/myorg/base", "myorg/base", True),
        ("registry.example.com/myorg/gone", "myorg/gone", True),  # no record of it any more, but it is served
        ("myorg/gone", "myorg/gone", True),
        ("old", "old", True),  # the ledger has it, whoever serves it
        ("nginx", "nginx", True),
        ("docker.io/library/nginx", "nginx", True),
        ("index.docker.io/nginx", "nginx", True),
        ("docker.io/library/debian", "library/debian", True),
        ("debian", "docker.io/library/debian", False),
        ("quay.io/other/tool", "quay.io/other/tool", False),
        ("mirror.example.net:5000/elsewhere/myorg/base", "mirror.example.net:5000/elsewhere/myorg/base", False),
        ("registry.example.com/other/base", "registry.example.com/other/base", False),
    ],
)
def test_a_reference_is_an_image_of_the_ledger_however_it_is_written(given: str, name: str, ours: bool) -> None:
    assert WHERE.of(parse_reference(given)) == Place(name, ours)


def test_the_addresses_of_an_image_are_those_of_every_registry_that_serves_it() -> None:
    assert WHERE.addresses(Place("myorg/base", True)) == [
        ("registry.example.com", "registry.example.com/myorg/base"),
        ("mirror.example.net:5000", "mirror.example.net:5000/cache/myorg/base"),
    ]
    assert WHERE.addresses(Place("nginx", True)) == [("docker.io", "docker.io/library/nginx")]
    assert WHERE.addresses(Place("quay.io/a/b", False)) == [("quay.io", "quay.io/a/b")]
    assert WHERE.addresses(Place("old", True)) == []


def test_docker_hub_has_one_address_for_its_many_names() -> None:
    names = [("docker.io", "nginx"), ("index.docker.io", "library/nginx"), ("registry-1.docker.io", "nginx")]
    assert {address(host, path) for host, path in names} == {"docker.io/library/nginx"}
