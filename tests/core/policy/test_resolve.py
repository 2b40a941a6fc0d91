"""Which image of the ledger a reference means, however it is written; and where an image is pulled from."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.reference import parse_in_manifest, parse_reference
from ledger_tool.core.policy.resolve import HUB_HOSTS, NamedImage, Resolver, pull_repository, same_host
from ledger_tool.errors import UsageError
from tests.support.values.make import digest
from tests.support.values.profiles import example_count

D = digest()


def resolver(policy: Policy, *images: str) -> Resolver:
    return Resolver(policy, frozenset(images).__contains__)


def registries(*found: Registry) -> Policy:
    return Policy(registries=found)


# ---- one image, every spelling of it, every shape of ledger.yaml

OFFICIAL = ["nginx", *(f"{host}/{path}" for host in (*HUB_HOSTS, "Docker.IO") for path in ("nginx", "library/nginx"))]
PRIVATE = [
    f"{host}/myorg/app"
    for host in ("registry.example.com", "Registry.Example.COM", "registry.example.com:443", "registry.example.com:80")
]
HUB_SHAPES = [
    registries(Registry("docker.io")),
    registries(Registry("Docker.io")),
    registries(Registry("index.docker.io")),
    registries(Registry("registry-1.docker.io")),
    registries(Registry("docker.io", ("nginx", "library/*"))),
    registries(Registry("quay.io", ("team/*",)), Registry("docker.io"), Registry("mirror.example.net", prefix="hub")),
]


@pytest.mark.parametrize("policy", HUB_SHAPES)
@pytest.mark.parametrize("image", ["nginx", "library/nginx"])
def test_an_official_image_is_known_under_all_its_names_whichever_the_ledger_has(policy: Policy, image: str) -> None:
    known = resolver(policy, image)
    for text in (*OFFICIAL, "library/nginx"):
        assert known.image(parse_reference(f"{text}:1.25")) == image
        assert known.resolve_in_manifest(parse_in_manifest(text)) == NamedImage(image, ours=True)
        assert known.pattern(f"{text}:1.*") == f"{image}:1.*"
    assert pull_repository(policy, image) == "docker.io/library/nginx" or policy.registries[1].host == "docker.io"


@pytest.mark.parametrize(
    ("policy", "image"),
    [
        (registries(Registry("docker.io", prefix="library")), "nginx"),
        (registries(Registry("index.docker.io", ("nginx",), prefix="library")), "nginx"),
        (registries(Registry("docker.io", ("nginx",))), "nginx"),
        (registries(Registry("docker.io", ("library/*",))), "library/nginx"),
        (registries(Registry("docker.io", prefix="library"), Registry("mirror.example.net", prefix="hub")), "nginx"),
    ],
)
def test_library_is_optional_whether_it_is_the_prefix_or_in_the_name_or_neither(policy: Policy, image: str) -> None:
    for known in (resolver(policy, image), resolver(policy)):
        for text in (*OFFICIAL, "library/nginx"):
            assert known.image(parse_reference(text)) == image
            assert known.resolve_in_manifest(parse_in_manifest(text)) == NamedImage(image, ours=True)
    assert pull_repository(policy, image) == "docker.io/library/nginx"


@pytest.mark.parametrize(
    ("policy", "more"),
    [
        (registries(Registry("registry.example.com")), []),
        (registries(Registry("REGISTRY.example.com", ("myorg/*",)), Registry("docker.io")), []),
        (
            registries(Registry("registry.example.com", ("myorg/*",)), Registry("m.example.net:5000", prefix="cache")),
            ["m.example.net:5000/cache/myorg/app", "M.EXAMPLE.net:5000/cache/myorg/app"],
        ),
    ],
)
def test_an_image_of_a_registry_is_known_under_each_that_serves_it(policy: Policy, more: list[str]) -> None:
    known = resolver(policy, "myorg/app")
    for text in ("myorg/app", *PRIVATE, *more):
        assert known.image(parse_reference(text)) == "myorg/app"
    for text in (*PRIVATE, *more):
        assert known.resolve_in_manifest(parse_in_manifest(text)) == NamedImage("myorg/app", ours=True)


def test_a_prefix_is_taken_off() -> None:
    known = resolver(registries(Registry("registry.example.com", prefix="myorg")), "app")
    for text in ("app", *PRIVATE):
        assert known.image(parse_reference(text)) == "app"


def test_a_ledger_without_registries_has_the_bare_names() -> None:
    known = resolver(Policy(), "nginx", "myorg/app")
    for text in ("nginx", "myorg/app"):
        assert known.image(parse_reference(text)) == text
        assert known.resolve_in_manifest(parse_in_manifest(text)) == NamedImage(text, ours=True)
    for text in ("docker.io/library/nginx", "registry.example.com:5000/myorg/app"):
        assert known.resolve_in_manifest(parse_in_manifest(text)) == NamedImage(text, ours=False)
        with pytest.raises(UsageError, match="configured: none"):
            known.image(parse_reference(text))


# ---- as a manifest says it

MANIFEST_POLICY = registries(
    Registry("registry.example.com", images=("myorg/*",)),
    Registry("mirror.example.com:5000", prefix="hub"),
    Registry("docker.io", images=("debian", "alpine"), prefix="library"),
    Registry("registry-1.docker.io", images=("library/*", "team/*")),
)


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("registry.example.com/myorg/app:v1", "myorg/app"),
        ("Registry.Example.com/myorg/app", "myorg/app"),
        ("registry.example.com/other/app", None),
        ("myorg/app", None),
        ("mirror.example.com:5000/hub/nginx", "nginx"),
        ("mirror.example.com:5000/hubble/nginx", None),
        ("mirror.example.com/hub/nginx", None),
        ("debian:bookworm", "debian"),
        ("docker.io/library/debian", "debian"),
        ("nginx", "library/nginx"),
        ("docker.io/nginx", "library/nginx"),
        ("team/tool", "team/tool"),
        ("ghcr.io/team/tool", None),
    ],
)
@pytest.mark.parametrize("images", [(), ("myorg/app", "nginx", "debian", "library/nginx", "team/tool")])
def test_a_manifests_reference_is_the_ledgers_where_ledger_yaml_says_that_its_registry_serves_it(
    text: str, image: str | None, images: tuple[str, ...]
) -> None:
    found = resolver(MANIFEST_POLICY, *images).resolve_in_manifest(parse_in_manifest(text))
    assert (found.name if found.ours else None) == image


@pytest.mark.parametrize(
    ("text", "repository"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("nginx:1.25", "docker.io/library/nginx"),
        ("docker.io/nginx", "docker.io/library/nginx"),
        ("docker.io/library/nginx:1", "docker.io/library/nginx"),
        ("index.docker.io/nginx", "docker.io/library/nginx"),
        ("registry-1.docker.io/library/nginx", "docker.io/library/nginx"),
        ("myorg/app", "docker.io/myorg/app"),
        ("example.com", "docker.io/library/example.com"),
        (f"app@{D}", "docker.io/library/app"),
        ("a__b/c---d.e_f:X", "docker.io/a__b/c---d.e_f"),
        ("localhost/app:v1", "localhost/app"),
        ("registry:5000/app", "registry:5000/app"),
        ("Registry.Example.COM/app", "registry.example.com/app"),
        ("[::1]:5000/app:v1", "[::1]:5000/app"),
    ],
)
def test_what_is_not_the_ledgers_has_the_name_that_docker_gives_it(text: str, repository: str) -> None:
    policy = registries(Registry("quay.io", ("team/*",)))
    assert resolver(policy).resolve_in_manifest(parse_in_manifest(text)) == NamedImage(repository, ours=False)


# ---- as a person types it, or a record has it

POLICY = registries(
    Registry("registry.example.com", ("myorg/*",)),
    Registry("mirror.example.net:5000", ("myorg/*",), prefix="cache"),
    Registry("docker.io", ("nginx", "library/*")),
)
KNOWN = resolver(POLICY, "myorg/base", "nginx", "old")


@pytest.mark.parametrize(
    ("text", "name", "ours"),
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
        ("debian", "library/debian", True),
        ("team/tool", "docker.io/team/tool", False),
        ("quay.io/other/tool", "quay.io/other/tool", False),
        ("mirror.example.net:5000/elsewhere/myorg/base", "mirror.example.net:5000/elsewhere/myorg/base", False),
        ("registry.example.com/other/base", "registry.example.com/other/base", False),
    ],
)
def test_a_reference_is_an_image_of_the_ledger_however_it_is_written(text: str, name: str, ours: bool) -> None:
    assert KNOWN.resolve(parse_reference(text)) == NamedImage(name, ours)


def test_the_repositories_of_an_image_are_those_of_every_registry_that_serves_it() -> None:
    assert KNOWN.repositories(NamedImage("myorg/base", True)) == [
        ("registry.example.com", "registry.example.com/myorg/base"),
        ("mirror.example.net:5000", "mirror.example.net:5000/cache/myorg/base"),
    ]
    assert KNOWN.repositories(NamedImage("nginx", True)) == [("docker.io", "docker.io/library/nginx")]
    assert KNOWN.repositories(NamedImage("quay.io/a/b", False)) == [("quay.io", "quay.io/a/b")]
    assert KNOWN.repositories(NamedImage("old", True)) == []


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("mirror.example.net:5000/cache/myorg/base", "mirror.example.net:5000"),
        ("Registry.example.com/myorg/base", "registry.example.com"),
        ("myorg/base", "registry.example.com"),
        ("nginx", "docker.io"),
        ("debian", "docker.io"),
        ("index.docker.io/debian", "docker.io"),
    ],
)
def test_a_reference_means_one_registry(text: str, host: str) -> None:
    assert KNOWN.host(parse_reference(text)) == host


# ---- where two images could be meant


@pytest.mark.parametrize(
    ("policy", "images", "text", "image"),
    [
        # The bare name that was typed, before another name of the repository.
        (registries(Registry("docker.io")), {"nginx", "library/nginx"}, "nginx", "nginx"),
        (registries(Registry("docker.io")), {"nginx", "library/nginx"}, "library/nginx", "library/nginx"),
        # The path as written, before the one with or without `library/`.
        (registries(Registry("docker.io")), {"nginx", "library/nginx"}, "docker.io/nginx", "nginx"),
        (registries(Registry("docker.io")), {"nginx", "library/nginx"}, "docker.io/library/nginx", "library/nginx"),
        (registries(Registry("docker.io")), set(), "docker.io/library/nginx", "library/nginx"),
        # What has records, before what has none.
        (registries(Registry("docker.io")), {"nginx"}, "library/nginx", "nginx"),
        (registries(Registry("r.io", ("*",), "a"), Registry("r.io")), {"a/app"}, "r.io/a/app", "a/app"),
        # The order of ledger.yaml.
        (registries(Registry("r.io", ("*",), "a"), Registry("r.io")), {"app", "a/app"}, "r.io/a/app", "app"),
        (registries(Registry("r.io"), Registry("r.io", ("*",), "a")), {"app", "a/app"}, "r.io/a/app", "a/app"),
        (registries(Registry("r.io", ("*",), "a"), Registry("r.io")), set(), "r.io/a/app", "app"),
        # A name that another registry serves is that registry's, and not Docker Hub's.
        (registries(Registry("r.io"), Registry("docker.io")), {"library/redis"}, "redis", "redis"),
        (registries(Registry("r.io", ("redis",)), Registry("docker.io")), {"library/redis"}, "redis", "redis"),
        (registries(Registry("docker.io"), Registry("r.io")), {"library/redis"}, "redis", "library/redis"),
    ],
)
def test_of_two_images_one_rule_decides(policy: Policy, images: Collection[str], text: str, image: str) -> None:
    assert resolver(policy, *images).image(parse_reference(text)) == image


def test_a_manifests_bare_name_is_never_an_image_of_another_registry() -> None:
    policy = registries(Registry("registry.example.com"), Registry("docker.io", ("library/*",)))
    known = resolver(policy, "redis", "library/nginx")
    assert known.resolve_in_manifest(parse_in_manifest("redis")) == NamedImage("library/redis", ours=True)
    assert known.resolve_in_manifest(parse_in_manifest("nginx")) == NamedImage("library/nginx", ours=True)


# ---- what no image of the ledger can be

MIRRORS = registries(
    Registry("registry.example.com", images=("myorg/*",)),
    Registry("mirror.example.com:5000", images=("myorg/*", "nginx"), prefix="proxy/hub"),
    Registry("registry.example.com", images=("legacy-*",), prefix="old"),
)


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("myorg/app", "myorg/app"),
        ("anything/else", "anything/else"),
        ("registry.example.com/myorg/app", "myorg/app"),
        ("Registry.Example.COM/myorg/app:v1", "myorg/app"),
        ("mirror.example.com:5000/proxy/hub/nginx", "nginx"),
        ("registry.example.com/old/legacy-app", "legacy-app"),
    ],
)
def test_a_configured_registry_and_its_prefix_are_taken_off(text: str, image: str) -> None:
    assert resolver(MIRRORS).image(parse_reference(text)) == image


@pytest.mark.parametrize("text", ["ghcr.io/myorg/app", "localhost:5000/app", "mirror.example.com/proxy/hub/nginx"])
def test_an_unknown_registry_is_a_usage_error_that_says_what_to_configure(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolver(MIRRORS).image(parse_reference(text))
    registry = text.partition("/")[0]
    assert f"`{text}` names a registry that is not in ledger.yaml" in caught.value.message
    assert "mirror.example.com:5000, registry.example.com" in caught.value.message
    assert f"- host: {registry}" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    ["registry.example.com/other/app", "mirror.example.com:5000/nginx", "mirror.example.com:5000/proxy/hubnginx"],
)
def test_an_image_that_a_known_registry_does_not_serve_is_told_apart_from_an_unknown_registry(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolver(MIRRORS).image(parse_reference(text))
    assert "does not say that" in caught.value.message
    assert "`images`" in caught.value.hint


def test_docker_hub_is_a_known_registry_under_each_of_its_hosts() -> None:
    with pytest.raises(UsageError, match=r"ledger\.yaml does not say that"):
        resolver(registries(Registry("docker.io", ("nginx",)))).image(parse_reference("index.docker.io/redis"))


def test_a_name_outside_of_a_registrys_prefix_is_not_cut_to_fit() -> None:
    known = resolver(registries(Registry("registry.example.com", prefix="old")))
    assert known.image(parse_reference("registry.example.com/old/app")) == "app"
    for text in ("registry.example.com/new/app", "registry.example.com/older/app", "registry.example.com/app"):
        with pytest.raises(UsageError):
            known.image(parse_reference(text))


def test_without_registries_none_is_configured() -> None:
    with pytest.raises(UsageError, match="configured: none"):
        resolver(Policy()).image(parse_reference("ghcr.io/app"))


# ---- where an image is pulled from


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
    assert pull_repository(MIRRORS, image) == repository


@pytest.mark.parametrize("host", HUB_HOSTS)
def test_docker_hubs_repositories_are_written_in_full(host: str) -> None:
    """Not every client adds `library/`, and Docker itself does so at two of the three hosts only."""
    assert pull_repository(registries(Registry(host)), "nginx") == "docker.io/library/nginx"
    assert pull_repository(registries(Registry(host)), "myorg/app") == "docker.io/myorg/app"
    assert pull_repository(registries(Registry(host, prefix="library")), "nginx") == "docker.io/library/nginx"


# ---- patterns


@pytest.mark.parametrize(
    ("pattern", "resolved"),
    [
        ("docker.io/library/nginx", "nginx"),
        ("index.docker.io/nginx:1.*", "nginx:1.*"),
        ("nginx:1.25", "nginx:1.25"),
        ("mirror.example.net:5000/cache/myorg/base:v1", "myorg/base:v1"),
        ("myorg/*", "myorg/*"),
        ("docker.io/library/*", "docker.io/library/*"),
        ("*:v1", "*:v1"),
        ("[mn]*", "[mn]*"),
        ("No Such", "No Such"),
        ("", ""),
    ],
)
def test_a_pattern_is_resolved_unless_it_has_wildcards(pattern: str, resolved: str) -> None:
    assert KNOWN.pattern(pattern) == resolved


def test_a_pattern_with_an_unknown_registry_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="names a registry"):
        KNOWN.pattern("ghcr.io/myorg/app")


# ---- for every ledger.yaml

_hosts = st.sampled_from(
    [
        *HUB_HOSTS,
        "registry.example.com",
        "Registry.Example.com",
        "mirror.example.net:5000",
        "registry.example.com:443",
        "docker.io:443",
    ]
)
_names = st.sampled_from(["app", "library/app", "myorg/app", "myorg/library/app", "tool", "library/tool", "hub/app"])
_globs = st.lists(st.sampled_from(["*", "app", "library/*", "myorg/*", "tool"]), min_size=1, max_size=2).map(tuple)
_prefixes = st.sampled_from(["", "", "library", "myorg", "hub"])
_policies = st.lists(st.builds(Registry, _hosts, _globs, _prefixes), max_size=3).map(lambda found: registries(*found))
_images = st.frozensets(_names, min_size=1, max_size=3)


def homes(known: Resolver, image: str) -> set[str]:
    return {repository for _, repository in known.repositories(NamedImage(image, ours=True))}


def spellings(text: str) -> list[str]:
    """Return all ways to write a repository: a host in either case, Docker Hub under each name, `library/` or not."""
    host, _, path = text.partition("/")
    if same_host(host) != "docker.io":
        usual = (
            [] if same_host(host) != host.lower() or ":" in host else [f"{host}:{port}/{path}" for port in (80, 443)]
        )
        return [text, f"{host.upper()}/{path}", f"{same_host(host)}/{path}", *usual]
    short = path.removeprefix("library/")
    paths = [path] if "/" in short else [short, f"library/{short}"]
    return [f"{name}/{one}" for name in (*HUB_HOSTS, "DOCKER.io") for one in paths]


@example_count(500)
@given(_policies, _images)
def test_the_repository_that_an_image_is_pulled_from_is_that_image(policy: Policy, images: frozenset[str]) -> None:
    known = resolver(policy, *images)
    for image in images:
        pulled = pull_repository(policy, image)
        others = set().union(*(homes(known, other) for other in images - {image}))
        named = known.resolve(parse_reference(pulled))
        assert named.ours
        assert named.name == image or pulled.lower() in others, "or another image has the very repository"


@example_count(500)
@given(_policies, _images, _names, _hosts)
def test_all_spellings_of_a_repository_resolve_alike(
    policy: Policy, images: frozenset[str], path: str, host: str
) -> None:
    known = resolver(policy, *images)
    written = spellings(f"{host}/{path}")
    meant = {text.lower() for text in written}
    found = {known.resolve(parse_reference(text)) for text in written}
    found |= {known.resolve_in_manifest(parse_in_manifest(text)) for text in written}
    recorded = {NamedImage(image, ours=True) for image in images if meant & homes(known, image)}
    if recorded:
        assert found <= recorded
        assert len(found) == 1 or len(recorded) > 1
    elif len(found) > 1 or next(iter(found)).ours:  # no records yet, and ledger.yaml has a place for it
        assert all(one.ours and meant & homes(known, one.name) for one in found)
    else:
        assert {one.name for one in found} <= meant


@example_count(300)
@given(_policies, _images, _names)
def test_a_bare_name_with_records_is_itself_and_a_resolved_name_resolves_to_itself(
    policy: Policy, images: frozenset[str], name: str
) -> None:
    known = resolver(policy, *images)
    image = known.image(parse_reference(name))
    if name in images:
        assert image == name
    if image in images:
        assert known.image(parse_reference(image)) == image
    if image != name:
        assert homes(known, image), "another name stands only for a repository that ledger.yaml has"
