"""Addresses of repositories and signers, and the globs of them in `ledger.yaml`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.policy.addresses import (
    is_admitted,
    is_same_place,
    is_signer_match,
    parse_signer_glob,
    parse_source_glob,
    repository_address,
)
from ledger_tool.errors import UsageError

_WORKFLOW = "https://github.com/team/app/.github/workflows/release.yml@refs/"


@pytest.mark.parametrize(
    ("glob", "url", "is_match"),
    [
        ("https://*.example.com/team/*", "https://git.example.com/team/a/b.git", True),
        ("https://*.example.com/team/*", "https://evil.com/x.example.com/team/y", False),
        ("https://*.example.com/team/*", "https://evil.com\\.example.com/team/y", True),  # which leads elsewhere
        ("https://git.example.com/k/*", "https://git.example.com/\u212a/app", False),
        ("https://git.example.com/k/*", "https://git.example.com/K/app", False),
        ("HTTPS://GIT.example.com/team/*", "ssh://git@git.example.com:2222/team/app", True),
        ("ssh://git@git.example.com:2222/*", "ssh://git@git.example.com:2222/team/app.git", True),
        ("ssh://git@git.example.com:2222/*", "ssh://git@git.example.com:3333/team/app.git", False),
        ("https://git.example.com:8443/*", "https://git.example.com/team/app", False),
        ("https://git.example.com:443/*", "https://git.example.com/team/app", True),
        ("http://[::1]:8080/*", "http://[::1]:8080/x", True),
        ("git@ssh.dev.azure.com:v3/team/*/app", "https://dev.azure.com/team/project/_git/app", True),
        ("https://git.example.com/team/app", "https://git.example.com/team/app.git.git", False),
    ],
)
def test_a_glob_of_sources_is_compared_part_by_part(glob: str, url: str, *, is_match: bool) -> None:
    address = repository_address(url)
    assert address is not None
    assert is_admitted(parse_source_glob(glob), address) == is_match
    assert address.leads_elsewhere == ("\\" in url)


_names = st.text(st.sampled_from("aAbK.-1_"), min_size=1, max_size=6).filter(
    lambda name: name.strip(".") == name and not name.endswith("git")
)
_hosts = st.from_regex(r"[a-c]{1,3}(\.[a-c]{1,3}){0,2}", fullmatch=True)


@given(
    st.sampled_from(["https://{}/{}", "http://{}:8080/{}", "ssh://git@{}:2222/{}.git", "git@{}:{}", "git://{}/{}/"]),
    _hosts, st.lists(_names, min_size=1, max_size=3),
)  # fmt: skip
def test_a_source_matches_a_glob_that_is_written_as_its_url_is(form: str, host: str, path: list[str]) -> None:
    url = form.format(host, "/".join(path))
    address = repository_address(url)
    assert address is not None
    assert is_admitted(parse_source_glob(url), address)
    assert is_admitted(parse_source_glob(form.format(host, "*")), address)
    assert is_admitted(parse_source_glob("*"), address)
    assert not is_admitted(parse_source_glob(form.format(f"{host}x", "*")), address)


@pytest.mark.parametrize(
    "glob",
    ["git.example.com/*", "https://*", "https://git.example.com", "file:///srv/*", "https://a:b@git.example.com/*",
     "https://git.example.com/a/../*", "https://git.example.com//*", "https://git.example.com/a#b", "**",
     "git.example.com", "https://github.com*/x", "https://git.*/x", "ssh://git@g?t/x", "https://git.example.com:80*/x"],
)  # fmt: skip
def test_a_glob_of_sources_that_could_match_nothing_or_anybody_is_refused(glob: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_source_glob(glob)
    assert caught.value.hint.startswith("write ")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("git@git.example.com:team/app.git", "mallory@git.example.com:team/app.git", False),
        ("git@git.example.com:team/app.git", "git@git.example.com:team/app", True),
        ("ssh://git@git.example.com/team/app", "mallory@git.example.com:team/app", False),
        ("ssh://git@git.example.com/team/app", "git@git.example.com:team/app", True),
        ("ssh://git@git.example.com/~/app", "ssh://mallory@git.example.com/~/app", False),
        ("ssh://alice@git.example.com:29418/app", "ssh://bob@git.example.com:29418/app", True),
        ("git@git.example.com:/srv/app", "backup@git.example.com:/srv/app", True),
        ("https://git.example.com/team/app", "gitea@git.example.com:team/app", True),
        ("https://dev.azure.com/o/My%20Project/_git/r", "https://dev.azure.com/o/My Project/_git/r", False),
    ],
)
def test_the_login_of_ssh_is_a_part_of_a_path_that_begins_at_its_home(one: str, other: str, *, is_same: bool) -> None:
    """A web page does not say who logs in to its host by ssh."""
    both = repository_address(one), repository_address(other)
    assert both[0]
    assert both[1]
    assert is_same_place(both[0], both[1]) == is_same
    assert is_same_place(both[1], both[0]) == is_same
    assert is_admitted(parse_source_glob(one), both[1]) == is_same


def test_a_glob_may_leave_the_login_open() -> None:
    address = repository_address("mallory@git.example.com:team/app.git")
    assert address
    assert is_admitted("*@git.example.com:team/*", address)
    assert not is_admitted("git@git.example.com:team/*", address)


@pytest.mark.parametrize(
    ("path", "is_odd"),
    [("My%20Project/_git/r", False), ("C%23/r", False), ("caf%C3%A9/r", False), ("a%2Fb", True), ("a/%2e%2e/b", True),
     ("a%5cb", True), ("a%252e", True), ("a%0Ab", True), ("a%ZZ", True), ("a%", True), ("%C0%AE/b", True),
     ("a%E2%80%AEb", True), ("%61pp", True)],
)  # fmt: skip
def test_an_escape_leads_elsewhere_if_it_makes_another_path(path: str, *, is_odd: bool) -> None:
    url = f"https://git.example.com/o/{path}"
    address = repository_address(url)
    assert address
    assert address.leads_elsewhere == is_odd
    if is_odd:
        with pytest.raises(UsageError):
            parse_source_glob(url)
    else:
        assert is_admitted(parse_source_glob(url), address)
        assert is_admitted(parse_source_glob("https://git.example.com/o/*"), address)


@pytest.mark.parametrize(
    ("glob", "text", "is_match"),
    [
        ("https://github.com/team/*@refs/tags/*", f"{_WORKFLOW}tags/v1", True),
        ("https://github.com/team/*@refs/tags/*", f"{_WORKFLOW}heads/x@refs/tags/v1", False),
        ("https://github.com/team/*@refs/tags/*@*", f"{_WORKFLOW}tags/v1@2", True),
        ("https://github.com/team/*", f"{_WORKFLOW}heads/x@refs/tags/v1", True),
        ("*@example.com", "ci@example.com", True),
        ("*@example.com", "https://evil.example/x@example.com", False),
        ("https://*.example.com/team/*", "https://evil.com/x.example.com/team/y", False),
        ("https://*.example.com/team/*", "https://evil.com?x.example.com/team/y", False),
        ("https://*.example.com", "https://issuer.example.com", True),
        ("https://*.example.com", "https://evil.com/x.example.com", False),
        ("*", f"{_WORKFLOW}heads/main", True),
        ("*", "ci@example.com", True),
    ],
)
def test_a_glob_of_signers_is_compared_part_by_part(glob: str, text: str, *, is_match: bool) -> None:
    assert is_signer_match(parse_signer_glob(glob), text) == is_match


@pytest.mark.parametrize(
    "glob", ["https://github.com*/team/*", "https://issuer.*", "https://*m/x", "*@example.*", "ci@ex*"]
)
def test_a_glob_of_signers_that_leaves_the_end_of_a_host_open_is_refused(glob: str) -> None:
    with pytest.raises(UsageError, match="leaves open on whose host it ends"):
        parse_signer_glob(glob)
