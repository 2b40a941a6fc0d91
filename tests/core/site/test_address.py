"""The addresses that a site names."""

from __future__ import annotations

import pytest

from ledger_tool.core.site.address import ledger_page, parse_site_url, title_of
from ledger_tool.errors import InvalidValue


@pytest.mark.parametrize(
    ("given", "served"),
    [
        ("https://myorg.github.io/ledger", "https://myorg.github.io/ledger/"),
        ("https://myorg.github.io/ledger//", "https://myorg.github.io/ledger/"),
        ("http://localhost:8000", "http://localhost:8000/"),
        ("https://[::1]/a%20b/", "https://[::1]/a%20b/"),
    ],
)
def test_the_address_of_a_site_ends_with_a_slash(given: str, served: str) -> None:
    assert parse_site_url(given) == served


@pytest.mark.parametrize(
    "given",
    [
        "", "myorg.github.io", "ftp://a.example", "javascript:alert(1)", "https://", "https://user:secret@a.example/",
        "https://a.example/?q=1", "https://a.example/#x", "https://a.example/ b", "https://a.example/\n", "//a.example",
        'https://a.example/">', "https://a.example/" + "a" * 2000,
    ],
)  # fmt: skip
def test_anything_else_is_refused_without_its_login(given: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        parse_site_url(given)
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    ("remote", "page", "title"),
    [
        ("ssh://git@github.com/myorg/ledger.git", "https://github.com/myorg/ledger", "myorg/ledger"),
        ("git@gitlab.example.com:team/a/ledger.git", "https://gitlab.example.com/team/a/ledger", "team/a/ledger"),
        ("https://git.example.com:8443/team/ledger", "https://git.example.com:8443/team/ledger", "team/ledger"),
        ("/srv/git/ledger.git", "", "ledger"),
        ("", "", "ledger"),
        ("https://user:secret@git.example.com/team/ledger", "", "ledger"),
        ("https://git.example.com/team/led ger", "", "ledger"),
    ],
)
def test_the_page_of_a_ledger_is_that_of_its_remote(remote: str, page: str, title: str) -> None:
    assert ledger_page(remote) == page
    assert title_of(page) == title
