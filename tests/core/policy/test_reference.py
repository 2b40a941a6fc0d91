"""`[registry/]image[:tag][@digest]`, taken apart as Docker does."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import Digest, parse_dependency
from ledger_tool.core.policy.reference import (
    Reference,
    defaulted,
    filled,
    has_placeholder,
    is_digest_alone,
    is_no_reference,
    is_unlikely,
    may_begin,
    parse_in_manifest,
    parse_name,
    parse_reference,
    split,
    written,
)
from ledger_tool.errors import InvalidValue
from tests.support.values.make import digest

D = digest()

COMMON = [
    ("nginx", ("", "nginx", None, None)),
    ("nginx:1.27", ("", "nginx", "1.27", None)),
    ("myorg/app", ("", "myorg/app", None, None)),
    ("myorg/app:v1.5.0", ("", "myorg/app", "v1.5.0", None)),
    (f"myorg/app@{D}", ("", "myorg/app", None, D)),
    (f"myorg/app:v1.5.0@{D}", ("", "myorg/app", "v1.5.0", D)),
    ("docker.io/nginx", ("docker.io", "nginx", None, None)),
    ("docker.io/library/nginx:1", ("docker.io", "library/nginx", "1", None)),
    ("index.docker.io/nginx", ("index.docker.io", "nginx", None, None)),
    ("localhost/app:v1", ("localhost", "app", "v1", None)),
    ("localhost:5000/app", ("localhost:5000", "app", None, None)),
    ("localhost:5000/app:v1", ("localhost:5000", "app", "v1", None)),
    ("localhost5000/app", ("", "localhost5000/app", None, None)),
    ("registry:5000/app", ("registry:5000", "app", None, None)),
    (f"registry:5000/app:v1@{D}", ("registry:5000", "app", "v1", D)),
    ("registry:443/a/b/c:v1", ("registry:443", "a/b/c", "v1", None)),
    ("registry.example.com/a/b/c:v1", ("registry.example.com", "a/b/c", "v1", None)),
    ("10.0.0.1:80/app:v1", ("10.0.0.1:80", "app", "v1", None)),
    ("127.0.0.1/app", ("127.0.0.1", "app", None, None)),
    ("[::1]:5000/app:v1", ("[::1]:5000", "app", "v1", None)),
    ("Registry.Example.com/app:v1", ("Registry.Example.com", "app", "v1", None)),
    ("example.com", ("", "example.com", None, None)),
    ("registry:5000", ("", "registry", "5000", None)),
    ("a__b/c---d.e_f:X.y-z_", ("", "a__b/c---d.e_f", "X.y-z_", None)),
]


@pytest.mark.parametrize(("text", "parts"), COMMON)
def test_a_reference_is_taken_apart_and_written_as_it_was(text: str, parts: tuple[str, str, str, str]) -> None:
    for parse in (split, parse_reference, parse_in_manifest):
        reference = parse(text)
        assert (reference.registry, reference.path, reference.tag, reference.digest) == parts
        assert str(reference) == text
        assert written(reference.name, reference.tag or "", reference.digest or "") == text


MALFORMED = [
    "", ":", "@", "/", ":v1", "/app", "app/", "app:", "app@", "app:v1@", f"app@{D}@{D}", "app:v1:v2", "App:v1",
    "a b:v1", "app:v 1", "app:-v1", "app\n:v1", "app:v1\n", "./app", "../app:v1", "-app:v1", "--help",
    "app@sha256:0", f"@{D}", " ", "nginx ", "Nginx", "myorg/App:v1", "a//b", "a:.x", "a:" + "x" * 129, "a" * 300,
    "-a", "a-", "a..b", "a___b", "a\n", "ä", "https://a/b", "host_name.com/app", "host.com:port/app", "[::1/app",
    "-host.com/app", "logo.PNG", f"a@{D.upper()}", "a@" + "x" * 40, "{{ .Values.image }}", "app:${TAG}",
    "https://registry.example.com/app:v1", "registry.example.com/", "registry.example.com:5000/:v1", ".../app",
    ":/app",
]  # fmt: skip


_HEX = st.text("0123456789abcdefABCDEF", min_size=1, max_size=130)
_ALGORITHMS = st.sampled_from(
    ["sha256", "sha512", "sha384", "sha-256", "sha3-256", "SHA256", "Sha512", "blake3", "md5"]
)


@given(_ALGORITHMS, _HEX, st.sampled_from(["", f"@{D}"]), st.sampled_from(["", "docker.io/library/", "myorg/"]))
def test_a_digest_alone_is_never_an_image(algorithm: str, hexadecimal: str, end: str, front: str) -> None:
    text = f"{front}{algorithm}:{hexadecimal * 56 if front else hexadecimal}"[:150] + end
    assert is_digest_alone(text)
    assert is_no_reference(text)
    for parse in (parse_reference, parse_in_manifest):
        with pytest.raises(InvalidValue, match="is a digest, not"):
            parse(text)


def test_an_image_may_be_called_as_an_algorithm_behind_a_registry_or_a_folder() -> None:
    for text in ("myorg/sha256:v1", f"localhost/md5:{'a' * 40}", "sha256/app:v1", "sha256:5000/app:v1", f"sha256@{D}"):
        assert not is_digest_alone(text)
        assert str(parse_in_manifest(text)) == text


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_reference_is_refused(text: str) -> None:
    for parse in (parse_reference, parse_in_manifest):
        with pytest.raises(InvalidValue) as caught:
            parse(text)
        assert caught.value.exit_code == 2
        assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("myorg/App:v1", "image `myorg/App` is malformed"),
        ("MyOrg/app:v1", "image `MyOrg/app` is malformed"),
        ("app:-v1", "tag `-v1` is malformed"),
        ("app@sha256:abc", "digest `sha256:abc` is malformed"),
        ("host_name.com/app", "image `host_name.com/app` is malformed"),
        (":v1", "`:v1` names no image"),
    ],
)
def test_what_is_wrong_with_a_typed_reference_is_named(text: str, told: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_reference(text)
    assert caught.value.message == told


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


def test_without_tag_and_digest_a_client_pulls_latest() -> None:
    assert [split(text).effective_tag for text in ("nginx", "nginx:1", f"nginx@{D}")] == ["latest", "1", ""]


def test_a_manifest_may_say_what_no_ledger_holds() -> None:
    for text in ("app@sha384:" + "0" * 96, "app@" + "sha256+b64:" + "0" * 32):
        assert str(parse_in_manifest(text)) == text
        with pytest.raises(InvalidValue):
            parse_reference(text)
    assert parse_in_manifest("MyOrg/app").registry == "MyOrg"  # as Docker has it: no path has upper-case letters


def test_an_image_id_in_a_manifest_is_not_an_image_name() -> None:
    with pytest.raises(InvalidValue, match="is an image id"):
        parse_in_manifest("f" * 64)
    assert parse_in_manifest("f" * 64 + ":v1").path == "f" * 64


@given(st.text(alphabet="aB1./:@-_[]", max_size=24))
def test_any_text_is_a_reference_that_is_written_as_it_was_or_malformed(text: str) -> None:
    for parse in (parse_reference, parse_in_manifest):
        try:
            assert str(parse(text)) == text
        except InvalidValue:
            continue


_label = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,8}[A-Za-z0-9])?", fullmatch=True)
_hosts = st.one_of(
    st.just(""), st.builds("{}/".format, _label), st.builds("{}:5000/".format, _label), st.just("[::1]/")
)
_paths = st.from_regex(r"[a-z0-9]{1,4}(?:(?:\.|_|__|-)[a-z0-9]{1,4})?(?:/[a-z0-9]{1,4}){0,2}", fullmatch=True)
_tags = st.one_of(st.just(""), st.from_regex(r":[A-Za-z0-9_][A-Za-z0-9._-]{0,8}", fullmatch=True))


@given(st.builds("{}{}{}@{}".format, _hosts, _paths, _tags, st.just(D)))
def test_every_recorded_base_can_be_taken_apart(text: str) -> None:
    reference = split(parse_dependency(text))
    assert str(reference) == text
    assert re.fullmatch(r"[a-z0-9._/-]+", reference.path)
    assert reference.digest == D


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/logo.png", "http://x/y:1", "//cdn.example.com/x.png", "oci://registry.example.com/app:v1",
        "data:image/png;base64,iVBORw0KGgo=", "s3://bucket/key", "https://cdn.example.com/${NAME}.png",
        "/img/x.svg", "./logo.png", "../x", ".hidden", "~/x", "C:\\img\\x.png", "/img/$X.png", "assets\\x",
        "*", "?*", "*/app:*", "!*:latest", "registry.example.com/*", "myorg/app:v1*", "nginx | redis", "*/app:$TAG",
        "myorg/app:v[0-9]", "!myorg/app:v1", ">=1.0", "(nginx|redis)",
        "!reference .base image", "Upload an image", "Bild", "REPLACE_ME", "<image>", "%IMAGE%", "@IMAGE@", "a,b", "-",
        f"sha256:{'a' * 64}", "sha256:4ef5a3003065", f"sha512:{'0' * 128}", "f" * 64, "é/app:v1", "a\nb", "a b",
    ],
)  # fmt: skip
def test_what_has_no_form_of_a_reference_is_none(text: str) -> None:
    assert is_no_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        *(text for text, _ in COMMON),
        "$X", "${X}", "${X:-myorg/app:v1}", "${X:-${Y:-a}}", "$(params.image)", "${{ matrix.image }}", "$[variables.x]",
        "$REGISTRY/app:$TAG", "${A}/app:v1@$B", "a${", "$", "${X:?it is missing}/app",
        "MyOrg/app:v1", "registry.example.com/MyOrg/App", "nginx:", "app:v1:v2", "app@sha256:abc", "app:-v1", "app@v1",
        "sha256/app", "app:4ef5a3003065abcdef4ef5a3003065abcdef4ef5", "a--b", "ubuntu-22.04",
    ],
)  # fmt: skip
def test_what_may_be_meant_as_a_reference_is_one(text: str) -> None:
    assert not is_no_reference(text)


# `names.HOST`, `names.IMAGE` and `names.TAG`, but short.
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,12}[A-Za-z0-9])?|\[[0-9a-fA-F:.]{2,9}\])(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]{1,5}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}"
_NAME = rf"(?:{_HOST}/)?{_PART}(?:/{_PART}){{0,2}}(?::[A-Za-z0-9_][A-Za-z0-9._-]{{0,20}})?"


@given(st.from_regex(re.compile(_NAME, re.ASCII), fullmatch=True))
def test_nothing_that_docker_would_pull_by_name_is_something_else(text: str) -> None:
    assert re.fullmatch(rf"(?:{names.HOST}/)?{names.IMAGE}(?::{names.TAG})?", text)
    try:
        reference = parse_in_manifest(text)
    except InvalidValue:
        return
    assert not is_no_reference(text)
    if reference.tag:
        assert not is_unlikely(reference, has_fields=False)
    assert not is_unlikely(replace(reference, digest=Digest(D)), has_fields=True)


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("ubuntu-22.04", True), ("debian-12", True), ("ubuntu-20-04-x64", True), ("cos-109-lts", True), ("7", True),
        ("ami-0abcdef1234567890", True), ("windows-2022", True), ("1.10", True), ("logo.png", True),
        ("assets/img/logo.svg", True), ("cdn.example.com/x/logo.webp", True), ("assets/img/logo", True),
        ("projects/debian-cloud/global/images/family/debian-11", True), ("disk.qcow2", True),
        ("nginx", False), ("myorg/app", False), ("ubuntu-22.04:1", False), ("myorg/ubuntu-22.04", False),
        ("registry.example.com/ubuntu-22.04", False), ("a/b/c:v1", False), ("registry.example.com/a/b/c", False),
        ("logo.png:v1", False), ("python3", False), ("rocket.chat", False), ("myorg/node.js", False), ("r-base", False),
    ],
)  # fmt: skip
def test_what_nobody_means_as_a_reference_is_told_by_its_name(text: str, *, is_so: bool) -> None:
    assert is_unlikely(parse_in_manifest(text), has_fields=False) is is_so
    if ":" not in text:
        assert not is_unlikely(parse_in_manifest(f"{text}@{D}"), has_fields=False)


def test_a_file_in_a_field_of_its_own_is_a_file_whatever_the_field_of_a_tag_says() -> None:
    assert is_unlikely(parse_in_manifest("img/logo.png:new"), has_fields=True)
    assert not is_unlikely(parse_in_manifest("app-2:v1"), has_fields=True)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a:{{ .tag }}", "a:x"), ("a:<< t >>", "a:x"), ("a:((t))", "a:x"), ("a:[[ .t ]]", "a:x"), ("a:#{T}#", "a:x"),
        ("a:%T%", "a:x"), ("a:__T__", "a:x"), ("a:v1-__T__", "a:v1-x"), ("a:<%= t %>", "a:x"),
        ("a:${T:-{{ t }}}", "a:x"), ("{{ t", "x"),
        ("a:@t@", "a:x"), ("a:<t>", "a:x"), ("a:{t}", "a:x"), ("{{ r }}/a:{{ t }}-{{ s }}", "x/a:x-x"),
    ],
)  # fmt: skip
def test_each_placeholder_is_some_word_for_now(text: str, what: str) -> None:
    assert (has_placeholder(text), filled(text)) == (True, what)


@pytest.mark.parametrize("text", ["a:v1", "a__b:v1__2", "a:v1__rc", "a@sha256:00", "r.io:5000/a:${{ t }}", "a:$T"])
def test_what_is_written_in_full_has_no_placeholder(text: str) -> None:
    assert not has_placeholder(text)


@pytest.mark.parametrize(
    "front", ["", " ", "=", '"', "/", ":", "${X:-", "${X-", "${X:=", "${A:-${B:-", "a\\n", "\\u003e", "("]
)
def test_a_name_may_begin_where_nothing_of_a_name_is_in_front(front: str) -> None:
    assert may_begin(f"{front}registry.example.com/app", len(front))


@pytest.mark.parametrize("front", ["my-", "eu.", "x", "X:-", "$X-", "a_", "\\\\n", "${X:-eu-", "${X:y-"])
def test_a_name_goes_on_behind_its_own_characters(front: str) -> None:
    assert not may_begin(f"{front}registry.example.com/app", len(front))


@given(st.lists(st.sampled_from(["A", "B_1"]), max_size=5), st.sampled_from(["-", ":-", "=", ":="]))
def test_a_default_of_a_default_is_what_is_left_where_nothing_is_set(variables: list[str], sign: str) -> None:
    text = "r.example.com/app:v1"
    for name in variables:
        text = f"${{{name}{sign}{text}}}"
        assert may_begin(text, text.index("r.example"))
    assert defaulted(text) == "r.example.com/app:v1"
    assert defaulted(f"${{C}}/{text}") == "${C}/r.example.com/app:v1"
