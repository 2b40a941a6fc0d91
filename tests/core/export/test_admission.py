"""What a cluster may run: which repositories are ours, by which digests, under which name, and how much fits."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.export.admission import (
    MAX_BYTES,
    ConfigMapName,
    admission,
    default_config_map,
    parse_config_map,
    served,
    stored_size,
)
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.reference import parse_in_manifest
from ledger_tool.core.policy.resolve import Resolver
from ledger_tool.errors import UnknownImage, UsageError
from tests.support.values.make import digest, record
from tests.support.values.profiles import example_count

PLACE = ConfigMapName("ledger", "images")
KEY, INDEX_KEY = digest().replace(":", "-"), digest("index").replace(":", "-")


def is_ours(policy: Policy, repository: str) -> bool:
    return any(
        re.search(one.pattern, repository) and not (one.but and re.search(one.but, repository))
        for one in served(policy)
    )


_names = st.lists(st.sampled_from(["a", "b", "ab", "library", "x-1"]), min_size=1, max_size=3).map("/".join)
_globs = st.one_of(
    _names,
    st.lists(st.sampled_from([*"ab/*?1-", "**", "[a-b]", "[!a]", "[]a]", "[", "x", "A", "é", "a/"]), max_size=5).map(
        "".join
    ),
).filter(bool)
REGISTRIES = st.builds(
    Registry,
    host=st.sampled_from(["r.io", "R.io", "r.io:5000", "docker.io", "index.docker.io", "[::1]:5000"]),
    images=st.lists(_globs, min_size=1, max_size=3).map(tuple),
    prefix=st.one_of(st.just(""), _names),
    ledger_prefix=st.one_of(st.just(""), _names),
)
POLICIES = st.lists(REGISTRIES, min_size=1, max_size=3, unique_by=lambda one: (one.host, one.prefix)).map(
    lambda found: Policy(registries=tuple(found))
)


@example_count(400)
@given(POLICIES, st.sampled_from(["r.io", "r.io:5000", "docker.io", "[::1]:5000", "other.io"]), _names)
def test_the_expressions_say_what_the_resolver_says(policy: Policy, host: str, path: str) -> None:
    reference = parse_in_manifest(f"{host}/{path}")
    full = f"library/{path}" if host == "docker.io" and "/" not in path else path
    assert is_ours(policy, f"{host}/{full}") == Resolver(policy, lambda _: False).resolve(reference).ours


def test_what_belongs_to_an_inner_prefix_of_the_ledger_is_not_the_outer_registrys() -> None:
    policy = Policy((Registry("r.io"), Registry("r.io", prefix="p", ledger_prefix="inner")))
    assert [is_ours(policy, f"r.io/{path}") for path in ("a", "inner/a", "p/a", "innermost")] == [
        True,
        False,
        True,
        True,
    ]


def test_only_a_name_without_a_slash_is_official_without_library_in_front() -> None:
    policy = Policy((Registry("docker.io", ("a*", "b[!x]c")),))
    paths = ("library/a", "library/ab", "a/b", "library/a/b", "library/b/c", "b/c", "library/bzc", "library/bxc")
    assert [path for path in paths if is_ours(policy, f"docker.io/{path}")] == [
        "library/a", "library/ab", "a/b", "b/c", "library/bzc",
    ]  # fmt: skip


def test_an_image_may_run_by_its_index_and_by_itself_from_each_registry_that_serves_it() -> None:
    policy = Policy((Registry("Registry.example.com:443", ("myorg/*",)), Registry("docker.io", ("myorg/*", "nginx"))))
    records = [record(platform="linux/amd64", index=digest("index")), record("nginx", digest=digest("index"))]
    homes = ["docker.io/myorg/app", "registry.example.com/myorg/app"]
    assert admission(PLACE, records, policy, by_platform=False).repositories == {
        KEY: homes,
        INDEX_KEY: ["docker.io/library/nginx", *homes],
    }
    assert list(admission(PLACE, records[:1], policy, by_platform=True).repositories) == [KEY]


@pytest.mark.parametrize(
    ("host", "home"),
    [
        ("R.io", "r.io"),
        ("r.io:443", "r.io"),
        ("r.io:080", "r.io"),
        ("r.io:05000", "r.io:5000"),
        ("[::A]:5000", "[::a]:5000"),
        ("[::80]", "[::80]"),
        ("index.docker.io:443", "docker.io"),
        ("docker.io:5000", "docker.io:5000"),
    ],
)
def test_a_host_has_one_form(host: str, home: str) -> None:
    found = admission(PLACE, [record()], Policy((Registry(host),)), by_platform=False)
    assert found.repositories == {KEY: [f"{home}/myorg/app"]}
    assert is_ours(Policy((Registry(host),)), f"{home}/myorg/app")


def test_an_image_that_no_registry_serves_may_not_run_and_nothing_but_such_is_refused() -> None:
    policy = Policy((Registry("r.io", ("myorg/*",)),))
    found = admission(PLACE, [record(), record("tool", digest=digest("t"))], policy, by_platform=False)
    assert found.repositories == {KEY: ["r.io/myorg/app"]}
    with pytest.raises(UnknownImage, match=r"no registry of ledger\.yaml serves what matches"):
        admission(PLACE, [record("tool")], policy, by_platform=False)


def test_more_than_a_config_map_holds_is_refused_with_its_size() -> None:
    policy = Policy((Registry("registry.example.com"),))
    one = stored_size({KEY: ["registry.example.com/myorg/app"]})
    fits = [record(tag=f"v{at}", digest=digest(at)) for at in range(MAX_BYTES // one)]
    assert len(admission(PLACE, fits, policy, by_platform=False).repositories) == len(fits)
    with pytest.raises(UsageError, match=rf"holds 1048576 bytes, and these {len(fits) + 1} digests take \d+"):
        admission(PLACE, [*fits, record(tag="more", digest=digest("more"))], policy, by_platform=False)


def test_the_config_map_of_one_environment_is_named_for_it() -> None:
    def name(*tags: str) -> str:
        return str(default_config_map([record(tag=tag, version="v1") for tag in tags]).policy)

    assert name("prod") == "ledger.prod"
    assert name("prod", "staging") == "ledger.images"
    assert default_config_map([record(tag="prod")]) == PLACE
    assert name("Prod") != name("PROD") != name("prod")


@example_count(100)
@given(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True))
def test_every_environment_gives_a_name_that_kubernetes_takes(environment: str) -> None:
    found = default_config_map([record(tag=environment, version="v1")])
    assert parse_config_map(f"{found.namespace}/{found.name}") == found


@pytest.mark.parametrize(
    "value", ["prod", "a/b/c", "A/b", "a/-b", "a/b.c", "a/", "/b", "a/b\n", f"{'a' * 32}/{'b' * 32}"]
)
def test_a_name_that_kubernetes_would_refuse_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="is malformed"):
        parse_config_map(value)
