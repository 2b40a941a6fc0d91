"""GitLab without a token: the options of the push, as a real git sends them to a real hook."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.proposal import BODY_MAX, Proposal, Proposed, one_line, shortened
from ledger_tool.edges.forge.opening import Forge, open_forge
from ledger_tool.errors import InvalidValue, UsageError

PLAIN = Proposal(branch="bump/app", base="main", title="publish a:v1", body="first\n\n| a = b | $x `y` |\r\n")


@pytest.fixture
def forge() -> Forge:
    with open_forge("git@gitlab.com:team/sub/ledger.git", environ={}) as opened:
        return opened


def _description(options: tuple[str, ...]) -> str:
    (found,) = (one.partition("=")[2] for one in options if one.startswith("merge_request.description="))
    return found


def test_the_options_say_all_that_gitlab_takes(forge: Forge) -> None:
    assert forge.push_options(replace(PLAIN, labels=("digest", "two words"), draft=True)) == (
        "merge_request.create",
        "merge_request.target=main",
        "merge_request.title=publish a:v1",
        r"merge_request.description=first\n\n| a = b | $x `y` |",
        "merge_request.remove_source_branch",
        "merge_request.label=digest",
        "merge_request.label=two words",
        "merge_request.draft",
    )


def test_the_page_that_lists_the_branchs_request_is_all_that_is_known(forge: Forge) -> None:
    url = "https://gitlab.com/team/sub/ledger/-/merge_requests?state=opened&source_branch=bump%2Fapp"
    assert forge.propose(PLAIN) == Proposed(url, None, PLAIN.branch, False)


def test_reviewers_need_a_token_and_labels_no_comma(forge: Forge) -> None:
    with pytest.raises(UsageError, match="accepts reviewers only with a token") as caught:
        forge.push_options(replace(PLAIN, reviewers=("alice",)))
    assert "GITLAB_TOKEN" in caught.value.hint
    with pytest.raises(UsageError, match="contains a comma"):
        forge.push_options(replace(PLAIN, labels=("a,b",)))


def test_a_real_git_takes_them_and_a_real_hook_gets_them(forge: Forge, tmp_path: Path) -> None:
    there, here, seen = tmp_path / "there.git", tmp_path / "here", tmp_path / "seen"
    subprocess.run(["git", "init", "-q", "--bare", str(there)], check=True)
    subprocess.run(["git", "-C", str(there), "config", "receive.advertisePushOptions", "true"], check=True)
    hook = there / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\nenv | grep -a ^GIT_PUSH_OPTION_ >{seen}\n")
    hook.chmod(0o755)
    subprocess.run(["git", "init", "-q", str(here)], check=True)
    subprocess.run(["git", "-C", str(here), "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    options = forge.push_options(replace(PLAIN, body="zeile é 'q' \"r\"\n" * 20_000))
    words = [f"--push-option={one}" for one in options]
    subprocess.run(["git", "-C", str(here), "push", "-q", *words, str(there), "HEAD:refs/heads/x"], check=True)
    found = seen.read_text()
    assert all(one in found for one in options)
    assert f"GIT_PUSH_OPTION_COUNT={len(options)}\n" in found


def test_a_backslash_n_of_the_text_does_not_become_a_line(forge: Forge) -> None:
    assert _description(forge.push_options(replace(PLAIN, body="a\\nb\nc"))) == r"a&#92;nb\nc"


@given(st.text(max_size=300), st.text(max_size=100))
def test_no_text_breaks_out_of_its_option(body: str, title: str) -> None:
    with open_forge("git@gitlab.com:team/ledger.git", environ={}) as forge:
        options = forge.push_options(replace(PLAIN, body=body, title=title))
    assert len(options) == 5
    assert not any(set(one) & {"\n", "\0", "\r"} for one in options)


@given(st.text(max_size=400), st.integers(80, 500))
def test_a_body_is_cut_after_a_line_and_never_longer_than_allowed(body: str, limit: int) -> None:
    found = shortened(body, limit)
    assert len(found) <= limit
    if len(body) <= limit:
        assert found == body
    else:
        assert body.startswith(found.partition("\n\n*The rest")[0])


def test_what_fits_is_not_touched_and_a_title_is_one_line() -> None:
    assert shortened("x" * BODY_MAX) == "x" * BODY_MAX
    assert one_line(" a\r\n b\tc ", "WIP: ") == "WIP: a b c"
    assert len(one_line("x" * 256)) == 255


@pytest.mark.parametrize("label", ["", " a", "a\nb", "a\x1b", "x" * 256])
def test_a_malformed_label_is_refused(label: str) -> None:
    with pytest.raises(InvalidValue, match="label"):
        replace(PLAIN, labels=(label,))


@pytest.mark.parametrize("name", ["", "@alice", "a b", "a/b/c", "-x", "a\n", "a/"])
def test_a_malformed_reviewer_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match="reviewer"):
        replace(PLAIN, reviewers=(name,))
