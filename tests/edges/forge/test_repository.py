"""Which forge serves a git remote, where its API is, and which token it gets."""

from __future__ import annotations

import pytest

from ledger_tool.edges.forge import opening
from ledger_tool.edges.forge.github import GitHub
from ledger_tool.edges.forge.repository import ForgeRepository, find_repository
from ledger_tool.errors import Denied, UsageError

PERMISSIONS = "it needs much"


@pytest.mark.parametrize(
    ("remote", "kind", "base", "path"),
    [
        ("git@github.com:myorg/ledger.git", "github", "https://github.com", "myorg/ledger"),
        ("ssh://git@github.com/myorg/ledger", "github", "https://github.com", "myorg/ledger"),
        ("ssh://git@ssh.github.com:443/myorg/ledger.git", "github", "https://github.com", "myorg/ledger"),
        ("https://github.com/myorg/ledger.git/", "github", "https://github.com", "myorg/ledger"),
        ("https://GitHub.com/MyOrg/Ledger", "github", "https://github.com", "MyOrg/Ledger"),
        ("git@acme.ghe.com:myorg/ledger.git", "github", "https://acme.ghe.com", "myorg/ledger"),
        ("https://github.example.com:8443/o/r", "github", "https://github.example.com:8443", "o/r"),
        ("ssh://git@gitlab.com/team/sub/deep/ledger.git", "gitlab", "https://gitlab.com", "team/sub/deep/ledger"),
        ("ssh://git@altssh.gitlab.com:443/team/ledger.git", "gitlab", "https://gitlab.com", "team/ledger"),
        ("git@gitlab.example.com:team/ledger.git", "gitlab", "https://gitlab.example.com", "team/ledger"),
        ("ssh://git@gitea.example.com:2222/o/r.git", "gitea", "https://gitea.example.com", "o/r"),
        ("https://token@codeberg.org/o/r.git", "gitea", "https://codeberg.org", "o/r"),
        ("git@forgejo.example.com:o/r.git", "gitea", "https://forgejo.example.com", "o/r"),
        ("http://gitea.example.com/o/r.git", "gitea", "https://gitea.example.com", "o/r"),
    ],
)
def test_a_remote_in_any_of_gits_forms_tells_its_forge(remote: str, kind: str, base: str, path: str) -> None:
    assert find_repository(remote, "", "", {}) == ForgeRepository(kind, base, path, is_sure=False)


def test_a_loopback_remote_is_assumed_to_be_plain_http() -> None:
    found = find_repository("http://127.0.0.1:3000/o/r.git", "gitea", "", {})
    assert (found.base, found.is_sure) == ("http://127.0.0.1:3000", True)


@pytest.mark.parametrize(
    ("environ", "remote", "kind", "base"),
    [
        ({"GITHUB_SERVER_URL": "https://git.corp"}, "git@git.corp:o/r", "github", "https://git.corp"),
        (
            {"CI_SERVER_URL": "https://git.corp:8443/gitlab", "CI_SERVER_SHELL_SSH_HOST": "ssh.corp"},
            "ssh://git@ssh.corp:2222/o/r.git",
            "gitlab",
            "https://git.corp:8443/gitlab",
        ),
        (
            {"GITHUB_SERVER_URL": "https://git.corp", "GITEA_ACTIONS": "true"},
            "https://git.corp/o/r",
            "gitea",
            "https://git.corp",
        ),
        (
            {"GITHUB_SERVER_URL": "https://code.corp", "FORGEJO_ACTIONS": "true"},
            "https://code.corp/o/r",
            "gitea",
            "https://code.corp",
        ),
    ],
)
def test_a_ci_job_tells_the_kind_of_its_own_forge(environ: dict[str, str], remote: str, kind: str, base: str) -> None:
    assert find_repository(remote, "", "", environ) == ForgeRepository(kind, base, "o/r", is_sure=True)
    with pytest.raises(UsageError, match="the kind of forge at elsewhere"):
        find_repository("git@elsewhere.corp:o/r", "", "", environ)


def test_a_forge_below_a_path_has_it_in_its_https_remotes_and_not_in_those_of_ssh() -> None:
    for remote in ("https://git.corp/gitlab/team/ledger.git", "git@git.corp:team/ledger.git"):
        assert find_repository(remote, "gitlab", "https://git.corp/gitlab/", {}).path == "team/ledger"


