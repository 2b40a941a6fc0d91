"""One manifest: from its bytes to its images, and from the judgement on each to the bytes that it should have.

The parser is an argument: what goes in and out are values, and a new text is only returned when a second look by the
same parser says that it differs from the old one in exactly the wanted values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.sourceref import compare_url
from ledger_tool.core.manifests import yamltree
from ledger_tool.core.manifests.find import Site, find_sites, may_have_sites
from ledger_tool.core.manifests.pin import FindingKind, Judgement
from ledger_tool.core.manifests.splice import Splice, SpliceRefused, applied, is_exactly, splices
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

    `tags` are the tag before (`""` where there was none) and after; `compare` is a page that shows what lies between
    the two sources, or `""`.
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

    kind: FindingKind
    path: str
    line: int
    image: str
    message: str


@dataclass(frozen=True, slots=True)
class ManifestNote:
    """Something to know about a file. `is_fault` says that it could not be looked at, or not understood."""

    path: str
    line: int
    message: str
    is_fault: bool = False


@dataclass(slots=True)
class Rewritten:
    """What became of a manifest: its new bytes or None, the old ones' digest, and the findings that the edits fix."""

    path: str
    content: bytes | None = None
    seen: str = ""
    edits: list[Edit] = field(default_factory=list)
    fixable: list[ManifestFinding] = field(default_factory=list)
    findings: list[ManifestFinding] = field(default_factory=list)
    notes: list[ManifestNote] = field(default_factory=list)


def rewrite(path: str, raw: bytes, parse: Parse, judge: Judge, *, write: bool = True) -> Rewritten:
    """Return what a judge makes of a manifest, what cannot be read or written as notes; new content only if `write`."""
    done = Rewritten(path, seen=digest_of(raw))
    texts, refused = [], ""
    try:
        text = yamltree.decoded(raw)
        for document in yamltree.documents(text):
            texts.append(text[document.start : document.end])
            try:
                texts[-1] = _document(done, text, document, parse, judge, write=write and not refused)
            except SpliceRefused as error:
                refused = error.reason
    except YamlFault as fault:
        if is_template := fault.is_syntax and b"{{" in raw:  # beyond a limit it is none, whatever it says
            message = f"skipped: a template, which is not YAML before it is filled in ({fault.message})"
        else:
            message = f"not looked at: {fault.message}"
        return Rewritten(path, notes=[ManifestNote(path, fault.line, message, is_fault=not is_template)])
    if refused:
        done.findings += [_left(finding, refused) for finding in done.fixable]
        done.edits, done.fixable, texts = [], [], [text]
    content = "".join(texts).encode()
    done.content = content if content != raw else None
    done.findings.sort(key=lambda finding: finding.line)
    return done


def _document(done: Rewritten, text: str, document: YamlDocument, parse: Parse, judge: Judge, *, write: bool) -> str:
    """Note in `done` what a judge makes of a document, and return its new text. Raises YamlFault, SpliceRefused."""
    old = text[document.start : document.end]
    if not may_have_sites(old):
        return old
    tokens = parse(text, document)
    changes: list[Splice] = []
    said = [_judged(site, judge, text, done, changes) for site in find_sites(done.path, text, yamltree.tree(tokens))]
    if not changes or not write:
        return old
    new = applied(text, document, changes)
    try:  # a second look, by the same parser
        again = yamltree.documents(new)
        new_tokens = parse(new, again[0]) if len(again) == 1 else []
        sites = find_sites(done.path, new, yamltree.tree(new_tokens))
    except YamlFault as fault:
        raise SpliceRefused(fault.message) from None
    if not new_tokens or not is_exactly(tokens, new_tokens, changes):
        raise SpliceRefused("the edited file would not say exactly that")
    if said != [(site.name, site.tag, site.digest) for site in sites]:
        raise SpliceRefused("by an alias or a merge, another image would get a tag or a digest that is not its own")
    return new


def may_name_images(raw: bytes) -> bool:
    """Return whether a file may name an image, or has to be parsed to report that it cannot be read: a quick check."""
    return raw.startswith(yamltree.NOT_UTF8) or bool(_HINTS.search(raw))


def _judged(site: Site, judge: Judge, text: str, done: Rewritten, changes: list[Splice]) -> Said:
    """Note in `done` and `changes` what a judge makes of a site; return what the site says after that."""
    said = site.name, site.tag, site.digest
    try:
        judgement = judge(site)
    except LedgerError as error:
        done.notes.append(ManifestNote(done.path, site.line, error.message, is_fault=True))
        return said
    if judgement and judgement.note:
        done.notes.append(ManifestNote(done.path, site.line, judgement.note))
    if not judgement or not judgement.kind:
        return said
    finding = ManifestFinding(judgement.kind, done.path, site.line, judgement.image, judgement.message)
    wanted, old, new = judgement.wanted, judgement.old, judgement.new
    if wanted is None:
        done.findings.append(finding)
        return said
    try:
        changes += splices(site, wanted, text)
    except SpliceRefused as refused:
        done.findings.append(_left(finding, refused.reason))
        return said
    tag = wanted.tag or site.tag
    edit = Edit(
        path=done.path,
        line=site.line,
        image=judgement.image,
        old=shown(site.text, 600),
        new=written(site.name, tag, wanted.digest),
        tags=(old.tag if old else site.tag, tag),
        digest=wanted.digest,
        compare=compare_url(old.source_ref, new.source_ref) if old and new else "",
    )
    done.fixable.append(finding)
    done.edits.append(edit)
    return site.name, tag, wanted.digest


def _left(finding: ManifestFinding, reason: str) -> ManifestFinding:
    return replace(finding, message=f"{finding.message}; left unchanged: {reason}")
