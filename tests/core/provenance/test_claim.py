"""What a build says of its source and its bases, in every shape in which a tool says it."""

from __future__ import annotations

import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.provenance.claim import MOST_BASES, MOST_MATERIALS, BuildClaim, claim_of, read_claim
from ledger_tool.core.provenance.statement import parse_statement
from ledger_tool.errors import InvalidStatement
from tests.support.values import provenance
from tests.support.values.make import digest
from tests.support.values.provenance import BASE, COMMIT, MODES, REPOSITORY, VERSIONS, Mode, Version, buildkit, material

_VCS = {"source": f"{REPOSITORY}.git", "revision": COMMIT}
_URI = f"{REPOSITORY}.git#refs/tags/v1:app"
_CONTEXT = {"uri": _URI, "digest": {"sha1": COMMIT}}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", MODES)
def test_buildkits_provenance_tells_the_clients_checkout_and_the_bases(version: Version, mode: Mode) -> None:
    predicate = buildkit(version, mode, vcs=_VCS, builder="https://ci.example.com/runs/7")
    statement = parse_statement(provenance.statement(predicate, digest("image"), version=version))
    claim = claim_of(statement)
    assert claim == BuildClaim(
        builder="https://ci.example.com/runs/7", source=f"{REPOSITORY}.git", commit=COMMIT, bases=(BASE,)
    )
    assert claim.source_ref == f"{REPOSITORY}.git@{COMMIT}"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_context_that_the_builder_fetched_comes_before_what_the_client_says(version: Version) -> None:
    git = provenance.git_material(_URI)
    vcs = {"source": "https://elsewhere.example.com/x", "revision": "1" * 40}
    claim = read_claim(buildkit(version, context=_CONTEXT, vcs=vcs, materials=[git, material()]))
    assert (claim.source_ref, claim.bases) == (f"{REPOSITORY}.git@{COMMIT}", (BASE,))


@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_source_there_is_none(version: Version) -> None:
    claim = read_claim(buildkit(version, "min"))
    assert (claim.builder, claim.source, claim.commit, claim.source_ref, claim.bases) == ("", "", "", None, (BASE,))
    assert read_claim(buildkit(version, vcs={"source": REPOSITORY})).source_ref is None
    assert read_claim(buildkit(version, vcs={"revision": COMMIT})).commit == COMMIT


def test_the_first_releases_that_wrote_v1_named_their_metadata_as_in_v02() -> None:
    claim = read_claim(buildkit("v1", vcs=_VCS, metadata_key="https://mobyproject.org/buildkit@v1#metadata"))
    assert claim.source_ref == f"{REPOSITORY}.git@{COMMIT}"


@pytest.mark.parametrize("predicate", [provenance.github(), provenance.gitlab(), provenance.cloud_build()])
def test_a_ci_systems_provenance_tells_its_repository_and_the_commit_of_it(predicate: dict[str, Any]) -> None:
    claim = read_claim(predicate)
    assert claim.source_ref == f"{REPOSITORY}@{COMMIT}"
    assert claim.builder.startswith("https://")
    dependencies = predicate["buildDefinition"]["resolvedDependencies"]
    dependencies.append(
        {"uri": "git+https://git.example.com/team/library@refs/heads/main", "digest": {"sha1": "1" * 40}}
    )
    assert read_claim(predicate).commit == COMMIT
    dependencies.append({"uri": f"git+{REPOSITORY}.git@refs/heads/other", "digest": {"gitCommit": "2" * 40}})
    assert read_claim(predicate).commit == ""  # nothing says which of the two


