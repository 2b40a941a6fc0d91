"""One manifest: from its bytes to its images, from the judgement on each to the bytes that it should have.

The parser is an argument: what comes in and what goes out are values, and the new text is only given out when a
second look by the same parser says that it differs from the old one in exactly the wanted values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.sourceref import compare_url
from ledger_tool.core.manifests import find as sites
from ledger_tool.core.manifests import splice, yamltree
from ledger_tool.core.manifests.find import Site
from ledger_tool.core.manifests.pin import Judgement, Kind
from ledger_tool.core.manifests.splice import Refused, Splice
from ledger_tool.core.manifests.yamltree import YamlDocument, YamlFault, YamlToken
from ledger_tool.core.policy.reference import written
from ledger_tool.core.registry.image import digest_of
from ledger_tool.errors import LedgerError

Parse = Callable[[str, YamlDocument], list[YamlToken]]
Judge = Callable[[Site], Judgement | None]
Said = tuple[str, str, str]  # name, tag and digest of a site
_HINTS = re.compile(rb"mage|container|newTag|repository|services|docker://|\\[uUx][0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One reference that was changed, from `old` to `new`, both as written and in one string.

    `tags` are the tag before (`""` where there was none) and after; `compare` is a page that shows what lies
    between the two sources, or `""`.
    """

    path: str
    line: int
    image: str
    old: str
    new: str
    tags: tuple[str, str]
    digest: str
    compare: str = ""


@dataclass(frozen=True, slots=True)
class ManifestFinding:
    """One reference that is not as it should be."""

    kind: Kind
    path: str
    line: int
    image: str
    message: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know about a file. `is_fault` says that it could not be looked at, or not understood."""

    path: str
    line: int
    message: str
    is_fault: bool = False


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What became of one manifest: its new bytes, or None where they stay, and the digest of the old ones.

    `mendable` are the findings that the edits mend.
    """

    path: str
    content: bytes | None = None
    seen: str = ""
    edits: Sequence[Edit] = ()
    mendable: Sequence[ManifestFinding] = ()
    findings: Sequence[ManifestFinding] = ()
    notes: Sequence[Note] = ()


@dataclass
class _Work:
    """What is found on the way through one file. `texts` is its new text so far; `refused`, why it has none."""

    path: str
    text: str
    texts: list[str] = field(default_factory=list)
    refused: str = ""
    changes: list[Splice] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    mendable: list[ManifestFinding] = field(default_factory=list)
    findings: list[ManifestFinding] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def rewrite(path: str, raw: bytes, parse: Parse, judge: Judge, *, write: bool = True) -> Rewritten:
    """Return what a judge makes of a manifest; without `write` there is no new content, and half as much to parse.

    What can't be read or written is a note or a finding, never an error.
    """
    try:
        work = _Work(path, yamltree.decoded(raw))
        for document in yamltree.documents(work.text):
            work.texts.append(_document(work, document, parse, judge, write=write))
    except YamlFault as fault:
        return Rewritten(path, notes=[_unread(path, raw, fault)])
    if work.refused:
        work.findings += [_left(finding, work.refused) for finding in work.mendable]
        work.edits, work.mendable, work.texts = [], [], [work.text]
    content = "".join(work.texts).encode()
    work.findings.sort(key=lambda finding: finding.line)
    new = content if content != raw else None
    return Rewritten(path, new, digest_of(raw), work.edits, work.mendable, work.findings, work.notes)


def _document(work: _Work, document: YamlDocument, parse: Parse, judge: Judge, *, write: bool) -> str:
    """Take down what a judge makes of one document, and return its new text. Raises YamlFault."""
    old = work.text[document.start : document.end]
    if not sites.looks_like_one(old):
        return old
    tokens = parse(work.text, document)
    work.changes = []
    said = [_judge(site, judge, work) for site in sites.find(work.path, work.text, yamltree.tree(tokens))]
    if not work.changes or not write or work.refused:
        return old
    try:
        new = splice.applied(old, [splice.shifted(one, -document.start) for one in work.changes])
        _verify(work.path, new, tokens, work.changes, said, parse)
    except (Refused, YamlFault) as error:
        work.refused = error.reason if isinstance(error, Refused) else error.message
        return old
    return new


def _verify(
    path: str, text: str, before: Sequence[YamlToken], changes: Sequence[Splice], said: Sequence[Said], parse: Parse
) -> None:
    """Parse a new text. Raises Refused or YamlFault unless it says just what it should."""
    again = yamltree.documents(text)
    tokens = parse(text, again[0]) if len(again) == 1 else []
    if not tokens or not splice.is_exactly(before, tokens, changes):
        raise Refused("the edited file would not say exactly that")
    if said != [(site.name, site.tag, site.digest) for site in sites.find(path, text, yamltree.tree(tokens))]:
        raise Refused("by an alias or a merge, another image would get a tag or a digest that is not its own")


def may_name_images(raw: bytes) -> bool:
    """Return whether a file may name an image, by a quick look, or has to be looked at to say that it can't be read."""
    return raw.startswith(yamltree.NOT_UTF8) or bool(_HINTS.search(raw))


def _unread(path: str, raw: bytes, fault: YamlFault) -> Note:
    if fault.is_syntax and b"{{" in raw:  # what is beyond a limit is no template, whatever it says
        return Note(path, fault.line, f"skipped: a template, and no YAML before it is filled ({fault.message})")
    return Note(path, fault.line, f"not looked at: {fault.message}", is_fault=True)


def _judge(site: Site, judge: Judge, work: _Work) -> Said:
    """Take down what a judge makes of a site; return what the site says then."""
    said = site.name, site.tag, site.digest
    try:
        judgement = judge(site)
    except LedgerError as error:
        work.notes.append(Note(work.path, site.line, error.message, is_fault=True))
        return said
    if judgement is None:
        return said
    if judgement.note:
        work.notes.append(Note(work.path, site.line, judgement.note))
    if not judgement.kind:
        return said
    finding = ManifestFinding(judgement.kind, work.path, site.line, judgement.image, judgement.message)
    wanted = judgement.wanted
    if wanted is None:
        work.findings.append(finding)
        return said
    try:
        work.changes += splice.splices(site, wanted, work.text)
    except Refused as refused:
        work.findings.append(_left(finding, refused.reason))
        return said
    work.mendable.append(finding)
    work.edits.append(_edit(site, judgement, work.path))
    return site.name, wanted.tag or site.tag, wanted.digest


def _left(finding: ManifestFinding, reason: str) -> ManifestFinding:
    return ManifestFinding(
        finding.kind, finding.path, finding.line, finding.image, f"{finding.message}; left as it is: {reason}"
    )


def _edit(site: Site, judgement: Judgement, path: str) -> Edit:
    wanted, old, new = judgement.wanted, judgement.old, judgement.new
    assert wanted is not None
    return Edit(
        path=path,
        line=site.line,
        image=judgement.image,
        old=shown(site.text, 600),
        new=written(site.name, wanted.tag or site.tag, wanted.digest),
        tags=(old.tag if old else site.tag, wanted.tag or site.tag),
        digest=wanted.digest,
        compare=compare_url(old.source_ref, new.source_ref) if old and new else "",
    )
