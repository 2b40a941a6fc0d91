"""What provenance adds to a draft: less than anybody's word, and never in silence against it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Platform, SourceRef
from ledger_tool.core.provenance.claim import BuildClaim
from ledger_tool.core.writes.told import as_told, builds_of, told
from ledger_tool.errors import LedgerError, RuleRefused, UsageError
from tests.support.values.make import SOURCE, digest, draft, source
from tests.support.values.provenance import BASE, COMMIT, REPOSITORY

_NONE = UsageError("none given")
_CLAIM = BuildClaim(source=REPOSITORY, commit=COMMIT, bases=(BASE,))
_OTHER = BuildClaim(source=REPOSITORY, commit="1" * 40, bases=(BASE, f"a@{digest('a')}"))
_DIRTY = BuildClaim(source=REPOSITORY, modified_commit=COMMIT)


def test_a_claim_tells_what_nobody_else_says() -> None:
    filled, notes = told(draft(source_ref=_NONE), "a:v1", [_CLAIM])
    assert (filled.source_ref, filled.bases, filled.depends_on, notes) == (f"{REPOSITORY}@{COMMIT}", (BASE,), (), [])
    filled, notes = told(draft(source_ref=_NONE), "a:v1", [BuildClaim()])
    assert (filled.source_ref, filled.bases, notes) == (_NONE, (), [])


def test_the_first_claims_word_goes_first_and_all_bases_count() -> None:
    filled, notes = told(draft(source_ref=_NONE), "a:v1", [BuildClaim(), _CLAIM, _OTHER])
    assert (filled.source_ref, filled.bases) == (f"{REPOSITORY}@{COMMIT}", (BASE, f"a@{digest('a')}"))
    assert notes == [
        f"warning: a:v1 is published as from {REPOSITORY}@{COMMIT}; its provenance says {REPOSITORY}@{'1' * 40}"
    ]


def test_a_commit_without_a_repository_is_compared_too() -> None:
    _, notes = told(draft(), "a:v1", [BuildClaim(commit="1" * 40), BuildClaim(commit=SOURCE[-40:])])
    assert notes == [f"warning: a:v1 is published as from {SOURCE}; its provenance says the commit {'1' * 40}"]


def test_a_modified_tree_is_why_there_is_no_source() -> None:
    filled, notes = told(draft(source_ref=_NONE), "a:v1", [_DIRTY])
    assert isinstance(filled.source_ref, UsageError)
    assert f"modified working tree of {COMMIT}" in filled.source_ref.message
    assert notes == []
    filled, notes = told(draft(source_ref=_NONE), "a:v1", [_DIRTY, _CLAIM])
    assert (filled.source_ref, len(notes)) == (f"{REPOSITORY}@{COMMIT}", 1)


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (BuildClaim(source=REPOSITORY), REPOSITORY),
        (BuildClaim(source="/home/me/app", commit=COMMIT), f"/home/me/app@{COMMIT}"),
        (BuildClaim(source="ssh://git:hunter22@git.example.com/app"), "ssh://***@git.example.com/app"),
    ],
)
def test_what_is_less_than_a_source_is_said_where_none_is_known(claim: BuildClaim, said: str) -> None:
    filled, _ = told(draft(source_ref=_NONE), "a:v1", [claim])
    assert isinstance(filled.source_ref, UsageError)
    assert filled.source_ref.message == f"none given; its provenance says only {said}"
    assert told(draft(source_ref=_NONE), "a:v1", [claim, _CLAIM])[0].source_ref == f"{REPOSITORY}@{COMMIT}"


def test_bases_that_cannot_be_written_are_named() -> None:
    _, notes = told(draft(), "a:v1", [BuildClaim(unreadable=("pkg:docker/A", "pkg:docker/B", "c", "d"))] * 2)
    assert notes == ["note: a:v1: base images in its provenance are left out: pkg:docker/A, pkg:docker/B, c, …"]


def test_what_an_input_tells_is_that_of_the_platform() -> None:
    builds = {"linux/amd64": _CLAIM, "": _OTHER}
    assert builds_of(draft(builds=builds, platform=Platform("linux/amd64"))) == [_CLAIM]
    assert builds_of(draft(builds=builds, platform=Platform("linux/arm64"))) == [_OTHER]
    assert builds_of(draft(builds=builds)) == [_CLAIM, _OTHER]
    windows = draft(builds={"windows/amd64": _DIRTY} | builds, platform=Platform("windows(10.0.20348.2340)/amd64"))
    assert builds_of(windows) == [_DIRTY]
    assert as_told(draft(builds={"": _CLAIM}, source_ref=_NONE), "a:v1")[0].bases == (BASE,)


_commits = st.sampled_from(["", COMMIT, "1" * 40, "2" * 40])
_claims = st.builds(
    lambda commit, modified, source: BuildClaim(
        source=source, commit="" if modified else commit, modified_commit=modified, bases=(BASE,)
    ),
    _commits,
    st.sampled_from(["", "", COMMIT]),
    st.sampled_from(["", REPOSITORY]),
)
_sources: st.SearchStrategy[Any] = st.sampled_from([_NONE, source("x"), f"{REPOSITORY}@{COMMIT}"])


@given(_sources, st.lists(_claims, max_size=3), st.one_of(st.none(), _sources.filter(lambda one: one != _NONE)))
def test_no_other_commit_goes_unsaid_and_none_is_recorded_where_it_is_required(
    given_source: SourceRef | LedgerError, claims: list[BuildClaim], recorded: SourceRef | None
) -> None:
    one = draft(source_ref=given_source)
    filled, notes = told(one, "a:v1", claims, recorded=recorded)
    if not isinstance(given_source, LedgerError):
        assert filled.source_ref == given_source
    kept = recorded or filled.source_ref
    others = [claim for claim in claims if claim.modified_commit or claim.commit not in ("", str(kept)[-40:])]
    is_odd = bool(others) and not isinstance(kept, LedgerError)
    assert bool(notes) == is_odd
    given_commit = "" if isinstance(filled.source_ref, LedgerError) else filled.source_ref[-40:]
    is_other = [claim for claim in others if claim.modified_commit or not recorded or claim.commit != given_commit]
    if is_odd and is_other:
        with pytest.raises(RuleRefused):
            told(one, "a:v1", claims, recorded=recorded, is_required=True)
    else:
        assert told(one, "a:v1", claims, recorded=recorded, is_required=True)[1] == notes
