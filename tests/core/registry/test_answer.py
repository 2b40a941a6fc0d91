"""What answers say: hosts that are registries and others, links to a next page, and tokens."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.registry.answer import is_page, is_registry, next_page, shows_absence, withholds
from tests.support.registries.tokens import unsigned_token

API = {"docker-distribution-api-version": "registry/2.0"}
JSON = {"content-type": "application/json; charset=utf-8"}
HTML = {"content-type": "text/html"}
# As these hosts answered `GET /v2/` to an anonymous client.
REGISTRIES = {
    "distribution, open": (200, API | JSON, b"{}"),
    "distribution, htpasswd": (401, API | JSON, b'{"errors":[{"code":"UNAUTHORIZED"}]}\n'),
    "Docker Hub": (401, API | JSON, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'),
    "GHCR": (401, API | JSON, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'),
    "ECR": (401, API | {"content-type": "text/plain; charset=utf-8"}, b"Not Authorized\n"),
    "Artifact Registry": (401, API | JSON, b'{"errors":[{"code":"UNAUTHORIZED"}]}'),
    "Quay": (401, HTML | API, b'""\n'),
    "Harbor": (401, API | JSON, b'{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized: unauthorized"}]}'),
    "registry.k8s.io": (200, API, b""),
    "without the header": (200, JSON, b"{}"),
    "without anything": (200, {}, b""),
}
OTHERS = {
    "nginx": (404, HTML, b"<html><head><title>404 Not Found</title></head></html>"),
    "nginx that adds the header": (404, HTML | API, b"<html>"),
    "Traefik": (404, {"content-type": "text/plain; charset=utf-8"}, b"404 page not found\n"),
    "Kong": (404, JSON, b'{"message":"no Route matched with those values"}'),
    "a site": (200, HTML, b"<!doctype html>"),
    "a health check": (200, {"content-type": "text/plain"}, b"healthy\n"),
    "an empty page": (200, HTML, b""),
    "a first version": (200, {"docker-distribution-api-version": "registry/1.0"} | HTML, b"<html>"),
    "a sign-in": (401, HTML, b"<html>Sign in</html>"),
    "a redirect": (302, {}, b""),
    "a refusal": (403, JSON, b"{}"),
    "a failure": (500, API | JSON, b"{}"),
    "deep": (200, {}, b"[" * 100_000),
}


@pytest.mark.parametrize("answer", REGISTRIES.values(), ids=REGISTRIES.keys())
def test_registries_are_known_by_their_answer(answer: tuple[int, dict[str, str], bytes]) -> None:
    assert is_registry(*answer)


@pytest.mark.parametrize("answer", OTHERS.values(), ids=OTHERS.keys())
def test_what_answers_otherwise_is_not_a_registry(answer: tuple[int, dict[str, str], bytes]) -> None:
    assert not is_registry(*answer)


def test_a_text_for_people_is_a_page() -> None:
    assert is_page(HTML)
    assert is_page({"content-type": " Text/Plain; charset=utf-8"})
    assert not is_page(JSON)
    assert not is_page({})


ABSENT = {  # the bodies with which these answer 404
    "distribution": b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":"unknown tag=x"}]}\n',
    "ECR, Quay, GitLab": b'{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}',
    "a blob": b'{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry","detail":{}}]}',
    "Harbor": b'{"errors":[{"code":"NOT_FOUND","message":"artifact library/app:v1 not found"}]}\n',
    "Quay, deleted": b'{"errors":[{"code":"TAG_EXPIRED","message":"Tag v1 was deleted or has expired.","detail":{}}]}',
    "two reasons": b'{"errors":[{"code":"NAME_UNKNOWN"},{"code":"MANIFEST_UNKNOWN"}]}',
}
NOT_SHOWN = {
    "nothing": b"",
    "nginx": b"<html><head><title>404 Not Found</title></head></html>",
    "Go": b"404 page not found\n",
    "S3": b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>',
    "Kong": b'{"message":"no Route matched with those values"}',
    "Rails": b'{"error":"404 Not Found"}',
    "Spring": b'{"status":404,"error":"Not Found","path":"/v2/a/manifests/v1"}',
    "Artifactory, not of Docker": b'{"errors":[{"status":404,"message":"Could not find resource"}]}',
    "no error": b'{"errors":[]}',
    "a list": b'[{"code":"MANIFEST_UNKNOWN"}]',
    "a refusal": b'{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}',
    "a refusal besides": b'{"errors":[{"code":"NAME_UNKNOWN"},{"code":"UNAUTHORIZED"}]}',
    "cut short": b'{"errors":[{"code":"MANIFEST_UNKNOWN"}',
    "odd codes": b'{"errors":[{"code":["MANIFEST_UNKNOWN"]}]}',
    "errors of another kind": b'{"errors":{"code":"MANIFEST_UNKNOWN"}}',
    "deep": b"[" * 100_000,
    "not UTF-8": b"\xff",
}


def test_absence_is_what_a_registry_says_in_its_own_words() -> None:
    assert [name for name, body in ABSENT.items() if not shows_absence(body)] == []
    assert [name for name, body in NOT_SHOWN.items() if shows_absence(body)] == []


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("", ""),
        ('</v2/a/tags/list?last=b&n=2>; rel="next"', "/v2/a/tags/list?last=b&n=2"),
        ("</x>;rel=next", "/x"),
        ("  </x> ; REL = NEXT ", "/x"),
        ('</x>; title="a, b; rel=prev"; rel="next"', "/x"),
        ('</p>; rel="prev", </x>; rel="next"', "/x"),
        ('</p?a,b>; rel=first,</x?a,b>; rel="last next"', "/x?a,b"),
        ('</p>; rel="prev"', ""),
        ('</p>; rel="prev next-archive"', ""),
        ('</p>; title="next"; rel=help', ""),
        ("  ", ""),
    ],
)
def test_the_next_page_is_the_link_with_that_relation(header: str, target: str) -> None:
    assert next_page(header) == target


@pytest.mark.parametrize(
    "header",
    ['/x; rel="next"', '</x; rel="next"', 'x>; rel="next"', '</p>; rel="prev" </x>; rel="next"', '</x>; rel="next',
     "</x>; rel=next " + "a" * 20_000, "</p>", '</p>; title="next"', "rubbish", "<>; rel=next", "</x>; rel='next'",
     "</x>; rel=", "</x>; rel=next, </y>; rel=next", '</p>; rel="prev", rubbish',
     '</p>; rel="prev",; </x>; rel="next"'],
)  # fmt: skip
def test_a_link_to_a_next_page_that_cannot_be_read_is_an_error(header: str) -> None:
    with pytest.raises(ValueError, match=r"too long|not a list of links|of no known relation|not one next page"):
        next_page(header)


@given(st.lists(st.sampled_from(["<", ">", ";", ",", '"', "\\", " ", "=", "rel", "next", "/x", "a"]), max_size=40))
def test_no_link_breaks_anything_or_takes_long(parts: list[str]) -> None:
    started = time.process_time()
    with suppress(ValueError):
        next_page("".join(parts) * 20)
    assert time.process_time() - started < 1.0


def _access(name: str, *actions: str) -> dict[str, object]:
    return {"type": "repository", "name": name, "actions": list(actions)}


@pytest.mark.parametrize(
    ("access", "scope", "is_withheld"),
    [
        ([_access("a/b", "pull")], "repository:a/b:pull", False),
        ([_access("a/b", "pull", "push")], "repository:a/b:pull,push", False),
        ([_access("a/b", "*")], "repository:a/b:delete", False),
        ([_access("a/*", "pull")], "repository:a/b:pull", False),
        ([_access("b/*", "pull")], "repository:a/b:pull", True),
        ([_access("a/b", "pull")], "repository:a/b:delete", True),
        ([_access("a/b", "pull")], "repository:a/b:pull,push", True),
        ([_access("a/c", "pull")], "repository:a/b:pull", True),
        ([_access("a/b")], "repository:a/b:pull", True),
        ([], "repository:a/b:pull", True),
        (None, "repository:a/b:pull", True),
    ],
)
def test_a_token_says_what_it_does_not_grant(access: object, scope: str, *, is_withheld: bool) -> None:
    assert withholds(unsigned_token({"access": access}), scope) is is_withheld


@pytest.mark.parametrize(
    "token",
    ["", "opaque", "a.b.c", "..", f"e30.{'W' * 100_000}.x",
     *map(unsigned_token, ([], {}, {"access": 7}, {"access": [7]}, {"access": [{"type": "repository"}]}))],
)  # fmt: skip
def test_of_a_token_that_cannot_be_read_nothing_is_known(token: str) -> None:
    assert not withholds(token, "repository:a/b:pull")