@pytest.mark.parametrize(
    ("remote", "kind", "url", "words"),
    [
        ("git@git.corp:o/r", "", "", "the kind of forge at git.corp is unknown"),
        ("git@git.corp:o/r", "bitbucket", "", "the forge `bitbucket` is unknown"),
        ("/srv/ledger.git", "github", "", "this one is a folder"),
        ("file:///srv/ledger.git", "github", "", "this one is a folder"),
        ("git@github.com:ledger.git", "", "", "`ledger` is not the path of a repository"),
        ("git@github.com:a/b/c.git", "", "", "`a/b/c` is not the path of a repository"),
        ("https://gitlab.com/a/../b", "", "", "is not the path of a repository"),
        ("https://gitlab.com/a/%2e%2e/b", "", "", "is not the path of a repository"),
        ("https://gitlab.com/a/b%3fx=1", "", "", "is not the path of a repository"),
        ("git@git.corp:o/r", "gitea", "http://git.corp", "is plain HTTP"),
        ("git@git.corp:o/r", "gitea", "ftp://git.corp", "is not the address of a forge"),
        ("git@git.corp:o/r", "gitea", "https://user:hunter22@git.corp", "is not the address of a forge"),
        ("git@git.corp:o/r", "gitea", "https://git.corp/?x=1", "is not the address of a forge"),
    ],
)
def test_what_no_forge_can_serve_is_a_usage_error(remote: str, kind: str, url: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_repository(remote, kind, url, {})
    assert words in caught.value.message
    assert "hunter22" not in caught.value.message


def test_a_ci_job_whose_forge_is_plain_http_says_which_variable_tells_that() -> None:
    environ = {"GITHUB_SERVER_URL": "http://git.corp:3000", "GITEA_ACTIONS": "true"}
    with pytest.raises(UsageError, match=r"GITHUB_SERVER_URL `http://git.corp:3000` is plain HTTP") as caught:
        find_repository("git@git.corp:o/r", "", "", environ)
    assert "LEDGER_FORGE_URL" in caught.value.hint
    assert find_repository("git@git.corp:o/r", "", "https://git.corp", environ).kind == "gitea"


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com"),
        ("https://git.corp:8443", "https://git.corp:8443/api/v3"),
    ],
)
def test_githubs_api_is_where_each_of_its_products_has_it(base: str, expected: str) -> None:
    assert GitHub.api_base(ForgeRepository("github", base, "o/r", is_sure=False)) == expected


EVERY = {name: f"value-of-{name}" for name in opening.VARIABLES if name != "LEDGER_FORGE_TOKEN"}


@pytest.mark.parametrize(
    ("kind", "base", "sure", "variable"),
    [
        ("github", "https://github.com", False, "GH_TOKEN"),
        ("github", "https://acme.ghe.com", False, "GH_TOKEN"),
        ("github", "https://github.corp", False, "GH_ENTERPRISE_TOKEN"),
        ("gitlab", "https://gitlab.com", False, "GITLAB_TOKEN"),
        ("gitea", "https://codeberg.org", False, "GITEA_TOKEN"),
    ],
)
def test_each_forge_gets_its_own_token(kind: str, base: str, sure: bool, variable: str) -> None:
    place = ForgeRepository(kind, base, "o/r", is_sure=sure)
    found = opening._token(place, EVERY, PERMISSIONS)
    assert found is not None
    assert (found.variable, found.text) == (variable, f"value-of-{variable}")
    over = opening._token(place, EVERY | {"LEDGER_FORGE_TOKEN": "mine"}, PERMISSIONS)
    assert over is not None
    assert over.text == "mine"
    assert "value" not in repr(found)


def test_a_host_that_only_calls_itself_github_does_not_get_githubs_token() -> None:
    guessed = ForgeRepository("github", "https://github.evil.example", "o/r", is_sure=False)
    with pytest.raises(Denied) as caught:
        opening._token(guessed, {"GITHUB_TOKEN": "secret-1", "GH_TOKEN": "secret-2"}, PERMISSIONS)
    assert "GITHUB_ENTERPRISE_TOKEN or LEDGER_FORGE_TOKEN" in caught.value.hint
    named = ForgeRepository("github", "https://git.corp", "o/r", is_sure=True)
    found = opening._token(named, {"GITHUB_TOKEN": "secret-1"}, PERMISSIONS)
    assert found is not None


def test_gitea_actions_token_goes_to_gitea_alone() -> None:
    environ = {"GITHUB_TOKEN": "from-actions", "GITEA_ACTIONS": "true"}
    found = opening._token(ForgeRepository("gitea", "https://git.corp", "o/r", is_sure=True), environ, PERMISSIONS)
    assert found is not None
    with pytest.raises(Denied):
        opening._token(ForgeRepository("gitea", "https://gitea.other", "o/r", is_sure=False), environ, PERMISSIONS)


@pytest.mark.parametrize("remote", ["git@github.com:o/r", "git@codeberg.org:o/r"])
def test_no_token_is_denied_before_anything_is_asked_and_names_the_variable_and_the_permissions(remote: str) -> None:
    with pytest.raises(Denied, match="needs a token") as caught, opening.open_forge(remote, environ={}):
        pass
    assert "LEDGER_FORGE_TOKEN" in caught.value.hint
    assert "it needs" in caught.value.hint


@pytest.mark.parametrize("text", ["two words", "line\nbreak", "ünïcode"])
def test_what_can_be_no_token_is_never_sent_nor_shown(text: str) -> None:
    with (
        pytest.raises(Denied, match="GITHUB_TOKEN does not contain a token") as caught,
        opening.open_forge("git@github.com:o/r", environ={"GITHUB_TOKEN": text}),
    ):
        pass
    assert text not in caught.value.message + caught.value.hint


def test_all_tokens_are_secrets() -> None:
    assert opening.secrets(EVERY | {"OTHER": "x"}) == list(EVERY.values())
