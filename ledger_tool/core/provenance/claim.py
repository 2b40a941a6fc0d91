"""What a build's SLSA provenance says: who built an image, from which commit, on which base images.

| what             | in v0.2                         | in v1                                                       |
|------------------|---------------------------------|-------------------------------------------------------------|
| builder          | `builder.id`                    | `runDetails.builder.id`                                     |
| source: context  | `invocation.configSource`       | `externalParameters.configSource`                           |
| or repository    |                                 | `externalParameters`: `workflow.repository` (GitHub),       |
|                  |                                 | `source` (GitLab), `buildConfigSource.repository` (Google   |
|                  |                                 | Cloud Build); its commit: in `resolvedDependencies`         |
| or checkout      | `vcs` in BuildKit's metadata    | the same                                                    |
| base images      | `materials`                     | `resolvedDependencies`                                      |

BuildKit fetches a git context itself, and so knows its commit; what the client says of its checkout it only repeats.
That counts only where the context was the client's: one that the builder fetched settles where the build is from, also
if it names no commit, or is an archive. Sources: SLSA provenance v0.2 and v1.1; BuildKit's "SLSA definitions"; the
build types of GitHub (`actions/buildtypes`, `workflow/v1`), GitLab and Google Cloud Build. Anything malformed is left
out as if it were not stated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger_tool.core.ledger.names import SourceRef, parse_source_ref, parse_text, shown
from ledger_tool.core.provenance.base import base, frontend_name, is_frontend, is_image, shown_image
from ledger_tool.core.provenance.repository import (
    commit_id,
    commit_of,
    is_repository,
    is_same_repository,
    modified_commit,
    repository_url,
    without_secrets,
)
from ledger_tool.core.provenance.statement import Statement, invalid
from ledger_tool.errors import InvalidValue

SLSA_02, SLSA_1 = "https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"
PREDICATE_TYPES = (SLSA_02, SLSA_1)
_SLSA = "https://slsa.dev/provenance/"
MOST_MATERIALS = 10_000
MOST_BASES = 256
# BuildKit's own metadata: in v0.2 and in the first releases that wrote v1; in v1 since then.
_METADATA = ("https://mobyproject.org/buildkit@v1#metadata", "buildkit_metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildClaim:
    """What a provenance says of a build; `""` and empty where it says nothing.

    `source` is the URL of the repository and `commit` its full commit id. If the build was made from a modified working
    tree of a commit, that one is `modified_commit`, and `commit` is `""`: no commit has what was built. `bases` are the
    images that it used, as a record's `dependsOn` has them; `unreadable` are those that cannot be written so.
    """

    builder: str = ""
    source: str = ""
    commit: str = ""
    modified_commit: str = ""
    bases: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def source_ref(self) -> SourceRef | None:
        """The source and the commit as a sourceRef, None if they are none."""
        try:
            return parse_source_ref(f"{self.source}@{self.commit}") if self.source and self.commit else None
        except InvalidValue:
            return None


def may_be_provenance(predicate_type: str) -> bool:
    """Return whether a statement of this type, `""` if that is unknown, may be a provenance, of whatever version."""
    return not predicate_type or predicate_type.startswith(_SLSA)


def claim_of(statement: Statement) -> BuildClaim:
    """Return what a statement says of a build. Raises InvalidStatement if it is not a provenance of SLSA v0.2 or v1."""
    if statement.predicate_type not in PREDICATE_TYPES:
        kind = shown(statement.predicate_type)
        raise invalid(f"its `predicateType` is `{kind}`, which is not that of SLSA provenance v0.2 or v1")
    return read_claim(statement.predicate, statement.predicate_type)


def read_claim(predicate: Mapping[str, Any], predicate_type: str = "") -> BuildClaim:
    """Return what the predicate of a provenance says; where no type tells the version, its own parts do.

    Raises InvalidStatement if it lists too much.
    """
    definition = _object(predicate, "buildDefinition")
    is_v1 = predicate_type == SLSA_1 if predicate_type else bool(definition)
    run = _object(predicate, "runDetails") if is_v1 else predicate
    parameters = _object(definition, "externalParameters") if is_v1 else _object(predicate, "invocation")
    materials = _objects(definition, "resolvedDependencies") if is_v1 else _objects(predicate, "materials")
    source, commit, modified = _source(parameters, materials, _vcs(run))
    bases, unreadable = _bases(materials, _frontends(parameters))
    return BuildClaim(
        builder=_builder(_object(run, "builder")),
        source=source,
        commit=commit,
        modified_commit=modified,
        bases=bases,
        unreadable=unreadable,
    )


def _source(
    parameters: Mapping[str, Any], materials: Sequence[Mapping[str, Any]], vcs: Mapping[str, Any]
) -> tuple[str, str, str]:
    """Return the repository, its commit, and the commit of a modified working tree; `""` for what is not stated."""
    context = _object(parameters, "configSource")
    if uri := _text(context, "uri"):
        if not is_repository(uri, _object(context, "digest")):
            return "", "", ""
        again = (material for material in materials if _text(material, "uri") == uri)
        return repository_url(uri), _only_commit(uri, [context, *again]), ""
    named = (_text(_object(parameters, key), "repository") for key in ("workflow", "buildConfigSource"))
    for stated in (*named, _text(parameters, "source"), _text(parameters, "repository")):
        if stated:
            return repository_url(stated), _only_commit(stated, materials), ""
    revision = _text(vcs, "revision")
    return repository_url(_text(vcs, "source")), commit_id(revision), modified_commit(revision)


def _only_commit(repository: str, materials: Sequence[Mapping[str, Any]]) -> str:
    """Return the commit of a repository among what a build used, `""` if there is none, or more than one."""
    own = (material for material in materials if is_same_repository(_text(material, "uri"), repository))
    commits = {commit_of(_text(material, "uri"), _object(material, "digest")) for material in own}
    return commits.pop() if len(commits) == 1 else ""


def _bases(
    materials: Sequence[Mapping[str, Any]], frontends: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    bases: dict[str, None] = {}
    unreadable: dict[str, None] = {}
    for material in materials:
        if is_image(uri := _text(material, "uri")):
            try:
                dependency = base(uri, _texts(material, "digest"))
            except InvalidValue:
                unreadable[shown_image(uri)] = None
            else:
                bases |= {} if is_frontend(dependency, frontends) else {dependency: None}
    if len(bases) + len(unreadable) > MOST_BASES:
        raise invalid(f"it lists more than {MOST_BASES} base images")
    return tuple(bases), tuple(unreadable)


def _frontends(parameters: Mapping[str, Any]) -> frozenset[str]:
    """Return the images that a build names as its frontend: BuildKit's `source`, and the Dockerfile's `# syntax=`."""
    request = _object(parameters, "request") or _object(parameters, "parameters")
    args = _object(request, "args")
    texts = (_text(args, key) for key in ("source", "cmdline", "build-arg:BUILDKIT_SYNTAX"))
    return frozenset(filter(None, (frontend_name(text) for text in texts if text)))


def _vcs(run: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = _object(run, "metadata")
    return next(filter(None, (_object(_object(metadata, key), "vcs") for key in _METADATA)), {})


def _builder(builder: Mapping[str, Any]) -> str:
    try:
        return parse_text(without_secrets(_text(builder, "id")), "builder")
    except InvalidValue:
        return ""


def _object(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _objects(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    inner = value.get(key)
    if not isinstance(inner, list):
        return []
    if len(inner) > MOST_MATERIALS:
        raise invalid(f"it lists more than {MOST_MATERIALS} dependencies of the build")
    return [one for one in inner if isinstance(one, dict)]


def _text(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key)
    return text if isinstance(text, str) else ""


def _texts(value: Mapping[str, Any], key: str) -> Mapping[str, str]:
    return {name: text for name, text in _object(value, key).items() if isinstance(text, str)}