@pytest.mark.parametrize(
    ("uri", "digests", "source", "commit"),
    [
        ("https://github.com/o/r.git#refs/heads/main", {"sha1": "A" * 40}, "https://github.com/o/r.git", "a" * 40),
        ("https://github.com/o/r.git#main:sub", {"sha256": "b" * 64}, "https://github.com/o/r.git", "b" * 64),
        ("https://github.com/o/r.git?branch=main", {"sha1": "a" * 40}, "https://github.com/o/r.git", "a" * 40),
        ("git@github.com:o/r.git#v1", {"sha1": "a" * 40}, "git@github.com:o/r.git", "a" * 40),
        ("ssh://git@github.com:22/o/r#v1", {"sha256": "b" * 64}, "ssh://git@github.com:22/o/r", "b" * 64),
        ("git://github.com/o/r", {"sha1": "a" * 40}, "git://github.com/o/r", "a" * 40),
        ("git+https://github.com/o/r@refs/heads/a@b", {"sha1": "a" * 40}, "https://github.com/o/r", "a" * 40),
        ("git+ssh://git@github.com/o/r@v1", {"gitCommit": "a" * 40}, "ssh://git@github.com/o/r", "a" * 40),
        ("https://user:secret@github.com/o/r.git", {"sha1": "a" * 40}, "https://github.com/o/r.git", "a" * 40),
        ("https://example.com/context.tar.gz", {"sha256": "b" * 64}, "", ""),  # the digest of what was downloaded
        ("HTTPS://GitHub.com/O/r.git", {"sha1": "a" * 40}, "https://github.com/O/r.git", "a" * 40),
        ("https://gitlab.com/o/r", {"sha256": "a" * 40}, "https://gitlab.com/o/r", "a" * 40),  # as GitLab's runners do
        ("https://github.com/o/r.git", {"sha1": "a" * 39}, "https://github.com/o/r.git", ""),
        ("https://github.com/o/r.git", {"sha1": 7}, "https://github.com/o/r.git", ""),
        ("https://github.com/o/r.git", {}, "https://github.com/o/r.git", ""),
        ("https://github.com/o/r", {}, "https://github.com/o/r", ""),
        ("", {"sha1": "a" * 40}, "", ""),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_git_context_is_a_repository_and_a_commit(
    version: Version, uri: str, digests: dict[str, Any], source: str, commit: str
) -> None:
    elsewhere = {"source": "https://elsewhere.example.com/x", "revision": "1" * 40}
    vcs = elsewhere if uri else {}  # what the client says of its checkout is nothing beside a context that was fetched
    claim = read_claim(buildkit(version, context={"uri": uri, "digest": digests}, vcs=vcs))
    assert (claim.source, claim.commit) == (source, commit)
    assert claim.source_ref == (f"{source}@{commit}" if commit else None)


def test_a_modified_working_tree_is_not_its_commit() -> None:
    claim = read_claim(buildkit(vcs=_VCS | {"revision": f"{COMMIT}-dirty"}))
    assert (claim.commit, claim.modified_commit, claim.source_ref) == ("", COMMIT, None)
    for revision in ("-dirty", "main-dirty", "main", COMMIT[:12]):
        claim = read_claim(buildkit(vcs=_VCS | {"revision": revision}))
        assert (claim.commit, claim.modified_commit) == ("", "")


@pytest.mark.parametrize(
    ("uri", "base"),
    [
        ("pkg:docker/debian@bookworm", "docker.io/library/debian:bookworm"),
        ("pkg:docker/library/debian@bookworm", "docker.io/library/debian:bookworm"),
        ("pkg:docker/docker.io/library/debian@bookworm", "docker.io/library/debian:bookworm"),
        ("pkg:docker/user/tool@v2?platform=linux%2Farm%2Fv7", "docker.io/user/tool:v2"),
        ("pkg:docker/ghcr.io/foo/bar@v2#sub/path", "ghcr.io/foo/bar:v2"),
        ("pkg:docker/GHCR.io/foo/bar", "ghcr.io/foo/bar"),
        ("pkg:docker/registry.example.com%3A5000/a/b/c@1.2", "registry.example.com:5000/a/b/c:1.2"),
        ("pkg:docker/registry.example.com:443/a@1", "registry.example.com/a:1"),
        (
            f"pkg:docker/debian@bookworm?digest={digest('debian')}&platform=linux%2Famd64",
            "docker.io/library/debian:bookworm",
        ),
        (f"pkg:docker/debian?digest={digest('debian')}", "docker.io/library/debian"),
        (f"pkg:docker/debian@{digest('debian')}", "docker.io/library/debian"),
        (f"pkg:docker/debian@{digest('debian').replace(':', '%3A')}", "docker.io/library/debian"),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_base_is_written_in_full_with_its_tag_and_digest(version: Version, uri: str, base: str) -> None:
    claim = read_claim(buildkit(version, materials=[material(uri)]))
    assert (claim.bases, claim.unreadable) == ((f"{base}@{digest('debian')}",), ())


@pytest.mark.parametrize("pin", [f"@bookworm?digest={digest('index')}&platform=linux%2Famd64", f"@{digest('index')}"])
def test_the_digest_by_which_a_build_names_a_base_comes_before_that_of_its_platform(pin: str) -> None:
    """So BuildKit 0.32 writes it."""
    (base,) = read_claim(buildkit(materials=[material(f"pkg:docker/debian{pin}", digest("for amd64"))])).bases
    assert base.partition("@")[2] == digest("index")


@pytest.mark.parametrize(
    ("uri", "digests"),
    [
        ("pkg:docker/debian@bookworm", {}),
        ("pkg:docker/debian@bookworm", {"sha256": "zz"}),
        ("pkg:docker/debian@bookworm", {"sha256": 7}),
        ("pkg:docker/debian@bookworm", {"md5": "00"}),
        (f"pkg:docker/debian@{digest('another')}?digest={digest('debian')}", {"sha256": digest("debian")[7:]}),
        ("pkg:docker/debian@bookworm?digest=sha256:x", {"sha256": digest("debian")[7:]}),
        ("pkg:docker/Debian@bookworm", {"sha256": digest()[7:]}),
        ("pkg:docker/@", {"sha256": digest()[7:]}),
        ("pkg:docker/", {"sha256": digest()[7:]}),
        ("pkg:docker/a%0Ab@v1", {"sha256": digest()[7:]}),
        ("pkg:docker/" + "a" * 3000, {"sha256": digest()[7:]}),
    ],
)
def test_a_base_that_cannot_be_written_is_named_and_left_out(uri: str, digests: dict[str, Any]) -> None:
    claim = read_claim(buildkit(materials=[{"uri": uri, "digest": digests}, material()]))
    assert claim.bases == (BASE,)
    assert len(claim.unreadable) == 1
    assert claim.unreadable[0].startswith(uri[:14])


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_no_base_is_left_out(version: Version) -> None:
    others = [
        provenance.git_material(),
        material("https://example.com/file.tar.gz"),
        material("pkg:oci/context@v1?platform=linux%2Famd64"),
        material("pkg:docker/example.com/ns/repo?digest=sha256:00&ref_type=blob"),
        material("pkg:docker/example.com/ns/repo?ref_type=bundle&vcs_url=https%3A%2F%2Fgit.example.com"),
        material("pkg:docker/docker/dockerfile@1?platform=linux%2Famd64"),
        material("pkg:docker/docker/dockerfile-upstream@master"),
        material("pkg:docker/docker/buildkit-syft-scanner@stable-1"),
        material("pkg:docker/frontends.example.com/ours@v3"),
        {"uri": 7},
        {},
    ]
    args = {
        "source": f"frontends.example.com/ours:v3@{digest('debian')}",
        "cmdline": "frontends.example.com/ours:v3 a=b",
    }
    claim = read_claim(buildkit(version, materials=[*others, material(), material()], args=args))
    assert (claim.bases, claim.unreadable) == ((BASE,), ())
    same_name = read_claim(
        buildkit(version, materials=[material("pkg:docker/frontends.example.com/ours@v4")], args=args)
    )
    assert same_name.bases == (f"frontends.example.com/ours:v4@{digest('debian')}",)


def test_the_same_image_for_two_platforms_is_one_base() -> None:
    both = [material(f"pkg:docker/debian@bookworm?platform=linux%2F{one}") for one in ("amd64", "arm64")]
    assert read_claim(buildkit(materials=both)).bases == (BASE,)


@pytest.mark.parametrize("count", [MOST_BASES + 1, MOST_MATERIALS + 1])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_build_of_too_much_is_not_read(version: Version, count: int) -> None:
    materials = [material(f"pkg:docker/a/b{number}") for number in range(count)]
    with pytest.raises(InvalidStatement, match="it lists more than"):
        read_claim(buildkit(version, materials=materials))


def test_a_builder_that_a_record_cannot_hold_is_left_out() -> None:
    assert read_claim(buildkit(builder="a\nb")).builder == ""
    assert read_claim(buildkit(builder="a" * 1025)).builder == ""


def test_another_predicate_is_no_provenance() -> None:
    statement = parse_statement(provenance.statement({}, digest(), predicateType="https://spdx.dev/Document"))
    with pytest.raises(InvalidStatement, match=r"`https://spdx\.dev/Document`, which is not that of SLSA provenance"):
        claim_of(statement)


def _signed_for(uri: str, digests: dict[str, str]) -> str:
    return read_claim(buildkit(context={"uri": uri, "digest": digests})).commit


def test_of_two_digests_of_a_commit_that_differ_none_is_chosen() -> None:
    assert _signed_for(_URI, {"gitCommit": COMMIT, "sha1": COMMIT}) == COMMIT
    assert _signed_for(_URI, {"gitCommit": COMMIT, "sha1": "1" * 40}) == ""
    assert _signed_for(_URI, {"gitCommit": "1" * 40, "sha1": COMMIT}) == ""
    assert _signed_for(_URI, {"gitCommit": COMMIT, "sha1": "x"}) == ""
    assert _signed_for(_URI, {"sha256": COMMIT, "sha1": COMMIT}) == COMMIT
    assert _signed_for(_URI, {"sha256": "1" * 40, "sha1": COMMIT}) == ""
    assert _signed_for(_URI, {"sha256": "a" * 64}) == "a" * 64


def test_a_context_that_the_build_lists_with_another_commit_has_none() -> None:
    """The same repository may be used at another commit too, such as by `ADD`; that is another address."""
    other = provenance.git_material(f"{REPOSITORY}.git#refs/tags/v0", "1" * 40)
    assert read_claim(buildkit(context=_CONTEXT, materials=[other])).commit == COMMIT
    assert read_claim(buildkit(context=_CONTEXT, materials=[provenance.git_material(_URI), other])).commit == COMMIT
    assert read_claim(buildkit(context=_CONTEXT, materials=[other | {"uri": _URI}])).commit == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_a_predicate_of_another_version_than_its_type_says_nothing(version: Version) -> None:
    other: Version = "v1" if version == "v0.2" else "v0.2"
    payload = provenance.statement(
        buildkit(version, vcs=_VCS, builder="https://ci.example.com"), "sha256:a", version=other
    )
    assert claim_of(parse_statement(payload)) == BuildClaim()


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("pkg:docker/customer/dockerimage@1.2?repository_url=gcr.io", "gcr.io/customer/dockerimage:1.2"),
        ("pkg:docker/a/b@1?repository_url=https://r.example.com:5000/", "r.example.com:5000/a/b:1"),
        ("pkg:docker/r.example.com/a/b@1?repository_url=r.example.com", "r.example.com/a/b:1"),
        ("pkg:docker/debian@12?repository_url=https%3A%2F%2Fhub.docker.com", "docker.io/library/debian:12"),
        ("pkg:docker/r.example.com/a/b@1?repository_url=gcr.io", ""),
        ("pkg:docker/a/b@1?repository_url=gcr.io/project", ""),
        ("pkg:docker/a/b@1?repository_url=what", ""),
    ],
)
def test_the_registry_of_a_base_may_be_a_qualifier(uri: str, name: str) -> None:
    claim = read_claim(buildkit(materials=[material(uri)]))
    assert claim.bases == ((f"{name}@{digest('debian')}",) if name else ())
    assert claim.unreadable == (() if name else (uri,))


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("pkg:docker/bot:hunter22@registry.example.com/a@v1", "pkg:docker/***@registry.example.com/a@v1"),
        ("pkg:docker/bot%3Ahunter22%40registry.example.com/a@v1", "pkg:docker/***@registry.example.com/a@v1"),
        ("pkg:docker/bot:hunt/er22@registry.example.com/a", "pkg:docker/***@registry.example.com/a"),
        ("pkg:docker/bot:hunter22@a", "pkg:docker/***@a"),
        ("pkg:docker/a@v1?token=hunter22&platform=linux%2Famd64", "pkg:docker/a@v1?platform=linux/amd64"),
        ("pkg:docker/a@v1?repository_url=https%3A%2F%2Fbot:hunter22@r.example.com",
         "pkg:docker/a@v1?repository_url=https://***@r.example.com"),
        ("pkg:docker/a@v1#hunter22", "pkg:docker/a@v1"),
    ],
)  # fmt: skip
def test_a_secret_in_the_url_of_a_base_is_not_told(uri: str, told: str) -> None:
    assert read_claim(buildkit(materials=[{"uri": uri, "digest": {}}])).unreadable == (told,)


