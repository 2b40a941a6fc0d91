"""Who has to sign what, and who has: for any settings, change and signature, as a plain model says it."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.merge import merge
from ledger_tool.core.history.signature import Signature
from ledger_tool.core.judging.owners import (
    FileSides,
    Owned,
    SigningRules,
    chosen_by_merge,
    owned_files,
    owned_records,
    unsigned,
)
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Key
from ledger_tool.core.policy.policy import Environment, Owner, Policy
from ledger_tool.core.policy.signers import parse_signers
from ledger_tool.core.writes.prune import PruneCriteria, choose
from tests.support.values.make import but, digest, ledger_of, record

AT = Timestamp("2026-11-28T00:00:00Z")
PEOPLE = ("ci", "ada", "release")
GPG = {name: hashlib.sha1(name.encode()).hexdigest().upper() for name in PEOPLE}
GLOBS = {
    "payments/*": {"payments/a", "payments/b"},
    "payments/a": {"payments/a"},
    "*": {"payments/a", "payments/b", "web"},
    "web": {"web"},
    "web/*": set[str](),
}
IMAGES, TAGS = ("payments/a", "payments/b", "web"), ("v1", "prod", "staging")


def blob(name: str) -> bytes:
    return b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + hashlib.sha256(name.encode()).digest()


def key_of(name: str) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob(name)).digest()).decode().rstrip("=")


ALLOWED = parse_signers(
    "".join(f"{name} ssh-ed25519 {base64.b64encode(blob(name)).decode()}\n" for name in PEOPLE).encode()
)
SIGNERS = st.lists(st.sampled_from([*PEOPLE, *(f"gpg:{GPG[name]}" for name in PEOPLE)]), min_size=1, max_size=2)
OWNERS = st.lists(
    st.builds(
        lambda globs, signers: Owner(tuple(globs), tuple(signers)),
        st.lists(st.sampled_from(sorted(GLOBS)), max_size=2),
        SIGNERS,
    ),
    max_size=3,
)
SIGNATURES = st.one_of(
    st.builds(
        lambda name, letter: Signature("c", letter, key_of(name)),
        st.sampled_from([*PEOPLE, "eve"]),
        st.sampled_from("GUB"),
    ),
    st.builds(
        lambda name, letter: Signature("c", letter, "F" * 40, primary=GPG[name]),
        st.sampled_from(PEOPLE),
        st.sampled_from("GUXYRB"),
    ),
    st.just(Signature("c", "N")),
)


def model(owners: list[Owner], release: bool, image: str, tag: str) -> tuple[str, ...]:
    """Return the signers of an image:tag."""
    if tag == "prod" and release:
        return ("release",)
    for owner in owners:
        if any(image in GLOBS[glob] for glob in owner.images):
            return owner.signers
    return ()


@given(
    OWNERS, st.booleans(), st.sets(st.tuples(st.sampled_from(IMAGES), st.sampled_from(TAGS)), max_size=4), SIGNATURES
)
def test_each_change_needs_one_of_its_owners(
    owners: list[Owner], release: bool, names: set[tuple[str, str]], signature: Signature
) -> None:
    environments = {"staging": Environment(), "prod": Environment("staging", ("release",) if release else ())}
    policy = Policy(owners=tuple(owners), environments=environments)
    changed = compare(ledger_of(), ledger_of(*(record(image, tag) for image, tag in sorted(names))))
    is_good = signature.letter in "GU"
    signed_as = {name for name in PEOPLE if is_good and signature.fingerprint == key_of(name)}
    signed_as |= {f"gpg:{GPG[name]}" for name in PEOPLE if is_good and signature.primary == GPG[name]}
    missing = {
        f"{image}:prod" if tag == "prod" and release else image
        for image, tag in names
        if (signers := model(owners, release, image, tag)) and not signed_as.intersection(signers)
    }
    owned = owned_records(changed, ledger_of(), policy, AT)
    found = list(unsigned(owned, signature, SigningRules(policy, ALLOWED), AT))
    assert {one.what for one in found} == missing
    assert all(one.what in one.fault.message and one.fault.key for one in found)


def test_what_has_expired_goes_for_free_and_nothing_comes_or_changes_for_free() -> None:
    policy = Policy(owners=(Owner(("*",), ("ci",)),))
    gone, fresh = record("a", ttl="1d"), record("b", ttl="500w")

    def owned(before: Ledger, after: Ledger) -> list[str]:
        return [one.what for one in owned_records(compare(before, after), before, policy, AT)]

    assert owned(ledger_of(gone, fresh), ledger_of()) == ["b"]
    assert owned(ledger_of(gone), ledger_of(but(gone, ttl="2d"))) == ["a"]
    assert owned(ledger_of(), ledger_of(gone)) == ["a"]


@given(st.lists(st.sampled_from(["v1", "v2", "v3"]), max_size=2), st.integers(0, 20))
def test_what_goes_for_free_is_what_a_prune_might_take(promoted: list[str], minutes: int) -> None:
    """Of what environments have, a prune takes nothing, and whoever removes it decides something."""
    policy = Policy(owners=(Owner(("*",), ("ci",)),))
    versions = [record("a", f"v{number}", ttl=f"{number}m", publishedAt=AT) for number in (5, 10, 15)]
    versions = [but(one, tag=f"v{number}") for number, one in enumerate(versions, 1)]
    has = [
        but(one, tag=f"env{number}", ttl=None, version=one.tag)
        for number, one in enumerate(versions)
        if one.tag in promoted
    ]
    before = ledger_of(*versions, *has)
    now = Timestamp(f"2026-11-28T00:{minutes:02}:00Z")
    going = {one.key for one in choose(before, PruneCriteria(now=now, last=True)).going}
    free = set()
    for gone in versions:
        after = ledger_of(*(one for one in (*versions, *has) if one != gone))
        if not owned_records(compare(before, after), before, policy, now):
            free.add(gone.key)
    assert free == going


def test_the_ledger_is_never_owned_as_a_file() -> None:
    policy = Policy(owners=(Owner((), ("ci",), ("*",)),))
    assert [one.what for one in owned_files(["ledger.json", "ledger.yaml", ".github/x.yml"], policy)] == [
        "ledger.yaml", ".github/x.yml",
    ]  # fmt: skip


def test_a_files_name_cannot_act_on_a_terminal() -> None:
    policy = Policy(owners=(Owner((), ("ci",), ("*",)),))
    (owned,) = owned_files(["a\x1b[2J\nb"], policy)
    assert owned.what == owned.path == "a\\x1b[2J\\nb"


def test_a_finding_names_owners_and_signer() -> None:
    owned = Owned("payments/a", ("ci", "ada"), Key("payments/a", "v1", ""))
    (found,) = unsigned([owned], Signature("c", "U", key_of("release")), SigningRules(Policy(), ALLOWED), AT)
    key = key_of("release")
    assert found.fault.message == (
        f"it changes payments/a, which ci or ada owns, and it is signed by release (the key {key})"
    )


@pytest.mark.parametrize("after", ["ours", "theirs", "neither", "gone"])
def test_whatever_side_a_merge_takes_where_they_collide_it_decides(after: str) -> None:
    base, ours, theirs = (record("a", digest=digest(side)) for side in ("base", "ours", "theirs"))
    made = {"ours": [ours], "theirs": [theirs], "neither": [but(base, digest=digest("x"))], "gone": []}
    merged = merge(ledger_of(base), ledger_of(ours), ledger_of(theirs))
    assert {one.key.image for one in chosen_by_merge(merged, ledger_of(*made[after]))} == {"a"}


@given(*[st.sampled_from("xyz")] * 4)
def test_a_merge_decides_a_file_unless_it_takes_what_one_side_alone_changed(
    base: str, ours: str, theirs: str, made: str
) -> None:
    def differ(one: str, other: str) -> frozenset[str]:
        return frozenset({"f"} if one != other else ())

    sides = FileSides(differ(base, ours), differ(base, theirs), differ(ours, made), differ(theirs, made))
    if ours == theirs:
        expected = {ours}
    elif ours == base:
        expected = {theirs}
    else:
        expected = {ours} if theirs == base else set()
    assert (sides.chosen() == []) == (made in expected)
