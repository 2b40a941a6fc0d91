"""One manifest: from its bytes to its images, and from the judgement on each to its new bytes.

The parser is an argument: input and output are values, and a new text is returned only if a second pass of the
same parser shows that it differs from the old one in exactly the wanted values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests.charts.around import FileCharts, no_charts
from ledger_tool.core.manifests.commandlines import command_lines
from ledger_tool.core.manifests.counts import NOT_UNDERSTOOD, NOTHING_COUNTED, ReferenceCounts, counts_of
from ledger_tool.core.manifests.environment import Environment, nothing_set
from ledger_tool.core.manifests.formats import DocumentReading, ManifestFormat, Parse, format_of, kind_of
from ledger_tool.core.manifests.inherited import heir
from ledger_tool.core.manifests.marks import Style, in_vain
from ledger_tool.core.manifests.ours import NOBODYS, OurImages
from ledger_tool.core.manifests.pin import FindingKind, Judgement
from ledger_tool.core.manifests.remark import ManifestNote
from ledger_tool.core.manifests.replacements import TakenApart, judged_whole
from ledger_tool.core.manifests.shapes.printed import is_judged_by_values
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.splice import Splice, SpliceRefused, applied, is_exactly, splices
from ledger_tool.core.manifests.style import styled
from ledger_tool.core.manifests.templateactions import has_actions, is_of_chart
from ledger_tool.core.manifests.templateforms import TemplateFormat
from ledger_tool.core.manifests.templatehelpers import HelperFormat
from ledger_tool.core.manifests.tokens import TextDocument, TextFault
from ledger_tool.core.manifests.unread import is_of_ledger, note_on, text_of
from ledger_tool.core.policy.comparepage import compare_url
from ledger_tool.core.policy.reference import split, written
from ledger_tool.core.registry.image import digest_of
from ledger_tool.errors import LedgerError

SiteParts = tuple[str, str, str]  # name, tag and digest of a site


@dataclass(frozen=True, slots=True)
class Judge:
    """What decides on a site, what it knows of a ledger's images, by which sites are found, where a person wants the
    digests, or `""`, and for one file: the variables that are set for it, the charts that it has values of, and what
    kustomizations take apart in it.

    What it decides depends on nothing that it decided before: files are judged in any order, and in two processes.
    """

    judgement: Callable[[Site], Judgement | None]
    ours: OurImages = NOBODYS
    style: Style = ""
    environment: Callable[[], Environment] = nothing_set
    charts: Callable[[], FileCharts] = no_charts
    taken_apart: Callable[[], Sequence[TakenApart]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One reference that was changed, from `old` to `new`, both as written and in one string.

    `tags` are the tag before (`""` where there was none) and after; `compare` is a page that shows the difference
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
    """One reference that is not as it should be; with `is_elsewhere`, no registry of ledger.yaml serves its image."""

    kind: FindingKind
    path: str
    line: int
    image: str
    message: str
    is_elsewhere: bool = False


@dataclass(slots=True)
class Rewritten:
    """The result for a manifest: its new bytes or None, the digest of what they replace, and what the edits fix."""

    path: str
    content: bytes | None = None
    old_digest: str = ""
    edits: list[Edit] = field(default_factory=list)
    fixable: list[ManifestFinding] = field(default_factory=list)
    findings: list[ManifestFinding] = field(default_factory=list)
    notes: list[ManifestNote] = field(default_factory=list)
    was_read: bool = True
    counts: ReferenceCounts = NOTHING_COUNTED


def not_read(note: ManifestNote) -> Rewritten:
    """Return the result for a file that is not read, for the reason in the note."""
    return Rewritten(note.path, notes=[note], was_read=False)


def rewrite(path: str, raw: bytes, parse: Parse, judge: Judge, *, write: bool = True) -> Rewritten:
    """Return a judge's result for a manifest, with notes on what cannot be read or written; new bytes if `write`."""
    form: ManifestFormat = HelperFormat(parse, judge.ours, charts=judge.charts)
    if kind_of(path) != "template":
        form = format_of(path, parse, judge.ours, judge.environment, judge.charts)
    try:
        text = text_of(raw)
        if is_of_ledger(path, text):
            return not_read(ManifestNote(path, 1, "skipped: a file of a ledger", kind="not-a-manifest"))
        try:
            return _in_form(form, path, raw, text, judge, write=write)
        except TextFault as fault:
            if not fault.is_syntax or not has_actions(text):  # a file beyond a limit is not treated as a template
                raise
            return _in_form(TemplateFormat(parse, judge.ours, charts=judge.charts), path, raw, text, judge, write=write)
    except TextFault as fault:
        note = note_on(path, raw, form, fault)
        return not_read(note) if note else Rewritten(path)


