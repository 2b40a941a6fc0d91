"""What the pages of a site say of states, in words and with the role that gives them a shape and a colour."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import groupby
from typing import NamedTuple

from ledger_tool.core.history.log import FactEdit, LogEntry
from ledger_tool.core.ledger.names import TEXT_MAX, Timestamp, counted, shown
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.site.changes import common_run, is_forced
from ledger_tool.core.site.facts import CellState, DriftNote, EnvironmentCell, RunningNote, TagFacts
from ledger_tool.render.view import Role


class Badge(NamedTuple):
    """A state: its role, one word, and why, or `""`."""

    role: Role
    word: str
    why: str = ""


_KINDS: Mapping[str, Role] = {"drift": "bad", "unknown": "doubtful", "housekeeping": "minor", "none": "minor"}
_ACTIONS: Mapping[str, Role] = {
    "publish": "good", "added": "good", "promote": "good", "moved": "doubtful", "yank": "bad", "remove": "bad",
    "removed": "bad", "prune": "minor",
}  # fmt: skip
_ORDERED = ("behind", "ahead")  # the same states as those of environments, and as urgent
_CELLS: Mapping[CellState, Role] = {
    "same": "good", "behind": "doubtful", "ahead": "doubtful", "differs": "doubtful", "only": "minor",
}  # fmt: skip


def note_badge(note: DriftNote | RunningNote) -> Badge:
    """Return the badge of a finding of `reconcile` or `running`."""
    role = "doubtful" if note.category in _ORDERED else _KINDS.get(note.kind, "doubtful")
    return Badge(role, prose(note.category, 60))


def is_pressing(note: DriftNote | RunningNote) -> bool:
    """Return whether somebody should look at a finding: it is neither housekeeping nor as recorded."""
    return note.kind not in ("housekeeping", "none")


def tag_badges(tag: TagFacts, *, is_newest: bool) -> list[Badge]:
    """Return what a reader has to know of an image:tag before it is used."""
    forced = next((record.forced for record in tag.records if record.forced), None)
    return [
        *([Badge("good", "newest")] if is_newest else []),
        *([Badge("bad", "yanked", tag.yanked)] if tag.yanked else []),
        *([Badge("bad", "expired")] if tag.is_expired else []),
        *([Badge("doubtful", "forced", forced.reason)] if forced else []),
        *([Badge("minor", "mutable")] if tag.is_mutable else []),
    ]


class CellWords(NamedTuple):
    """What a cell of the matrix says: badges, whose version is another one, such as `staging has`, and which one.

    `remarks` are what badges do not say of its own version, and `unfit` is the gravest thing about that, or `""`.
    """

    badges: Sequence[Badge]
    whose: str
    other: str
    remarks: Sequence[str]
    unfit: str

    @property
    def compared(self) -> str:
        """What it was compared with, in words; `""` if both are the same."""
        return f"{self.whose} {self.other}" if self.whose else ""


def cell_words(cell: EnvironmentCell) -> CellWords:
    """Return what to say of what an environment has of an image."""
    words: Mapping[CellState, str] = {
        "same": f"same as {cell.against}" if cell.against else "newest",
        "only": f"not in {cell.against}" if cell.against else "nothing newer known",
    }
    word = "other digest" if cell.state == "differs" and cell.version == cell.other else cell.state
    badges = [Badge(_CELLS[cell.state], words.get(cell.state, word))]
    if cell.remarks:  # what must not be used is neither as it should be nor ahead of anything
        bad = [Badge("bad", way) for way in cell.fates] or [Badge("bad", "unfit")]
        badges = bad + (badges if cell.state in ("behind", "differs") else [])
    whose = f"{cell.against} has" if cell.against else "newest is"
    known = (f"has {cell.version}, which ", "is yanked: ")
    remarks = [reduce(str.removeprefix, known, remark) for remark in cell.remarks]
    said = [remark for remark in remarks if remark not in ("is yanked", "has expired", "is no longer recorded")]
    return CellWords(
        badges, whose if cell.state not in words and cell.other else "", cell.other, said,
        ": ".join([badges[0].word, *(remark for remark in remarks[:1] if remark in said)]) if remarks else "",
    )  # fmt: skip


class LogStep(NamedTuple):
    """What one commit did to an image:tag, to however many platforms."""

    entry: LogEntry
    platforms: str
    badge: Badge
    digest: str
    replaces: Sequence[str]
    edits: Sequence[str] = ()

    @property
    def name(self) -> Name:
        """The image:tag."""
        return self.entry.name


def steps(entries: Sequence[LogEntry], rollbacks: Collection[tuple[str, Name]]) -> Iterator[LogStep]:
    """Yield the entries of a log, those of one commit to one image:tag together; `digest` is the one to pull by.

    `rollbacks` are those of the site.
    """
    for _, group in groupby(entries, lambda entry: (entry.commit, entry.name, entry.action)):
        alike = list(group)
        first = alike[0]
        pulled = first.index or (first.digest if len(alike) == 1 else "")
        replaced = [first.replaces_index] if first.replaces_index else [one for each in alike for one in each.replaces]
        yield LogStep(
            first, ", ".join(entry.platform for entry in alike if entry.platform),
            _step_badge(alike, rollbacks), pulled, replaced,
            list(dict.fromkeys(edit_words(edit) for each in alike for edit in each.edits)),
        )  # fmt: skip


def edit_words(edit: FactEdit) -> str:
    """Return what became of a label, of the TTL or of a base, such as `label team=storefront`."""
    match edit.field:
        case "labels":
            said = f"label {edit.key}={edit.value}" if edit.value is not None else f"label {edit.key} removed"
        case "ttl":
            said = f"TTL {edit.value}" if edit.value else "TTL removed"
        case _:
            said = f"built on {edit.key}" if edit.value else f"no longer built on {edit.key}"
    return prose(said, 300)


def by_image(names: Iterable[Name]) -> list[tuple[str, list[Name]]]:
    """Return names, which are in order, by their images."""
    return [(image, list(group)) for image, group in groupby(names, lambda name: name.image)]


def _step_badge(entries: Sequence[LogEntry], rollbacks: Collection[tuple[str, Name]]) -> Badge:
    first = entries[0]
    if (first.commit, first.name) in rollbacks:
        return Badge("doubtful", "rollback")
    if any(map(is_forced, entries)):
        return Badge("doubtful", "forced publish")
    return Badge(_ACTIONS.get(first.action, "minor"), first.action)


def counted_words(number: int, noun: str) -> str:
    """Return a number of things in words, with a comma after its thousands."""
    return counted(number, noun).replace(str(number), f"{number:,}", 1)


def moment(at: Timestamp) -> str:
    """Return a time as a page has it without a script: `2026-11-24 09:30 UTC`."""
    return f"{at[:10]} {at[11:16]} UTC"


def prose(text: str, limit: int = TEXT_MAX) -> str:
    """Return free text as a page has it: of bounded length, and without the credentials of URLs in it."""
    return shown(text, limit)


def shown_person(by: str) -> str:
    """Return the name of a person as a page has it."""
    return prose(by, 100)


def who(entry: LogEntry) -> str:
    """Return who did something: who started the run, as the message claims, or else the commit's author."""
    return entry.run.actor or entry.by


def who_of(entries: Sequence[LogEntry]) -> str:
    """Return who made a commit, given what it did: who started its only run, or else its author."""
    return common_run(entries).actor or entries[0].by


class Told(NamedTuple):
    """A fact of an image:tag, and of which of its platforms, `""` for all."""

    platform: str
    value: str


def told(records: Sequence[Record], fact: Callable[[Record], Sequence[str]]) -> list[Told]:
    """Return a fact of each record of an image:tag, once if it is the same for all."""
    values = {record.platform or "": tuple(fact(record)) for record in records}
    if len(set(values.values())) == 1:
        return [Told("", value) for value in next(iter(values.values()))]
    return [Told(platform, value) for platform, all_of_it in values.items() for value in all_of_it]
