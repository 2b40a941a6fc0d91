"""References as Docker understands them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.policy.imagereference import ledger_image, parse, written
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.errors import InvalidValue
from tests.support.values.make import digest

D = digest()


@pytest.mark.parametrize(
    ("text", "domain", "path", "tag", "given_digest"),
    [
        ("nginx", "docker.io", "library/nginx", "", ""),
        ("nginx:1.25", "docker.io", "library/nginx", "1.25", ""),
        ("docker.io/nginx", "docker.io", "library/nginx", "", ""),
        ("docker.io/library/nginx:1", "docker.io", "library/nginx", "1", ""),
        ("index.docker.io/nginx", "docker.io", "library/nginx", "", ""),
        ("myorg/app", "docker.io", "myorg/app", "", ""),
        ("localhost/app:v1", "localhost", "app", "v1", ""),
        ("localhost:5000/app:v1", "localhost:5000", "app", "v1", ""),
        ("registry:5000/app", "registry:5000", "app", "", ""),
        ("registry.example.com/a/b/c:v1", "registry.example.com", "a/b/c", "v1", ""),
        ("Registry.Example.COM/app", "Registry.Example.COM", "app", "", ""),
        ("MyOrg/app", "MyOrg", "app", "", ""),
        ("[::1]:5000/app:v1", "[::1]:5000", "app", "v1", ""),
        ("127.0.0.1/app", "127.0.0.1", "app", "", ""),
        ("example.com", "docker.io", "library/example.com", "", ""),
        ("registry:5000", "docker.io", "library/registry", "5000", ""),
        (f"app@{D}", "docker.io", "library/app", "", D),
        (f"registry:5000/app:v1@{D}", "registry:5000", "app", "v1", D),
        ("a__b/c---d.e_f:X.y-z_", "docker.io", "a__b/c---d.e_f", "X.y-z_", ""),
    ],
)
def test_a_reference_is_taken_apart_as_docker_does(
    text: str, domain: str, path: str, tag: str, given_digest: str
) -> None:
    found = parse(text)
    assert (found.domain, found.path, found.tag, found.digest) == (domain, path, tag, given_digest)
    assert written(found.name, found.tag, found.digest) == text


def test_without_tag_and_digest_the_tag_is_latest() -> None:
    assert [parse(text).effective_tag for text in ("nginx", "nginx:1", f"nginx@{D}")] == ["latest", "1", ""]


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "nginx ", "Nginx", "myorg/App:v1", "a//b", "/a", "a/", ":v1", f"@{D}", "a:", "a@", "a:v1:v2"),
        *("a:-x", "a:.x", "a:" + "x" * 129, "a" * 300, "-a", "a-", "a..b", "a___b", "a b", "a\n", "ä", "https://a/b"),
        *("host_name.com/app", "host.com:port/app", "-host.com/app", "[::1/app", "logo.PNG", "f" * 64),
        *("a@sha256:abc", f"a@{D.upper()}", f"a@{D}@{D}", "a@" + "x" * 40, "{{ .Values.image }}", "app:${TAG}"),
    ],
)
def test_what_docker_refuses_is_malformed(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse(text)


POLICY = Policy(
    registries=(
        Registry("registry.example.com", images=("myorg/*",)),
        Registry("mirror.example.com:5000", prefix="hub"),
        Registry("docker.io", images=("debian", "alpine"), prefix="library"),
        Registry("registry-1.docker.io", images=("library/*", "team/*")),
    )
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
def test_a_reference_is_the_ledgers_where_ledger_yaml_says_that_its_registry_serves_it(
    text: str, image: str | None
) -> None:
    assert ledger_image(POLICY, parse(text)) == image


def test_a_ledger_without_registries_has_the_names_without_one() -> None:
    assert ledger_image(Policy(), parse("myorg/app:v1")) == "myorg/app"
    assert ledger_image(Policy(), parse("nginx")) == "nginx"
    assert ledger_image(Policy(), parse("registry.example.com:5000/myorg/app")) is None


@given(st.text(alphabet="aB1./:@-_[]", max_size=24))
def test_any_text_is_a_reference_that_is_written_as_it_was_or_malformed(text: str) -> None:
    try:
        found = parse(text)
    except InvalidValue:
        return
    assert written(found.name, found.tag, found.digest) == text