def _in_form(form: ManifestFormat, path: str, raw: bytes, text: str, judge: Judge, *, write: bool) -> Rewritten:
    """Return a judge's result for a text that is read in one form. Raises TextFault."""
    done = Rewritten(path)
    texts, refused = [], ""
    for document in form.documents(text):
        texts.append(text[document.start : document.end])
        try:
            texts[-1] = _document(done, text, document, form, judge, write=write and not refused)
        except SpliceRefused as error:
            refused = error.reason
    if refused:
        done.findings += [_left_unchanged(finding, refused) for finding in done.fixable]
        done.edits, done.fixable, texts = [], [], [text]
    content = "".join(texts).encode()
    if content != raw:
        done.content, done.old_digest = content, digest_of(raw)
    done.notes += command_lines(path, text)
    done.findings.sort(key=lambda finding: finding.line)
    done.notes.sort(key=lambda note: note.line)
    return done


def _document(
    done: Rewritten, text: str, document: TextDocument, form: ManifestFormat, judge: Judge, *, write: bool
) -> str:
    """Add a judge's results for a document to `done`, and return its new text. Raises TextFault, SpliceRefused."""
    old = text[document.start : document.end]
    if not form.may_have_sites(old):
        return old
    reading = form.read(done.path, text, document)
    changes: list[Splice] = []
    sites = judged_whole(reading.sites, reading.tokens, judge.taken_apart) if judge.taken_apart else reading.sites
    expected = [_judged(site, judge, text, done, changes) for site in sites]
    mentions = reading.mentions()
    done.notes += [note for mention in mentions if (note := _noted(mention, reading, judge, done.path))]
    done.notes += _of_marks(done.path, reading, mentions)
    done.notes += [reading.note] if reading.note else []
    if not changes or not write:
        return old
    new = applied(text, document, changes)
    try:  # a second pass of the same parser
        again = form.documents(new)
        new_reading = form.read(done.path, new, again[0]) if len(again) == 1 else None
    except TextFault as fault:
        raise SpliceRefused(f"with the edit, it would be {fault.message}") from None
    if not new_reading or not is_exactly(reading.tokens, new_reading.tokens, changes):
        raise SpliceRefused("the edit would change more than the reference")
    if expected != [(site.name, site.tag, site.digest) for site in new_reading.sites]:
        raise SpliceRefused("through an alias, a merge or a variable, another image would get a wrong tag or digest")
    return new


def _of_marks(path: str, reading: DocumentReading, mentions: Sequence[Site]) -> Iterator[ManifestNote]:
    """Yield what is to be said of marks that are at no reference; none makes a mention a reference."""
    obeyed = [mark for site in reading.sites for mark in site.marks]
    others = [mark for mention in mentions for mark in mention.marks]
    obeyed += [mark for mark in others if not mark.is_image]
    for line, message in in_vain(dict.fromkeys([*reading.marks, *others]), obeyed):
        yield ManifestNote(path, line, message, is_fault=True)


