"""Every route in which a host is not reached has words and a hint of its own."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.edges.http.failure import ELSEWHERE, FORGE, GIT, REGISTRY, Cause, Route, failure

ROUTES = [
    Route(scheme, host, setup, proxy, "https_proxy" if proxy else "", seconds, seconds)
    for scheme, host, setup, proxy, seconds in itertools.product(
        ("https", "http", "ssh"),
        ("registry.example.com", "registry.example.com:5000", "[::1]:5000", "registry"),
        (REGISTRY, FORGE, GIT, ELSEWHERE),
        ("", "proxy.example.com:3128"),
        (0.0, 20.0),
    )
]


@pytest.mark.parametrize("cause", Cause)
def test_each_cause_has_words_and_a_hint_for_each_route(cause: Cause) -> None:
    for route in ROUTES:
        told = failure(cause, route, "detail")
        for text in (told.says, told.hint):
            assert text
            assert "{" not in text
            assert not text.endswith(".")


def test_no_two_causes_have_the_same_words() -> None:
    for route in ROUTES:
        said = [failure(cause, route, "detail").says for cause in Cause]
        assert len(set(said)) == len(said)


@given(st.sampled_from(list(Cause)), st.sampled_from(ROUTES))
def test_a_proxy_on_the_way_is_named_whatever_happened(cause: Cause, route: Route) -> None:
    told = failure(cause, route, "detail")
    assert (route.proxy in told.says) or not route.proxy
    if cause in (Cause.PLAIN_HTTP, Cause.ONLY_TLS):
        assert route.host in told.hint
