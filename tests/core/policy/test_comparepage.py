"""From two sourceRefs to a forge's compare page; shapes as the forges document and serve them."""

from __future__ import annotations

import pytest
from hypothesis import given

from ledger_tool.core.ledger.names import parse_source_ref
from ledger_tool.core.ledger.sourceref import commit_page, web_url
from ledger_tool.core.policy.addresses import may_be_same
from ledger_tool.core.policy.comparepage import compare_url
from tests.support.values.strategies import source_refs

OLD, NEW = "1" * 40, "2" * 40
GITHUB = "https://github.com/team/app/compare/{old}...{new}"
GITLAB = "https://gitlab.com/group/sub/app/-/compare/{old}...{new}"
BITBUCKET = "https://bitbucket.org/team/app/branches/compare/{new}%0D{old}"
AZURE = "https://dev.azure.com/org/project/_git/app/branchCompare?baseVersion=GC{old}&targetVersion=GC{new}&_a=commits"


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://github.com/team/app", GITHUB),
        ("https://github.com/team/app.git", GITHUB),
        ("https://GitHub.com/team/app/", GITHUB),
        ("git@github.com:team/app.git", GITHUB),
        ("ssh://git@github.com/team/app.git", GITHUB),
        ("ssh://git@ssh.github.com:443/team/app.git", GITHUB),
        ("https://github.example.com/team/app", "https://github.example.com/team/app/compare/{old}...{new}"),
        ("https://gitlab.com/group/sub/app", GITLAB),
        ("git@gitlab.com:group/sub/app.git", GITLAB),
        ("ssh://git@altssh.gitlab.com:443/group/sub/app.git", GITLAB),
        ("http://gitlab.local:8080/a/b", "http://gitlab.local:8080/a/b/-/compare/{old}...{new}"),
        ("https://bitbucket.org/team/app", BITBUCKET),
        ("git@bitbucket.org:team/app.git", BITBUCKET),
        ("ssh://git@altssh.bitbucket.org:443/team/app.git", BITBUCKET),
        ("https://codeberg.org/team/app", "https://codeberg.org/team/app/compare/{old}...{new}"),
        ("ssh://git@gitea.example.com:2222/team/app.git", "https://gitea.example.com/team/app/compare/{old}...{new}"),
        ("https://dev.azure.com/org/project/_git/app", AZURE),
        ("git@ssh.dev.azure.com:v3/org/project/app", AZURE),
        ("ssh://git@ssh.dev.azure.com/v3/org/project/app", AZURE),
        ("org@vs-ssh.visualstudio.com:v3/org/project/app", AZURE),
        (
            "https://org.visualstudio.com/project/_git/app",
            AZURE.replace("dev.azure.com/org", "org.visualstudio.com"),
        ),
    ],
)
def test_a_known_forge_has_a_page_for_every_form_of_the_url(url: str, page: str) -> None:
    old, new = (parse_source_ref(f"{url}@{commit}") for commit in (OLD, NEW))
    assert compare_url(old, new) == page.format(old=OLD, new=NEW)
    assert NEW in commit_page(new)
    assert commit_page(new).startswith(web_url(url))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"https://git.example.com/a/b@{OLD}", f"https://git.example.com/a/b@{NEW}"),
        (f"https://github.com/a/b@{OLD}", f"https://github.com/a/c@{NEW}"),
        (f"https://github.com/a/b@{OLD}", f"https://github.com/a/b@{OLD}"),
        (f"https://github.com:8443/a/b@{OLD}", f"https://github.com/a/b@{NEW}"),
        (f"https://github.com@{OLD}", f"https://github.com@{NEW}"),
        (f"https://dev.azure.com/org/project@{OLD}", f"https://dev.azure.com/org/project@{NEW}"),
        (f"git@ssh.dev.azure.com:v2/x@{OLD}", f"git@ssh.dev.azure.com:v2/x@{NEW}"),
    ],
)
def test_where_there_is_nothing_to_compare_there_is_no_page(old: str, new: str) -> None:
    assert compare_url(parse_source_ref(old), parse_source_ref(new)) == ""


def test_the_two_commits_may_name_one_repository_in_two_ways() -> None:
    old, new = f"git@github.com:team/app.git@{OLD}", f"https://github.com/Team/app@{NEW}"
    assert (
        compare_url(parse_source_ref(old), parse_source_ref(new))
        == f"https://github.com/Team/app/compare/{OLD}...{NEW}"
    )


@given(source_refs, source_refs)
def test_a_page_is_on_the_host_of_the_source(old: str, new: str) -> None:
    old, new = (text.replace("git.example.com", "gitlab.example.com") for text in (old, new))
    for page in (compare_url(parse_source_ref(old), parse_source_ref(new)), commit_page(parse_source_ref(new))):
        assert page == "" or page.startswith("https://gitlab.example.com/team/app/-/")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://github.com/team/app.git", "git@github.com:Team/App", True),
        ("ssh://git@ssh.github.com:443/team/app", "https://github.com/team/app/", True),
        ("http://git.example.com/team/app", "https://git.example.com/team/app", True),
        ("https://git.example.com:8443/team/app", "https://git.example.com/team/app", False),
        ("ssh://git@git.example.com:2222/team/app", "https://git.example.com/team/app", True),
        ("https://git.example.com/team/app", "https://git.example.org/team/app", False),
        ("/srv/git/app", "/srv/git/app", True),
        ("/srv/git/app", "/srv/git/App", False),
    ],
)
def test_two_urls_of_what_may_be_one_repository(one: str, other: str, same: bool) -> None:
    """The same comparison as where something has to be proved, but for the case of the path."""
    assert (may_be_same(one, other), may_be_same(other, one)) == (same, same)