def _judged(site: Site, judge: Judge, text: str, done: Rewritten, changes: list[Splice]) -> SiteParts:
    """Add a judge's result for a site to `done` and `changes`; return what the site then says."""
    unchanged = site.name, site.tag, site.digest
    site = _placed(site, done.path, judge)
    try:
        site, note = styled(site, judge.style)
        judgement = _held(site, judge.judgement(site), judge)
    except LedgerError as error:
        done.counts += NOT_UNDERSTOOD
        done.notes.append(ManifestNote(done.path, site.line, error.message, is_fault=True))
        return unchanged
    if judgement and site.read_as and not judgement.wanted:
        message = f'YAML and Helm read the tag {site.tag} as {site.read_as}: write `"{site.tag}"` if you mean that'
        done.notes.append(ManifestNote(done.path, site.line, message, kind="unquoted-number"))
    if judgement and judgement.is_reference and site.replaced:
        message = f"{shown(site.text)} is replaced: the source of {site.replaced} decides what runs"
        done.notes.append(ManifestNote(done.path, site.line, message, kind="other-tool"))
    if judgement and judgement.wanted and note:
        judgement = replace(judgement, note=note)
    if judgement and judgement.note:
        done.notes.append(ManifestNote(done.path, site.line, judgement.note.message, kind=judgement.note.kind))
    done.counts += counts_of(judgement)
    if not judgement or not judgement.kind or judgement.is_left:
        return unchanged
    finding = ManifestFinding(
        judgement.kind, done.path, site.line, judgement.image, judgement.message, judgement.is_elsewhere
    )
    wanted, old, new = judgement.wanted, judgement.old, judgement.new
    if wanted is None:
        done.findings.append(finding)
        return unchanged
    try:
        changes += splices(site, wanted, text)
    except SpliceRefused as refused:
        done.findings.append(_left_unchanged(finding, refused.reason))
        return unchanged
    tag = wanted.tag or site.tag
    edit = Edit(
        path=done.path,
        line=site.line,
        image=judgement.image,
        old=shown(", ".join(filter(None, (site.text, site.second))), 600),
        new=written(site.name, tag, wanted.digest),
        tags=(old.tag if old else site.tag, tag),
        digest=wanted.digest,
        compare=compare_url(old.source_ref, new.source_ref) if old and new else "",
    )
    done.fixable.append(finding)
    done.edits.append(edit)
    return site.name, tag, wanted.digest


def _held(site: Site, judgement: Judgement | None, judge: Judge) -> Judgement | None:
    """Return the judgement on a site, which keeps its digest to itself: no other tag may get it by inheritance."""
    is_right = judgement and judgement.is_reference and not (judgement.kind or judgement.is_left) and site.digest
    if not judgement or not (judgement.wanted or is_right):
        return judgement
    wanted = judgement.wanted
    why = heir(site, (wanted and wanted.tag) or site.tag, judge.judgement, judge.style, judge.ours)
    if not why:
        return judgement
    if not wanted:
        has = "behind its tag" if any(field.part == "tagged" for field in site.fields) else "in a field"
        message = f"{judgement.image}:{site.tag} has its digest {has}, but {why}"
        return replace(judgement, kind="unpinned", message=message)
    return replace(judgement, message=f"{judgement.message}; left unchanged: {why}", wanted=None)


def _placed(site: Site, path: str, judge: Judge) -> Site:
    """Return a site that knows whether it is in a template of a chart; values are none, even if `tpl` reads them."""
    if "{{" not in site.text:
        return site
    in_chart = is_of_chart(path, site.text) and not judge.charts().is_values
    meant = judge.ours.behind_registry(site.text) if in_chart and site.whole else ""
    if not meant or is_judged_by_values(judge.charts().of_chart(), path, site, judge.ours):
        return replace(site, in_chart=in_chart)
    reference = split(meant)
    why = "its registry is a value, which may be another one: write the digest behind its tag"
    return replace(
        site,
        text=meant,
        name=reference.name,
        tag=reference.tag or "",
        digest=reference.digest or "",
        locked=site.locked or why,
    )


def _noted(mention: Site, reading: DocumentReading, judge: Judge, path: str) -> ManifestNote | None:
    """Return the note on a reference where no image is read, or None if it is as a reference should be."""
    try:
        judgement = judge.judgement(_placed(mention, path, judge))
    except LedgerError as error:
        return ManifestNote(path, mention.line, error.message, is_fault=True)
    if judgement is None or not judgement.kind:
        return None
    message = f"left, since no image is read here: {judgement.message}"
    return ManifestNote(path, mention.line, message, kind=reading.kind_of_mentions)


def _left_unchanged(finding: ManifestFinding, reason: str) -> ManifestFinding:
    return replace(finding, message=f"{finding.message}; left unchanged: {reason}")
