"""`[registry/]image[:tag][@digest]`, taken apart as Docker does."""

from __future__ import annotations

import pytest

from ledger_tool.core.policy.reference import Reference, parse_name, parse_reference
from ledger_tool.errors import InvalidValue
from tests.support.values.make import digest

D = digest()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("nginx", ("", "nginx", None, None)),
        ("nginx:1.27", ("", "nginx", "1.27", None)),
        ("myorg/app:v1.5.0", ("", "myorg/app", "v1.5.0", None)),
        (f"myorg/app@{D}", ("", "myorg/app", None, D)),
        (f"myorg/app:v1.5.0@{D}", ("", "myorg/app", "v1.5.0", D)),
        ("docker.io/library/nginx", ("docker.io", "library/nginx", None, None)),
        ("localhost/app:v1", ("localhost", "app", "v1", None)),
        ("localhost:5000/app", ("localhost:5000", "app", None, None)),
        ("localhost:5000/app:v1", ("localhost:5000", "app", "v1", None)),
        ("registry:443/a/b/c:v1", ("registry:443", "a/b/c", "v1", None)),
        ("10.0.0.1/app:v1", ("10.0.0.1", "app", "v1", None)),
        ("[::1]:5000/app:v1", ("[::1]:5000", "app", "v1", None)),
        ("Registry.Example.com/app:v1", ("Registry.Example.com", "app", "v1", None)),
        ("localhost5000/app", ("", "localhost5000/app", None, None)),
    ],
)
def test_a_reference_is_taken_apart_and_written_as_it_was(text: str, parts: tuple[str, str, str, str]) -> None:
    reference = parse_reference(text)
    assert (reference.registry, reference.path, reference.tag, reference.digest) == parts
    assert str(reference) == text


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "@", "/", ":v1", "/app", "app/", "app:", "app@", "app:v1@", f"app@{D}@{D}", "app:v1:v2", "App:v1",
        "a b:v1", "app:v 1", "app:-v1", "app\n:v1", "app:v1\n", "./app", "../app:v1", "-app:v1", "--help",
        "app@sha256:0",
        "https://registry.example.com/app:v1", "registry.example.com/", "registry.example.com:5000/:v1", ".../app",
        ":/app",
    ],
)  # fmt: skip
def test_a_malformed_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_reference(text)
    assert caught.value.exit_code == 2
    assert caught.value.hint


def test_credentials_in_front_of_a_name_are_never_repeated() -> None:
    for user in ("user:TOKEN", "TOKEN", "user:p/TOKEN"):
        text = f"https://{user}@registry.example.com/app:v1@{D}"
        with pytest.raises(InvalidValue) as caught:
            parse_reference(text)
        assert "TOKEN" not in caught.value.message


def test_a_name_has_a_tag_and_no_digest() -> None:
    assert parse_name("registry.example.com/app:v1") == Reference(
        "registry.example.com", "app", parse_name("app:v1").tag
    )
    for text, told in (("app", "has no tag"), (f"app@{D}", "has a digest"), (f"app:v1@{D}", "has a digest")):
        with pytest.raises(InvalidValue, match=told):
            parse_name(text)