def test_a_base_with_more_qualifiers_than_anybody_writes_is_named_and_left_out() -> None:
    uri = "pkg:docker/debian@12?" + "&".join(f"a{number}=1" for number in range(101))
    claim = read_claim(buildkit(materials=[material(uri), material()]))
    assert (claim.bases, claim.unreadable) == ((BASE,), ("pkg:docker/debian@12",))


_odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just([]), st.just({}),
    st.sampled_from(("sha1", "gitCommit", "sha256", COMMIT, "a" * 64, "\0", "\ud83d", "-dirty", "a" * 3000)),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(("https://", "git+https://", "ssh://", "git@", "pkg:docker/", "pkg:docker/a@v1?", "")),
        st.text(st.sampled_from("[]@:/?#%&=.ax1\u0130"), max_size=30),
        st.builds(operator.mul, st.sampled_from(("&a=1", "/..", "%ff", ":1", "#x")), st.integers(0, 150)),
    ),
)  # fmt: skip


@given(st.data(), st.sampled_from(VERSIONS))
def test_whatever_a_predicate_has_it_is_read_or_is_not_valid(data: st.DataObject, version: Version) -> None:
    def mutated(value: Any) -> Any:
        if data.draw(st.integers(0, 9)) == 0:
            return data.draw(_odd)
        if isinstance(value, dict):
            return {key: mutated(inner) for key, inner in value.items()}
        return [mutated(inner) for inner in value] if isinstance(value, list) else value

    whole = buildkit(version, "min", context=_CONTEXT, vcs=_VCS, builder="https://ci.example.com/7")
    predicate = mutated(data.draw(st.sampled_from((whole, provenance.github(), provenance.gitlab()))))
    try:
        claim = read_claim(predicate if isinstance(predicate, dict) else {}, f"https://slsa.dev/provenance/{version}")
    except InvalidStatement:
        return
    assert claim.source_ref is None or claim.commit in claim.source_ref


@pytest.mark.parametrize(
    ("builder", "told"),
    [
        ("https://bot:hunter22@ci.example.com/run/1", "https://ci.example.com/run/1"),
        ("https://x-access-token:ghs_hunter22@github.com/a@b/c", "https://github.com/a@b/c"),
        ("HTTPS://hunter22@ci.example.com", "HTTPS://ci.example.com"),
        ("https://ci.example.com/run/1?token=hunter22", "https://ci.example.com/run/1"),
        ("https://ci.example.com/run/1#hunter22", "https://ci.example.com/run/1"),
        ("spiffe://bot:hunter22@example.com/ns/x", "spiffe://example.com/ns/x"),
        ("bot:hunter22@ci.example.com/run/1", "***@ci.example.com/run/1"),
        ("https:/bot:hunter22@ci.example.com/run/1", "https:/***@ci.example.com/run/1"),
        (f"{REPOSITORY}/.github/x.yml@refs/heads/main", f"{REPOSITORY}/.github/x.yml@refs/heads/main"),
    ],
)  # fmt: skip
def test_a_secret_in_the_builders_url_is_not_told(builder: str, told: str) -> None:
    assert read_claim(buildkit(builder=builder)).builder == told
